"""What chaincode events say, where they do not carry a record of the ledger."""

from __future__ import annotations

from gridledger.model.change import DeviceMove
from gridledger.model.device import DeclaredIdentity
from gridledger.model.fee import FeeKey
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier, SystemIdentifier
from gridledger.model.record import ModelValue, value

__all__ = [
    "AssociationsDeposited",
    "ClaimNotice",
    "DevicesChanged",
    "DevicesMoved",
    "DevicesRegistered",
    "FeesPaid",
    "FieldsChanged",
    "FieldsRegistered",
    "HoldsReturned",
    "OrdersSettled",
    "PaidIn",
    "Registered",
    "SettledLine",
    "SystemRated",
]


@value
class Registered(ModelValue):
    """Items of a batch that were accepted."""

    system: SystemIdentifier
    count: int


@value
class DevicesRegistered(ModelValue):
    """Devices that were registered, and the common identities by which some are key devices now."""

    system: SystemIdentifier
    count: int
    shared: tuple[DeclaredIdentity, ...]
    """Declared by two systems or more."""


@value
class DevicesChanged(ModelValue):
    """Devices whose state, validity or description changed."""

    system: SystemIdentifier
    devices: tuple[DeviceIdentifier, ...]


@value
class DevicesMoved(ModelValue):
    """Devices that have other identifiers now, their fields with them."""

    system: SystemIdentifier
    moves: tuple[DeviceMove, ...]


@value
class FieldsChanged(ModelValue):
    """Fields whose state, validity or metadata changed."""

    system: SystemIdentifier
    fields: tuple[FieldIdentifier, ...]


@value
class FieldsRegistered(ModelValue):
    """Fields that were registered, and the common identities of the key devices among their devices."""

    system: SystemIdentifier
    count: int
    shared: tuple[DeclaredIdentity, ...]
    """Declared by two systems or more."""


@value
class AssociationsDeposited(ModelValue):
    """Association catalogues that were deposited anew."""

    root: SystemIdentifier
    identities: tuple[DeclaredIdentity, ...]


@value
class PaidIn(ModelValue):
    """Money that came in from outside."""

    account: SystemIdentifier
    amount_milliyuan: int


@value
class SettledLine(ModelValue):
    """One line of an order that was paid."""

    order: str
    owner: SystemIdentifier
    amount_milliyuan: int


@value
class OrdersSettled(ModelValue):
    """Lines that were paid with their contracts."""

    lines: tuple[SettledLine, ...]


@value
class HoldsReturned(ModelValue):
    """Lines of an order whose money went back to the payer."""

    order: str
    owners: tuple[SystemIdentifier, ...]
    amount_milliyuan: int


@value
class ClaimNotice(ModelValue):
    """A claim that was made or denied."""

    order: str
    owner: SystemIdentifier
    answer_until_ms: int
    denial: str | None = None


@value
class FeesPaid(ModelValue):
    """Fees that went to the platform."""

    account: SystemIdentifier
    fees: tuple[FeeKey, ...]
    amount_milliyuan: int


@value
class SystemRated(ModelValue):
    """A party of an order has rated the other one."""

    rated: SystemIdentifier
    rater: SystemIdentifier
    order: str
    score: int
