"""The register of devices: batches, common identities, approvals."""

from __future__ import annotations

from dataclasses import replace

from gridledger.chaincode.batch import accepted, refused
from gridledger.chaincode.code_check import check_code
from gridledger.chaincode.ledger_key import (
    coding_rule_key,
    common_identity_key,
    device_key,
    object_mark_key,
)
from gridledger.chaincode.redirect import follow_devices
from gridledger.model.catalogue import LEAST_SYSTEMS
from gridledger.model.coding_rule import CodingRule
from gridledger.model.device import (
    MAX_DEVICES_AN_IDENTITY,
    MAX_DEVICES_OF_ONE,
    CommonIdentity,
    DeclaredIdentity,
    Device,
    DeviceApproval,
    DeviceEntry,
    ItemResult,
    ObjectMark,
)
from gridledger.model.errors import ContractError, ModelError
from gridledger.model.exchange_refusals import NotActive
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier
from gridledger.model.refusals import AccessDenied, AlreadyExists, LimitExceeded, NotFound
from gridledger.model.registry_refusals import IdentifierMoved
from gridledger.model.states import IdentifierState
from gridledger.model.system import System
from gridledger.shim import Context

__all__ = ["approve_devices", "register_devices"]


async def register_devices(
    ctx: Context, owner: System, entries: tuple[DeviceEntry, ...]
) -> tuple[tuple[ItemResult, ...], tuple[DeclaredIdentity, ...]]:
    """Write devices, and enter them under their common identities.

    Returns
    -------
    tuple of results and identities
        A result per entry; the identities that two systems or more now declare.

    Notes
    -----
    Four reads in all (devices, coding rule, identities, devices whose labels were read). Systems that
    register the same common identity at the same moment conflict on its key; the second is retried.
    """
    identifiers: list[DeviceIdentifier | ModelError] = [
        _identifier(owner.identifier, entry) for entry in entries
    ]
    known = [one for one in identifiers if isinstance(one, DeviceIdentifier)]
    found = await ctx.get_many([device_key(one) for one in known])
    taken = {one for one, device in zip(known, found, strict=True) if device is not None}
    declared = list(dict.fromkeys(identity for entry in entries for identity in entry.identities))
    rows = await ctx.get_many([common_identity_key(owner.root, identity) for identity in declared])
    labels = await _read_labels(ctx, owner, declared)
    members = {
        identity: list(row.devices) if row else list(labels.get(identity, ()))
        for identity, row in zip(declared, rows, strict=True)
    }
    rule = await ctx.get(coding_rule_key(owner.identifier))
    now_ms = await ctx.now_ms()
    results: list[ItemResult] = []
    changed: dict[DeclaredIdentity, None] = {}
    for entry, identifier in zip(entries, identifiers, strict=True):
        try:
            _check_labels(entry, labels)
            device = _new_device(entry, identifier, rule, taken, members, now_ms)
        except (ContractError, ModelError) as error:
            results.append(refused(entry.own_code, error))
            continue
        taken.add(device.identifier)
        for identity in entry.identities:
            members[identity].append(device.identifier)
            changed[identity] = None
        await ctx.put(device_key(device.identifier), device)
        if device.object_class is not None:
            mark = ObjectMark(registered_ms=now_ms)
            await ctx.put(object_mark_key(device.identifier, device.object_class), mark)
        results.append(accepted(entry.own_code, device.identifier))
    shared: list[DeclaredIdentity] = []
    for identity in changed:
        row = CommonIdentity(identity=identity, devices=tuple(members[identity]))
        await ctx.put(common_identity_key(owner.root, identity), row)
        if len(row.systems()) >= LEAST_SYSTEMS:
            shared.append(identity)
    return tuple(results), tuple(shared)


async def approve_devices(
    ctx: Context, root: SystemIdentifier, approvals: tuple[DeviceApproval, ...]
) -> tuple[ItemResult, ...]:
    """Make allocated devices active, each with the digest of its evidence."""
    found = await ctx.get_many([device_key(approval.device) for approval in approvals])
    results: list[ItemResult] = []
    seen: set[DeviceIdentifier] = set()
    for approval, device in zip(approvals, found, strict=True):
        name = str(approval.device)
        try:
            active = _approved(approval, device, root)
            if approval.device in seen:
                raise AlreadyExists("approval", name)
        except ContractError as error:
            results.append(refused(name, error))
            continue
        seen.add(approval.device)
        await ctx.put(device_key(approval.device), active)
        results.append(accepted(name))
    return tuple(results)


async def _read_labels(
    ctx: Context, owner: System, identities: list[DeclaredIdentity]
) -> dict[DeclaredIdentity, tuple[DeviceIdentifier, ...]]:
    """Return the device of each label, as it is called now; nothing where there is none below the root."""
    labelled = {one: one.labelled for one in identities if one.labelled is not None}
    present = await follow_devices(ctx, [device for device in labelled.values() if device is not None])
    return {
        identity: (present[device],) if device in present and device.system.parent == owner.root else ()
        for identity, device in labelled.items()
        if device is not None
    }


def _check_labels(entry: DeviceEntry, labels: dict[DeclaredIdentity, tuple[DeviceIdentifier, ...]]) -> None:
    for identity in entry.identities:
        if identity.labelled is not None and not labels[identity]:
            raise NotFound("device", identity.value)


def _identifier(system: SystemIdentifier, entry: DeviceEntry) -> DeviceIdentifier | ModelError:
    try:
        return system.device(entry.own_code)
    except ModelError as error:
        return error


def _new_device(
    entry: DeviceEntry,
    identifier: DeviceIdentifier | ModelError,
    rule: CodingRule | None,
    taken: set[DeviceIdentifier],
    members: dict[DeclaredIdentity, list[DeviceIdentifier]],
    now_ms: int,
) -> Device:
    if isinstance(identifier, ModelError):
        raise identifier
    if identifier in taken:
        raise AlreadyExists("device", str(identifier))
    check_code(rule, entry.kind, entry.own_code)
    for identity in entry.identities:
        own = sum(one.system == identifier.system for one in members[identity])
        if own >= MAX_DEVICES_OF_ONE:
            raise LimitExceeded(
                f"devices of {identifier.system} as {identity}", limit=MAX_DEVICES_OF_ONE, actual=own + 1
            )
        if len(members[identity]) >= MAX_DEVICES_AN_IDENTITY:
            raise LimitExceeded(
                f"devices of {identity}", limit=MAX_DEVICES_AN_IDENTITY, actual=MAX_DEVICES_AN_IDENTITY + 1
            )
    return Device(
        identifier=identifier,
        name=entry.name,
        kind=entry.kind,
        identities=entry.identities,
        fields=(),
        state=entry.state or IdentifierState.ALLOCATED,
        registered_ms=now_ms,
        description=entry.description,
        region=entry.region,
        object_class=entry.object_class,
        validity=entry.validity,
    )


def _approved(approval: DeviceApproval, device: Device | None, root: SystemIdentifier) -> Device:
    name = str(approval.device)
    if approval.device.system.parent != root:
        raise AccessDenied(f"{name} does not stand below {root}")
    if device is None:
        raise NotFound("device", name)
    if device.moved_to is not None:
        raise IdentifierMoved(name, str(device.moved_to))
    if device.state is not IdentifierState.ALLOCATED:
        raise NotActive(name, device.state.value)
    return replace(device, state=IdentifierState.ACTIVE, evidence=approval.evidence)
