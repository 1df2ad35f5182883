"""How the anchors of terminal and server compare: computed when it is asked for, so never out of date.

Each side writes keys of its own and reads none of the other's: neither waits for the other, and no
transaction of one can invalidate one of the other. The comparison is a pure function of both.

Source: CN115334117A, claim 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from gridledger.chaincode.response_key import opened_run_key, run_anchor_key
from gridledger.model.response import AnchorSide, OpenedRun, RunAnchor, RunComparison, RunName
from gridledger.model.states import RunState
from gridledger.shim import Context
from gridledger.shim.context import TIME_MARK

__all__ = ["compare_runs", "state_of"]


async def compare_runs(ctx: Context, names: Sequence[RunName]) -> tuple[RunComparison, ...]:
    """Compare runs, in the order of their names."""
    mark = await ctx.get(TIME_MARK)
    mark_ms = 0 if mark is None else mark.time_ms
    sides = (AnchorSide.TERMINAL, AnchorSide.SERVER)
    anchors = await ctx.get_many(
        [run_anchor_key(one.terminal, one.first, side) for one in names for side in sides]
    )
    opened = await ctx.get_many(
        [opened_run_key(one.terminal, one.first, side) for one in names for side in sides]
    )
    return tuple(
        _comparison(name, mark_ms, tuple(anchors[at : at + 2]), tuple(opened[at : at + 2]))
        for name, at in zip(names, range(0, 2 * len(names), 2), strict=True)
    )


def state_of(by_terminal: RunAnchor | None, by_server: RunAnchor | None) -> RunState:
    """Compare both anchors of a run."""
    if by_terminal is None or by_server is None:
        return RunState.ABSENCE
    return RunState.AGREEMENT if by_terminal.run == by_server.run else RunState.MISMATCH


def _comparison(
    name: RunName,
    mark_ms: int,
    anchors: tuple[RunAnchor | None, ...],
    opened: tuple[OpenedRun | None, ...],
) -> RunComparison:
    by_terminal, by_server = anchors
    first, second = opened
    differing: tuple[int, ...] = ()
    if first is not None and second is not None:
        pairs = zip_longest(first.leaves, second.leaves)
        differing = tuple(name.first + place for place, (one, other) in enumerate(pairs) if one != other)
    return RunComparison(
        terminal=name.terminal,
        first=name.first,
        state=state_of(by_terminal, by_server),
        mark_ms=mark_ms,
        by_terminal=by_terminal,
        by_server=by_server,
        opened=tuple(one.side for one in opened if one is not None),
        differing=differing,
    )
