"""The registry's functions for devices and other objects.

Source: CN112508707B, [0063], [0064], [0066].
"""

from __future__ import annotations

from gridledger.chaincode.batch import check_batch
from gridledger.chaincode.device_register import approve_devices, register_devices
from gridledger.chaincode.ledger_key import device_key, devices_of
from gridledger.chaincode.permission import acting_system, require_platform
from gridledger.chaincode.registration import PAGE_SIZE, complete_registration
from gridledger.model.device import Device, DeviceApproval, DeviceEntry, ItemResult
from gridledger.model.events import Event
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier
from gridledger.model.notice import DevicesRegistered, Registered
from gridledger.model.page import DevicePage
from gridledger.model.roles import Role
from gridledger.model.system import SystemKind
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["DeviceTransactions"]


class DeviceTransactions(Contract):
    """Devices and other objects."""

    @transaction(roles=(Role.BUSINESS_SYSTEM,), once=True)
    async def register_devices(
        self, ctx: Context, system: SystemIdentifier, entries: tuple[DeviceEntry, ...]
    ) -> tuple[ItemResult, ...]:
        """Register up to 2,000 devices with their own codes; a result per item."""
        check_batch(entries, what="devices")
        owner = await acting_system(ctx, system, SystemKind.BUSINESS_SYSTEM)
        results, shared = await register_devices(ctx, owner, entries)
        count = sum(result.accepted for result in results)
        notice = DevicesRegistered(system=system, count=count, shared=shared)
        await complete_registration(ctx, system, Event.DEVICES_REGISTERED, notice, count=count)
        return results

    @transaction(roles=(Role.AUDITOR,))
    async def approve_devices(
        self, ctx: Context, root: SystemIdentifier, approvals: tuple[DeviceApproval, ...]
    ) -> tuple[ItemResult, ...]:
        """Approve that devices exist, by the digests of the evidence; a result per item."""
        check_batch(approvals, what="devices")
        await require_platform(ctx, root)
        results = await approve_devices(ctx, root, approvals)
        count = sum(result.accepted for result in results)
        ctx.emit(Event.DEVICES_APPROVED, Registered(system=root, count=count))
        return results

    @query
    async def get_device(self, ctx: Context, device: DeviceIdentifier) -> Device:
        """Return a device."""
        return await ctx.require(device_key(device))

    @query
    async def list_devices(self, ctx: Context, system: SystemIdentifier, bookmark: str) -> DevicePage:
        """Return a page of a system's devices."""
        page = await ctx.page(devices_of(system), size=PAGE_SIZE, bookmark=bookmark)
        return DevicePage(devices=tuple(row.record for row in page.rows), bookmark=page.bookmark)
