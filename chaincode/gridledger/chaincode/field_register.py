"""The register of fields and charging standards: batches."""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping

from gridledger.chaincode.batch import accepted, refused
from gridledger.chaincode.ledger_key import (
    common_identity_key,
    device_key,
    field_key,
    label_identity_key,
    standard_key,
)
from gridledger.model.catalogue import LEAST_SYSTEMS
from gridledger.model.device import (
    MAX_FIELDS_A_DEVICE,
    ChargingStandard,
    DeclaredIdentity,
    Device,
    FieldEntry,
    ItemResult,
    PriceTerm,
    RegisteredField,
    StandardEntry,
    state_for_fields,
)
from gridledger.model.errors import ContractError, ModelError
from gridledger.model.exchange_refusals import NotActive, NotTheAgent
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier, SystemIdentifier
from gridledger.model.refusals import AlreadyExists, BadArgument, LimitExceeded, NotFound
from gridledger.model.registry_refusals import IdentifierMoved
from gridledger.model.states import IdentifierState
from gridledger.shim import Context

__all__ = ["register_fields", "set_standards"]


async def register_fields(
    ctx: Context, system: SystemIdentifier, entries: tuple[FieldEntry, ...]
) -> tuple[tuple[ItemResult, ...], tuple[DeclaredIdentity, ...]]:
    """Write fields with their first charging standards, and enter their names in their devices.

    Returns
    -------
    tuple of results and identities
        A result per entry; the common identities of the devices that got fields and are key devices.

    Notes
    -----
    One read for the devices, since which fields a device has stands in its own record, and one for their
    common identities.
    """
    identifiers: list[FieldIdentifier | ModelError] = [_identifier(system, entry) for entry in entries]
    devices = list(dict.fromkeys(one.device for one in identifiers if isinstance(one, FieldIdentifier)))
    found = await ctx.get_many([device_key(device) for device in devices])
    rows: dict[DeviceIdentifier, Device | None] = dict(zip(devices, found, strict=True))
    names = {one: list(row.fields) for one, row in rows.items() if row is not None}
    now_ms = await ctx.now_ms()
    results: list[ItemResult] = []
    changed: dict[DeviceIdentifier, None] = {}
    for entry, identifier in zip(entries, identifiers, strict=True):
        item = f"{entry.own_code}#{entry.name}"
        try:
            field = _new_field(entry, identifier, rows, names, now_ms)
        except (ContractError, ModelError) as error:
            results.append(refused(item, error))
            continue
        insort(names[field.identifier.device], entry.name)
        changed[field.identifier.device] = None
        standard = ChargingStandard(
            field=field.identifier, version=1, price_milliyuan=entry.price_milliyuan, valid_from_ms=now_ms
        )
        await ctx.put(field_key(field.identifier), field)
        await ctx.put(standard_key(field.identifier), standard)
        results.append(accepted(item, field.identifier))
    for device in changed:
        row = rows[device]
        if row is not None:
            await ctx.put(device_key(device), row.changed(fields=tuple(names[device])))
    return tuple(results), await _shared(ctx, system, [rows[device] for device in changed])


async def set_standards(
    ctx: Context, system: SystemIdentifier, entries: tuple[StandardEntry, ...]
) -> tuple[ItemResult, ...]:
    """Write the next versions of charging standards; one that begins later leaves the earlier till then."""
    found = await ctx.get_many([standard_key(entry.field) for entry in entries])
    fields = await ctx.get_many([field_key(entry.field) for entry in entries])
    now_ms = await ctx.now_ms()
    results: list[ItemResult] = []
    seen: set[FieldIdentifier] = set()
    for entry, standard, field in zip(entries, found, fields, strict=True):
        name = str(entry.field)
        try:
            if field is not None and field.moved_to is not None:
                raise IdentifierMoved(name, str(field.moved_to))
            changed = _next_standard(entry, standard, system, now_ms)
            if entry.field in seen:
                raise AlreadyExists("charging standard", name)
        except ContractError as error:
            results.append(refused(name, error))
            continue
        seen.add(entry.field)
        await ctx.put(standard_key(entry.field), changed)
        results.append(accepted(name))
    return tuple(results)


async def _shared(
    ctx: Context, system: SystemIdentifier, devices: list[Device | None]
) -> tuple[DeclaredIdentity, ...]:
    """Return the identities of devices that another system declares, too."""
    root = system.parent
    if root is None:
        return ()
    present = [device for device in devices if device is not None]
    declared = dict.fromkeys(identity for device in present for identity in device.identities)
    keys = [common_identity_key(root, identity) for identity in declared]
    keys += [label_identity_key(root, label) for device in present for label in device.labels]
    found = await ctx.get_many(keys)
    shared = (row.identity for row in found if row is not None and len(row.systems()) >= LEAST_SYSTEMS)
    return tuple(dict.fromkeys(shared))


def _identifier(system: SystemIdentifier, entry: FieldEntry) -> FieldIdentifier | ModelError:
    try:
        return system.device(entry.own_code).field(entry.name)
    except ModelError as error:
        return error


def _new_field(
    entry: FieldEntry,
    identifier: FieldIdentifier | ModelError,
    devices: Mapping[DeviceIdentifier, Device | None],
    names: dict[DeviceIdentifier, list[str]],
    now_ms: int,
) -> RegisteredField:
    if isinstance(identifier, ModelError):
        raise identifier
    device = devices[identifier.device]
    if device is None:
        raise NotFound("device", str(identifier.device))
    if device.moved_to is not None:
        raise IdentifierMoved(str(identifier.device), str(device.moved_to))
    if device.state is IdentifierState.REVOKED:
        raise NotActive(str(identifier.device), device.state.value)
    present = names[identifier.device]
    if entry.name in present:
        raise AlreadyExists("field", str(identifier))
    if len(present) >= MAX_FIELDS_A_DEVICE:
        raise LimitExceeded("fields of a device", limit=MAX_FIELDS_A_DEVICE, actual=len(present) + 1)
    return RegisteredField(
        identifier=identifier,
        metadata=entry.metadata,
        state=IdentifierState.ACTIVE,
        registered_ms=now_ms,
        device_state=state_for_fields(device),
    )


def _next_standard(
    entry: StandardEntry, standard: ChargingStandard | None, system: SystemIdentifier, now_ms: int
) -> ChargingStandard:
    if entry.field.system != system:
        raise NotTheAgent(str(entry.field.system))
    if standard is None:
        raise NotFound("field", str(entry.field))
    begins_ms = now_ms if entry.valid_from_ms is None else max(entry.valid_from_ms, now_ms)
    if entry.valid_until_ms is not None and entry.valid_until_ms <= begins_ms:
        raise BadArgument({"valid_until_ms": "is over before the standard begins"})
    holding = standard.at(now_ms) if begins_ms > now_ms else None
    return ChargingStandard(
        field=entry.field,
        version=standard.version + 1,
        price_milliyuan=entry.price_milliyuan,
        valid_from_ms=begins_ms,
        valid_until_ms=entry.valid_until_ms,
        earlier=None if holding is None else _term(holding),
    )


def _term(standard: ChargingStandard) -> PriceTerm:
    return PriceTerm(
        version=standard.version,
        price_milliyuan=standard.price_milliyuan,
        valid_from_ms=standard.valid_from_ms,
        valid_until_ms=standard.valid_until_ms,
    )
