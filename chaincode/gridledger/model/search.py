"""Who searches, and what of found fields and devices the ledger lets it see.

Source: CN112508707B, [0067], [0085], [0086].
"""

from __future__ import annotations

from collections.abc import Iterable

from gridledger.model.device import Device, RegisteredField
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier, SystemIdentifier
from gridledger.model.record import ModelValue, value
from gridledger.model.system import UserName, UserRole

__all__ = ["MAX_VIEWED", "DeviceView", "FieldView", "FoundDevice", "Viewer"]

MAX_VIEWED = 100
"""Fields or devices a call, and results a page of a search: some 50 KB."""


@value
class Viewer(ModelValue):
    """For whom a search is made.

    A business system sees what is its own. The aggregation system, and the auditors and administrators of its
    platform, see everything below the root. A data application sees what the user's role may have.
    """

    system: SystemIdentifier
    """The system that searches; the root for its platform."""

    user: UserName | None = None
    """A data application's user."""

    user_role: UserRole | None = None
    """One of the user's roles."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if (self.user is None) != (self.user_role is None):
            yield "user_role", "stands with the user, and only there"


@value
class FoundDevice(ModelValue):
    """A device that a search found, and the field by which a data application sees it."""

    device: DeviceIdentifier
    field: FieldIdentifier | None = None

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if self.field is not None and self.field.device != self.device:
            yield "field", "is another device's"


@value
class FieldView(ModelValue):
    """A field as the viewer may see it now."""

    identifier: FieldIdentifier
    field: RegisteredField | None = None
    """Left out where it may not be seen, or is not there."""


@value
class DeviceView(ModelValue):
    """A device as the viewer may see it now."""

    identifier: DeviceIdentifier
    device: Device | None = None
    """Left out where it may not be seen, or is not there."""
