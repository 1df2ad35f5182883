"""The editions of OpenADR 3 that are spoken, and how they differ."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

__all__ = ["BASE_PATH", "Edition", "ObjectType", "Operation", "targets_of"]


BASE_PATH: Final = "/openadr3"
"""Where OpenADR is served; an edition's name follows."""


class Edition(StrEnum):
    """An edition; the last part of its base path."""

    V3_0 = "3.0.1"
    """Targets are maps of values; resources stand below their VEN."""
    V3_1 = "3.1.0"
    """Targets are strings; objects name their client; resources stand beside VENs."""


class ObjectType(StrEnum):
    """What an object is; `objectType` on the wire."""

    PROGRAM = "PROGRAM"
    EVENT = "EVENT"
    REPORT = "REPORT"
    SUBSCRIPTION = "SUBSCRIPTION"
    VEN = "VEN"
    RESOURCE = "RESOURCE"


class Operation(StrEnum):
    """What happens to an object, as 3.1 says it."""

    CREATE = "CREATE"
    READ = "READ"
    UPDATE = "UPDATE"
    DELETE = "DELETE"

    def said_in(self, edition: Edition) -> str:
        """Return the word of an edition: 3.0 names the methods of HTTP in notifications."""
        methods = {"CREATE": "POST", "READ": "GET", "UPDATE": "PUT", "DELETE": "DELETE"}
        return self.value if edition is Edition.V3_1 else methods[self.value]


def targets_of(kept: Sequence[Any] | None, edition: Edition) -> list[Any] | None:
    """Return targets in the form of an edition, whatever form they came in.

    Examples
    --------
    >>> targets_of(["zone-1"], Edition.V3_0)
    [{'type': 'TARGET', 'values': ['zone-1']}]
    >>> targets_of([{"type": "GROUP", "values": ["zone-1", 2]}], Edition.V3_1)
    ['zone-1', '2']
    """
    if kept is None:
        return None
    if edition is Edition.V3_0:
        return [one if isinstance(one, dict) else {"type": "TARGET", "values": [one]} for one in kept]
    flat: list[str] = []
    for one in kept:
        values = one["values"] if isinstance(one, dict) else [one]
        flat += [str(value)[:128] for value in values if str(value)]
    return flat
