"""The contract `search`: what of found fields and devices a viewer may see, decided on chain.

A search itself is made where there is an index of words; what it finds is shown only as far as this contract,
on the ledger of this moment, lets it be seen.

Source: CN112508707B, [0067], [0085], [0086].
"""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.chaincode.batch import check_batch
from gridledger.chaincode.ledger_key import device_key, field_key, publication_key, user_key
from gridledger.chaincode.permission import acting_system, require_platform
from gridledger.model.device import RegisteredField
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.refusals import AccessDenied, BadArgument
from gridledger.model.roles import Role
from gridledger.model.search import MAX_VIEWED, DeviceView, FieldView, FoundDevice, Viewer
from gridledger.model.system import System, SystemKind
from gridledger.shim import Context, Contract, query

__all__ = ["Search"]

_OF_THE_PLATFORM = frozenset({Role.AUDITOR, Role.PLATFORM_ADMINISTRATOR})


class Search(Contract):
    """What of found fields and devices a viewer may see."""

    name = "search"

    @query
    async def view_fields(
        self, ctx: Context, viewer: Viewer, fields: tuple[FieldIdentifier, ...]
    ) -> tuple[FieldView, ...]:
        """Return up to 100 fields as the viewer may see them.

        Reads three keys for the viewer (system, user, time mark) and at most two a field (itself, what of its
        owner is published to the viewer), whatever prefixes the owner had before.
        """
        check_batch(fields, limit=MAX_VIEWED, what="fields")
        searching = await _require_viewer(ctx, viewer)
        rows = await ctx.get_many([field_key(field) for field in fields])
        seen = await _seen(ctx, viewer, searching, rows)
        return tuple(
            FieldView(identifier=field, field=row if field in seen else None)
            for field, row in zip(fields, rows, strict=True)
        )

    @query
    async def view_devices(
        self, ctx: Context, viewer: Viewer, found: tuple[FoundDevice, ...]
    ) -> tuple[DeviceView, ...]:
        """Return up to 100 devices as the viewer may see them; a data application by a field that it sees.

        Reads three keys for the viewer and at most three a device (itself, the field, what of its owner is
        published to the viewer).
        """
        check_batch(found, limit=MAX_VIEWED, what="devices")
        searching = await _require_viewer(ctx, viewer)
        rows = await ctx.get_many([device_key(one.device) for one in found])
        if _is_application(searching):
            now_ms = await ctx.now_ms()
            fields = [one.field for one in found if one.field is not None]
            seen = await _seen(ctx, viewer, searching, await ctx.get_many([field_key(one) for one in fields]))
            by_field = {field.device for field in seen}
            shown = {one.identifier for one in rows if one is not None and one.is_in_force(now_ms)} & by_field
        else:
            shown = {one.device for one in found if _answers_for(searching, one.device.system)}
        return tuple(
            DeviceView(identifier=one.device, device=row if one.device in shown else None)
            for one, row in zip(found, rows, strict=True)
        )


async def _require_viewer(ctx: Context, viewer: Viewer) -> System:
    """Return the system that searches, if the caller acts for it and its user has the role.

    Raises
    ------
    NotFound, NotTheAgent, NotActive, AccessDenied, BadArgument
    """
    if ctx.roles & _OF_THE_PLATFORM:
        return await require_platform(ctx, viewer.system)
    system = await acting_system(ctx, viewer.system)
    if not _is_application(system):
        return system
    if viewer.user is None:
        raise BadArgument({"viewer": "a data application searches for a user"})
    user = await ctx.require(user_key(viewer.system, viewer.user))
    if viewer.user_role not in user.roles:
        raise AccessDenied(f"user {viewer.user} has not the role {viewer.user_role}")
    return system


async def _seen(
    ctx: Context, viewer: Viewer, searching: System, rows: Sequence[RegisteredField | None]
) -> set[FieldIdentifier]:
    """Return the fields that the viewer sees: a data application those that it could have resolved.

    What was published under a prefix that the owner had before counts, as it does for resolutions, and the
    owner is in force or not: the publication says both.
    """
    there = [row for row in rows if row is not None]
    if not _is_application(searching):
        return {row.identifier for row in there if _answers_for(searching, row.identifier.system)}
    now_ms = await ctx.now_ms()
    owners = list(dict.fromkeys(row.identifier.system for row in there))
    found = await ctx.get_many([publication_key(viewer.system, owner) for owner in owners])
    names = {one.system: one.names for one in found if one is not None and one.is_in_force(now_ms)}
    return {
        row.identifier
        for row in there
        if row.is_in_force(now_ms)
        and row.identifier.name in names.get(row.identifier.system, ())
        and viewer.user_role in row.metadata.roles
    }


def _answers_for(searching: System, owner: SystemIdentifier) -> bool:
    if searching.profile.kind is SystemKind.AGGREGATION_SYSTEM:
        return owner.is_below(searching.identifier)
    return owner in searching.prefixes


def _is_application(system: System) -> bool:
    return system.profile.kind is SystemKind.DATA_APPLICATION
