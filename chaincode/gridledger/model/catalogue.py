"""The association catalogue, and what of it is published to data applications.

Source: CN112508707B, [0075] to [0079].
"""

from __future__ import annotations

from collections.abc import Iterable

from gridledger.model.device import DeclaredIdentity, FieldName
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier
from gridledger.model.lifecycle import Validity
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.states import IdentifierState

__all__ = [
    "LEAST_SYSTEMS",
    "MAX_AUDIENCE",
    "Association",
    "AssociationMember",
    "Audience",
    "Publication",
    "PublicationEntry",
    "Selector",
]

LEAST_SYSTEMS = 2
"""Systems that manage a key device, and that a resolution targets, at least."""

MAX_SELECTORS = 256

MAX_AUDIENCE = 200
"""Applications that one owner's fields are published to: with the eight prefixes that it may have had before,
what is written when its state changes is less than a batch."""


@value
class Selector(ModelValue):
    """A field of a system, whatever the device."""

    system: SystemIdentifier
    name: FieldName

    def __str__(self) -> str:
        return f"{self.system}#{self.name}"


@value
class AssociationMember(ModelValue):
    """One system's device of an association, and the fields that it shares."""

    device: DeviceIdentifier
    fields: tuple[FieldName, ...]


@record("association/1")
class Association(Record):
    """The association catalogue of a key device."""

    root: SystemIdentifier
    identity: DeclaredIdentity
    members: tuple[AssociationMember, ...]
    revision: int
    """Counts from 1; each deposit that changes it adds one."""
    deposited_ms: int
    conflicts: tuple[FieldName, ...] | None = None
    """Fields that two systems or more claim, sorted; left out where there are none."""


@value
class PublicationEntry(ModelValue):
    """Fields of one key device that concern a data application."""

    application: SystemIdentifier
    identity: DeclaredIdentity
    """The key device in whose association catalogue they stand."""
    selectors: tuple[Selector, ...]

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if not 1 <= len(self.selectors) <= MAX_SELECTORS:
            yield "selectors", f"want 1 to {MAX_SELECTORS}"


@record("publication/1")
class Publication(Record):
    """Fields of one system that a data application may build rules on."""

    application: SystemIdentifier
    system: SystemIdentifier
    names: tuple[FieldName, ...]
    """Sorted, each once."""
    published_ms: int
    withdrawn: tuple[FieldName, ...] | None = None
    """What the owner took back, sorted; left out where that is nothing."""
    owner_state: IdentifierState | None = None
    """That of the owner, where it is not active: who reads the publication need not read that, too."""
    owner_validity: Validity | None = None
    """That of the owner, where it has one."""

    def is_in_force(self, now_ms: int) -> bool:
        """Tell whether its owner is active and valid at a moment: only then its fields resolve."""
        return self.owner_state is None and (self.owner_validity is None or self.owner_validity.holds(now_ms))


@record("audience/1")
class Audience(Record):
    """The data applications that something of a system is or was published to, the first one first."""

    applications: tuple[SystemIdentifier, ...]
