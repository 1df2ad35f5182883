from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.conformance.probe.typed import Reading, ReadingPage, TypedProbe, WhoCalls, reading_key

from gridledger.model import decode_argument
from gridledger.model.refusals import (
    AccessDenied,
    BadArgument,
    ClaimedTimeRefused,
    Conflict,
    DefectInContract,
    LimitExceeded,
    NoTimeMark,
)
from gridledger.model.roles import Role
from gridledger.model.time_mark import MAX_DISTANCE_MS, TimeMark
from gridledger.shim import Context, Contract, ContractChaincode, transaction
from gridledger.shim.testing import Caller, MemoryPeer, make_caller


@pytest.fixture
async def peer() -> AsyncIterator[MemoryPeer]:
    async with MemoryPeer(TypedProbe()) as peer:
        yield peer


@pytest.fixture
def agent() -> Caller:
    return make_caller("Org2MSP", roles=[Role.AGENT])


async def put(peer: MemoryPeer, *names: str) -> None:
    for index, name in enumerate(names):
        await peer.submit("readings:PutReading", Reading(name=name, value_w=index))


async def test_caller_is_told_with_roles_and_certificate(peer: MemoryPeer) -> None:
    caller = make_caller("Org3MSP", name="meter", roles=[Role.AUDITOR, Role.AGENT])

    who = WhoCalls.from_bytes(await peer.evaluate("readings:WhoCalls", caller=caller))

    assert (who.msp_id, who.roles) == ("Org3MSP", ("agent", "auditor"))
    assert "CN=meter" in who.common_name


async def test_many_records_are_read_in_one_message(peer: MemoryPeer) -> None:
    await put(peer, "a", "b")

    found = decode_argument(
        tuple[Reading, ...], await peer.evaluate("readings:GetReadings", ("b", "none", "a"))
    )

    assert [one.name for one in found] == ["b", "a"]
    assert peer.requests.count("GET_STATE_MULTIPLE") == 1


async def test_rows_come_in_the_order_of_their_keys(peer: MemoryPeer) -> None:
    await put(peer, "b", "a", "c")

    found = decode_argument(tuple[Reading, ...], await peer.evaluate("readings:ListReadings"))

    assert [one.name for one in found] == ["a", "b", "c"]


async def test_rows_beyond_the_limit_are_refused_and_the_query_closed(peer: MemoryPeer) -> None:
    await put(peer, *(f"m{index:03}" for index in range(150)))

    assert len(decode_argument(tuple[Reading, ...], await peer.evaluate("readings:ListReadings", 150))) == 150
    with pytest.raises(LimitExceeded) as caught:
        await peer.evaluate("readings:ListReadings", 50)
    assert caught.value.fields["limit"] == 50
    assert peer.requests[-2:] == ["QUERY_STATE_CLOSE", "COMPLETED"]


async def test_pages_lead_to_the_end(peer: MemoryPeer) -> None:
    await put(peer, *(f"m{index}" for index in range(5)))
    names: list[str] = []
    bookmark = ""
    for expected in (2, 2, 1):
        page = ReadingPage.from_bytes(await peer.evaluate("readings:PageReadings", 2, bookmark))
        assert len(page.readings) == expected
        names += [one.name for one in page.readings]
        bookmark = page.bookmark

    assert bookmark == ""
    assert names == ["m0", "m1", "m2", "m3", "m4"]


@pytest.mark.parametrize(
    "bookmark", ["m1", "\x00call\x00Org1MSP\x00k\x00", "\x00device\x00probf\x00", "\U0010ffff"]
)
async def test_bookmark_outside_of_the_range_is_refused(peer: MemoryPeer, bookmark: str) -> None:
    with pytest.raises(BadArgument) as caught:
        await peer.evaluate("readings:PageReadings", 2, bookmark)
    assert set(caught.value.problems) == {"bookmark"}


async def test_size_of_a_page_has_limits(peer: MemoryPeer) -> None:
    with pytest.raises(LimitExceeded):
        await peer.evaluate("readings:PageReadings", 1001)
    with pytest.raises(BadArgument):
        await peer.evaluate("readings:PageReadings", 0)


async def test_state_that_is_no_such_record_is_a_defect(peer: MemoryPeer) -> None:
    peer.ledger.state["", reading_key("m1").to_text()] = b"{}"

    for function, arguments in (("GetReading", ["m1"]), ("ListReadings", [])):
        with pytest.raises(DefectInContract, match="device probe m1"):
            await peer.evaluate(f"readings:{function}", *arguments)


