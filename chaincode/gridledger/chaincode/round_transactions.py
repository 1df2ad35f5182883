"""The functions of `council` for rounds: entries with checkpoints, the master, end, deletion and closing.

Source: Luo and Jin, 4.2, steps 1, 3, 8, 9 and 10.
"""

from __future__ import annotations

from dataclasses import replace

from gridledger.chaincode.council_key import candidate_key, council_key
from gridledger.chaincode.permission import is_agent, require_platform
from gridledger.chaincode.round_key import (
    collection_of,
    conduct_key,
    copy_key,
    deletion_receipt_key,
    place_key,
    request_key,
    review_rules_key,
    round_entry_key,
    round_head_key,
    round_key,
)
from gridledger.model.council import Candidate, quorum
from gridledger.model.council_refusals import (
    CopyStillThere,
    NotASuperNode,
    ReviewOutOfTurn,
    RoundOutOfTurn,
)
from gridledger.model.council_review import Handling, ReviewId, ReviewRequest, ReviewState, RoundView
from gridledger.model.council_round import (
    EntryOfRound,
    ReviewLimits,
    ReviewRules,
    Round,
    RoundEntry,
    RoundHead,
    RoundNumber,
    RoundState,
    SignedDeletionReceipt,
    height_of_round,
    master_of,
)
from gridledger.model.errors import CryptoError
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import SignatureRefused
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import AlreadyExists, BadArgument
from gridledger.model.roles import Role
from gridledger.model.signature import verify_signature
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["RoundTransactions", "acting_super_node", "open_round"]


