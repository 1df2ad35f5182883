"""Selectors on the command line: `88.1042.2#ac_power`."""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.model.catalogue import Selector
from gridledger.model.errors import ModelError
from gridledger.model.identifier import SystemIdentifier

__all__ = ["parse_selectors"]


def parse_selectors(texts: Sequence[str]) -> tuple[Selector, ...]:
    """Read selectors.

    Raises
    ------
    ModelError
        If one is none.

    Examples
    --------
    >>> [str(one) for one in parse_selectors(["88.1042.2#ac_power"])]
    ['88.1042.2#ac_power']
    """
    found: list[Selector] = []
    for text in texts:
        system, sign, name = text.partition("#")
        if not sign:
            raise ModelError({text: "want SYSTEM#NAME"}, subject="selector")
        found.append(Selector(system=SystemIdentifier(system), name=name))
    return tuple(found)
