"""Kills at every boundary between two steps, enumerated from the transition table."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.unit.response.boundaries import BOUNDARIES, BOUNDARY_IDS, check, keep_s, provoke, work
from tests.unit.response.fakes import FakeLink, lost, unknown
from tests.unit.response.world import ERRORS, World

from gridledger.client.retry import Backoff
from gridledger.response.errors import StoreFailed
from gridledger.response.message import RecordsAnswer, RecordsMessage
from gridledger.response.record_store import Moment
from gridledger.response.state import Happening, Side
from gridledger.response.terminal.business import Business, SendSettings


@pytest.mark.parametrize("records", [1, 3])
@pytest.mark.parametrize(("side", "happening", "moment"), BOUNDARIES, ids=BOUNDARY_IDS)
async def test_kill_at_a_boundary_loses_and_doubles_nothing(
    tmp_path: Path, side: Side, happening: Happening, moment: Moment, records: int
) -> None:
    world = World(tmp_path, records=records, keep_s=keep_s(happening))
    provoke(world, happening)
    world.kill_at = (side, happening, moment)

    await work(world, 14)
    await world.settle()

    assert world.kills == 1, "the boundary was not met"
    check(world, happening)
    world.stop()


@pytest.mark.parametrize("size", [1, 2, 4])
async def test_backlog_that_takes_many_messages_leaves_runs_whole(tmp_path: Path, size: int) -> None:
    world = World(tmp_path)
    world.business = Business(world.terminal, world.link, SendSettings(records=size))
    for _ in range(11):
        world.accept()
    world.terminal.close_runs()
    while world.terminal.backlog():
        await world.business.step()
        world.server.complete()
        await world.chains[Side.SERVER].step()  # It anchors what it takes for closed at once.
    await world.settle()
    world.check()
    assert world.server.comparisons() == {"agreement": 4}
    world.stop()


async def test_terminal_that_finishes_has_told_the_end_of_its_last_run(tmp_path: Path) -> None:
    world = World(tmp_path)
    again = Backoff(attempts=0, first=0.01, longest=0.01)
    world.business = Business(world.terminal, world.link, SendSettings(pause_s=0.01, retry=again))
    world.accept()
    await world.business.step()
    left = [1]

    def fault(_: str) -> None:
        if left:
            left.pop()
            raise lost()

    world.link.fault = fault
    running = asyncio.create_task(world.business.run())
    await world.business.finish(chain=False)
    running.cancel()
    await asyncio.wait([running])
    assert not left
    assert world.terminal.untold(10) == ()
    world.stop()


@pytest.mark.parametrize("step", ["request", "answer"])
async def test_lost_messages_are_no_error_and_are_sent_again(tmp_path: Path, step: str) -> None:
    world = World(tmp_path)
    lose = [True, True]

    def fault(now: str) -> None:
        if now == step and lose:
            lose.pop()
            raise lost()

    world.link_fault = fault
    world.start()
    await work(world, 12)
    assert not lose
    await world.settle()
    world.check()
    world.stop()


class FaultyLink:
    """Delivers messages twice, old ones again after later ones, or a message only when the next one comes."""

    def __init__(self, link: FakeLink, how: str) -> None:
        self._link, self._how = link, how
        self._earlier: list[RecordsMessage] = []
        self.faults = 0

    async def send(self, message: RecordsMessage) -> RecordsAnswer:
        self.faults += 1
        if self._how == "delayed" and not self._earlier:
            self._earlier.append(message)
            raise lost()
        if self._how == "delayed":
            await self._link.send(self._earlier.pop())
        answer = await self._link.send(message)
        if self._how == "duplicated":
            assert await self._link.send(message) == answer
        if self._how == "reordered":
            for one in reversed(self._earlier):
                await self._link.send(one)
            self._earlier.append(message)
        return answer


@pytest.mark.parametrize("how", ["duplicated", "reordered", "delayed"])
@pytest.mark.parametrize("records", [1, 3])
async def test_messages_that_come_twice_late_or_out_of_turn_change_nothing(
    tmp_path: Path, how: str, records: int
) -> None:
    world = World(tmp_path, records=records)
    link = FaultyLink(world.link, how)
    world.business = Business(world.terminal, link, on_refused=lambda *_: None)
    await work(world, 16)
    for _ in range(40):
        try:
            await world.settle()
        except ERRORS:
            continue
    assert link.faults > 3
    world.check()
    world.stop()


@pytest.mark.parametrize("step", ["endorse", "submit", "status", "compare"])
async def test_ledger_that_does_not_answer_costs_only_time(tmp_path: Path, step: str) -> None:
    world = World(tmp_path)
    fail = [True] * 3

    def fault(now: str) -> None:
        if now == step and fail:
            fail.pop()
            raise unknown()

    world.ledger.fault = fault
    await work(world, 12)
    assert not fail
    await world.settle()
    world.check()
    world.stop()


async def test_chain_that_is_down_never_touches_the_business_path(tmp_path: Path) -> None:
    world = World(tmp_path)

    def down(_: str) -> None:
        raise unknown()

    world.ledger.fault = down
    for _ in range(6):
        world.accept()
    await world.business.step()
    world.server.complete()
    for chain in world.chains.values():
        with pytest.raises(ERRORS):
            await chain.step()
    assert world.terminal.tally()["server-success"] == 6
    assert world.server.tally()["request-completed"] == 6

    world.ledger.fault = lambda _: None
    await world.settle()
    world.check()
    world.stop()


async def test_server_that_is_down_never_blocks_the_terminal(tmp_path: Path) -> None:
    world = World(tmp_path)

    def down(_: str) -> None:
        raise lost()

    world.link.fault = down
    for _ in range(5):
        world.accept()
        with pytest.raises(ERRORS):
            await world.business.step()
    assert world.terminal.tally()["sent-to-server"] == world.terminal.backlog() == 5

    world.link.fault = lambda _: None
    await world.settle()
    world.check()
    world.stop()


async def test_full_disk_of_the_server_takes_nothing_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    world = World(tmp_path)
    connection = world.server._database._connection  # type: ignore[attr-defined]
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    failed = 0
    while not failed:
        world.accept()
        try:
            await world.once()
        except StoreFailed:
            failed += 1
    assert world.terminal.backlog() or world.server.waiting()
    connection.execute(f"PRAGMA max_page_count = {pages + 1000}")
    await world.settle(steps=100)
    world.check()
    world.stop()


async def test_clock_that_jumps_closes_runs_and_loses_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    for jump_ms in (0, -(10**9), 10**10, -5, 10**7, -(10**8)):
        world.clock.now_ms += jump_ms
        world.accept()
        await world.once()
    await world.settle()
    world.check()
    world.stop()
