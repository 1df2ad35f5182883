"""How the anchors of terminal and server compare: computed when it is asked for, so never out of date.

Each side writes keys of its own and reads none of the other's: neither waits for the other, and no
transaction of one can invalidate one of the other. The comparison is a pure function of both.

Source: CN115334117A, claim 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from gridledger.chaincode.response_key import opened_run_key, run_anchor_key, terminal_key
from gridledger.model.response import (
    AnchorSide,
    OpenedRun,
    RunAnchor,
    RunComparison,
    RunName,
    Terminal,
    TerminalIdentifier,
)
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
    named = list(dict.fromkeys(one.terminal for one in names))
    terminals = dict(zip(named, await ctx.get_many([terminal_key(one) for one in named]), strict=True))
    return tuple(
        _comparison(
            name,
            mark_ms,
            _is_keyless(terminals, name),
            tuple(anchors[at : at + 2]),
            tuple(opened[at : at + 2]),
        )
        for name, at in zip(names, range(0, 2 * len(names), 2), strict=True)
    )


def state_of(
    by_terminal: RunAnchor | None, by_server: RunAnchor | None, *, keyless: bool = False
) -> RunState:
    """Compare both anchors of a run; `keyless`: its terminal has no key to anchor with."""
    if keyless and by_server is not None:
        return RunState.SERVER_ALONE
    if by_terminal is None or by_server is None:
        return RunState.ABSENCE
    return RunState.AGREEMENT if by_terminal.run == by_server.run else RunState.MISMATCH


def _is_keyless(terminals: Mapping[TerminalIdentifier, Terminal | None], name: RunName) -> bool:
    found = terminals[name.terminal]
    return found is not None and found.entry.agent is None


def _comparison(
    name: RunName,
    mark_ms: int,
    keyless: bool,
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
        state=state_of(by_terminal, by_server, keyless=keyless),
        mark_ms=mark_ms,
        by_terminal=by_terminal,
        by_server=by_server,
        opened=tuple(one.side for one in opened if one is not None),
        differing=differing,
    )
