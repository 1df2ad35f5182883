"""Changes of what is registered: moves to other identifiers, states, validity, descriptions.

Source: CN112508707B, [0066], [0068].
"""

from __future__ import annotations

from collections.abc import Iterable

from gridledger.model.device import FieldMetadata
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier
from gridledger.model.lifecycle import Validity
from gridledger.model.record import ModelValue, value
from gridledger.model.states import IdentifierState
from gridledger.model.system import LongText, ShortText

__all__ = ["DeviceChange", "DeviceMove", "FieldChange", "SystemChange"]

_NOTHING = "nothing is to change"


@value
class DeviceMove(ModelValue):
    """A device gets another own code, another prefix, or both."""

    device: DeviceIdentifier
    to: DeviceIdentifier

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if self.device == self.to:
            yield "to", "is the identifier that it has"


@value
class DeviceChange(ModelValue):
    """What changes of a device; what is left out stays."""

    device: DeviceIdentifier
    state: IdentifierState | None = None
    validity: Validity | None = None
    """An empty one is valid always."""
    reason: ShortText | None = None
    name: ShortText | None = None
    description: LongText | None = None
    region: ShortText | None = None

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        wanted = (self.state, self.validity, self.name, self.description, self.region)
        if all(one is None for one in wanted):
            yield "state", _NOTHING


@value
class FieldChange(ModelValue):
    """What changes of a field; what is left out stays."""

    field: FieldIdentifier
    state: IdentifierState | None = None
    validity: Validity | None = None
    """An empty one is valid always."""
    reason: ShortText | None = None
    metadata: FieldMetadata | None = None

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if all(one is None for one in (self.state, self.validity, self.metadata)):
            yield "state", _NOTHING


@value
class SystemChange(ModelValue):
    """What changes of a system; what is left out stays."""

    state: IdentifierState | None = None
    validity: Validity | None = None
    """An empty one is valid always."""
    reason: ShortText

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if self.state is None and self.validity is None:
            yield "state", _NOTHING
