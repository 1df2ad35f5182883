"""Changes of registered devices and fields: states by the life cycle, validity, descriptions.

Source: CN112508707B, [0066], [0068].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from gridledger.chaincode.batch import accepted, refused
from gridledger.chaincode.ledger_key import device_key, field_key
from gridledger.model.change import DeviceChange, FieldChange, SystemChange
from gridledger.model.device import (
    MAX_BATCH_ITEMS,
    Device,
    ItemResult,
    RegisteredField,
    state_for_fields,
)
from gridledger.model.errors import ContractError
from gridledger.model.exchange_refusals import NotTheAgent
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier, SystemIdentifier
from gridledger.model.lifecycle import Actor, Validity, may_change
from gridledger.model.refusals import AccessDenied, AlreadyExists, Conflict, LimitExceeded, NotFound
from gridledger.model.registry_refusals import IdentifierMoved, TransitionRefused
from gridledger.model.states import IdentifierState
from gridledger.model.system import System
from gridledger.shim import Context

__all__ = ["change_devices", "change_fields", "changed_system"]

_Registered = TypeVar("_Registered", Device, RegisteredField, System)
_Change = DeviceChange | FieldChange | SystemChange


async def change_devices(
    ctx: Context, system: SystemIdentifier, actor: Actor, changes: Sequence[DeviceChange]
) -> tuple[tuple[ItemResult, ...], tuple[DeviceIdentifier, ...]]:
    """Change devices of a system; a result per item, and those that were changed.

    Notes
    -----
    Fields say whether their device is suspended or revoked, so that a search reads no device for each field
    that it shows. A device whose fields have to say something else counts with them as that many items.
    """
    found = await ctx.get_many([device_key(change.device) for change in changes])
    results: list[ItemResult] = []
    done: dict[DeviceIdentifier, None] = {}
    told: list[Device] = []
    room = MAX_BATCH_ITEMS
    for change, device in zip(changes, found, strict=True):
        name = str(change.device)
        try:
            if change.device.system != system:
                raise NotTheAgent(str(change.device.system))
            if device is None:
                raise NotFound("device", name)
            if device.moved_to is not None:
                raise IdentifierMoved(name, str(device.moved_to))
            if change.device in done:
                raise AlreadyExists("change", name)
            words = {"name": change.name, "description": change.description, "region": change.region}
            changed = _described(_changed(device, change, actor), words, actor)
            tells = state_for_fields(changed) is not state_for_fields(device)
            needed = 1 + (len(changed.fields) if tells else 0)
            if needed > room:
                raise LimitExceeded("devices and fields", limit=MAX_BATCH_ITEMS, actual=MAX_BATCH_ITEMS + 1)
        except ContractError as error:
            results.append(refused(name, error))
            continue
        room -= needed
        if tells:
            told.append(changed)
        done[change.device] = None
        await ctx.put(device_key(change.device), changed)
        results.append(accepted(name))
    await _tell_fields(ctx, told)
    return tuple(results), tuple(done)


async def _tell_fields(ctx: Context, devices: Sequence[Device]) -> None:
    """Write the state of devices into their fields."""
    states = {one.identifier.field(name): state_for_fields(one) for one in devices for name in one.fields}
    fields = await ctx.get_many([field_key(field) for field in states])
    for field, state in zip(fields, states.values(), strict=True):
        if field is not None:
            await ctx.put(field_key(field.identifier), field.changed(device_state=state))


async def change_fields(
    ctx: Context, system: SystemIdentifier, actor: Actor, changes: Sequence[FieldChange]
) -> tuple[tuple[ItemResult, ...], tuple[FieldIdentifier, ...]]:
    """Change fields of a system; a result per item, and those that were changed."""
    found = await ctx.get_many([field_key(change.field) for change in changes])
    results: list[ItemResult] = []
    done: dict[FieldIdentifier, None] = {}
    for change, field in zip(changes, found, strict=True):
        name = str(change.field)
        try:
            if change.field.system != system:
                raise NotTheAgent(str(change.field.system))
            if field is None:
                raise NotFound("field", name)
            if field.moved_to is not None:
                raise IdentifierMoved(name, str(field.moved_to))
            if change.field in done:
                raise AlreadyExists("change", name)
            if change.metadata is not None and change.metadata.frequency is not field.metadata.frequency:
                raise Conflict("the frequency stays: what was deposited is of its periods")
            changed = _described(_changed(field, change, actor), {"metadata": change.metadata}, actor)
        except ContractError as error:
            results.append(refused(name, error))
            continue
        done[change.field] = None
        await ctx.put(field_key(change.field), changed)
        results.append(accepted(name))
    return tuple(results), tuple(done)


def changed_system(system: System, change: SystemChange) -> System:
    """Return a system as the platform changed it; raises TransitionRefused."""
    return _changed(system, change, Actor.PLATFORM)


def _changed(record: _Registered, change: _Change, actor: Actor) -> _Registered:
    """Return a record in its new state and validity."""
    if change.state is not None:
        if not may_change(record.state, change.state, actor, suspended_by=record.suspended_by):
            raise TransitionRefused(
                str(record.identifier),
                state=record.state.value,
                wanted=change.state.value,
                actor=actor.value,
            )
        suspended_by = actor if change.state is IdentifierState.SUSPENDED else None
        record = replace(record, state=change.state, suspended_by=suspended_by, reason=change.reason)
    if change.validity is not None:
        if record.limited_by is Actor.PLATFORM and actor is Actor.OWNER:
            raise AccessDenied("the platform set its validity, and alone changes it")
        validity = None if change.validity == Validity() else change.validity
        record = replace(record, validity=validity, limited_by=None if validity is None else actor)
    return record


def _described(record: _Registered, words: dict[str, Any], actor: Actor) -> _Registered:
    """Return a record with another description; only its owner describes it."""
    given = {name: word for name, word in words.items() if word is not None}
    if given and actor is not Actor.OWNER:
        raise AccessDenied("only its owner describes it")
    return replace(record, **given) if given else record
