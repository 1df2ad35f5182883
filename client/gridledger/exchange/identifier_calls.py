"""The registry's transactions and queries over devices and fields as typed calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gridledger.client import Deadlines
from gridledger.exchange.contract_calls import ContractCalls
from gridledger.model.change import DeviceChange, DeviceMove, FieldChange
from gridledger.model.device import (
    ChargingStandard,
    Device,
    DeviceApproval,
    DeviceEntry,
    FieldEntry,
    ItemResult,
    ObjectClass,
    RegisteredField,
    StandardEntry,
)
from gridledger.model.history import DeviceVersion, FieldVersion, StandardVersion
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier, SystemIdentifier
from gridledger.model.page import DevicePage, FieldPage

__all__ = ["BATCH_DEADLINES", "IdentifierCalls"]

BATCH_DEADLINES: Final = Deadlines(endorse=60.0, submit=15.0, commit_status=120.0)
"""For a registration of 2,000 items: a second of work for each peer, many times that on a busy machine."""

_ITEMS = tuple[ItemResult, ...]


class IdentifierCalls(ContractCalls):
    """Devices, other objects and fields; see `ExchangeLedger`.

    Notes
    -----
    Batches take up to 2,000 items and return a result for each. Under the same call key and with the same
    items a batch may be repeated: it is done once, and every repeat returns the same results.
    """

    async def register_devices(
        self, system: SystemIdentifier, entries: Sequence[DeviceEntry], *, call_key: str | None = None
    ) -> tuple[ItemResult, ...]:
        """Register up to 2,000 devices."""
        return await self._once(
            _ITEMS,
            "registry",
            "RegisterDevices",
            system,
            list(entries),
            call_key=call_key,
            deadlines=BATCH_DEADLINES,
            is_long=True,
        )

    async def approve_devices(
        self, root: SystemIdentifier, approvals: Sequence[DeviceApproval]
    ) -> tuple[ItemResult, ...]:
        """Approve up to 2,000 devices."""
        return await self._submit(_ITEMS, "registry", "ApproveDevices", root, list(approvals))

    async def register_fields(
        self, system: SystemIdentifier, entries: Sequence[FieldEntry], *, call_key: str | None = None
    ) -> tuple[ItemResult, ...]:
        """Register up to 2,000 fields with their charging standards."""
        return await self._once(
            _ITEMS,
            "registry",
            "RegisterFields",
            system,
            list(entries),
            call_key=call_key,
            deadlines=BATCH_DEADLINES,
            is_long=True,
        )

    async def set_charging_standards(
        self, system: SystemIdentifier, entries: Sequence[StandardEntry], *, call_key: str | None = None
    ) -> tuple[ItemResult, ...]:
        """Set up to 2,000 new charging standards."""
        return await self._once(
            _ITEMS, "registry", "SetChargingStandards", system, list(entries), call_key=call_key
        )

    async def move_devices(
        self, system: SystemIdentifier, moves: Sequence[DeviceMove], *, call_key: str | None = None
    ) -> tuple[ItemResult, ...]:
        """Give devices other own codes, or bring them below the system's new prefix."""
        return await self._once(_ITEMS, "registry", "MoveDevices", system, list(moves), call_key=call_key)

    async def change_devices(
        self, system: SystemIdentifier, changes: Sequence[DeviceChange]
    ) -> tuple[ItemResult, ...]:
        """Change states, validity and descriptions of devices."""
        return await self._submit(_ITEMS, "registry", "ChangeDevices", system, list(changes))

    async def change_fields(
        self, system: SystemIdentifier, changes: Sequence[FieldChange]
    ) -> tuple[ItemResult, ...]:
        """Change states, validity and metadata of fields."""
        return await self._submit(_ITEMS, "registry", "ChangeFields", system, list(changes))

    async def batch_results(self, call_key: str) -> tuple[ItemResult, ...]:
        """Return the results of a batch that was done under a call key by the caller's organisation.

        Raises
        ------
        NotFound, CallCancelled
            Nothing was done under it, or it was cancelled.
        ModelError
            What was done under it is no batch.
        """
        return await self._earlier(_ITEMS, call_key)

    async def device(self, device: DeviceIdentifier) -> Device:
        """Return a device."""
        return await self._ask(Device, "registry", "GetDevice", device)

    async def devices(self, system: SystemIdentifier, bookmark: str = "") -> DevicePage:
        """Return a page of a system's devices."""
        return await self._ask(DevicePage, "registry", "ListDevices", system, bookmark)

    async def field(self, field: FieldIdentifier) -> RegisteredField:
        """Return a field."""
        return await self._ask(RegisteredField, "registry", "GetField", field)

    async def fields(self, system: SystemIdentifier, bookmark: str = "") -> FieldPage:
        """Return a page of a system's data catalogue."""
        return await self._ask(FieldPage, "registry", "ListFields", system, bookmark)

    async def charging_standard(self, field: FieldIdentifier) -> ChargingStandard:
        """Return a field's charging standard."""
        return await self._ask(ChargingStandard, "registry", "GetChargingStandard", field)

    async def objects(
        self, system: SystemIdentifier, object_class: ObjectClass, bookmark: str = ""
    ) -> DevicePage:
        """Return a page of a system's plants, projects or products."""
        return await self._ask(DevicePage, "registry", "ListObjects", system, object_class, bookmark)

    async def device_history(self, device: DeviceIdentifier) -> tuple[DeviceVersion, ...]:
        """Return the versions of a device under all identifiers that it had."""
        return await self._ask(tuple[DeviceVersion, ...], "registry", "GetDeviceHistory", device)

    async def field_history(self, field: FieldIdentifier) -> tuple[FieldVersion, ...]:
        """Return the versions of a field under all identifiers that it had."""
        return await self._ask(tuple[FieldVersion, ...], "registry", "GetFieldHistory", field)

    async def charging_standard_history(self, field: FieldIdentifier) -> tuple[StandardVersion, ...]:
        """Return all charging standards that a field ever had."""
        kind = tuple[StandardVersion, ...]
        return await self._ask(kind, "registry", "GetChargingStandardHistory", field)
