"""The functions of `council` for requests: filed, passed on to the master, taken; and for their copies.

Copies come in the transient data, sealed to the round key of who gets them, and go into the implicit private
collection of its organisation: neither block nor state has them. `HandCopy` writes nothing else, so that
organisation's own peer endorses it alone; what is public says by the hash, which every peer has, that a copy
is there, and is endorsed by whom the chaincode's policy wants. So no organisation that is down holds up what
is not its own.

Source: Luo and Jin, 4.2, steps 2 to 5.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gridledger.chaincode.council_key import candidate_key
from gridledger.chaincode.lake_key import access_key, dataset_version_key
from gridledger.chaincode.ledger_key import system_key
from gridledger.chaincode.permission import acting_system, is_agent
from gridledger.chaincode.round_key import (
    collection_of,
    copy_key,
    place_key,
    request_key,
    response_key,
    round_entry_key,
    verdict_key,
)
from gridledger.chaincode.round_key import round_key as key_of_round
from gridledger.chaincode.round_transactions import acting_super_node, open_round
from gridledger.model.council import Candidate, CandidateId
from gridledger.model.council_refusals import NotASuperNode, ReviewOutOfTurn, RoundOutOfTurn
from gridledger.model.council_review import (
    MAX_COPY_BYTES,
    Authority,
    HandedCopies,
    ReviewCopy,
    ReviewId,
    ReviewRequest,
    ReviewState,
    ReviewStatement,
    ReviewView,
    RoundPlace,
    SignedReviewStatement,
)
from gridledger.model.council_round import Round
from gridledger.model.digest import Digest
from gridledger.model.errors import CryptoError
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import Expired, SignatureRefused
from gridledger.model.refusals import AlreadyExists, BadArgument, LimitExceeded
from gridledger.model.roles import Role
from gridledger.model.sharing import REQUEST_AGE_MS
from gridledger.model.signature import verify_signature
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["COPY", "ReviewTransactions"]

COPY: Final = "copy"
"""Name of the sealed copy in the transient data."""

_USERS = (Role.BUSINESS_SYSTEM, Role.DATA_APPLICATION)


class ReviewTransactions(Contract):
    """Requests for review, on their way to those who review them."""

    @transaction(roles=_USERS)
    async def file_request(
        self, ctx: Context, signed: SignedReviewStatement, node: CandidateId, place: int
    ) -> ReviewRequest:
        """File a request with any super node of the round, which is then handed its content.

        A place is taken once: who finds it taken takes another.
        """
        statement = signed.statement
        running = await open_round(ctx, statement.root, statement.round)
        system = await acting_system(ctx, statement.system)
        try:
            verify_signature(system.agent.public_key, statement.to_bytes(), signed.signature)
        except CryptoError as error:
            raise SignatureRefused("review statement", str(statement.system)) from error
        now_ms = await ctx.now_ms()
        if abs(now_ms - statement.made_ms) > REQUEST_AGE_MS:
            raise Expired("the request is more than five minutes old, or of the future")
        if await ctx.get(request_key(statement.id)) is not None:
            raise AlreadyExists("review request", statement.id)
        if not 0 <= place < running.limits.places:
            raise BadArgument({"place": f"want 0 to {running.limits.places - 1}"})
        if await ctx.get(place_key(statement.root, statement.round, place)) is not None:
            raise ReviewOutOfTurn(statement.id, f"finds place {place} taken")
        filed = ReviewRequest(
            signed=signed,
            organisation=ctx.msp_id,
            place=place,
            path=(node,),
            state=ReviewState.FILED,
            filed_ms=now_ms,
        )
        await _reviewer(ctx, running, node)
        await ctx.put(place_key(statement.root, statement.round, place), RoundPlace(request=statement.id))
        await ctx.put(request_key(statement.id), filed)
        ctx.emit(Event.REVIEW_FILED, filed)
        return filed

    @transaction(roles=(*_USERS, Role.AGENT))
    async def pass_request(self, ctx: Context, request: ReviewId, node: CandidateId) -> ReviewRequest:
        """Pass a request on to the master, which has its content, as who has it or as its user."""
        known = await ctx.require(request_key(request))
        statement = known.signed.statement
        running = await open_round(ctx, statement.root, statement.round)
        await _as_bringer(ctx, running, known)
        if node != running.master or node == known.holder:
            raise ReviewOutOfTurn(request, f"goes to the master, {running.master}, and there once")
        await _require_copy(ctx, await _reviewer(ctx, running, node), request)
        passed = replace(known, path=(*known.path, node))
        await ctx.put(request_key(request), passed)
        ctx.emit(Event.REVIEW_PASSED, passed)
        return passed

    @transaction(roles=(Role.AGENT,))
    async def take_request(self, ctx: Context, request: ReviewId) -> ReviewRequest:
        """Take a request, as the master that has it: refused without authority, else its review begins.

        A review begins once the master has the content.
        """
        known = await ctx.require(request_key(request))
        running = await _as_master(ctx, known)
        if known.state is not ReviewState.FILED or known.holder != running.master:
            raise ReviewOutOfTurn(request, f"is not at the master, {running.master}, to be taken")
        now_ms = await ctx.now_ms()
        authority = await _authority(ctx, known.signed.statement, now_ms)
        if authority is Authority.GIVEN:
            await _require_copy(ctx, await _reviewer(ctx, running, running.master), request)
            until_ms = now_ms + running.limits.review_ms
            taken = replace(known, state=ReviewState.REVIEWED, authority=authority, review_until_ms=until_ms)
        else:
            taken = replace(known, state=ReviewState.REFUSED, authority=authority, decided_ms=now_ms)
        await ctx.put(request_key(request), taken)
        ctx.emit(Event.REVIEW_TAKEN, taken)
        return taken

    @transaction(roles=(*_USERS, Role.AGENT))
    async def hand_copy(self, ctx: Context, request: ReviewId, node: CandidateId) -> Digest:
        """Hand a copy, sealed to its round key, to a super node: nothing else is written.

        Before the review it goes to whom it was filed with, or to the master; in review to the others.
        """
        known = await ctx.require(request_key(request))
        statement = known.signed.statement
        running = await open_round(ctx, statement.root, statement.round)
        if known.state is ReviewState.FILED:
            await _as_bringer(ctx, running, known)
            if node not in (known.holder, running.master):
                raise ReviewOutOfTurn(request, f"goes to {known.holder}, or to the master, {running.master}")
        else:
            await _as_master(ctx, known)
            if known.state is not ReviewState.REVIEWED:
                raise ReviewOutOfTurn(request, "is not in review")
            if node == known.holder:
                raise ReviewOutOfTurn(request, f"is with {node}")
            if await ctx.get(copy_key(request, node)) is not None:
                raise AlreadyExists("review copy", f"{request} {node}")
        sealed = _sealed(ctx)
        text, collection = _place_of(await _reviewer(ctx, running, node), request)
        await ctx.stub.put_private_data(collection, text, sealed)
        ctx.emit(Event.COPY_SENT, HandedCopies(request=request, nodes=(node,)))
        return Digest.of(sealed)

    @transaction(roles=(Role.AGENT,))
    async def record_copies(
        self, ctx: Context, request: ReviewId, nodes: tuple[CandidateId, ...]
    ) -> tuple[ReviewCopy, ...]:
        """Say who was handed a copy, as the master, once each: the hash stands in its private data."""
        known = await ctx.require(request_key(request))
        running = await _as_master(ctx, known)
        if known.state is not ReviewState.REVIEWED:
            raise ReviewOutOfTurn(request, "is not in review")
        if not nodes or list(nodes) != sorted(set(nodes)):
            raise BadArgument({"nodes": "want some, sorted, each once"})
        now_ms, handed = await ctx.now_ms(), list[ReviewCopy]()
        for node in nodes:
            if node == known.holder:
                raise ReviewOutOfTurn(request, f"is with {node}")
            if await ctx.get(copy_key(request, node)) is not None:
                raise AlreadyExists("review copy", f"{request} {node}")
            found = await _require_copy(ctx, await _reviewer(ctx, running, node), request)
            handed.append(ReviewCopy(sealed=Digest(found), handed_ms=now_ms))
            await ctx.put(copy_key(request, node), handed[-1])
        ctx.emit(Event.COPY_HANDED, HandedCopies(request=request, nodes=nodes))
        return tuple(handed)

    @query
    async def get_review(self, ctx: Context, request: ReviewId) -> ReviewView:
        """Return a request with everything that super nodes said about it."""
        known = await ctx.require(request_key(request))
        statement = known.signed.statement
        running = await ctx.require(key_of_round(statement.root, statement.round))
        nodes = running.nodes
        copies = await ctx.get_many([copy_key(request, one) for one in nodes])
        verdicts = await ctx.get_many([verdict_key(request, one) for one in nodes])
        responses = await ctx.get_many([response_key(request, one) for one in nodes])
        return ReviewView(
            request=known,
            copies=tuple(one for one, copy in zip(nodes, copies, strict=True) if copy is not None),
            verdicts=tuple(one for one in verdicts if one is not None),
            responses=tuple(one for one in responses if one is not None),
        )

    @query
    async def read_copy(self, ctx: Context, request: ReviewId, node: CandidateId) -> bytes:
        """Return a super node's sealed copy from its organisation's peer; empty where there is none."""
        text, collection = _place_of(await ctx.require(candidate_key(node)), request)
        return await ctx.stub.get_private_data(collection, text) or b""

    @query
    async def read_copy_hash(self, ctx: Context, request: ReviewId, node: CandidateId) -> bytes:
        """Return the hash of a super node's sealed copy, which every peer has; empty where there is none."""
        text, collection = _place_of(await ctx.require(candidate_key(node)), request)
        return await ctx.stub.get_private_data_hash(collection, text) or b""


