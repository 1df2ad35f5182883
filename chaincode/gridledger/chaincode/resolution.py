"""The contract `resolution`: rules of data applications, and resolutions of their requests.

Source: CN112508707B, [0079], [0087] to [0092], [0104].
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import StringConstraints

from gridledger.chaincode.charging import charge
from gridledger.chaincode.decision import decide, keys_of_request
from gridledger.chaincode.ledger_key import (
    fee_schedule_key,
    publication_key,
    resolution_key,
    rule_key,
    system_key,
    verdict_key,
)
from gridledger.chaincode.permission import acting_system
from gridledger.chaincode.resolving import actual_roots, make_resolution
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import NotPublished
from gridledger.model.fee import FeeKind
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.integrity import SignedRoots
from gridledger.model.refusals import AlreadyExists
from gridledger.model.resolution import (
    FunctionName,
    Resolution,
    Rule,
    RuleEntry,
    RuleHistory,
    SignedRequest,
)
from gridledger.model.roles import Role
from gridledger.model.system import SystemKind
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["ResolutionContract"]

ResolutionId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ResolutionContract(Contract):
    """Rules of data applications, and resolutions of their requests."""

    name = "resolution"

    @transaction(roles=(Role.DATA_APPLICATION,))
    async def set_rule(self, ctx: Context, entry: RuleEntry) -> Rule:
        """Set the fields that a function of a data application needs; all must be published to it."""
        await acting_system(ctx, entry.application, SystemKind.DATA_APPLICATION)
        key = rule_key(entry.application, entry.function)
        systems = list(dict.fromkeys(one.system for one in entry.selectors))
        rows = await ctx.get_many([publication_key(entry.application, system) for system in systems])
        published = {(row.system, name) for row in rows if row is not None for name in row.names}
        missing = tuple(str(one) for one in entry.selectors if (one.system, one.name) not in published)
        if missing:
            raise NotPublished(missing)
        earlier = await ctx.get(key)
        rule = Rule(
            application=entry.application,
            function=entry.function,
            version=1 if earlier is None else earlier.version + 1,
            selectors=entry.selectors,
            set_ms=await ctx.now_ms(),
            roles=entry.roles,
        )
        await ctx.put(key, rule)
        ctx.emit(Event.RULE_SET, rule)
        return rule

    @query(bundled=True)
    async def decide(self, ctx: Context, signed: SignedRequest) -> Resolution:
        """Return what a request would get, every deposited field and period still unanswered."""
        resolution, _ = await make_resolution(ctx, signed, await decide(ctx, signed), {})
        return resolution

    @transaction(roles=(Role.AGGREGATION_SYSTEM,), bundled=True)
    async def resolve(
        self, ctx: Context, signed: SignedRequest, answers: tuple[SignedRoots, ...]
    ) -> ResolutionId:
        """Resolve a request with its owners' actual roots: deposit the resolution and the verdict.

        The verdict's event brings the resolution, so the id is all that is returned: a block need not carry
        a resolution twice.
        """
        request = signed.request
        request_id = request.id
        root = request.device.system.parent
        await ctx.read_ahead(
            [
                resolution_key(request_id),
                *keys_of_request(request),
                *((system_key(root), fee_schedule_key(root)) if root is not None else ()),
            ]
        )
        if await ctx.get(resolution_key(request_id)) is not None:
            raise AlreadyExists("resolution", request_id)
        decision = await decide(ctx, signed)
        await acting_system(ctx, decision.root, SystemKind.AGGREGATION_SYSTEM)
        actual = actual_roots(request_id, decision, answers)
        resolution, verdict = await make_resolution(ctx, signed, decision, actual)
        payer = request.application
        fee = await charge(ctx, decision.root, payer, FeeKind.RESOLUTION, cause=request_id)
        if fee is not None:
            resolution = replace(resolution, fee_milliyuan=fee.amount_milliyuan)
        await ctx.put(resolution_key(request_id), resolution)
        await ctx.put(verdict_key(request_id), verdict)
        ctx.emit(Event.VERDICT_DEPOSITED, resolution)
        return request_id

    @query
    async def get_rule(self, ctx: Context, application: SystemIdentifier, function: FunctionName) -> Rule:
        """Return a function's rule."""
        return await ctx.require(rule_key(application, function))

    @query
    async def list_rule_versions(
        self, ctx: Context, application: SystemIdentifier, function: FunctionName
    ) -> RuleHistory:
        """Return all versions of a function's rule, the newest first."""
        versions = await ctx.history(rule_key(application, function))
        return RuleHistory(versions=tuple(one.record for one in versions if one.record is not None))

    @query
    async def get_resolution(self, ctx: Context, resolution: ResolutionId) -> Resolution:
        """Return a resolution."""
        return await ctx.require(resolution_key(resolution))
