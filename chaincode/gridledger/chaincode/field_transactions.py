"""The registry's functions for fields and their charging standards.

Source: CN112508707B, [0058] to [0060], [0063].
"""

from __future__ import annotations

from gridledger.chaincode.batch import check_batch
from gridledger.chaincode.field_register import register_fields, set_standards
from gridledger.chaincode.history import history_of
from gridledger.chaincode.identifier_changes import change_fields
from gridledger.chaincode.ledger_key import device_key, field_key, fields_of, standard_key
from gridledger.chaincode.permission import acting_party, acting_system
from gridledger.chaincode.redirect import follow_field
from gridledger.chaincode.registration import PAGE_SIZE, complete_registration
from gridledger.model.change import FieldChange
from gridledger.model.device import (
    ChargingStandard,
    FieldEntry,
    ItemResult,
    RegisteredField,
    StandardEntry,
)
from gridledger.model.events import Event
from gridledger.model.history import FieldVersion, StandardVersion
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.notice import FieldsChanged, FieldsRegistered, Registered
from gridledger.model.page import FieldPage
from gridledger.model.roles import Role
from gridledger.model.system import SystemKind
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["FieldTransactions"]


class FieldTransactions(Contract):
    """Fields and their charging standards."""

    @transaction(roles=(Role.BUSINESS_SYSTEM,), once=True)
    async def register_fields(
        self, ctx: Context, system: SystemIdentifier, entries: tuple[FieldEntry, ...]
    ) -> tuple[ItemResult, ...]:
        """Register up to 2,000 fields with their charging standards; a result per item."""
        check_batch(entries, what="fields")
        await acting_system(ctx, system, SystemKind.BUSINESS_SYSTEM)
        results, shared = await register_fields(ctx, system, entries)
        count = sum(result.accepted for result in results)
        notice = FieldsRegistered(system=system, count=count, shared=shared)
        await complete_registration(ctx, system, Event.FIELDS_REGISTERED, notice, count=count)
        return results

    @transaction(roles=(Role.BUSINESS_SYSTEM,), once=True)
    async def set_charging_standards(
        self, ctx: Context, system: SystemIdentifier, entries: tuple[StandardEntry, ...]
    ) -> tuple[ItemResult, ...]:
        """Set new charging standards for up to 2,000 fields; a result per item."""
        check_batch(entries, what="charging standards")
        await acting_system(ctx, system, SystemKind.BUSINESS_SYSTEM)
        results = await set_standards(ctx, system, entries)
        count = sum(result.accepted for result in results)
        ctx.emit(Event.CHARGING_STANDARD_SET, Registered(system=system, count=count))
        return results

    @transaction(roles=(Role.BUSINESS_SYSTEM, Role.AUDITOR))
    async def change_fields(
        self, ctx: Context, system: SystemIdentifier, changes: tuple[FieldChange, ...]
    ) -> tuple[ItemResult, ...]:
        """Change states by the life cycle, validity and metadata of up to 2,000 fields.

        The owner changes its own fields; an auditor of the platform changes states and validity.
        """
        check_batch(changes, what="fields")
        _, actor = await acting_party(ctx, system)
        results, changed = await change_fields(ctx, system, actor, changes)
        ctx.emit(Event.FIELDS_CHANGED, FieldsChanged(system=system, fields=changed))
        return results

    @query
    async def get_field(self, ctx: Context, field: FieldIdentifier) -> RegisteredField:
        """Return the field that an identifier stands for now: that of another identifier, if it moved."""
        return await follow_field(ctx, field)

    @query
    async def get_charging_standard(self, ctx: Context, field: FieldIdentifier) -> ChargingStandard:
        """Return a field's charging standard, the one set last."""
        current = await follow_field(ctx, field)
        return await ctx.require(standard_key(current.identifier))

    @query
    async def get_field_history(self, ctx: Context, field: FieldIdentifier) -> tuple[FieldVersion, ...]:
        """Return the versions of a field under all identifiers that it had, the newest identifier first."""
        found: list[FieldVersion] = []
        for identifier in await self._identifiers(ctx, field):
            rows = await history_of(ctx, field_key(identifier))
            found += [FieldVersion(version=version, field=row) for version, row in rows if row is not None]
        return tuple(found)

    @query
    async def get_charging_standard_history(
        self, ctx: Context, field: FieldIdentifier
    ) -> tuple[StandardVersion, ...]:
        """Return all charging standards that a field ever had, the newest first."""
        found: list[StandardVersion] = []
        for identifier in await self._identifiers(ctx, field):
            rows = await history_of(ctx, standard_key(identifier))
            found += [
                StandardVersion(version=version, standard=row) for version, row in rows if row is not None
            ]
        return tuple(found)

    @query
    async def list_fields(self, ctx: Context, system: SystemIdentifier, bookmark: str) -> FieldPage:
        """Return a page of a system's data catalogue: its fields, by device."""
        page = await ctx.page(fields_of(system), size=PAGE_SIZE, bookmark=bookmark)
        return FieldPage(fields=tuple(row.record for row in page.rows), bookmark=page.bookmark)

    async def _identifiers(self, ctx: Context, field: FieldIdentifier) -> list[FieldIdentifier]:
        """Return the identifiers that a field has and had, the newest first."""
        current = await follow_field(ctx, field)
        device = await ctx.require(device_key(current.identifier.device))
        former = reversed(device.former or ())
        return [current.identifier, *(one.field(field.name) for one in former)]