async def _as_master(ctx: Context, known: ReviewRequest) -> Round:
    """Return the round of a request whose master calls."""
    statement = known.signed.statement
    running = await open_round(ctx, statement.root, statement.round)
    await acting_super_node(ctx, running, running.master)
    return running


async def _as_bringer(ctx: Context, running: Round, known: ReviewRequest) -> None:
    """Refuse who is neither the user of a request that nobody took nor the super node that has it."""
    statement = known.signed.statement
    if known.state is not ReviewState.FILED:
        raise ReviewOutOfTurn(statement.id, "was taken")
    system = await ctx.require(system_key(statement.system))
    if not is_agent(ctx, system.agent):
        await acting_super_node(ctx, running, known.holder)


async def _reviewer(ctx: Context, running: Round, node: str) -> Candidate:
    """Return a super node that has a key of the round."""
    if node not in running.nodes:
        raise NotASuperNode(node, f"is no super node of round {running.number}")
    if await ctx.get(round_entry_key(running.root, running.number, node)) is None:
        raise RoundOutOfTurn(running.number, f"has no key of {node}")
    return await ctx.require(candidate_key(node))


def _place_of(candidate: Candidate, request: str) -> tuple[str, str]:
    """Return under which key, and in which collection, a super node has its copy."""
    return copy_key(request, candidate.id).to_text(), collection_of(candidate.organisation)


