"""Pages: what listing queries return; the bookmark of the next page is empty at the end."""

from __future__ import annotations

from gridledger.model.agreement import Agreement
from gridledger.model.device import Device, RegisteredField
from gridledger.model.fee import Fee
from gridledger.model.record import ModelValue, value
from gridledger.model.trade import OwnedMoney

__all__ = ["AgreementPage", "DevicePage", "FeePage", "FieldPage", "MoneyPage", "UsePage"]


@value
class DevicePage(ModelValue):
    """Devices of a system, by own code."""

    devices: tuple[Device, ...]
    bookmark: str


@value
class FieldPage(ModelValue):
    """Fields of a system, by own code and name."""

    fields: tuple[RegisteredField, ...]
    bookmark: str


@value
class MoneyPage(ModelValue):
    """Notes or delta rows of an account."""

    money: tuple[OwnedMoney, ...]
    bookmark: str


@value
class AgreementPage(ModelValue):
    """Agreements of a party."""

    agreements: tuple[Agreement, ...]
    bookmark: str


@value
class UsePage(ModelValue):
    """Numbers of an agreement's queries that were made."""

    numbers: tuple[int, ...]
    bookmark: str


@value
class FeePage(ModelValue):
    """Fees that an account owes."""

    fees: tuple[Fee, ...]
    bookmark: str
