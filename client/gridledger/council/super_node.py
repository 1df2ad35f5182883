"""A super node: takes part in rounds, reviews, deletes its copies and signs for it.

Each step looks at the ledger and does what is this node's turn, so it goes on after a crash wherever it was.
Who comes second where several may do a thing is refused, and leaves it at that.

Source: Luo and Jin, double-link data storage and sharing model: 4.2, steps 1 to 10.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

from gridledger.council.copy_desk import SECOND, CopyDesk
from gridledger.council.council_ledger import CouncilLedger
from gridledger.council.review_copy import now_ms
from gridledger.council.review_ledger import ReviewLedger
from gridledger.council.review_rule import Reviewer, without_rules
from gridledger.council.round_key_store import RoundKeyStore
from gridledger.model.council import quorum
from gridledger.model.council_refusals import CopyStillThere, NoSuchMisbehaviour
from gridledger.model.council_review import (
    Authority,
    MisbehaviourKind,
    ReviewProblem,
    ReviewRequest,
    ReviewState,
    ReviewView,
    RoundView,
)
from gridledger.model.council_round import (
    DeletionReceipt,
    EntryOfRound,
    RoundState,
    SignedDeletionReceipt,
)
from gridledger.model.digest import Digest
from gridledger.model.errors import ContractError, GatewayError, GridLedgerError
from gridledger.model.events import Event
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import Record
from gridledger.model.refusals import NotFound

__all__ = ["SuperNode"]

T = TypeVar("T")

_WAKING: Final = frozenset(
    {
        Event.ELECTION_COUNTED,
        Event.ROUND_ENTERED,
        Event.ROUND_BEGUN,
        Event.MASTER_REPLACED,
        Event.REVIEW_FILED,
        Event.REVIEW_PASSED,
        Event.REVIEW_TAKEN,
        Event.COPY_SENT,
        Event.COPY_HANDED,
        Event.REVIEW_VERDICT_DEPOSITED,
        Event.REVIEW_DECIDED,
        Event.ROUND_ENDED,
        Event.COPIES_PURGED,
        Event.DELETION_RECEIPT_DEPOSITED,
    }
)
"""After these it looks at the ledger at once."""

_LOOK_BACK: Final = 100
"""Rounds that it looks back over when it starts, beside those that it has keys of: one query each."""

PAUSE_S: Final = 0.5
"""Between two looks at the ledger where no event comes: times run out without one."""


class SuperNode:
    """One super node's part in rounds.

    Parameters
    ----------
    ledger : ReviewLedger
        Its agent's.
    council : CouncilLedger
        Its agent's.
    root : SystemIdentifier
        The root whose council it is of.
    node : str
        Its id.
    sign : callable
        Signs with its agent's key.
    keys : RoundKeyStore
        Where its round keys stand.
    reviewer : Reviewer, optional
        Its own rules.
    clock : callable, optional
        Milliseconds since 1970; the machine's by default.
    on_trouble : callable, optional
        Told what was not answered, not taken or refused; the next look tries again.
    """

    def __init__(
        self,
        ledger: ReviewLedger,
        council: CouncilLedger,
        *,
        root: SystemIdentifier,
        node: str,
        sign: Callable[[Record], Awaitable[bytes]],
        keys: RoundKeyStore,
        reviewer: Reviewer = without_rules,
        clock: Callable[[], int] = now_ms,
        on_trouble: Callable[[GridLedgerError], None] | None = None,
    ) -> None:
        self._ledger = ledger
        self._council = council
        self._root = root
        self.node = node
        self._sign = sign
        self._keys = keys
        self._desk = CopyDesk(ledger, node, keys)
        self._reviewer = reviewer
        self._clock = clock
        self._on_trouble = on_trouble
        self._named: set[tuple[str, str, str]] = set()
        self._answered: set[str] = set()
        self._owed: set[int] = set()
        self._has_looked_back = False

    async def run(self) -> None:
        """Take part until cancelled; every look begins anew, so trouble with a peer ends nothing."""
        woken = asyncio.Event()
        watching = asyncio.create_task(self._watch(woken))
        try:
            while True:
                woken.clear()
                try:
                    await self.step()
                except (GatewayError, ContractError) as error:
                    self._tell(error)
                    await asyncio.sleep(PAUSE_S)
                with suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), PAUSE_S)
        finally:
            watching.cancel()
            await asyncio.gather(watching, self._desk.close(), return_exceptions=True)

    async def _watch(self, woken: asyncio.Event) -> None:
        """Wake this node when something happens that may be its turn."""
        while True:
            try:
                async with self._ledger.events() as events:
                    async for event in events:
                        if event.name in _WAKING:
                            woken.set()
            except GatewayError as error:
                self._tell(error)
            await asyncio.sleep(PAUSE_S)

    def _tell(self, error: GridLedgerError) -> None:
        if self._on_trouble is not None:
            self._on_trouble(error)

    async def step(self) -> None:
        """Look at the ledger once, and do what is this node's turn."""
        newest = await self._ledger.newest_round(self._root)
        view = await self._ledger.round(self._root, newest) if newest else None
        if newest > 1:
            await self._clean_up(await self._ledger.round(self._root, newest - 1))
            await self._catch_up(newest - 2)
        if view is None or view.round.state is not RoundState.OPEN:
            if view is not None:
                await self._clean_up(view)
            await self._go_on(newest + 1)
            return
        if self.node not in view.round.nodes:
            return
        if self.node not in {one.node for one in view.entries}:
            await self._enter(view.round.number)
        for request in view.requests:
            await self._serve(view, request)
        await self._end(view)

    # --- the beginning of a round

    async def _go_on(self, number: int) -> None:
        try:
            council = await self._council.council(self._root)
        except NotFound:
            return  # Nobody was elected yet.
        if council.member(self.node) is None or self._clock() >= council.ends_ms:
            return
        entries = await self._ledger.entries(self._root, number)
        if self.node not in {one.node for one in entries}:
            await self._enter(number)
        elif len(entries) >= quorum(len(council.members)):
            await _second_is_fine(self._ledger.begin(self._root, number, self.node))

    async def _enter(self, number: int) -> None:
        info = await self._ledger.network.chain_info()
        entry = EntryOfRound(
            key=self._keys.draw(number).public.raw,
            height=info.height,
            block=Digest(info.current_block_hash),
        )
        await _second_is_fine(self._ledger.enter(self._root, number, self.node, entry))

    # --- requests

    async def _serve(self, view: RoundView, request: ReviewRequest) -> None:
        if request.state is ReviewState.FILED:
            await self._bring(view, request)
        elif request.state is ReviewState.REVIEWED:
            await self._review(view, request)

    async def _bring(self, view: RoundView, request: ReviewRequest) -> None:
        """Take a request as the master, pass it on to the master, or replace one that does not take it."""
        known, name = view.round, request.signed.statement.id
        if self._clock() >= known.limits.lapse_ms(request.filed_ms):
            await _second_is_fine(self._ledger.decide(name, self.node))
            return
        if request.holder == self.node == known.master:
            await _second_is_fine(self._ledger.take(name))
        elif request.holder == self.node:
            content = await self._desk.content(view, name)
            if content is not None and await self._desk.hand(view, name, content, known.master):
                await _second_is_fine(self._ledger.pass_on(name, known.master))
        if self.node != known.master and self._clock() >= _patience_ms(view, request.filed_ms):
            replaced = self._ledger.replace_master(self._root, known.number, self.node, name)
            await _second_is_fine(replaced)

    async def _review(self, view: RoundView, request: ReviewRequest) -> None:
        name, known = request.signed.statement.id, view.round
        about = await self._ledger.review(name)
        is_master = self.node == known.master
        if is_master and request.holder == self.node:
            await _second_is_fine(self._desk.hand_out(view, about))
        has_copy = request.holder == self.node or self.node in about.copies
        if has_copy and self.node not in {one.node for one in about.verdicts}:
            problems = await self._problems(view, request)
            await _second_is_fine(self._ledger.deposit_verdict(name, self.node, problems))
            about = await self._ledger.review(name)
        is_over = self._clock() >= (request.review_until_ms or 0)
        if is_over or (is_master and _can_be_decided(view, about)):
            await _second_is_fine(self._ledger.decide(name, self.node))

    async def _problems(self, view: RoundView, request: ReviewRequest) -> tuple[ReviewProblem, ...]:
        content = await self._desk.content(view, request.signed.statement.id)
        if content is None or Digest.of(content) != request.signed.statement.digest:
            return (ReviewProblem.COPY,)
        if request.authority is not Authority.GIVEN:
            return (ReviewProblem.AUTHORITY,)
        return await self._reviewer(content, request)

    async def _look_back(self, view: RoundView, request: ReviewRequest) -> None:
        """Answer the master where others reviewed otherwise; name who did or was silent."""
        name = request.signed.statement.id
        approvals, rejections = request.approvals or (), request.rejections or ()
        own, others = (approvals, rejections) if self.node in approvals else (rejections, approvals)
        if self.node in own and others and name not in self._answered:
            self._answered.add(name)
            analysis = f"{len(own)} super nodes with this one, {len(others)} against it"
            await _second_is_fine(self._ledger.answer(name, self.node, analysis))
        if request.state is ReviewState.FAILED:
            about = await self._ledger.review(name)
            spoke = {*approvals, *rejections}
            reviewers = (*about.copies, request.holder) if request.review_until_ms is not None else ()
            for one in reviewers:
                if one not in spoke:
                    await self._name(view, one, MisbehaviourKind.SILENCE, "no verdict in time", name)
            return
        against = rejections if request.state is ReviewState.APPROVED else approvals
        for one in against:
            await self._name(
                view, one, MisbehaviourKind.DEVIATION, "its verdict is against the decision", name
            )

    async def _name(
        self, view: RoundView, node: str, kind: MisbehaviourKind, reason: str, request: str = ""
    ) -> None:
        """Name what a super node did: as the master, or of the master as any other one."""
        cause = (node, request or str(view.round.number), kind.value)
        may = node != self.node and view.round.master in (node, self.node)
        if not may or cause in self._named:
            return
        self._named.add(cause)
        named = self._ledger.name(self._root, view.round.number, node, kind, reason, request=request)
        await _second_is_fine(named)

    # --- the end of a round

    async def _end(self, view: RoundView) -> None:
        known = view.round
        if not all(one.state.is_decided for one in view.requests):
            return
        is_outlived = not view.requests and (
            (await self._council.council(self._root)).election != known.election
        )
        if not view.requests and not is_outlived:
            return
        last_ms = max((one.decided_ms or 0 for one in view.requests), default=known.begun_ms)
        if self.node == known.master or self._clock() >= last_ms + known.limits.master_ms:
            await _second_is_fine(self._ledger.end(self._root, known.number, self.node))

    async def _clean_up(self, view: RoundView) -> None:
        """Delete this node's copies of an ended round and sign for it; as the master, close the round."""
        known = view.round
        if known.state is RoundState.OPEN or self.node not in known.nodes:
            return
        for request in view.requests:
            if request.state is not ReviewState.REFUSED:
                await self._look_back(view, request)
        gave = {one.receipt.node for one in view.receipts}
        entry = next((one.entry for one in view.entries if one.node == self.node), None)
        if entry is not None and self.node not in gave:
            await self._delete(view, entry)
        for silent in known.silent or ():
            await self._name(view, silent, MisbehaviourKind.SILENT_MASTER, "took no request in time")
        missing = tuple(one.node for one in view.entries if one.node not in gave)
        is_over = self._clock() >= (known.receipts_until_ms or 0)
        if missing != known.missing and (is_over or (not missing and self.node == known.master)):
            await _second_is_fine(self._ledger.close(self._root, known.number, self.node))
        if is_over:
            for one in missing:
                await self._name(view, one, MisbehaviourKind.NO_RECEIPT, "no deletion receipt in time")

    async def _catch_up(self, newest: int) -> None:
        """Clean up after earlier rounds, too, where this node was away when they ended."""
        if not self._has_looked_back:
            for number in range(max(1, newest - _LOOK_BACK + 1), newest + 1):
                if not self._is_done(await self._ledger.round(self._root, number)):
                    self._owed.add(number)
            self._has_looked_back = True
        for number in sorted(self._owed | {one for one in self._keys.numbers() if one <= newest}):
            view = await self._ledger.round(self._root, number)
            if self._is_done(view):
                # Nothing was ever sealed to a key that it did not enter with.
                self._keys.destroy(number)
                self._owed.discard(number)
            else:
                self._owed.add(number)
                await self._clean_up(view)

    def _is_done(self, view: RoundView) -> bool:
        """Tell whether this node owes a round nothing: its receipt is there, and the closing has it."""
        if self.node not in {one.node for one in view.entries}:
            return True
        missing = view.round.missing
        gave = {one.receipt.node for one in view.receipts}
        return self.node in gave and missing is not None and self.node not in missing

    async def _delete(self, view: RoundView, entry: EntryOfRound) -> None:
        number = view.round.number
        await self._ledger.purge(self._root, number, self.node)
        self._keys.destroy(number)
        for request in view.requests:
            if await self._desk.has(request.signed.statement.id):
                return  # The peer has not committed the purge yet: the next step looks again.
        receipt = DeletionReceipt(
            root=self._root,
            round=number,
            node=self.node,
            key=entry.key,
            copies=len(view.requests),
            height=(await self._ledger.network.chain_info()).height,
            is_swept=not self._keys.has(number),
            made_ms=self._clock(),
        )
        signed = SignedDeletionReceipt(receipt=receipt, signature=await self._sign(receipt))
        try:
            await _second_is_fine(self._ledger.deposit_receipt(signed))
        except CopyStillThere:
            return  # An endorsing peer is behind: the next step comes again.


async def _second_is_fine(work: Awaitable[T]) -> T | None:
    try:
        return await work
    except (*SECOND, NoSuchMisbehaviour):
        return None


def _can_be_decided(view: RoundView, about: ReviewView) -> bool:
    nodes = len(view.round.nodes)
    approvals = sum(one.approves for one in about.verdicts)
    return approvals >= quorum(nodes) or len(about.verdicts) - approvals > nodes - quorum(nodes)


def _patience_ms(view: RoundView, filed_ms: int) -> int:
    return max(filed_ms, view.round.view_ms) + view.round.limits.master_ms
