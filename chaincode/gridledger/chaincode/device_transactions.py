"""The registry's functions for devices and other objects.

Source: CN112508707B, [0063], [0064], [0066].
"""

from __future__ import annotations

from gridledger.chaincode.batch import check_batch
from gridledger.chaincode.device_register import approve_devices, register_devices
from gridledger.chaincode.history import history_of
from gridledger.chaincode.identifier_changes import change_devices
from gridledger.chaincode.identifier_moves import move_devices
from gridledger.chaincode.ledger_key import device_key, devices_of, objects_of
from gridledger.chaincode.permission import acting_party, acting_system, require_platform
from gridledger.chaincode.redirect import follow_device
from gridledger.chaincode.registration import PAGE_SIZE, complete_registration
from gridledger.model.change import DeviceChange, DeviceMove
from gridledger.model.device import Device, DeviceApproval, DeviceEntry, ItemResult, ObjectClass
from gridledger.model.events import Event
from gridledger.model.history import DeviceVersion
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier
from gridledger.model.notice import DevicesChanged, DevicesMoved, DevicesRegistered, Registered
from gridledger.model.page import DevicePage
from gridledger.model.registry_refusals import IdentifierMoved
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
        if owner.moved_to is not None:
            raise IdentifierMoved(str(system), str(owner.moved_to))
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

    @transaction(roles=(Role.BUSINESS_SYSTEM, Role.AUDITOR))
    async def change_devices(
        self, ctx: Context, system: SystemIdentifier, changes: tuple[DeviceChange, ...]
    ) -> tuple[ItemResult, ...]:
        """Change states by the life cycle, validity and descriptions of up to 2,000 devices.

        The owner changes its own devices; an auditor of the platform changes states and validity.
        """
        check_batch(changes, what="devices")
        _, actor = await acting_party(ctx, system)
        results, changed = await change_devices(ctx, system, actor, changes)
        ctx.emit(Event.DEVICES_CHANGED, DevicesChanged(system=system, devices=changed))
        return results

    @transaction(roles=(Role.BUSINESS_SYSTEM,), once=True)
    async def move_devices(
        self, ctx: Context, system: SystemIdentifier, moves: tuple[DeviceMove, ...]
    ) -> tuple[ItemResult, ...]:
        """Give devices other own codes, or bring them below the system's new prefix; a result per item.

        Fields and charging standards move with their devices, and a device and each of its fields count as
        one of up to 2,000. The old identifiers lead to the new ones.
        """
        check_batch(moves, what="devices")
        owner = await acting_system(ctx, system, SystemKind.BUSINESS_SYSTEM)
        results, made = await move_devices(ctx, owner, moves)
        ctx.emit(Event.DEVICES_MOVED, DevicesMoved(system=system, moves=made))
        return results

    @query
    async def get_device(self, ctx: Context, device: DeviceIdentifier) -> Device:
        """Return the device that an identifier stands for now: that of another identifier, if it moved."""
        return await follow_device(ctx, device)

    @query
    async def get_device_history(self, ctx: Context, device: DeviceIdentifier) -> tuple[DeviceVersion, ...]:
        """Return the versions of a device under all identifiers that it had, the newest identifier first."""
        current = await follow_device(ctx, device)
        found: list[DeviceVersion] = []
        for identifier in (current.identifier, *reversed(current.former or ())):
            rows = await history_of(ctx, device_key(identifier))
            found += [DeviceVersion(version=version, device=row) for version, row in rows if row is not None]
        return tuple(found)

    @query
    async def list_devices(self, ctx: Context, system: SystemIdentifier, bookmark: str) -> DevicePage:
        """Return a page of a system's devices and other objects; those that moved stand there as revoked."""
        page = await ctx.page(devices_of(system), size=PAGE_SIZE, bookmark=bookmark)
        return DevicePage(devices=tuple(row.record for row in page.rows), bookmark=page.bookmark)

    @query
    async def list_objects(
        self, ctx: Context, system: SystemIdentifier, object_class: ObjectClass, bookmark: str
    ) -> DevicePage:
        """Return a page of a system's plants, projects or products."""
        page = await ctx.page(objects_of(system, object_class), size=PAGE_SIZE, bookmark=bookmark)
        identifiers = [system.device(row.key.parts[-1]) for row in page.rows]
        found = await ctx.get_many([device_key(identifier) for identifier in identifiers])
        return DevicePage(devices=tuple(one for one in found if one is not None), bookmark=page.bookmark)