async def _require_copy(ctx: Context, candidate: Candidate, request: str) -> bytes:
    """Return the hash of a super node's copy; every peer has it."""
    text, collection = _place_of(candidate, request)
    found = await ctx.stub.get_private_data_hash(collection, text)
    if found is None:
        raise ReviewOutOfTurn(request, f"has no copy at {candidate.id}")
    return found


def _sealed(ctx: Context) -> bytes:
    """Return the sealed copy of the transient data."""
    sealed = ctx.stub.get_transient().get(COPY, b"")
    if not sealed:
        raise BadArgument({COPY: "want a sealed copy in the transient data"})
    if len(sealed) > MAX_COPY_BYTES:
        raise LimitExceeded("bytes of a copy", limit=MAX_COPY_BYTES, actual=len(sealed))
    return sealed


async def _authority(ctx: Context, statement: ReviewStatement, now_ms: int) -> Authority:
    """Say what the ledger says of a user's authority for what it wants reviewed."""
    system = await ctx.require(system_key(statement.system))
    if not system.is_in_force(now_ms) or system.root != statement.root:
        return Authority.SYSTEM
    if statement.access is not None:
        decision = await ctx.get(access_key(statement.access))
        if decision is None:
            return Authority.SUBJECT
        asked = decision.request
        if statement.system not in (asked.application, asked.dataset.system):
            return Authority.PARTY
        is_over = decision.valid_until_ms is not None and now_ms >= decision.valid_until_ms
        return Authority.GIVEN if decision.is_admitted and not is_over else Authority.RIGHT
    if statement.dataset is None or statement.number is None:
        return Authority.SUBJECT
    version = await ctx.get(dataset_version_key(statement.dataset, statement.number))
    if version is None or version.statement.digest != statement.proposal:
        return Authority.SUBJECT
    return Authority.GIVEN if statement.dataset.system == statement.system else Authority.PARTY
