"""Where identifiers have moved to: old ones lead to new ones, in a bounded number of steps.

An identifier that was used is never free again, so what it leads to was registered later than itself: there
are no circles. Each move is counted (`MAX_MOVES`), so there are no long ways either.

Source: CN112508707B, [0068].
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gridledger.chaincode.audience import tell_publications
from gridledger.chaincode.ledger_key import device_key, field_key, system_key
from gridledger.model.device import MAX_MOVES, Device, RegisteredField
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier, SystemIdentifier
from gridledger.model.refusals import LimitExceeded
from gridledger.model.system import System
from gridledger.shim import Context

__all__ = [
    "follow_device",
    "follow_devices",
    "follow_field",
    "follow_system",
    "prefixes_of",
    "put_system",
]


async def follow_system(ctx: Context, identifier: SystemIdentifier) -> System:
    """Return the system under the prefix that it has now; raises as `follow_device`."""
    for _ in range(MAX_MOVES + 1):
        system = await ctx.require(system_key(identifier))
        if system.moved_to is None:
            return system
        identifier = system.moved_to
    raise _too_far()


async def put_system(ctx: Context, system: System) -> None:
    """Write a system; its state and validity under its former prefixes and in its publications, too."""
    await ctx.put(system_key(system.identifier), system)
    former = system.former or ()
    for row in await ctx.get_many([system_key(prefix) for prefix in former]):
        if row is not None:
            changed = replace(
                row,
                state=system.state,
                validity=system.validity,
                suspended_by=system.suspended_by,
                limited_by=system.limited_by,
                reason=system.reason,
            )
            await ctx.put(system_key(row.identifier), changed)
    await tell_publications(ctx, system)


async def follow_device(ctx: Context, identifier: DeviceIdentifier) -> Device:
    """Return the device that an identifier stands for now.

    Raises
    ------
    NotFound
        There is none.
    LimitExceeded
        It has moved more often than identifiers may.
    """
    for _ in range(MAX_MOVES + 1):
        device = await ctx.require(device_key(identifier))
        if device.moved_to is None:
            return device
        identifier = device.moved_to
    raise _too_far()


async def follow_devices(
    ctx: Context, identifiers: Iterable[DeviceIdentifier]
) -> dict[DeviceIdentifier, DeviceIdentifier]:
    """Return what devices are called now; those that are not registered are left out.

    Notes
    -----
    One read for all; another one for every move.
    """
    ends = {one: one for one in identifiers}
    found: dict[DeviceIdentifier, DeviceIdentifier] = {}
    for _ in range(MAX_MOVES + 1):
        if not ends:
            break
        rows = await ctx.get_many([device_key(end) for end in ends.values()])
        present = {one: row for one, row in zip(ends, rows, strict=True) if row is not None}
        found.update({one: row.identifier for one, row in present.items()})
        ends = {one: row.moved_to for one, row in present.items() if row.moved_to is not None}
    return found


async def follow_field(ctx: Context, identifier: FieldIdentifier) -> RegisteredField:
    """Return the field that an identifier stands for now; raises as `follow_device`."""
    for _ in range(MAX_MOVES + 1):
        field = await ctx.require(field_key(identifier))
        if field.moved_to is None:
            return field
        identifier = field.moved_to
    raise _too_far()


async def prefixes_of(
    ctx: Context, systems: Iterable[SystemIdentifier]
) -> dict[SystemIdentifier, frozenset[SystemIdentifier]]:
    """Return the prefixes that each system has: the one given, and those that it has moved to.

    Notes
    -----
    One read for all; another one for every move of a prefix.
    """
    wanted = list(dict.fromkeys(systems))
    found = {one: [one] for one in wanted}
    ends = {one: one for one in wanted}
    for _ in range(MAX_MOVES):
        rows = await ctx.get_many([system_key(end) for end in ends.values()])
        moved = {
            one: row.moved_to for one, row in zip(ends, rows, strict=True) if row is not None and row.moved_to
        }
        for one, prefix in moved.items():
            found[one].append(prefix)
        if not moved:
            break
        ends = moved
    return {one: frozenset(prefixes) for one, prefixes in found.items()}


def _too_far() -> LimitExceeded:
    return LimitExceeded("moves of an identifier", limit=MAX_MOVES, actual=MAX_MOVES + 1)
