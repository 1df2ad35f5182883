"""The functions of `response` that anchor runs, open those that differ, and compare.

Source: CN115334117A, claims 1 and 5: the terminal sends the transaction of a record, the server the digest of
the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from gridledger.chaincode.comparing import compare_runs, state_of
from gridledger.chaincode.ledger_key import system_key
from gridledger.chaincode.permission import is_agent, require_agent
from gridledger.chaincode.response_key import (
    anchor_head_key,
    mismatch_key,
    mismatches_of,
    opened_run_key,
    run_anchor_key,
    runs_of,
    terminal_key,
)
from gridledger.model.events import Event
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import AlreadyExists, Conflict
from gridledger.model.response import (
    AnchoredRuns,
    AnchorHead,
    AnchorSide,
    ComparisonPage,
    OpenedRun,
    Run,
    RunAnchor,
    RunComparison,
    RunLeaves,
    RunMark,
    RunName,
    Terminal,
    TerminalIdentifier,
    TerminalRecord,
    leaves_root,
)
from gridledger.model.response_refusals import (
    AlreadyAnchored,
    LeavesDiffer,
    NothingToOpen,
    NotTheTerminal,
    RunOutOfTurn,
)
from gridledger.model.roles import Role
from gridledger.model.states import RunState
from gridledger.shim import Context, Contract, query, transaction
from gridledger.shim.context import TIME_MARK

__all__ = ["AnchorTransactions"]

MAX_RUNS = 256
"""Runs of one transaction: some 60 KB of anchors, or 260,000 records in full runs."""

PAGE_SIZE = 100
"""Anchors a page; each is compared with the other side's."""

Runs = Annotated[tuple[Run, ...], Field(min_length=1, max_length=MAX_RUNS)]
Records = Annotated[tuple[TerminalRecord, ...], Field(min_length=1, max_length=MAX_RUNS)]
Names = Annotated[tuple[RunName, ...], Field(min_length=1, max_length=MAX_RUNS)]


class AnchorTransactions(Contract):
    """Anchors of both sides, and their comparison."""

    @transaction(roles=(Role.TERMINAL, Role.BUSINESS_SYSTEM))
    async def anchor_runs(self, ctx: Context, runs: Runs) -> AnchoredRuns:
        """Anchor runs for the side that the caller acts for; all of them or none."""
        return await _anchor(ctx, [(run, None) for run in runs])

    @transaction(roles=(Role.TERMINAL,))
    async def anchor_records(self, ctx: Context, records: Records) -> AnchoredRuns:
        """Anchor records one by one, each a run of its own, and the record with it."""
        return await _anchor(ctx, [(_run_of(one), one) for one in records])

    @transaction(roles=(Role.TERMINAL, Role.BUSINESS_SYSTEM))
    async def open_run(self, ctx: Context, name: RunName, leaves: RunLeaves) -> OpenedRun:
        """Deposit the digests of the records of a run in which both sides differ; written once a side."""
        side = (await _sides(ctx, [name.terminal]))[name.terminal]
        sides = (AnchorSide.TERMINAL, AnchorSide.SERVER)
        anchors = await ctx.get_many([run_anchor_key(name.terminal, name.first, one) for one in sides])
        if state_of(*anchors) is not RunState.MISMATCH:
            raise NothingToOpen(
                f"both sides do not differ in the run of {name.terminal} from {name.first} on"
            )
        own = anchors[sides.index(side)]
        if own is None or (own.run.count, own.run.root) != (len(leaves), leaves_root(leaves)):
            raise LeavesDiffer("the digests do not lead to the root that was anchored")
        key = opened_run_key(name.terminal, name.first, side)
        if await ctx.get(key) is not None:
            raise AlreadyExists("opened run", str(key))
        opened = OpenedRun(side=side, leaves=leaves, opened_ms=await ctx.now_ms())
        await ctx.put(key, opened)
        # Both sides write the mark, and neither reads it.
        await ctx.put(mismatch_key(name.terminal, name.first), RunMark(opened_ms=opened.opened_ms))
        ctx.emit(Event.RUN_OPENED, AnchoredRuns(side=side, runs=(name,)))
        return opened

    @query
    async def get_run(self, ctx: Context, name: RunName) -> RunComparison:
        """Compare a run; one that nobody anchored is an absence."""
        (found,) = await compare_runs(ctx, [name])
        return found

    @query
    async def get_runs(self, ctx: Context, names: Names) -> tuple[RunComparison, ...]:
        """Compare up to 256 runs, in the order of their names."""
        return await compare_runs(ctx, names)

    @query
    async def get_head(self, ctx: Context, terminal: TerminalIdentifier, side: AnchorSide) -> int:
        """Return the number of the last record that a side anchored; 0 before the first."""
        head = await ctx.get(anchor_head_key(terminal, side))
        return 0 if head is None else head.last

    @query
    async def list_runs(self, ctx: Context, terminal: TerminalIdentifier, bookmark: str) -> ComparisonPage:
        """Return a page of the runs of a terminal that a side anchored, in their order, each once."""
        page = await ctx.page(runs_of(terminal), size=PAGE_SIZE, bookmark=bookmark)
        names = [RunName(terminal=terminal, first=row.record.run.first) for row in page.rows]
        compared = await compare_runs(ctx, names)
        # Where both anchored a run, the server's row stands first and lists it.
        listed = tuple(
            one
            for one, row in zip(compared, page.rows, strict=True)
            if row.record.side is AnchorSide.SERVER or one.by_server is None
        )
        return ComparisonPage(runs=listed, bookmark=page.bookmark)

    @query
    async def list_mismatches(self, ctx: Context, system: SystemIdentifier, bookmark: str) -> ComparisonPage:
        """Return a page of the runs that were opened at a system's terminals, by terminal and number."""
        page = await ctx.page(mismatches_of(system), size=PAGE_SIZE, bookmark=bookmark)
        names = [
            RunName(terminal=TerminalIdentifier(system, name), first=int(first))
            for name, first in (row.key.parts[1:] for row in page.rows)
        ]
        return ComparisonPage(runs=await compare_runs(ctx, names), bookmark=page.bookmark)


