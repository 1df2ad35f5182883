"""The time mark: what decides by time is held against it."""

from __future__ import annotations

import time

import pytest
from tests.conformance.caller import Caller
from tests.conformance.probe.typed import Reading

from gridledger.client import CommitConflict, TimeMarkAgent, ValidationCode
from gridledger.model.refusals import AccessDenied, ClaimedTimeRefused, Conflict
from gridledger.model.time_mark import MAX_DISTANCE_MS, TimeMark

MINUTE_MS = 60_000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def readings(org1: Caller) -> Caller:
    return org1.on("typed", "readings")


@pytest.fixture
def agent(agents: tuple[Caller, Caller]) -> Caller:
    """Return the agent of organisation 1."""
    return agents[0].on("typed", "ledger")


@pytest.fixture
async def mark(agent: Caller) -> TimeMark:
    """Return a mark that was renewed just now."""
    return await renew(agent)


async def renew(agent: Caller) -> TimeMark:
    """Renew the mark, unless somebody else has in the same moment; return what stands there."""
    try:
        return TimeMark.from_bytes(await agent.call("RenewTimeMark"))
    except Conflict:
        return await read(agent)


async def read(caller: Caller) -> TimeMark:
    return TimeMark.from_bytes(await caller.on("typed", "ledger").query("ReadTimeMark"))


async def test_mark_renewed_is_the_claimed_time(agent: Caller) -> None:
    before = now_ms()

    mark = await renew(agent)

    assert before <= mark.time_ms <= now_ms()
    assert await read(agent) == mark


async def test_mark_is_renewed_by_every_organisation(agents: tuple[Caller, Caller]) -> None:
    first = await renew(agents[0].on("typed", "ledger"))
    second = await renew(agents[1].on("typed", "ledger"))

    assert second.time_ms > first.time_ms


async def test_mark_renewed_by_a_user_is_refused(readings: Caller) -> None:
    with pytest.raises(AccessDenied, match="agent"):
        await readings.on("typed", "ledger").call("RenewTimeMark")


async def test_mark_never_moves_back(agent: Caller, mark: TimeMark) -> None:
    with pytest.raises(Conflict):
        await agent.call("RenewTimeMark", claimed_time_ms=mark.time_ms - 1)

    assert (await read(agent)).time_ms >= mark.time_ms


async def test_claimed_time_near_the_mark_is_taken(readings: Caller, mark: TimeMark, key: str) -> None:
    claimed = now_ms()

    answer = await readings.call("PutReadingNow", key, claimed_time_ms=claimed)

    assert int(answer) == claimed
    assert Reading.from_bytes(await readings.query("GetReading", key)).value_w == claimed


@pytest.mark.parametrize("minutes", [-3, 3])
async def test_claimed_time_far_from_the_mark_is_refused(
    readings: Caller, mark: TimeMark, key: str, minutes: int
) -> None:
    claimed = now_ms() + minutes * MINUTE_MS

    with pytest.raises(ClaimedTimeRefused) as caught:
        await readings.call("PutReadingNow", key, claimed_time_ms=claimed)

    assert caught.value.retriable
    assert caught.value.fields["claimed_ms"] == claimed
    assert abs(claimed - mark.time_ms) > MAX_DISTANCE_MS


async def test_transaction_held_back_past_the_next_mark_is_invalid(
    readings: Caller, agent: Caller, mark: TimeMark, key: str
) -> None:
    held = await readings.contract.proposal("PutReadingNow", key).endorse()
    await renew(agent)

    status = await readings.outcome(held)

    assert status.validation_code is ValidationCode.MVCC_READ_CONFLICT
    with pytest.raises(CommitConflict):
        status.check()


async def test_agent_renews_the_mark(agents: tuple[Caller, Caller], mark: TimeMark) -> None:
    network = agents[1].gateway.network()

    renewed = await TimeMarkAgent(network, "typed").renew()

    assert renewed.time_ms > mark.time_ms