async def test_record_of_another_class_is_not_written() -> None:
    class Odd(Contract):
        name = "odd"

        @transaction
        async def put(self, ctx: Context) -> None:
            await ctx.put(reading_key("m1"), TimeMark(time_ms=1, msp_id="A"))

    async with MemoryPeer(ContractChaincode(Odd())) as peer:
        with pytest.raises(DefectInContract, match="TypeError"):
            await peer.submit("odd:Put")


# --- time


async def test_time_without_a_mark_is_refused_and_may_be_tried_again(peer: MemoryPeer) -> None:
    with pytest.raises(NoTimeMark) as caught:
        await peer.submit("readings:PutReadingNow", "m1")
    assert caught.value.retriable


@pytest.mark.parametrize("distance_ms", [0, MAX_DISTANCE_MS, -MAX_DISTANCE_MS])
async def test_time_near_the_mark_is_the_claimed_time(
    peer: MemoryPeer, agent: Caller, distance_ms: int
) -> None:
    mark = TimeMark.from_bytes((await peer.submit("ledger:RenewTimeMark", caller=agent)).payload)
    claimed_ms = mark.time_ms + distance_ms

    committed = await peer.submit("readings:PutReadingNow", "m1", time_ms=claimed_ms)

    assert committed.payload == str(claimed_ms).encode()


@pytest.mark.parametrize("distance_ms", [MAX_DISTANCE_MS + 1, -MAX_DISTANCE_MS - 1, 15 * 60_000])
async def test_time_far_from_the_mark_is_refused_and_may_be_tried_again(
    peer: MemoryPeer, agent: Caller, distance_ms: int
) -> None:
    mark = TimeMark.from_bytes((await peer.submit("ledger:RenewTimeMark", caller=agent)).payload)

    with pytest.raises(ClaimedTimeRefused) as caught:
        await peer.submit("readings:PutReadingNow", "m1", time_ms=mark.time_ms + distance_ms)
    assert caught.value.retriable
    assert caught.value.fields == {"claimed_ms": mark.time_ms + distance_ms, "mark_ms": mark.time_ms}


async def test_mark_is_renewed_by_agents_only(peer: MemoryPeer, agent: Caller) -> None:
    for caller in (make_caller(), make_caller(roles=[role for role in Role if role is not Role.AGENT])):
        with pytest.raises(AccessDenied):
            await peer.submit("ledger:RenewTimeMark", caller=caller)
    committed = await peer.submit("ledger:RenewTimeMark", caller=agent, time_ms=1_800_000_000_000)

    mark = TimeMark(time_ms=1_800_000_000_000, msp_id="Org2MSP")
    assert TimeMark.from_bytes(committed.payload) == mark
    assert committed.event == ("TimeMarkRenewed", mark.to_bytes())
    assert await peer.evaluate("ledger:ReadTimeMark") == mark.to_bytes()


async def test_mark_before_the_first_renewal_is_nothing(peer: MemoryPeer) -> None:
    assert await peer.evaluate("ledger:ReadTimeMark") == b""


@pytest.mark.parametrize("step_ms", [0, -1, -100_000])
async def test_mark_only_moves_forward(peer: MemoryPeer, agent: Caller, step_ms: int) -> None:
    mark = TimeMark.from_bytes((await peer.submit("ledger:RenewTimeMark", caller=agent)).payload)

    with pytest.raises(Conflict) as caught:
        await peer.submit("ledger:RenewTimeMark", caller=agent, time_ms=mark.time_ms + step_ms)
    assert caught.value.fields["mark_ms"] == mark.time_ms


async def test_what_was_read_ahead_is_not_asked_for_again() -> None:
    class Reader(Contract):
        name = "reader"

        @transaction
        async def read(self, ctx: Context) -> tuple[Reading, ...]:
            keys = [reading_key(name) for name in ("a", "none", "b")]
            await ctx.read_ahead(keys)
            one, many = await ctx.get(keys[0]), await ctx.get_many(keys)
            await ctx.put(keys[0], Reading(name="a", value_w=9))
            again = await ctx.get(keys[0])
            return tuple(found for found in (one, *many, again) if found is not None)

    async with MemoryPeer(ContractChaincode(Reader())) as peer:
        found = decode_argument(tuple[Reading, ...], (await peer.submit("reader:Read")).payload)
        assert found == ()
        assert [name for name in peer.requests if name.startswith("GET_")] == ["GET_STATE_MULTIPLE"]
        found = decode_argument(tuple[Reading, ...], (await peer.submit("reader:Read")).payload)
        assert [one.value_w for one in found] == [9, 9, 9]
