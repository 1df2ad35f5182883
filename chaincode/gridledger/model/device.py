"""Devices and other objects, their fields, and what a query of a field costs.

Source: CN112508707B, [0058] to [0064], [0085].
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from gridledger.model.digest import Digest
from gridledger.model.errors import ModelError
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier, SystemIdentifier
from gridledger.model.lifecycle import ENTRY_STATES, Actor, Validity
from gridledger.model.period import Frequency
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.states import IdentifierState
from gridledger.model.system import LongText, ShortText, UserRole

__all__ = [
    "LABEL_SCHEME",
    "MAX_BATCH_ITEMS",
    "MAX_FIELDS_A_DEVICE",
    "MAX_MOVES",
    "ChargingStandard",
    "CommonIdentity",
    "DeclaredIdentity",
    "Device",
    "DeviceApproval",
    "DeviceEntry",
    "FieldEntry",
    "FieldMetadata",
    "ItemResult",
    "ObjectClass",
    "ObjectKind",
    "ObjectMark",
    "PriceTerm",
    "RegisteredField",
    "StandardEntry",
    "state_for_fields",
]

MAX_BATCH_ITEMS = 2000
"""Items a call; the national identifier nodes take as many."""

_OUT_OF_FORCE = frozenset({IdentifierState.SUSPENDED, IdentifierState.REVOKED})
MAX_FIELDS_A_DEVICE = 256
MAX_IDENTITIES_A_DEVICE = 8
MAX_DEVICES_AN_IDENTITY = 64
MAX_DEVICES_OF_ONE = 16
"""Devices of one system that declare the same identity: nobody fills it so that others find no place."""
MAX_MOVES = 8
"""Times that an identifier may move, so that following is bounded."""

MAX_PRICE_MILLIYUAN = 10**12
"""A milliard yuan: beyond any price, and sums of a thousand stay exact."""

LABEL_SCHEME = "label"
"""Scheme of the identity that is read from a label: the value is the device identifier on it."""

MAX_IDENTITY_LENGTH = 64
"""Characters of a common identity's value; a label's may be as long as identifiers are."""

FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.\-]{0,63}$")]
Price = Annotated[int, Field(ge=0, le=MAX_PRICE_MILLIYUAN)]
ObjectKind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9\-]{0,31}$")]
"""What something is in its owner's words, such as `meter`."""


class ObjectClass(StrEnum):
    """What has an identifier and is no device; lists of it are filtered in the store."""

    PLANT = "plant"
    PROJECT = "project"
    PRODUCT = "product"


@value
class DeclaredIdentity(ModelValue):
    """What several systems know a device by, such as a serial number or a plant code."""

    scheme: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9\-]{0,31}$")]
    value: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,512}$")]

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if self.scheme == LABEL_SCHEME:
            try:
                DeviceIdentifier.parse(self.value)
            except ModelError:
                yield "value", "is no device identifier"
        elif len(self.value) > MAX_IDENTITY_LENGTH:
            yield "value", f"is longer than {MAX_IDENTITY_LENGTH} characters"

    def __str__(self) -> str:
        return f"{self.scheme}={self.value}"

    @classmethod
    def of_label(cls, device: DeviceIdentifier) -> DeclaredIdentity:
        """Return the identity of what carries a device's label."""
        return cls(scheme=LABEL_SCHEME, value=str(device))

    @property
    def labelled(self) -> DeviceIdentifier | None:
        """The device on whose label it was read, if it was."""
        return DeviceIdentifier.parse(self.value) if self.scheme == LABEL_SCHEME else None


@value
class DeviceEntry(ModelValue):
    """A device, or another object such as a plant, as its owner registers it."""

    own_code: str
    """What the owner calls it."""
    name: ShortText
    kind: ObjectKind
    """What it is, such as `meter` or `plant`."""
    identities: tuple[DeclaredIdentity, ...] = ()
    description: LongText | None = None
    region: ShortText | None = None
    """Where it stands."""
    object_class: ObjectClass | None = None
    """Left out for a device."""
    state: IdentifierState | None = None
    """`planned` or `registered`; left out for `allocated`."""
    validity: Validity | None = None

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if len(self.identities) > MAX_IDENTITIES_A_DEVICE:
            yield "identities", f"are more than {MAX_IDENTITIES_A_DEVICE}"
        if len({str(identity) for identity in self.identities}) != len(self.identities):
            yield "identities", "one stands twice"
        if self.state is IdentifierState.ALLOCATED or self.state not in (None, *ENTRY_STATES):
            yield "state", "want planned or registered, or leave it out"


@value
class DeviceApproval(ModelValue):
    """An auditor's word that a device exists."""

    device: DeviceIdentifier
    evidence: Digest
    """SHA-256 of what the auditor saw."""


@record("device/1")
class Device(Record):
    """A registered device or other object."""

    identifier: DeviceIdentifier
    name: ShortText
    kind: str
    identities: tuple[DeclaredIdentity, ...]
    fields: tuple[FieldName, ...]
    """Names of its registered fields, sorted."""
    state: IdentifierState
    registered_ms: int
    evidence: Digest | None = None
    description: LongText | None = None
    region: ShortText | None = None
    object_class: ObjectClass | None = None
    validity: Validity | None = None
    suspended_by: Actor | None = None
    limited_by: Actor | None = None
    """Who set its validity: what the platform set its owner cannot change."""
    reason: ShortText | None = None
    """Why its state was changed last."""
    former: tuple[DeviceIdentifier, ...] | None = None
    """What it was called before, the oldest first."""
    moved_to: DeviceIdentifier | None = None
    """What it is called now; it is revoked here then."""

    def is_in_force(self, now_ms: int) -> bool:
        """Tell whether it is active and valid at a moment: only then it resolves."""
        return _is_in_force(self.state, self.validity, now_ms)

    @property
    def labels(self) -> tuple[DeviceIdentifier, ...]:
        """What stands on its labels: its identifier, and former ones."""
        return (self.identifier, *(self.former or ()))

    @property
    def known_as(self) -> tuple[DeclaredIdentity, ...]:
        """What it may be found by: what its owner declared, and its labels, former ones too."""
        return (*self.identities, *(DeclaredIdentity.of_label(one) for one in self.labels))


