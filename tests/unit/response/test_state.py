"""The transition table, and a model of it against both stores under any order of steps and faults."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.unit.response.fakes import InvalidNow, Killed, lost, unknown
from tests.unit.response.world import ERRORS, World

from gridledger.response.errors import TransitionRefused
from gridledger.response.record_store import Moment
from gridledger.response.state import (
    FINAL,
    TRANSITIONS,
    Happening,
    RecordState,
    Side,
    next_state,
)

_PATENT = {
    Side.TERMINAL: [
        (None, RecordState.SENT_TO_SERVER),
        (RecordState.SENT_TO_SERVER, RecordState.SERVER_SUCCESS),
        (RecordState.SENT_TO_SERVER, RecordState.SERVER_ERROR),
        (RecordState.SERVER_SUCCESS, RecordState.SENT_TO_CHAIN),
        (RecordState.SENT_TO_CHAIN, RecordState.CHAIN_SUCCESS),
    ],
    Side.SERVER: [
        (RecordState.RECEIVED, RecordState.REQUEST_COMPLETED),
        (RecordState.REQUEST_COMPLETED, RecordState.SENT_TO_CHAIN),
        (RecordState.SENT_TO_CHAIN, RecordState.CHAIN_SUCCESS),
    ],
}


@pytest.mark.parametrize("side", list(Side))
def test_table_has_the_patents_steps(side: Side) -> None:
    lines = {(line.before, line.after) for line in TRANSITIONS if line.side is side}
    assert set(_PATENT[side]) <= lines


def test_table_is_a_function_and_leads_to_an_end_from_everywhere() -> None:
    keys = [(line.side, line.before, line.happening) for line in TRANSITIONS]
    assert len(keys) == len(set(keys))
    assert frozenset({RecordState.CHAIN_SUCCESS, RecordState.SERVER_ERROR}) == FINAL
    for side in Side:
        reached: set[RecordState | None] = {None}
        for _ in RecordState:
            reached |= {line.after for line in TRANSITIONS if line.side is side and line.before in reached}
        for state in reached - {None}:
            ends: set[RecordState | None] = {state}
            for _ in RecordState:
                ends |= {line.after for line in TRANSITIONS if line.side is side and line.before in ends}
            assert None in ends, state


def test_everything_else_is_refused() -> None:
    known = {(line.side, line.before, line.happening) for line in TRANSITIONS}
    for side in Side:
        for before in (None, *RecordState):
            for happening in Happening:
                if (side, before, happening) not in known:
                    with pytest.raises(TransitionRefused):
                        next_state(side, before, happening)


class BothSides(RuleBasedStateMachine):
    """Steps of all modules in any order, with faults and kills; the model is the table."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.world = World(self.folder, records=2)
        self.before: dict[tuple[Side, int], str | None] = {}

    def teardown(self) -> None:
        self.world.link.fault = self.world.ledger.fault = lambda _: None
        self.world.kill_at = None
        self._run(self.world.settle)
        self.world.check()
        self.world.stop()
        shutil.rmtree(self.folder)

    def _run(self, work: Callable[[], Awaitable[object]]) -> None:
        async def done() -> None:
            await work()

        try:
            asyncio.run(done())
        except Killed:
            self.world.restart()
        except ERRORS:
            return

    @rule()
    def accept(self) -> None:
        async def work() -> None:
            self.world.accept()

        self._run(work)

    @rule()
    def send(self) -> None:
        self._run(lambda: self.world.business.step())

    @rule()
    def complete(self) -> None:
        async def work() -> None:
            self.world.server.complete()

        self._run(work)

    @rule(side=st.sampled_from(Side))
    def anchor(self, side: Side) -> None:
        self._run(lambda: self.world.chains[side].step())

    @rule(jump_ms=st.sampled_from([-(10**7), -1, 10**6, 10**8]))
    def jump(self, jump_ms: int) -> None:
        self.world.clock.now_ms += jump_ms

    @rule(step=st.sampled_from(["request", "answer", "endorse", "submit", "validate", "status", "compare"]))
    def fail_once(self, step: str) -> None:
        error = {"request": lost, "answer": lost, "validate": InvalidNow}.get(step, unknown)
        left = [1]

        def fault(now: str) -> None:
            if now == step and left:
                left.pop()
                raise error()

        if step in {"request", "answer"}:
            self.world.link.fault = fault
        else:
            self.world.ledger.fault = fault

    @rule(side=st.sampled_from(Side), happening=st.sampled_from(Happening), moment=st.sampled_from(Moment))
    def kill(self, side: Side, happening: Happening, moment: Moment) -> None:
        self.world.kill_at = (side, happening, moment)

    @invariant()
    def states_follow_the_table(self) -> None:
        """Every row has walked lines of the table since the last look, and no row is lost."""
        for side, store in ((Side.TERMINAL, self.world.terminal), (Side.SERVER, self.world.server)):
            rows = dict(store._database.rows("SELECT number, state FROM record"))
            for (kept, number), before in self.before.items():
                if kept is side:
                    assert number in rows
                    assert _leads(side, before, rows[number])
            self.before |= {(side, number): state for number, state in rows.items()}
            counted = {one.value: count for one, count in store.tally().items() if count}
            counted.pop(RecordState.RECEIVED.value, None)
            found: dict[str, int] = {}
            for state in rows.values():
                found[state] = found.get(state, 0) + 1
            assert counted == found


def _leads(side: Side, before: str | None, after: str) -> bool:
    """Tell whether a row can have come from one state to another by lines of the table."""
    reached: set[RecordState | None] = {None if before is None else RecordState(before)}
    for _ in RecordState:
        reached |= {
            line.after for line in TRANSITIONS if line.side is side and line.before in reached and line.after
        }
    return RecordState(after) in reached


TestBothSides = BothSides.TestCase
TestBothSides.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)
