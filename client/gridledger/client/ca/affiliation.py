"""Affiliations: the tree by which an authority delegates who may register whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from gridledger.client.ca.errors import CaReplyInvalid
from gridledger.client.ca.reply import Result

__all__ = ["Affiliation"]

_DEEPEST: Final = 32


@dataclass(frozen=True, kw_only=True)
class Affiliation:
    """A place in the tree, with all below it."""

    name: str
    """Its full name, such as ``org1.department1``; empty for the root of all."""

    below: tuple[Affiliation, ...] = ()
    """Those right below it."""

    @classmethod
    def read(cls, result: Result, depth: int = 0) -> Self:
        """Read it from an answer; CaReplyInvalid when it is none, or deeper than 32."""
        if depth > _DEEPEST:
            raise CaReplyInvalid("the affiliations are nested too deeply")
        below = tuple(cls.read(one, depth + 1) for one in result.items("affiliations"))
        return cls(name=result.text("name", ""), below=below)

    def names(self) -> Iterator[str]:
        """Yield its full name and those of all below, depth first."""
        if self.name:
            yield self.name
        for one in self.below:
            yield from one.names()
