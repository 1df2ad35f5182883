"""The registry's functions for prefixes: states of systems, new prefixes, coding rules.

Source: CN112508707B, [0064], [0066], [0068].
"""

from __future__ import annotations

from dataclasses import replace

from gridledger.chaincode.audience import carry_publications
from gridledger.chaincode.history import history_of
from gridledger.chaincode.identifier_changes import changed_system
from gridledger.chaincode.ledger_key import (
    account_key,
    application_key,
    coding_rule_key,
    credit_key,
    system_key,
)
from gridledger.chaincode.numbering import take_number
from gridledger.chaincode.permission import acting_system, require_platform
from gridledger.chaincode.redirect import put_system
from gridledger.chaincode.registration import complete_registration
from gridledger.model.change import SystemChange
from gridledger.model.coding_rule import CodingRule, CodingRuleEntry
from gridledger.model.device import MAX_MOVES
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import NotActive
from gridledger.model.history import SystemVersion
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import AccessDenied, LimitExceeded
from gridledger.model.registry_refusals import IdentifierMoved
from gridledger.model.roles import Role
from gridledger.model.states import IdentifierState
from gridledger.model.system import Account, System, SystemKind
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["IdentifierTransactions"]


class IdentifierTransactions(Contract):
    """Prefixes: their states, their changes, the coding rules of what stands below them."""

    @transaction(roles=(Role.AUDITOR,))
    async def change_system(self, ctx: Context, system: SystemIdentifier, change: SystemChange) -> System:
        """Suspend a system, make it active again, revoke it, or set its validity."""
        present = await ctx.require(system_key(system))
        await require_platform(ctx, present.root)
        if present.profile.kind is SystemKind.AGGREGATION_SYSTEM:
            raise AccessDenied(f"{system} is a root")
        if present.moved_to is not None:
            raise IdentifierMoved(str(system), str(present.moved_to))
        changed = changed_system(present, change)
        await put_system(ctx, changed)
        ctx.emit(Event.SYSTEM_CHANGED, changed)
        return changed

    @transaction(roles=(Role.AUDITOR,))
    async def change_prefix(self, ctx: Context, system: SystemIdentifier) -> System:
        """Give a business system a new prefix, with an account; return it under the new one.

        The old one stays active, so that what was ordered of it is settled, but registers nothing new: its
        agent moves the devices by `MoveDevices`, in as many calls as it takes, and old identifiers lead to
        the new ones.
        """
        old = await ctx.require(system_key(system))
        await require_platform(ctx, old.root)
        if old.profile.kind is not SystemKind.BUSINESS_SYSTEM:
            raise AccessDenied(f"{system} is no {SystemKind.BUSINESS_SYSTEM.value}")
        if old.moved_to is not None:
            raise IdentifierMoved(str(system), str(old.moved_to))
        if old.state is not IdentifierState.ACTIVE:
            raise NotActive(str(system), old.state.value)
        former = (*(old.former or ()), old.identifier)
        if len(former) > MAX_MOVES:
            raise LimitExceeded("moves of an identifier", limit=MAX_MOVES, actual=len(former))
        root = old.root
        identifier = await take_number(ctx, root)
        now_ms = await ctx.now_ms()
        new = replace(old, identifier=identifier, former=former, registered_ms=now_ms)
        await ctx.put(system_key(identifier), new)
        await ctx.put(system_key(system), replace(old, moved_to=identifier))
        await ctx.put(account_key(identifier), Account(system=identifier, root=root, opened_ms=now_ms))
        await self._carry_over(ctx, old, identifier)
        await complete_registration(ctx, identifier, Event.SYSTEM_MOVED, new)
        return new

    @transaction(roles=(Role.AGGREGATION_SYSTEM,))
    async def lay_down_coding_rule(self, ctx: Context, entry: CodingRuleEntry) -> CodingRule:
        """Lay down what the own codes of a system look like; codes that it has already stay."""
        system = await ctx.require(system_key(entry.system))
        await acting_system(ctx, system.root, SystemKind.AGGREGATION_SYSTEM)
        if system.profile.kind is not SystemKind.BUSINESS_SYSTEM:
            raise AccessDenied(f"{entry.system} is no {SystemKind.BUSINESS_SYSTEM.value}")
        earlier = await ctx.get(coding_rule_key(entry.system))
        rule = CodingRule(
            rule=entry,
            version=1 if earlier is None else earlier.version + 1,
            laid_down_ms=await ctx.now_ms(),
        )
        await ctx.put(coding_rule_key(entry.system), rule)
        ctx.emit(Event.CODING_RULE_LAID_DOWN, rule)
        return rule

    @query
    async def get_coding_rule(self, ctx: Context, system: SystemIdentifier) -> CodingRule:
        """Return the coding rule of a system."""
        return await ctx.require(coding_rule_key(system))

    @query
    async def get_system_history(self, ctx: Context, system: SystemIdentifier) -> tuple[SystemVersion, ...]:
        """Return the versions of a system, under this prefix and those that it had before."""
        present = await ctx.require(system_key(system))
        found: list[SystemVersion] = []
        for identifier in (system, *reversed(present.former or ())):
            rows = await history_of(ctx, system_key(identifier))
            found += [SystemVersion(version=version, system=row) for version, row in rows if row is not None]
        return tuple(found)

    async def _carry_over(self, ctx: Context, old: System, identifier: SystemIdentifier) -> None:
        """Let application, coding rule, credit and publications go on under the new prefix."""
        application = await ctx.get(application_key(old.agent.key_id))
        if application is not None:
            await ctx.put(application_key(application.id), replace(application, system=identifier))
        rule = await ctx.get(coding_rule_key(old.identifier))
        if rule is not None:
            moved = replace(rule, rule=replace(rule.rule, system=identifier))
            await ctx.put(coding_rule_key(identifier), moved)
        credit = await ctx.get(credit_key(old.identifier))
        if credit is not None:
            await ctx.put(credit_key(identifier), replace(credit, system=identifier))
        await carry_publications(ctx, old.identifier, identifier)
