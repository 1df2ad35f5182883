"""Associations that are in doubt: candidates, which both owners must confirm.

Source: CN112508707B, [0076], [0077].
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from gridledger.model.catalogue import Association
from gridledger.model.device import DeclaredIdentity
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.states import CandidateState, Doubt

__all__ = ["AssociationCandidate", "AssociationPage", "CandidateEntry", "CandidatePage", "DevicePair"]


@value
class DevicePair(ModelValue):
    """Two devices of different systems, in the order of their identifiers."""

    first: DeviceIdentifier
    second: DeviceIdentifier

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if not str(self.first) < str(self.second):
            yield "second", "stands before the first"
        if self.first.system == self.second.system:
            yield "second", "is of the same system: its owner knows"

    @classmethod
    def of(cls, one: DeviceIdentifier, other: DeviceIdentifier) -> Self:
        """Return a pair, whichever was named first."""
        first, second = sorted((one, other), key=str)
        return cls(first=first, second=second)

    def systems(self) -> tuple[SystemIdentifier, SystemIdentifier]:
        """Return both owners."""
        return self.first.system, self.second.system


@value
class CandidateEntry(ModelValue):
    """Two devices that may be one, and the identity that one of them declares."""

    devices: DevicePair
    identity: DeclaredIdentity
    """What both would declare once they are confirmed."""


@record("association-candidate/1")
class AssociationCandidate(Record):
    """An association in doubt."""

    root: SystemIdentifier
    devices: DevicePair
    identity: DeclaredIdentity
    doubt: Doubt
    state: CandidateState
    confirmed_by: tuple[SystemIdentifier, ...]
    proposed_ms: int
    decided_ms: int | None = None


@value
class CandidatePage(ModelValue):
    """Candidates below a root, by device."""

    candidates: tuple[AssociationCandidate, ...]
    bookmark: str


@value
class AssociationPage(ModelValue):
    """Association catalogues below a root, by common identity."""

    associations: tuple[Association, ...]
    bookmark: str
