"""The life cycle of identifiers: who may take one from which state to which, and when one is valid.

The table stands in chaincode/LEDGER.md, too, and a test compares both. One way is not in it: from `allocated`
to `active` an identifier goes by an auditor's approval of evidence, and in no other way.

Source: CN112508707B, [0066].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from gridledger.model.record import ModelValue, value
from gridledger.model.states import IdentifierState

__all__ = ["ENTRY_STATES", "TRANSITIONS", "Actor", "Validity", "may_change"]


class Actor(StrEnum):
    """Who changes an identifier's state."""

    OWNER = "owner"
    """The agent of the system that the identifier belongs to."""

    PLATFORM = "platform"
    """An auditor of the root's platform."""


_BOTH: Final = frozenset(Actor)
_OWNER: Final = frozenset({Actor.OWNER})

ENTRY_STATES: Final = frozenset(
    {IdentifierState.PLANNED, IdentifierState.REGISTERED, IdentifierState.ALLOCATED}
)
"""States in which an owner may register an identifier."""

TRANSITIONS: Final[Mapping[tuple[IdentifierState, IdentifierState], frozenset[Actor]]] = {
    (IdentifierState.PLANNED, IdentifierState.REGISTERED): _OWNER,
    (IdentifierState.PLANNED, IdentifierState.ALLOCATED): _OWNER,
    (IdentifierState.PLANNED, IdentifierState.REVOKED): _BOTH,
    (IdentifierState.REGISTERED, IdentifierState.ALLOCATED): _OWNER,
    (IdentifierState.REGISTERED, IdentifierState.REVOKED): _BOTH,
    (IdentifierState.ALLOCATED, IdentifierState.REVOKED): _BOTH,
    (IdentifierState.ACTIVE, IdentifierState.SUSPENDED): _BOTH,
    (IdentifierState.ACTIVE, IdentifierState.REVOKED): _BOTH,
    (IdentifierState.SUSPENDED, IdentifierState.ACTIVE): _BOTH,
    (IdentifierState.SUSPENDED, IdentifierState.REVOKED): _BOTH,
}
"""From and to: who may. What is not here nobody may; nothing leaves `revoked`."""


def may_change(
    before: IdentifierState, after: IdentifierState, actor: Actor, *, suspended_by: Actor | None = None
) -> bool:
    """Tell whether an actor may take an identifier from one state to another.

    Parameters
    ----------
    before, after : IdentifierState
    actor : Actor
    suspended_by : Actor, optional
        Who suspended it: what the platform suspended its owner cannot make active.

    Examples
    --------
    >>> may_change(IdentifierState.ACTIVE, IdentifierState.SUSPENDED, Actor.OWNER)
    True
    >>> may_change(IdentifierState.REVOKED, IdentifierState.ACTIVE, Actor.PLATFORM)
    False
    """
    if actor not in TRANSITIONS.get((before, after), frozenset()):
        return False
    lifts = (before, after) == (IdentifierState.SUSPENDED, IdentifierState.ACTIVE)
    return not (lifts and suspended_by is Actor.PLATFORM and actor is Actor.OWNER)


_Moment = Annotated[int, Field(ge=0)]


@value
class Validity(ModelValue):
    """When an identifier or price is valid, by the ledger's time; open where a bound is left out."""

    from_ms: _Moment | None = None
    """First moment, milliseconds since 1970."""
    until_ms: _Moment | None = None
    """First moment at which it is valid no more."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if self.from_ms is not None and self.until_ms is not None and self.from_ms >= self.until_ms:
            yield "until_ms", "is not after from_ms"

    def holds(self, now_ms: int) -> bool:
        """Tell whether it is valid at a moment.

        Examples
        --------
        >>> Validity(from_ms=5, until_ms=7).holds(5), Validity(from_ms=5, until_ms=7).holds(7)
        (True, False)
        """
        return (self.from_ms is None or self.from_ms <= now_ms) and (
            self.until_ms is None or now_ms < self.until_ms
        )
