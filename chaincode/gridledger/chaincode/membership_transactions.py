"""The functions of `edge` for receivers, side devices, and the membership keys that they are issued.

A period is planned, its keys are issued in batches, and it opens when all of them stand there: no ring can be
drawn from a part of the keys, which would be fewer to hide among.

Source: Zeng et al., figure 3; CryptoNote: one-time keys at stealth addresses.
"""

from __future__ import annotations

from dataclasses import replace

from gridledger.chaincode.batch import check_batch
from gridledger.chaincode.edge_key import (
    batch_key,
    batches_of,
    edge_register_key,
    membership_key_key,
    membership_keys_of,
    period_key,
    receiver_key,
    side_device_key,
    side_devices_of,
)
from gridledger.chaincode.ledger_key import device_key
from gridledger.chaincode.permission import acting_system
from gridledger.chaincode.ring_check import require_points
from gridledger.model.edge import (
    EdgeRegister,
    IssuedBatch,
    IssueEntry,
    MembershipKey,
    MembershipPeriod,
    PeriodNumber,
    Place,
    PublishedAddress,
    Receiver,
    SideDevice,
    SideDeviceEntry,
)
from gridledger.model.edge_page import BatchAt, BatchPage, KeyPage, SideDevicePage
from gridledger.model.edge_refusals import PeriodClosed
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import NotActive
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier
from gridledger.model.refusals import AccessDenied, AlreadyExists, BadArgument
from gridledger.model.roles import Role
from gridledger.model.system import SystemKind
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["MAX_ISSUED", "MembershipTransactions"]

MAX_DEVICES = 500
"""Side devices a transaction: some 200 KB with their registry records."""

MAX_ISSUED = 500
"""Keys a batch: their points are checked in some 50 ms, and written as so many keys."""

PAGE_SIZE = 500


