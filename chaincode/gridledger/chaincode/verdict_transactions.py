"""The functions of `council` for verdicts: what decides, what deviating super nodes answer, and misbehaviour.

Source: Luo and Jin, 4.2, steps 6, 7 and 9.
"""

from __future__ import annotations

from dataclasses import replace

from gridledger.chaincode.council_key import candidate_key
from gridledger.chaincode.ledger_key import rating_delta_key
from gridledger.chaincode.round_key import (
    approval_key,
    conduct_key,
    copy_key,
    deletion_receipt_key,
    misbehaviour_key,
    request_key,
    response_key,
    round_entry_key,
    round_key,
    verdict_key,
)
from gridledger.chaincode.round_transactions import acting_super_node, open_round
from gridledger.model.council import CandidateId, quorum
from gridledger.model.council_refusals import NoSuchMisbehaviour, NotASuperNode, ReviewOutOfTurn
from gridledger.model.council_review import (
    Conduct,
    Handling,
    Misbehaviour,
    MisbehaviourKind,
    ReviewApproval,
    ReviewId,
    ReviewProblem,
    ReviewRequest,
    ReviewResponse,
    ReviewState,
    ReviewVerdict,
)
from gridledger.model.council_round import ReviewLimits, Round, RoundNumber, RoundState
from gridledger.model.credit import RatingDelta
from gridledger.model.digest import Digest
from gridledger.model.events import Event
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import AlreadyExists, BadArgument
from gridledger.model.roles import Role
from gridledger.model.system import ShortText
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["VerdictTransactions"]


class VerdictTransactions(Contract):
    """What super nodes find, and what comes of it."""

    @transaction(roles=(Role.AGENT,))
    async def deposit_verdict(
        self, ctx: Context, request: ReviewId, node: CandidateId, problems: tuple[ReviewProblem, ...]
    ) -> ReviewVerdict:
        """Deposit a super node's verdict on a request that it has a copy of, once, within the time."""
        known, running = await _reviewed(ctx, request)
        await acting_super_node(ctx, running, node)
        now_ms = await ctx.now_ms()
        if known.state is not ReviewState.REVIEWED or now_ms >= (known.review_until_ms or 0):
            raise ReviewOutOfTurn(request, "is not in review")
        if node != known.holder and await ctx.get(copy_key(request, node)) is None:
            raise ReviewOutOfTurn(request, f"was not handed to {node}")
        if await ctx.get(verdict_key(request, node)) is not None:
            raise AlreadyExists("review verdict", f"{request} {node}")
        verdict = ReviewVerdict(node=node, problems=problems, deposited_ms=now_ms)
        await ctx.put(verdict_key(request, node), verdict)
        ctx.emit(Event.REVIEW_VERDICT_DEPOSITED, verdict)
        return verdict

    @transaction(roles=(Role.AGENT,))
    async def decide_request(self, ctx: Context, request: ReviewId, node: CandidateId) -> ReviewRequest:
        """Decide: ceil((2n+1)/3) of n super nodes approve, or so many no longer can, or time is over.

        Who never came to a review before its time was over has failed, too.
        """
        known, running = await _reviewed(ctx, request)
        await acting_super_node(ctx, running, node)
        now_ms = await ctx.now_ms()
        if known.state is ReviewState.FILED and now_ms >= running.limits.lapse_ms(known.filed_ms):
            return await _decided(ctx, running, replace(known, state=ReviewState.FAILED, decided_ms=now_ms))
        if known.state is not ReviewState.REVIEWED:
            raise ReviewOutOfTurn(request, "is not in review")
        verdicts = await _verdicts(ctx, running, request)
        approvals = tuple(one.node for one in verdicts if one.approves)
        rejections = tuple(one.node for one in verdicts if not one.approves)
        wanted = quorum(len(running.nodes))
        if len(approvals) >= wanted:
            state = ReviewState.APPROVED
        elif len(rejections) > len(running.nodes) - wanted:
            state = ReviewState.REJECTED
        elif now_ms >= (known.review_until_ms or 0):
            state = ReviewState.FAILED
        else:
            raise ReviewOutOfTurn(request, f"has {len(approvals)} of {wanted} approvals, and time left")
        return await _decided(
            ctx,
            running,
            replace(known, state=state, decided_ms=now_ms, approvals=approvals, rejections=rejections),
        )

    @transaction(roles=(Role.AGENT,))
    async def answer_review(
        self, ctx: Context, request: ReviewId, node: CandidateId, analysis: ShortText
    ) -> ReviewResponse:
        """Answer the master, once, as a super node whose verdict differs from others'."""
        known = await ctx.require(request_key(request))
        statement = known.signed.statement
        running = await ctx.require(round_key(statement.root, statement.round))
        await acting_super_node(ctx, running, node)
        if not known.state.is_decided:
            raise ReviewOutOfTurn(request, "is not decided")
        verdicts = await _verdicts(ctx, running, request)
        own = next((one for one in verdicts if one.node == node), None)
        if own is None:
            raise ReviewOutOfTurn(request, f"has no verdict of {node}")
        differing = tuple(one.node for one in verdicts if one.approves is not own.approves)
        if not differing:
            raise ReviewOutOfTurn(request, f"has no verdict that differs from that of {node}")
        if await ctx.get(response_key(request, node)) is not None:
            raise AlreadyExists("review response", f"{request} {node}")
        response = ReviewResponse(
            node=node,
            approves=own.approves,
            differing=differing,
            analysis=analysis,
            deposited_ms=await ctx.now_ms(),
        )
        await ctx.put(response_key(request, node), response)
        ctx.emit(Event.REVIEW_ANSWERED, response)
        return response

    @transaction(roles=(Role.AGENT,))
    async def name_misbehaviour(
        self,
        ctx: Context,
        root: SystemIdentifier,
        number: RoundNumber,
        node: CandidateId,
        kind: MisbehaviourKind,
        request: str,
        reason: ShortText,
    ) -> Conduct:
        """Name what a super node did, once each: as the round's master, or of the master as another one."""
        known = await ctx.require(round_key(root, number))
        named_by = await _namer(ctx, known, node)
        if node not in known.nodes or not await _shows(ctx, known, node, kind, request):
            raise NoSuchMisbehaviour(node, kind.value)
        cause = request or str(number)
        key = misbehaviour_key(root, node, cause, kind.value)
        if await ctx.get(key) is not None:
            raise AlreadyExists("misbehaviour", f"{node} {cause} {kind.value}")
        now_ms = await ctx.now_ms()
        named = Misbehaviour(
            node=node,
            round=number,
            kind=kind,
            request=request or None,
            reason=reason,
            named_by=named_by,
            named_ms=now_ms,
        )
        await ctx.put(key, named)
        earlier = await ctx.get(conduct_key(root, node))
        count = 1 + (earlier.misbehaviours if earlier else 0)
        conduct = Conduct(root=root, node=node, misbehaviours=count, handling=_handling(known.limits, count))
        await ctx.put(conduct_key(root, node), conduct)
        if count >= known.limits.loses_credit_at:
            candidate = await ctx.require(candidate_key(node))
            order = str(Digest.of(named.to_bytes()))
            delta = RatingDelta(score=0, made_ms=now_ms)
            await ctx.put(rating_delta_key(candidate.entry.system, order, root), delta)
        ctx.emit(Event.MISBEHAVIOUR_NAMED, named)
        return conduct

    @query
    async def get_conduct(self, ctx: Context, root: SystemIdentifier, node: CandidateId) -> Conduct:
        """Return what a super node was named for so far."""
        return await ctx.require(conduct_key(root, node))


