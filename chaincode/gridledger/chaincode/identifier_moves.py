"""Moves: devices get other own codes, systems other prefixes; old identifiers lead to the new ones.

Source: CN112508707B, [0068].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gridledger.chaincode.batch import accepted, refused
from gridledger.chaincode.code_check import check_code
from gridledger.chaincode.ledger_key import (
    association_key,
    coding_rule_key,
    common_identity_key,
    device_key,
    field_key,
    object_mark_key,
    standard_key,
)
from gridledger.model.change import DeviceMove
from gridledger.model.coding_rule import CodingRule
from gridledger.model.device import (
    MAX_BATCH_ITEMS,
    MAX_MOVES,
    ChargingStandard,
    DeclaredIdentity,
    Device,
    ItemResult,
    ObjectMark,
    RegisteredField,
)
from gridledger.model.errors import ContractError
from gridledger.model.exchange_refusals import NotActive, NotTheAgent
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier
from gridledger.model.refusals import AlreadyExists, LimitExceeded, NotFound
from gridledger.model.registry_refusals import IdentifierMoved
from gridledger.model.states import IdentifierState
from gridledger.model.system import System
from gridledger.shim import Context

__all__ = ["move_devices"]


@dataclass(frozen=True)
class _Move:
    device: Device
    to: DeviceIdentifier


async def move_devices(
    ctx: Context, owner: System, moves: Sequence[DeviceMove]
) -> tuple[tuple[ItemResult, ...], tuple[DeviceMove, ...]]:
    """Move devices with their fields and charging standards to other own codes or the owner's new prefix.

    Returns
    -------
    tuple of results and moves
        A result per item; the moves that were made.

    Notes
    -----
    Six reads in all. A device and each of its fields count as one item of the batch's 2,000. What was
    deposited under the old identifier stays there: leaves hold the field's identifier, so the owner deposits
    anew under the new one.
    """
    found = await ctx.get_many([device_key(move.device) for move in moves])
    taken = await ctx.get_many([device_key(move.to) for move in moves])
    rule = await ctx.get(coding_rule_key(owner.moved_to or owner.identifier))
    results: list[ItemResult] = []
    made: list[_Move] = []
    used = {row.identifier for row in taken if row is not None}
    left: set[DeviceIdentifier] = set()
    room = MAX_BATCH_ITEMS
    for move, device in zip(moves, found, strict=True):
        try:
            checked = _checked(move, device, owner, rule, used, left, room)
        except ContractError as error:
            results.append(refused(str(move.device), error))
            continue
        used.add(move.to)
        left.add(move.device)
        room -= 1 + len(checked.fields)
        made.append(_Move(checked, move.to))
        results.append(accepted(str(move.device), move.to))
    now_ms = await ctx.now_ms()
    for one in made:
        await _write_device(ctx, one)
    await _move_fields(ctx, made)
    await _move_identities(ctx, owner, made, now_ms)
    return tuple(results), tuple(DeviceMove(device=one.device.identifier, to=one.to) for one in made)


def _checked(
    move: DeviceMove,
    device: Device | None,
    owner: System,
    rule: CodingRule | None,
    used: set[DeviceIdentifier],
    left: set[DeviceIdentifier],
    room: int,
) -> Device:
    if move.device.system != owner.identifier:
        raise NotTheAgent(str(move.device.system))
    if move.to.system != (owner.moved_to or owner.identifier):
        if owner.moved_to is not None and move.to.system == owner.identifier:
            raise IdentifierMoved(str(owner.identifier), str(owner.moved_to))
        raise NotTheAgent(str(move.to.system))
    if device is None:
        raise NotFound("device", str(move.device))
    if device.moved_to is not None:
        raise IdentifierMoved(str(move.device), str(device.moved_to))
    if move.device in left:
        raise AlreadyExists("move", str(move.device))
    if device.state is IdentifierState.REVOKED:
        raise NotActive(str(move.device), device.state.value)
    if move.to in used:
        raise AlreadyExists("device", str(move.to))
    moved = len(device.former or ()) + 1
    if moved > MAX_MOVES:
        raise LimitExceeded("moves of an identifier", limit=MAX_MOVES, actual=moved)
    if 1 + len(device.fields) > room:
        raise LimitExceeded("devices and fields", limit=MAX_BATCH_ITEMS, actual=MAX_BATCH_ITEMS + 1)
    check_code(rule, device.kind, move.to.own_code)
    return device


async def _write_device(ctx: Context, one: _Move) -> None:
    device = one.device
    former = (*(device.former or ()), device.identifier)
    await ctx.put(device_key(one.to), replace(device, identifier=one.to, former=former))
    left = replace(device, state=IdentifierState.REVOKED, moved_to=one.to)
    await ctx.put(device_key(device.identifier), left)
    if device.object_class is not None:
        await ctx.delete(object_mark_key(device.identifier, device.object_class))
        mark = ObjectMark(registered_ms=device.registered_ms)
        await ctx.put(object_mark_key(one.to, device.object_class), mark)


async def _move_fields(ctx: Context, made: Sequence[_Move]) -> None:
    pairs: list[tuple[FieldIdentifier, FieldIdentifier]] = [
        (one.device.identifier.field(name), one.to.field(name)) for one in made for name in one.device.fields
    ]
    fields: list[RegisteredField | None] = await ctx.get_many([field_key(old) for old, _ in pairs])
    prices: list[ChargingStandard | None] = await ctx.get_many([standard_key(old) for old, _ in pairs])
    for (old, new), field, price in zip(pairs, fields, prices, strict=True):
        if field is not None:
            await ctx.put(field_key(new), replace(field, identifier=new))
            await ctx.put(field_key(old), replace(field, state=IdentifierState.REVOKED, moved_to=new))
        if price is not None:
            await ctx.put(standard_key(new), replace(price, field=new))


async def _move_identities(ctx: Context, owner: System, made: Sequence[_Move], now_ms: int) -> None:
    """Enter the new identifiers under the common identities and in the association catalogues."""
    renamed = {one.device.identifier: one.to for one in made}
    identities: list[DeclaredIdentity] = list(
        dict.fromkeys(identity for one in made for identity in one.device.known_as)
    )
    rows = await ctx.get_many([common_identity_key(owner.root, identity) for identity in identities])
    catalogues = await ctx.get_many([association_key(owner.root, identity) for identity in identities])
    for identity, row, catalogue in zip(identities, rows, catalogues, strict=True):
        if row is not None:
            devices = tuple(renamed.get(device, device) for device in row.devices)
            await ctx.put(common_identity_key(owner.root, identity), replace(row, devices=devices))
        if catalogue is not None and any(member.device in renamed for member in catalogue.members):
            members = tuple(
                replace(member, device=renamed.get(member.device, member.device))
                for member in catalogue.members
            )
            changed = replace(
                catalogue, members=members, revision=catalogue.revision + 1, deposited_ms=now_ms
            )
            await ctx.put(association_key(owner.root, identity), changed)