def _run_of(one: TerminalRecord) -> Run:
    """Return the run that a record anchored by itself is."""
    if one.run != one.number:
        raise Conflict(f"record {one.number} belongs to the run from {one.run} on")
    return Run(terminal=one.terminal, first=one.number, count=1, root=leaves_root([one.leaf]))


async def _anchor(ctx: Context, runs: Sequence[tuple[Run, TerminalRecord | None]]) -> AnchoredRuns:
    sides = await _sides(ctx, [run.terminal for run, _ in runs])
    if len(set(sides.values())) != 1:
        raise Conflict("a transaction anchors for one side")
    (side,) = set(sides.values())
    await ctx.read_ahead(
        [
            TIME_MARK,
            *(anchor_head_key(terminal, side) for terminal in sides),
            *(run_anchor_key(run.terminal, run.first, side) for run, _ in runs),
        ]
    )
    now_ms = await ctx.now_ms()
    heads: dict[TerminalIdentifier, int] = {}
    for run, one in runs:
        last = heads.get(run.terminal)
        if last is None:
            head = await ctx.get(anchor_head_key(run.terminal, side))
            last = 0 if head is None else head.last
        earlier = await ctx.get(run_anchor_key(run.terminal, run.first, side))
        if earlier is not None:
            raise AlreadyAnchored(str(run.terminal), run.first, earlier.tx_id)
        if run.first <= last:
            raise RunOutOfTurn(str(run.terminal), run.first, last)
        anchor = RunAnchor(run=run, side=side, anchored_ms=now_ms, tx_id=ctx.tx_id, record=one)
        await ctx.put(run_anchor_key(run.terminal, run.first, side), anchor)
        heads[run.terminal] = run.last
    for terminal, last in heads.items():
        await ctx.put(anchor_head_key(terminal, side), AnchorHead(last=last))
    anchored = AnchoredRuns(
        side=side, runs=tuple(RunName(terminal=run.terminal, first=run.first) for run, _ in runs)
    )
    ctx.emit(Event.RUNS_ANCHORED, anchored)
    return anchored


async def _sides(
    ctx: Context, terminals: Sequence[TerminalIdentifier]
) -> dict[TerminalIdentifier, AnchorSide]:
    """Return for which side the caller acts at each terminal.

    Raises
    ------
    NotFound, NotTheTerminal, NotActive, Conflict
        There is no such terminal; the caller acts for neither side; the system is not active; the terminal
        is ended.
    """
    named = list(dict.fromkeys(terminals))
    systems = dict.fromkeys(terminal.system for terminal in named)
    await ctx.read_ahead([*map(terminal_key, named), *map(system_key, systems)])
    return {one: await _side(ctx, await ctx.require(terminal_key(one))) for one in named}


async def _side(ctx: Context, terminal: Terminal) -> AnchorSide:
    identifier, agent = terminal.entry.identifier, terminal.entry.agent
    if agent is not None and Role.TERMINAL in ctx.roles and is_agent(ctx, agent):
        if terminal.ended_ms is not None:
            raise Conflict(f"the terminal {identifier} is ended")
        return AnchorSide.TERMINAL
    system = await ctx.require(system_key(identifier.system))
    if Role.BUSINESS_SYSTEM not in ctx.roles or not is_agent(ctx, system.agent):
        raise NotTheTerminal(str(identifier))
    # What was received before a suspension is anchored all the same.
    require_agent(ctx, system, winding_up=True)
    return AnchorSide.SERVER
