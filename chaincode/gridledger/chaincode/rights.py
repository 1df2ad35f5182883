"""Rights: the user roles that an owner admits to its fields, with all earlier versions."""

from __future__ import annotations

from dataclasses import replace

from gridledger.chaincode.batch import accepted, refused
from gridledger.chaincode.ledger_key import field_key
from gridledger.model.device import ItemResult, RegisteredField
from gridledger.model.errors import ContractError
from gridledger.model.exchange_refusals import NotTheAgent
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.refusals import AlreadyExists, NotFound
from gridledger.model.registry_refusals import IdentifierMoved
from gridledger.model.rights import FieldRights, RightsEntry
from gridledger.shim import Context

__all__ = ["roles_history", "set_roles"]


async def set_roles(
    ctx: Context, system: SystemIdentifier, entries: tuple[RightsEntry, ...]
) -> tuple[ItemResult, ...]:
    """Write the roles of fields; they count from the next resolution on."""
    found = await ctx.get_many([field_key(entry.field) for entry in entries])
    results: list[ItemResult] = []
    seen: set[FieldIdentifier] = set()
    for entry, row in zip(entries, found, strict=True):
        name = str(entry.field)
        try:
            changed = _changed(entry, row, system)
            if entry.field in seen:
                raise AlreadyExists("rights", name)
        except ContractError as error:
            results.append(refused(name, error))
            continue
        seen.add(entry.field)
        if changed is not row:
            await ctx.put(field_key(entry.field), changed)
        results.append(accepted(name))
    return tuple(results)


async def roles_history(ctx: Context, field: FieldIdentifier) -> tuple[FieldRights, ...]:
    """Return all versions of a field's roles, the newest first.

    Raises
    ------
    NotFound
        There is no such field.
    """
    versions: list[FieldRights] = []
    for one in reversed(await _life(ctx, field)):
        if not versions or versions[-1].roles != one.roles:
            versions.append(replace(one, version=len(versions) + 1))
    if not versions:
        raise NotFound("field", str(field))
    return tuple(reversed(versions))


async def _life(ctx: Context, field: FieldIdentifier) -> list[FieldRights]:
    """Return the roles after each write since the registration, the newest first, numbers not yet given."""
    found: list[FieldRights] = []
    for one in await ctx.history(field_key(field)):
        if one.record is None:
            break  # what stood there before was another field of the name
        found.append(FieldRights(version=0, roles=one.record.metadata.roles, tx_id=one.tx_id))
    return found


def _changed(entry: RightsEntry, row: RegisteredField | None, system: SystemIdentifier) -> RegisteredField:
    if entry.field.system != system:
        raise NotTheAgent(str(entry.field.system))
    if row is None:
        raise NotFound("field", str(entry.field))
    if row.moved_to is not None:
        raise IdentifierMoved(str(entry.field), str(row.moved_to))
    if row.metadata.roles == entry.roles:
        return row
    return replace(row, metadata=replace(row.metadata, roles=entry.roles))