class RoundTransactions(Contract):
    """Rounds, and what is deleted after them."""

    @transaction(roles=(Role.PLATFORM_ADMINISTRATOR,))
    async def set_review_rules(
        self, ctx: Context, root: SystemIdentifier, limits: ReviewLimits
    ) -> ReviewRules:
        """Set how the council of a root of the caller's organisation reviews, from the next round on."""
        await require_platform(ctx, root)
        earlier = await ctx.get(review_rules_key(root))
        rules = ReviewRules(
            root=root,
            version=1 + (earlier.version if earlier else 0),
            limits=limits,
            set_ms=await ctx.now_ms(),
        )
        await ctx.put(review_rules_key(root), rules)
        ctx.emit(Event.REVIEW_RULES_SET, rules)
        return rules

    @transaction(roles=(Role.AGENT,))
    async def enter_round(
        self, ctx: Context, root: SystemIdentifier, number: RoundNumber, node: str, entry: EntryOfRound
    ) -> RoundEntry:
        """Enter the next round, or the one that runs, with a key for it and the own peer's height."""
        await _acting(ctx, node)
        council = await ctx.require(council_key(root))
        if council.member(node) is None or await _is_suspended(ctx, root, node):
            raise NotASuperNode(node, f"takes part in no round of {root}")
        running = await ctx.get(round_key(root, number))
        if running is None:
            await _require_next(ctx, root, number)
        elif running.state is not RoundState.OPEN or node not in running.nodes:
            raise RoundOutOfTurn(number, "takes nobody any more")
        key = round_entry_key(root, number, node)
        if await ctx.get(key) is not None:
            raise AlreadyExists("round entry", f"{number} {node}")
        entered = RoundEntry(root=root, round=number, node=node, entry=entry, entered_ms=await ctx.now_ms())
        await ctx.put(key, entered)
        ctx.emit(Event.ROUND_ENTERED, entered)
        return entered

    @transaction(roles=(Role.AGENT,))
    async def begin_round(
        self, ctx: Context, root: SystemIdentifier, number: RoundNumber, node: str
    ) -> Round:
        """Begin the next round once enough super nodes have entered; its master follows from the formula."""
        await _acting(ctx, node)
        if await ctx.get(round_key(root, number)) is not None:
            raise RoundOutOfTurn(number, "has begun")
        before = await _require_next(ctx, root, number)
        council = await ctx.require(council_key(root))
        rules = await ctx.require(review_rules_key(root))
        now_ms = await ctx.now_ms()
        if now_ms >= council.ends_ms:
            raise RoundOutOfTurn(number, "would begin after the council's term")
        members = [one.id for one in council.members]
        conducts = await ctx.get_many([conduct_key(root, one) for one in members])
        nodes = [
            one
            for one, conduct in zip(members, conducts, strict=True)
            if conduct is None or conduct.handling not in (Handling.SUSPENDED, Handling.REMOVED)
        ]
        if node not in nodes:
            raise NotASuperNode(node, f"takes part in no round of {root}")
        found = await ctx.get_many([round_entry_key(root, number, one) for one in nodes])
        entries = [one for one in found if one is not None]
        if len(entries) < quorum(len(nodes)):
            raise RoundOutOfTurn(number, f"has {len(entries)} of {quorum(len(nodes))} entries that it wants")
        reached = height_of_round((one.entry.height for one in entries), len(nodes))
        height = max(reached, before.height if before else 0)
        requests = before.requests + (before.filed or 0) if before else 0
        entered = tuple(one.node for one in entries)
        begun = Round(
            root=root,
            number=number,
            election=council.election,
            nodes=tuple(nodes),
            entered=entered,
            height=height,
            requests=requests,
            view=0,
            master=master_of(entered, height=height, requests=requests, view=0),
            limits=rules.limits,
            begun_ms=now_ms,
            view_ms=now_ms,
            state=RoundState.OPEN,
        )
        await ctx.put(round_key(root, number), begun)
        await ctx.put(round_head_key(root), RoundHead(number=number))
        ctx.emit(Event.ROUND_BEGUN, begun)
        return begun

    @transaction(roles=(Role.AGENT,))
    async def replace_master(
        self, ctx: Context, root: SystemIdentifier, number: RoundNumber, node: str, request: ReviewId
    ) -> Round:
        """Replace a master that has not taken a request within its time; it was silent if it had it."""
        running = await open_round(ctx, root, number)
        await acting_super_node(ctx, running, node)
        known = await ctx.require(request_key(request))
        now_ms = await ctx.now_ms()
        if known.signed.statement.round != number or known.signed.statement.root != root:
            raise ReviewOutOfTurn(request, f"is not of round {number}")
        if known.state is not ReviewState.FILED:
            raise ReviewOutOfTurn(request, "was taken")
        if now_ms < max(known.filed_ms, running.view_ms) + running.limits.master_ms:
            raise RoundOutOfTurn(number, "gives its master more time")
        view, silent = running.view + 1, running.silent
        if known.holder == running.master:
            silent = tuple(sorted({*(silent or ()), running.master}))
        changed = replace(
            running,
            view=view,
            silent=silent,
            view_ms=now_ms,
            master=master_of(running.entered, height=running.height, requests=running.requests, view=view),
        )
        await ctx.put(round_key(root, number), changed)
        ctx.emit(Event.MASTER_REPLACED, changed)
        return changed

    @transaction(roles=(Role.AGENT,))
    async def end_round(self, ctx: Context, root: SystemIdentifier, number: RoundNumber, node: str) -> Round:
        """End a round whose requests are all decided; it takes no more of them, and copies are deleted."""
        running = await open_round(ctx, root, number)
        await acting_super_node(ctx, running, node)
        requests = await _requests(ctx, running)
        council = await ctx.require(council_key(root))
        now_ms = await ctx.now_ms()
        is_outlived = council.election != running.election or now_ms >= council.ends_ms
        if not requests and not is_outlived:
            raise RoundOutOfTurn(number, "has no requests yet")
        if not all(one.state.is_decided for one in requests):
            raise RoundOutOfTurn(number, "has requests without a decision")
        ended = replace(
            running,
            state=RoundState.ENDED,
            filed=len(requests),
            receipts_until_ms=now_ms + running.limits.receipt_ms,
        )
        await ctx.put(round_key(root, number), ended)
        ctx.emit(Event.ROUND_ENDED, ended)
        return ended

    @transaction(roles=(Role.AGENT,))
    async def purge_copies(
        self, ctx: Context, root: SystemIdentifier, number: RoundNumber, node: str
    ) -> Round:
        """Purge the copies that the super node had in a round from its organisation's private data."""
        known = await ctx.require(round_key(root, number))
        if known.state is RoundState.OPEN:
            raise RoundOutOfTurn(number, "has not ended")
        candidate = await acting_super_node(ctx, known, node)
        for text in _copies(candidate, await _requests(ctx, known)):
            await ctx.stub.purge_private_data(collection_of(candidate.organisation), text)
        ctx.emit(Event.COPIES_PURGED, known)
        return known

    @transaction(roles=(Role.AGENT,))
    async def deposit_deletion_receipt(
        self, ctx: Context, signed: SignedDeletionReceipt
    ) -> SignedDeletionReceipt:
        """Deposit a super node's receipt once; refused while private data still has one of its copies."""
        receipt = signed.receipt
        known = await ctx.require(round_key(receipt.root, receipt.round))
        if known.state is RoundState.OPEN:
            raise RoundOutOfTurn(receipt.round, "has not ended")
        candidate = await acting_super_node(ctx, known, receipt.node)
        try:
            verify_signature(candidate.agent.public_key, receipt.to_bytes(), signed.signature)
        except CryptoError as error:
            raise SignatureRefused("deletion receipt", receipt.node) from error
        entry = await ctx.require(round_entry_key(receipt.root, receipt.round, receipt.node))
        if entry.entry.key != receipt.key:
            raise BadArgument({"signed.receipt.key": "is not its key of the round"})
        key = deletion_receipt_key(receipt.root, receipt.round, receipt.node)
        if await ctx.get(key) is not None:
            raise AlreadyExists("deletion receipt", f"{receipt.round} {receipt.node}")
        collection = collection_of(candidate.organisation)
        for request in await _requests(ctx, known):
            for text in _copies(candidate, [request]):
                if await ctx.stub.get_private_data_hash(collection, text) is not None:
                    raise CopyStillThere(request.signed.statement.id, receipt.node)
        await ctx.put(key, signed)
        ctx.emit(Event.DELETION_RECEIPT_DEPOSITED, signed)
        return signed

    @transaction(roles=(Role.AGENT,))
    async def close_round(
        self, ctx: Context, root: SystemIdentifier, number: RoundNumber, node: str
    ) -> Round:
        """Close an ended round with all receipts, or once their time is over; again when more came."""
        known = await ctx.require(round_key(root, number))
        await acting_super_node(ctx, known, node)
        if known.state is RoundState.OPEN or (known.state is RoundState.CLOSED and not known.missing):
            raise RoundOutOfTurn(number, f"is {known.state.value}")
        entries, receipts = await _entries_and_receipts(ctx, known)
        gave = {one.receipt.node for one in receipts}
        missing = tuple(one.node for one in entries if one.node not in gave)
        if missing and await ctx.now_ms() < (known.receipts_until_ms or 0):
            raise RoundOutOfTurn(number, f"wants receipts of {', '.join(missing)}")
        if missing == known.missing:
            raise RoundOutOfTurn(number, "is closed, and no receipt has come since")
        closed = replace(known, state=RoundState.CLOSED, missing=missing)
        await ctx.put(round_key(root, number), closed)
        ctx.emit(Event.ROUND_CLOSED, closed)
        return closed

    @query
    async def get_review_rules(self, ctx: Context, root: SystemIdentifier) -> ReviewRules:
        """Return how a root's council reviews."""
        return await ctx.require(review_rules_key(root))

    @query
    async def get_newest_round(self, ctx: Context, root: SystemIdentifier) -> RoundHead:
        """Return the number of the newest round."""
        return await ctx.require(round_head_key(root))

    @query
    async def list_entries(
        self, ctx: Context, root: SystemIdentifier, number: RoundNumber
    ) -> tuple[RoundEntry, ...]:
        """Return who of the sitting council has entered a round, begun or not."""
        council = await ctx.require(council_key(root))
        found = await ctx.get_many([round_entry_key(root, number, one.id) for one in council.members])
        return tuple(one for one in found if one is not None)

    @query
    async def get_round(self, ctx: Context, root: SystemIdentifier, number: RoundNumber) -> RoundView:
        """Return a round with its entries, requests and receipts."""
        known = await ctx.require(round_key(root, number))
        entries, receipts = await _entries_and_receipts(ctx, known)
        requests = await _requests(ctx, known)
        return RoundView(
            round=known, entries=tuple(entries), requests=tuple(requests), receipts=tuple(receipts)
        )


