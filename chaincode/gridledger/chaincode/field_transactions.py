"""The registry's functions for fields and their charging standards.

Source: CN112508707B, [0058] to [0060], [0063].
"""

from __future__ import annotations

from gridledger.chaincode.batch import check_batch
from gridledger.chaincode.field_register import register_fields, set_standards
from gridledger.chaincode.ledger_key import field_key, fields_of, standard_key
from gridledger.chaincode.permission import acting_system
from gridledger.chaincode.registration import PAGE_SIZE, complete_registration
from gridledger.model.device import (
    ChargingStandard,
    FieldEntry,
    ItemResult,
    RegisteredField,
    StandardEntry,
)
from gridledger.model.events import Event
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.notice import Registered
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
        results = await register_fields(ctx, system, entries)
        count = sum(result.accepted for result in results)
        notice = Registered(system=system, count=count)
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

    @query
    async def get_field(self, ctx: Context, field: FieldIdentifier) -> RegisteredField:
        """Return a field."""
        return await ctx.require(field_key(field))

    @query
    async def get_charging_standard(self, ctx: Context, field: FieldIdentifier) -> ChargingStandard:
        """Return a field's charging standard."""
        return await ctx.require(standard_key(field))

    @query
    async def list_fields(self, ctx: Context, system: SystemIdentifier, bookmark: str) -> FieldPage:
        """Return a page of a system's data catalogue: its fields, by device."""
        page = await ctx.page(fields_of(system), size=PAGE_SIZE, bookmark=bookmark)
        return FieldPage(fields=tuple(row.record for row in page.rows), bookmark=page.bookmark)
