"""The registry's transactions and queries as typed calls."""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.exchange.contract_calls import ContractCalls
from gridledger.model.device import (
    ChargingStandard,
    Device,
    DeviceApproval,
    DeviceEntry,
    FieldEntry,
    ItemResult,
    RegisteredField,
    StandardEntry,
)
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier, SystemIdentifier
from gridledger.model.page import DevicePage, FieldPage
from gridledger.model.system import (
    ApplicationUser,
    System,
    SystemApplication,
    SystemCheck,
    SystemProfile,
)

__all__ = ["RegistryCalls"]

_ITEMS = tuple[ItemResult, ...]


class RegistryCalls(ContractCalls):
    """The registry's transactions and queries as typed calls; see `ExchangeLedger`."""

    async def establish(self, root: SystemIdentifier, profile: SystemProfile) -> System:
        """Establish the caller as the aggregation system of a root."""
        return await self._submit(System, "registry", "Establish", root, profile)

    async def register_system(
        self, root: SystemIdentifier, profile: SystemProfile, *, call_key: str | None = None
    ) -> SystemApplication:
        """Apply for a system identifier."""
        return await self._once(
            SystemApplication, "registry", "RegisterSystem", root, profile, call_key=call_key
        )

    async def deposit_check(self, application: str, check: SystemCheck) -> SystemApplication:
        """Deposit what was found about an application."""
        return await self._submit(SystemApplication, "registry", "DepositCheck", application, check)

    async def approve_system(self, application: str) -> System:
        """Approve an application."""
        return await self._submit(System, "registry", "ApproveSystem", application)

    async def reject_system(self, application: str, reason: str) -> SystemApplication:
        """Reject an application."""
        return await self._submit(SystemApplication, "registry", "RejectSystem", application, reason)

    async def register_user(
        self, application: SystemIdentifier, name: str, roles: Sequence[str]
    ) -> ApplicationUser:
        """Register a user of a data application."""
        return await self._submit(ApplicationUser, "registry", "RegisterUser", application, name, list(roles))

    async def register_devices(
        self, system: SystemIdentifier, entries: Sequence[DeviceEntry], *, call_key: str | None = None
    ) -> tuple[ItemResult, ...]:
        """Register up to 2,000 devices."""
        return await self._once(
            _ITEMS, "registry", "RegisterDevices", system, list(entries), call_key=call_key
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
            _ITEMS, "registry", "RegisterFields", system, list(entries), call_key=call_key
        )

    async def set_charging_standards(
        self, system: SystemIdentifier, entries: Sequence[StandardEntry], *, call_key: str | None = None
    ) -> tuple[ItemResult, ...]:
        """Set up to 2,000 new charging standards."""
        return await self._once(
            _ITEMS, "registry", "SetChargingStandards", system, list(entries), call_key=call_key
        )

    async def system(self, system: SystemIdentifier) -> System:
        """Return a system."""
        return await self._ask(System, "registry", "GetSystem", system)

    async def application(self, application: str) -> SystemApplication:
        """Return an application for a system identifier."""
        return await self._ask(SystemApplication, "registry", "GetApplication", application)

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