async def acting_super_node(ctx: Context, known: Round, node: str) -> Candidate:
    """Return a super node of a round whose agent calls.

    Raises
    ------
    NotASuperNode
        It does not count in the round, or somebody else calls.
    """
    if node not in known.nodes:
        raise NotASuperNode(node, f"is no super node of round {known.number}")
    return await _acting(ctx, node)


async def open_round(ctx: Context, root: SystemIdentifier, number: int) -> Round:
    """Return a round that runs.

    Raises
    ------
    RoundOutOfTurn
        It has ended.
    """
    known = await ctx.require(round_key(root, number))
    if known.state is not RoundState.OPEN:
        raise RoundOutOfTurn(number, "has ended")
    return known


async def _acting(ctx: Context, node: str) -> Candidate:
    candidate = await ctx.require(candidate_key(node))
    if not is_agent(ctx, candidate.agent):
        raise NotASuperNode(node, "is not the caller")
    return candidate


async def _is_suspended(ctx: Context, root: SystemIdentifier, node: str) -> bool:
    conduct = await ctx.get(conduct_key(root, node))
    return conduct is not None and conduct.handling in (Handling.SUSPENDED, Handling.REMOVED)


async def _require_next(ctx: Context, root: SystemIdentifier, number: int) -> Round | None:
    """Return the round before the next one, which has ended; None for the first."""
    if number == 1:
        return None
    before = await ctx.get(round_key(root, number - 1))
    if before is None or before.state is RoundState.OPEN:
        raise RoundOutOfTurn(number, "is not the next one")
    return before


async def _requests(ctx: Context, known: Round) -> list[ReviewRequest]:
    """Return a round's requests, by place; all of its places are read, so that none appears meanwhile."""
    keys = [place_key(known.root, known.number, place) for place in range(known.limits.places)]
    taken = [one for one in await ctx.get_many(keys) if one is not None]
    found = await ctx.get_many([request_key(one.request) for one in taken])
    return [one for one in found if one is not None]


def _copies(candidate: Candidate, requests: list[ReviewRequest]) -> list[str]:
    """Name what a super node may have of requests: as whom they came to, and as one of the reviewers."""
    return [copy_key(one.signed.statement.id, candidate.id).to_text() for one in requests]


async def _entries_and_receipts(
    ctx: Context, known: Round
) -> tuple[list[RoundEntry], list[SignedDeletionReceipt]]:
    entries = await ctx.get_many([round_entry_key(known.root, known.number, one) for one in known.nodes])
    receipts = await ctx.get_many(
        [deletion_receipt_key(known.root, known.number, one) for one in known.nodes]
    )
    return [one for one in entries if one is not None], [one for one in receipts if one is not None]