class MembershipTransactions(Contract):
    """Receivers, side devices, periods and keys."""

    @transaction(roles=(Role.BUSINESS_SYSTEM, Role.DATA_APPLICATION))
    async def set_receiver(
        self, ctx: Context, system: SystemIdentifier, address: PublishedAddress
    ) -> Receiver:
        """Publish the stealth address to which envelopes for a system are sealed; the last one counts."""
        await acting_system(ctx, system)
        require_points(address.view_key, address.spend_key)
        receiver = Receiver(system=system, address=address, registered_ms=await ctx.now_ms())
        await ctx.put(receiver_key(system), receiver)
        ctx.emit(Event.EDGE_RECEIVER_SET, receiver)
        return receiver

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def register_side_devices(
        self, ctx: Context, issuer: SystemIdentifier, entries: tuple[SideDeviceEntry, ...]
    ) -> EdgeRegister:
        """Register devices of the issuer's own with their stealth addresses; all or none."""
        check_batch(entries, limit=MAX_DEVICES, what="side devices")
        await acting_system(ctx, issuer, SystemKind.BUSINESS_SYSTEM)
        devices = [entry.device for entry in entries]
        if len(set(devices)) != len(devices):
            raise BadArgument({"entries": "a device stands twice"})
        if any(device.system != issuer for device in devices):
            raise AccessDenied(f"an issuer registers devices of its own: those below {issuer}")
        now_ms = await ctx.now_ms()
        registered = await ctx.get_many([device_key(device) for device in devices])
        earlier = await ctx.get_many([side_device_key(device) for device in devices])
        for entry, device, before in zip(entries, registered, earlier, strict=True):
            if device is None or not device.is_in_force(now_ms):
                raise NotActive(str(entry.device), "none" if device is None else device.state.value)
            if before is not None:
                raise AlreadyExists("side device", str(entry.device))
            require_points(entry.address.view_key, entry.address.spend_key)
            await ctx.put(side_device_key(entry.device), SideDevice(entry=entry, registered_ms=now_ms))
        register = await ctx.get(edge_register_key(issuer))
        grown = EdgeRegister(issuer=issuer, devices=len(entries) + (register.devices if register else 0))
        await ctx.put(edge_register_key(issuer), grown)
        ctx.emit(Event.SIDE_DEVICES_REGISTERED, grown)
        return grown

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def plan_period(self, ctx: Context, period: MembershipPeriod) -> MembershipPeriod:
        """Plan a period for all side devices of the issuer; its two moments are the ledger's."""
        await acting_system(ctx, period.issuer, SystemKind.BUSINESS_SYSTEM)
        register = await ctx.require(edge_register_key(period.issuer))
        if period.devices != register.devices:
            raise PeriodClosed(_name(period), f"is for {register.devices} side devices, all of the issuer's")
        earlier = await ctx.get(period_key(period.issuer, period.number))
        if earlier is not None:
            raise AlreadyExists("membership period", _name(period))
        planned = replace(period, planned_ms=await ctx.now_ms(), opened_ms=None)
        await ctx.put(period_key(period.issuer, period.number), planned)
        ctx.emit(Event.PERIOD_PLANNED, planned)
        return planned

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def issue_keys(
        self, ctx: Context, issuer: SystemIdentifier, period: PeriodNumber, entry: IssueEntry
    ) -> IssuedBatch:
        """Issue a batch of membership keys: 500 from a multiple of 500 on, or what is left at the end."""
        await acting_system(ctx, issuer, SystemKind.BUSINESS_SYSTEM)
        planned = await ctx.require(period_key(issuer, period))
        if planned.opened_ms is not None:
            raise PeriodClosed(_name(planned), "is open: it gets no more keys")
        if entry.first not in _firsts(planned) or len(entry.keys) != _count(planned, entry.first):
            raise PeriodClosed(_name(planned), f"has no batch of {len(entry.keys)} keys at {entry.first}")
        if await ctx.get(batch_key(issuer, period, entry.first)) is not None:
            raise AlreadyExists("issued batch", f"{_name(planned)} {entry.first}")
        require_points(entry.origin, *entry.keys)
        for place, key in enumerate(entry.keys, entry.first):
            await ctx.put(membership_key_key(issuer, period, place), MembershipKey(key=key))
        batch = IssuedBatch(origin=entry.origin, count=len(entry.keys), view_tags=entry.view_tags)
        await ctx.put(batch_key(issuer, period, entry.first), batch)
        ctx.emit(Event.KEYS_ISSUED, BatchAt(first=entry.first, batch=batch))
        return batch

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def open_period(
        self, ctx: Context, issuer: SystemIdentifier, period: PeriodNumber
    ) -> MembershipPeriod:
        """Open a period once all of its batches were issued."""
        await acting_system(ctx, issuer, SystemKind.BUSINESS_SYSTEM)
        planned = await ctx.require(period_key(issuer, period))
        if planned.opened_ms is not None:
            raise AlreadyExists("open period", _name(planned))
        firsts = _firsts(planned)
        batches = await ctx.get_many([batch_key(issuer, period, first) for first in firsts])
        if None in batches:
            missing = firsts[batches.index(None)]
            raise PeriodClosed(_name(planned), f"has no batch at {missing} yet")
        opened = replace(planned, opened_ms=await ctx.now_ms())
        await ctx.put(period_key(issuer, period), opened)
        ctx.emit(Event.PERIOD_OPENED, opened)
        return opened

    @query
    async def get_receiver(self, ctx: Context, system: SystemIdentifier) -> Receiver:
        """Return a system's stealth address."""
        return await ctx.require(receiver_key(system))

    @query
    async def get_side_device(self, ctx: Context, device: DeviceIdentifier) -> SideDevice:
        """Return a side device."""
        return await ctx.require(side_device_key(device))

    @query
    async def list_side_devices(
        self, ctx: Context, issuer: SystemIdentifier, bookmark: str
    ) -> SideDevicePage:
        """Return a page of an issuer's side devices."""
        page = await ctx.page(side_devices_of(issuer), size=PAGE_SIZE, bookmark=bookmark)
        return SideDevicePage(devices=tuple(row.record for row in page.rows), bookmark=page.bookmark)

    @query
    async def get_edge_register(self, ctx: Context, issuer: SystemIdentifier) -> EdgeRegister:
        """Return how many side devices an issuer has."""
        return await ctx.require(edge_register_key(issuer))

    @query
    async def get_membership_period(
        self, ctx: Context, issuer: SystemIdentifier, period: PeriodNumber
    ) -> MembershipPeriod:
        """Return a period."""
        return await ctx.require(period_key(issuer, period))

    @query
    async def list_membership_keys(
        self, ctx: Context, issuer: SystemIdentifier, period: PeriodNumber, bookmark: str
    ) -> KeyPage:
        """Return a page of a period's keys, by place."""
        page = await ctx.page(membership_keys_of(issuer, period), size=PAGE_SIZE, bookmark=bookmark)
        first: Place = int(page.rows[0].key.parts[-1]) if page.rows else 0
        return KeyPage(first=first, keys=tuple(row.record.key for row in page.rows), bookmark=page.bookmark)

    @query
    async def list_issued_batches(
        self, ctx: Context, issuer: SystemIdentifier, period: PeriodNumber, bookmark: str
    ) -> BatchPage:
        """Return a page of a period's batches, by place."""
        page = await ctx.page(batches_of(issuer, period), size=PAGE_SIZE, bookmark=bookmark)
        batches = tuple(BatchAt(first=int(row.key.parts[-1]), batch=row.record) for row in page.rows)
        return BatchPage(batches=batches, bookmark=page.bookmark)


def _firsts(period: MembershipPeriod) -> range:
    return range(0, period.keys, MAX_ISSUED)


def _count(period: MembershipPeriod, first: int) -> int:
    return min(MAX_ISSUED, period.keys - first)


def _name(period: MembershipPeriod) -> str:
    return f"{period.issuer} {period.number}"