@record("object-mark/1")
class ObjectMark(Record):
    """An object of this class stands under the own code of the key."""

    registered_ms: int


@record("common-identity/1")
class CommonIdentity(Record):
    """All devices below a root that declare a common identity, in the order of their registration."""

    identity: DeclaredIdentity
    devices: tuple[DeviceIdentifier, ...]

    def systems(self) -> tuple[SystemIdentifier, ...]:
        """Return the systems that declare it, each once."""
        return tuple(dict.fromkeys(device.system for device in self.devices))


@value
class FieldMetadata(ModelValue):
    """What a field is."""

    title: ShortText
    unit: Annotated[str, StringConstraints(max_length=32)]
    """Unit of its values, empty for none; `kW`, `kWh`, `W/m2`."""
    data_type: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9\-]{0,31}$")]
    """`number`, `text`, `date`, `time`."""
    frequency: Frequency
    roles: tuple[UserRole, ...]
    """User roles that the owner admits, sorted."""
    description: LongText | None = None
    """What it says and how it is measured, in words: what people search by."""
    region: ShortText | None = None
    """Where its devices stand, as the owner's users name it."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if not 1 <= len(self.roles) <= 32 or list(self.roles) != sorted(set(self.roles)):
            yield "roles", "want 1 to 32, sorted, each once"


@value
class FieldEntry(ModelValue):
    """A field as its owner registers it, with its first charging standard."""

    own_code: str
    name: FieldName
    metadata: FieldMetadata
    price_milliyuan: Price
    """For one query."""


@record("field/1")
class RegisteredField(Record):
    """A field that its owner shares."""

    identifier: FieldIdentifier
    metadata: FieldMetadata
    state: IdentifierState
    registered_ms: int
    validity: Validity | None = None
    suspended_by: Actor | None = None
    limited_by: Actor | None = None
    """Who set its validity: what the platform set its owner cannot change."""
    reason: ShortText | None = None
    """Why its state was changed last."""
    moved_to: FieldIdentifier | None = None
    """What it is called now; it is revoked here then."""
    device_state: IdentifierState | None = None
    """That of its device, where it is suspended or revoked: who reads the field need not read that, too."""

    def is_in_force(self, now_ms: int) -> bool:
        """Tell whether it is active and valid at a moment, and its device not suspended: then it resolves."""
        return self.device_state is None and _is_in_force(self.state, self.validity, now_ms)


@value
class StandardEntry(ModelValue):
    """A new charging standard for a field."""

    field: FieldIdentifier
    price_milliyuan: Price
    valid_from_ms: int | None = None
    """Milliseconds since 1970; from the registration on where it is left out, never before."""
    valid_until_ms: int | None = None
    """First moment at which it holds no more; open where it is left out."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if self.valid_until_ms is not None and self.valid_until_ms <= (self.valid_from_ms or 0):
            yield "valid_until_ms", "is not after valid_from_ms"


@value
class PriceTerm(ModelValue):
    """A version of a charging standard, and when it holds."""

    version: int
    price_milliyuan: Price
    valid_from_ms: int
    valid_until_ms: int | None = None


@record("charging-standard/1")
class ChargingStandard(Record):
    """The price of one query of a field; the version counts from 1."""

    field: FieldIdentifier
    version: int
    price_milliyuan: Price
    valid_from_ms: int
    valid_until_ms: int | None = None
    """First moment at which it holds no more."""
    earlier: PriceTerm | None = None
    """The version that holds until this one begins, where this one was set ahead."""

    def at(self, now_ms: int) -> ChargingStandard | None:
        """Return the standard that holds at a moment; None where none does.

        Parameters
        ----------
        now_ms : int
            Milliseconds since 1970, by the ledger's time.
        """
        if now_ms >= self.valid_from_ms:
            ended = self.valid_until_ms is not None and now_ms >= self.valid_until_ms
            return None if ended else replace(self, earlier=None)
        if self.earlier is None:
            return None
        term = self.earlier
        return ChargingStandard(
            field=self.field,
            version=term.version,
            price_milliyuan=term.price_milliyuan,
            valid_from_ms=term.valid_from_ms,
            valid_until_ms=term.valid_until_ms,
        ).at(now_ms)


@value
class ItemResult(ModelValue):
    """What became of one item of a batch."""

    item: str
    """The item's own code or identifier as it was given."""
    identifier: str | None = None
    """The identifier it was given."""
    code: str | None = None
    """The refusal's code; left out where there is none."""
    message: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether the item was accepted."""
        return self.code is None


def state_for_fields(device: Device) -> IdentifierState | None:
    """Return what a device's fields say of its state: nothing unless it is suspended or revoked."""
    return device.state if device.state in _OUT_OF_FORCE else None


def _is_in_force(state: IdentifierState, validity: Validity | None, now_ms: int) -> bool:
    return state is IdentifierState.ACTIVE and (validity is None or validity.holds(now_ms))