async def _reviewed(ctx: Context, request: str) -> tuple[ReviewRequest, Round]:
    """Return a request and its round, which runs."""
    known = await ctx.require(request_key(request))
    statement = known.signed.statement
    return known, await open_round(ctx, statement.root, statement.round)


async def _decided(ctx: Context, running: Round, decided: ReviewRequest) -> ReviewRequest:
    """Write a decision, and what it approves where contracts look for it."""
    statement = decided.signed.statement
    await ctx.put(request_key(statement.id), decided)
    if decided.state is ReviewState.APPROVED and statement.subject:
        key = approval_key(running.root, statement.subject)
        if await ctx.get(key) is None:
            approval = ReviewApproval(request=statement.id, approved_ms=decided.decided_ms or 0)
            await ctx.put(key, approval)
    ctx.emit(Event.REVIEW_DECIDED, decided)
    return decided


async def _verdicts(ctx: Context, running: Round, request: str) -> list[ReviewVerdict]:
    found = await ctx.get_many([verdict_key(request, one) for one in running.nodes])
    return [one for one in found if one is not None]


async def _namer(ctx: Context, known: Round, node: str) -> str:
    """Return as whom the caller names: the master; of the master, any other super node of the round."""
    if node != known.master:
        await acting_super_node(ctx, known, known.master)
        return known.master
    candidates = await ctx.get_many([candidate_key(one) for one in known.nodes])
    for one in candidates:
        if one is not None and one.id != node and ctx.msp_id == one.organisation:
            try:
                return (await acting_super_node(ctx, known, one.id)).id
            except NotASuperNode:
                continue
    raise NotASuperNode(node, f"is named by another super node of round {known.number}")


async def _shows(ctx: Context, known: Round, node: str, kind: MisbehaviourKind, request: str) -> bool:
    """Tell whether the ledger shows a misbehaviour."""
    if bool(request) is not (kind in (MisbehaviourKind.DEVIATION, MisbehaviourKind.SILENCE)):
        raise BadArgument({"request": "want one for what was done about a request, and none otherwise"})
    if request:
        about = await ctx.require(request_key(request))
        statement = about.signed.statement
        if (statement.root, statement.round) != (known.root, known.number) or not about.state.is_decided:
            return False
        verdict = await ctx.get(verdict_key(request, node))
        if kind is MisbehaviourKind.DEVIATION:
            against = {ReviewState.APPROVED: False, ReviewState.REJECTED: True}.get(about.state)
            return verdict is not None and verdict.approves is against
        had = node == about.holder or await ctx.get(copy_key(request, node)) is not None
        was_reviewed = about.review_until_ms is not None
        return verdict is None and had and was_reviewed and about.state is ReviewState.FAILED
    if kind is MisbehaviourKind.SILENT_MASTER:
        return node in (known.silent or ())
    if known.state is RoundState.OPEN or await ctx.now_ms() < (known.receipts_until_ms or 0):
        return False
    entered = await ctx.get(round_entry_key(known.root, known.number, node)) is not None
    return entered and await ctx.get(deletion_receipt_key(known.root, known.number, node)) is None


def _handling(limits: ReviewLimits, count: int) -> Handling:
    """Return what comes of so many misbehaviours."""
    if count >= limits.removed_at:
        return Handling.REMOVED
    if count >= limits.suspended_at:
        return Handling.SUSPENDED
    if count >= limits.loses_credit_at:
        return Handling.CREDIT_LOST
    return Handling.WARNED
