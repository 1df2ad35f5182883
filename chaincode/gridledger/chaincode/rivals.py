"""Rivals: two systems that share the same field of one device are in a conflict that all can see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gridledger.chaincode.ledger_key import (
    common_identity_key,
    conflict_key,
    device_key,
    field_key,
)
from gridledger.model.catalogue import LEAST_SYSTEMS, AssociationMember
from gridledger.model.device import DeclaredIdentity, Device, RegisteredField
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.ownership import FieldConflict, RivalField
from gridledger.model.states import IdentifierState
from gridledger.shim import Context

__all__ = ["rivals_among", "rivals_of", "write_conflicts"]


async def rivals_among(
    ctx: Context, catalogues: Mapping[DeclaredIdentity, Sequence[AssociationMember]]
) -> dict[DeclaredIdentity, dict[str, tuple[RivalField, ...]]]:
    """Return the fields that two systems or more share of one device, by common identity and name.

    Notes
    -----
    One read, of those fields only whose names stand at devices of several systems.
    """
    shared = {identity: _shared_fields(members) for identity, members in catalogues.items()}
    wanted = list(
        dict.fromkeys(field for names in shared.values() for one in names.values() for field in one)
    )
    rows = await ctx.get_many([field_key(field) for field in wanted])
    known = {field: row for field, row in zip(wanted, rows, strict=True) if row is not None}
    found: dict[DeclaredIdentity, dict[str, tuple[RivalField, ...]]] = {}
    for identity, names in shared.items():
        for name, fields in names.items():
            rivals = _rivals_in([known[field] for field in fields if field in known])
            if rivals:
                found.setdefault(identity, {})[name] = rivals
    return found


async def write_conflicts(
    ctx: Context,
    root: SystemIdentifier,
    rivals: Mapping[DeclaredIdentity, Mapping[str, tuple[RivalField, ...]]],
    earlier: Mapping[DeclaredIdentity, Iterable[str]],
    now_ms: int,
) -> None:
    """Record conflicts that are new or have changed, and settle those that are over.

    Parameters
    ----------
    rivals : mapping
        What `rivals_among` found.
    earlier : mapping
        Names in conflict before, as the association catalogues have them.
    """
    keys = [
        (identity, name)
        for identity in {**rivals, **earlier}
        for name in sorted({*rivals.get(identity, {}), *earlier.get(identity, ())})
    ]
    rows = await ctx.get_many([conflict_key(root, identity, name) for identity, name in keys])
    for (identity, name), row in zip(keys, rows, strict=True):
        found = rivals.get(identity, {}).get(name, ())
        conflict = _next_conflict(root, identity, name, found, row, now_ms)
        if conflict is not None and conflict != row:
            await ctx.put(conflict_key(root, identity, name), conflict)


async def rivals_of(
    ctx: Context, root: SystemIdentifier, device: Device, field: RegisteredField
) -> tuple[RivalField, ...]:
    """Return the same field of other systems as they share it now, the earliest first.

    Notes
    -----
    Three reads, for a query: the device's identities, the devices that declare them, their fields.
    """
    rows = await ctx.get_many([common_identity_key(root, identity) for identity in device.known_as])
    others = list(
        dict.fromkeys(
            one
            for row in rows
            if row is not None
            for one in row.devices
            if one.system != device.identifier.system
        )
    )
    devices = await ctx.get_many([device_key(one) for one in others])
    name = field.identifier.name
    fields = [one.identifier.field(name) for one in devices if one is not None and name in one.fields]
    found = await ctx.get_many([field_key(one) for one in fields])
    rivals = [one for one in found if one is not None and _is_alive(one) and _is_same(one, field)]
    return _in_order(rivals)


def _shared_fields(members: Sequence[AssociationMember]) -> dict[str, list[FieldIdentifier]]:
    fields: dict[str, list[FieldIdentifier]] = {}
    for member in members:
        for name in member.fields:
            fields.setdefault(name, []).append(member.device.field(name))
    return {
        name: found for name, found in fields.items() if len({one.system for one in found}) >= LEAST_SYSTEMS
    }


def _rivals_in(fields: Sequence[RegisteredField]) -> tuple[RivalField, ...]:
    """Return the fields that are the same as one of another system; empty where there are none."""
    alive = [field for field in fields if _is_alive(field)]
    rivals = [one for one in alive if any(_is_rival(one, other) for other in alive)]
    return _in_order(rivals)


def _in_order(fields: Iterable[RegisteredField]) -> tuple[RivalField, ...]:
    ordered = sorted(fields, key=lambda one: (one.registered_ms, str(one.identifier)))
    return tuple(RivalField(field=one.identifier, registered_ms=one.registered_ms) for one in ordered)


def _next_conflict(
    root: SystemIdentifier,
    identity: DeclaredIdentity,
    name: str,
    rivals: tuple[RivalField, ...],
    row: FieldConflict | None,
    now_ms: int,
) -> FieldConflict | None:
    if not rivals:
        if row is None or row.settled_ms is not None:
            return row
        return replace(row, settled_ms=now_ms)
    if row is not None and row.settled_ms is None:
        return replace(row, rivals=rivals)
    return FieldConflict(root=root, identity=identity, name=name, rivals=rivals, found_ms=now_ms)


def _is_alive(field: RegisteredField) -> bool:
    return field.state is not IdentifierState.REVOKED


def _is_rival(one: RegisteredField, other: RegisteredField) -> bool:
    return one.identifier.system != other.identifier.system and _is_same(one, other)


def _is_same(one: RegisteredField, other: RegisteredField) -> bool:
    """Tell whether two fields of one name are the same: of the same data type."""
    return one.metadata.data_type == other.metadata.data_type
