"""Histories of what is registered: every version with the transaction that wrote it.

Source: CN112508707B, [0066] to [0068].
"""

from __future__ import annotations

from gridledger.model.device import ChargingStandard, Device, RegisteredField
from gridledger.model.record import ModelValue, value
from gridledger.model.system import System

__all__ = ["DeviceVersion", "FieldVersion", "StandardVersion", "SystemVersion", "Version"]


@value
class Version(ModelValue):
    """When something was written."""

    tx_id: str
    """The transaction."""
    claimed_ms: int
    """The time that it claims, within two minutes of the ledger's."""


@value
class SystemVersion(ModelValue):
    """A version of a system."""

    version: Version
    system: System


@value
class DeviceVersion(ModelValue):
    """A version of a device, under the identifier that it had then."""

    version: Version
    device: Device


@value
class FieldVersion(ModelValue):
    """A version of a field, under the identifier that it had then."""

    version: Version
    field: RegisteredField


@value
class StandardVersion(ModelValue):
    """A version of a charging standard."""

    version: Version
    standard: ChargingStandard
