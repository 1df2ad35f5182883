"""Who answers for a field, and which others share the same.

Source: CN112508707B, [0079].
"""

from __future__ import annotations

from gridledger.model.device import DeclaredIdentity, Device, FieldName, RegisteredField
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.system import System

__all__ = ["ConflictPage", "FieldConflict", "Ownership", "RivalField"]


@value
class RivalField(ModelValue):
    """A system's field of the same name and data type as another's, on the same device."""

    field: FieldIdentifier
    registered_ms: int


@record("field-conflict/1")
class FieldConflict(Record):
    """Two or more systems share the same field of a key device."""

    root: SystemIdentifier
    identity: DeclaredIdentity
    """By which their devices are one."""
    name: FieldName
    rivals: tuple[RivalField, ...]
    """The earliest first."""
    found_ms: int
    settled_ms: int | None = None
    """When fewer than two rivals were left."""


@value
class ConflictPage(ModelValue):
    """Conflicts below a root, by common identity and field name."""

    conflicts: tuple[FieldConflict, ...]
    bookmark: str


@value
class Ownership(ModelValue):
    """What the ledger says about a field's owner at a moment."""

    field: RegisteredField
    device: Device
    owner: System
    registered_tx: str
    """The transaction that registered the field."""
    rivals: tuple[RivalField, ...]
    """The same field of other systems at this moment, the earliest first."""
    mark_ms: int
    """The ledger's time mark: not older than the state that was read by more than its renewal takes."""
