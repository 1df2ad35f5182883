"""The contract `resolution`: rules of data applications, and resolutions of their requests.

Source: CN112508707B, [0079], [0087] to [0092], [0104].
"""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from gridledger.chaincode.decision import DecidedSystem, Decision, decide
from gridledger.chaincode.integrity import FieldPeriod, compare
from gridledger.chaincode.ledger_key import publication_key, resolution_key, rule_key, verdict_key
from gridledger.chaincode.permission import acting_system
from gridledger.model.digest import Digest
from gridledger.model.errors import CryptoError
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import NotPublished, SignatureRefused
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.integrity import FieldCheck, PeriodRoot, SignedRoots, Verdict
from gridledger.model.period import periods_between
from gridledger.model.refusals import AlreadyExists, BadArgument, Conflict, LimitExceeded
from gridledger.model.resolution import (
    RESOLUTION_VALID_MS,
    FunctionName,
    Request,
    Resolution,
    Rule,
    RuleEntry,
    SignedRequest,
    TargetField,
    TargetSystem,
)
from gridledger.model.roles import Role
from gridledger.model.signature import verify_signature
from gridledger.model.system import SystemKind
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["ResolutionContract"]

MAX_ANSWERS = 64

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
        )
        await ctx.put(key, rule)
        ctx.emit(Event.RULE_SET, rule)
        return rule

    @query
    async def decide(self, ctx: Context, signed: SignedRequest) -> Resolution:
        """Return what a request would get, every deposited field and period still unanswered."""
        resolution, _ = await _resolve(ctx, signed, await decide(ctx, signed), {})
        return resolution

    @transaction(roles=(Role.AGGREGATION_SYSTEM,))
    async def resolve(
        self, ctx: Context, signed: SignedRequest, answers: tuple[SignedRoots, ...]
    ) -> Resolution:
        """Resolve a request with its owners' actual roots: deposit the resolution and the verdict."""
        request_id = signed.request.id
        if await ctx.get(resolution_key(request_id)) is not None:
            raise AlreadyExists("resolution", request_id)
        decision = await decide(ctx, signed)
        await acting_system(ctx, decision.root, SystemKind.AGGREGATION_SYSTEM)
        actual = _actual_roots(request_id, decision, answers)
        resolution, verdict = await _resolve(ctx, signed, decision, actual)
        await ctx.put(resolution_key(request_id), resolution)
        await ctx.put(verdict_key(request_id), verdict)
        ctx.emit(Event.VERDICT_DEPOSITED, resolution)
        return resolution

    @query
    async def get_rule(self, ctx: Context, application: SystemIdentifier, function: FunctionName) -> Rule:
        """Return a function's rule."""
        return await ctx.require(rule_key(application, function))

    @query
    async def get_resolution(self, ctx: Context, resolution: ResolutionId) -> Resolution:
        """Return a resolution."""
        return await ctx.require(resolution_key(resolution))


def _actual_roots(
    request_id: str, decision: Decision, answers: tuple[SignedRoots, ...]
) -> dict[FieldPeriod, PeriodRoot]:
    """Check the owners' statements and return their roots."""
    if len(answers) > MAX_ANSWERS:
        raise LimitExceeded("answers", limit=MAX_ANSWERS, actual=len(answers))
    owners = {target.system.identifier: target.system for target in decision.targets}
    actual: dict[FieldPeriod, PeriodRoot] = {}
    for answer in answers:
        roots = answer.roots
        owner = owners.get(roots.system)
        if roots.request != request_id or owner is None:
            raise Conflict(f"the roots of {roots.system} are not of this request")
        try:
            verify_signature(owner.agent.public_key, roots.to_bytes(), answer.signature)
        except CryptoError as error:
            raise SignatureRefused("actual roots", str(roots.system)) from error
        for root in roots.roots:
            if root.field.system != roots.system or (root.field, root.period) in actual:
                raise BadArgument({"answers": f"{roots.system} names {root.field} twice or wrongly"})
            actual[root.field, root.period] = root
    return actual


async def _resolve(
    ctx: Context,
    signed: SignedRequest,
    decision: Decision,
    actual: dict[FieldPeriod, PeriodRoot],
) -> tuple[Resolution, Verdict]:
    request = signed.request
    lines = await compare(ctx, _wanted(request, decision), actual)
    now_ms = await ctx.now_ms()
    verdict = Verdict(resolution=request.id, checks=tuple(lines), decided_ms=now_ms)
    checks: dict[FieldIdentifier, list[FieldCheck]] = {}
    for line in lines:
        checks.setdefault(line.field, []).append(line.check)
    resolution = Resolution(
        id=request.id,
        request=request,
        rule_version=decision.rule.version,
        targets=tuple(_target(target, checks) for target in decision.targets),
        verdict=Digest.of(verdict.to_bytes()),
        resolved_ms=now_ms,
        expires_ms=now_ms + RESOLUTION_VALID_MS,
    )
    return resolution, verdict


def _wanted(request: Request, decision: Decision) -> list[FieldPeriod]:
    return [
        (one.field.identifier, period)
        for target in decision.targets
        for one in target.fields
        for period in periods_between(one.field.metadata.frequency, request.first, request.last)
    ]


def _target(target: DecidedSystem, checks: dict[FieldIdentifier, list[FieldCheck]]) -> TargetSystem:
    return TargetSystem(
        system=target.system.identifier,
        server=target.system.profile.server or "",
        fields=tuple(
            TargetField(
                field=one.field.identifier,
                price_milliyuan=one.standard.price_milliyuan,
                standard_version=one.standard.version,
                checks=tuple(checks[one.field.identifier]),
            )
            for one in target.fields
        ),
    )
