"""Pages: what listing queries return; the bookmark of the next page is empty at the end."""

from __future__ import annotations

from gridledger.model.device import Device, RegisteredField
from gridledger.model.record import ModelValue, value
from gridledger.model.trade import OwnedMoney

__all__ = ["DevicePage", "FieldPage", "MoneyPage"]


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
