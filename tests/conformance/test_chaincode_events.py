"""Events of chaincodes: one a transaction, from any block, with checkpoints."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.conformance.caller import CHANNEL, Caller
from tests.conformance.probe.steps import do, encode_steps

from gridledger.client import (
    ChaincodeEvent,
    EventsError,
    FileCheckpoint,
    InMemoryCheckpoint,
    ValidationCode,
)
from gridledger.client.network import Network
from gridledger.model.errors import GridLedgerError

SECONDS = 20.0
"""How long an event that was ordered may take to arrive."""


@pytest.fixture
def channel(org1: Caller) -> Network:
    return org1.gateway.network(CHANNEL)


async def of_key(events: AsyncIterator[ChaincodeEvent], key: str, count: int) -> list[ChaincodeEvent]:
    """Take the events whose name begins with a test's key; other tests emit, too."""
    found: list[ChaincodeEvent] = []
    async with asyncio.timeout(SECONDS):
        async for event in events:
            if event.name.startswith(key):
                found.append(event)
                if len(found) == count:
                    return found
    raise AssertionError("the stream ended")


async def test_event_of_a_transaction_arrives_with_its_bytes(
    org1: Caller, channel: Network, key: str
) -> None:
    payload = bytes(range(256))
    async with channel.chaincode_events("script") as events:
        committed = await org1.transact(do.set_event(key, payload))
        [event] = await of_key(events, key, 1)

    assert (event.name, event.payload) == (key, payload)
    assert (event.tx_id, event.block_number) == (committed.tx_id, committed.block_number)
    assert event.chaincode == "script"


async def test_event_set_twice_last_one_counts(org1: Caller, channel: Network, key: str) -> None:
    async with channel.chaincode_events("script") as events:
        await org1.submit(do.set_event(f"{key}a", b"1"), do.set_event(f"{key}b", b"2"))
        await org1.submit(do.set_event(f"{key}c", b"3"))
        found = await of_key(events, key, 2)

    assert [(event.name, event.payload) for event in found] == [(f"{key}b", b"2"), (f"{key}c", b"3")]


async def test_event_set_so_far_is_told(org1: Caller) -> None:
    assert await org1.evaluate(do.set_event("Told", b"\x00 1"), do.event()) == ("Told", b"\x00 1")


async def test_event_without_a_name_is_refused(org1: Caller) -> None:
    with pytest.raises(GridLedgerError, match="name: must not be empty"):
        await org1.submit(do.set_event("", b"1"))


async def test_event_of_an_invalid_transaction_never_arrives(
    org1: Caller, channel: Network, key: str
) -> None:
    async with channel.chaincode_events("script") as events:
        late = await org1.propose(do.add(key, 1), do.set_event(f"{key}invalid", b"")).endorse()
        await org1.submit(do.add(key, 1), do.set_event(f"{key}first", b""))
        status = await org1.outcome(late)
        await org1.submit(do.set_event(f"{key}last", b""))
        found = await of_key(events, key, 2)

    assert status.validation_code is ValidationCode.MVCC_READ_CONFLICT
    assert [event.name for event in found] == [f"{key}first", f"{key}last"]


async def test_event_of_an_evaluated_call_never_arrives(org1: Caller, channel: Network, key: str) -> None:
    async with channel.chaincode_events("script") as events:
        await org1.evaluate(do.set_event(f"{key}query", b""))
        await org1.submit(do.set_event(f"{key}last", b""))
        [event] = await of_key(events, key, 1)

    assert event.name == f"{key}last"


async def test_event_of_a_called_chaincode_gives_way_to_the_callers(
    org1: Caller, either: Caller, channel: Network, key: str
) -> None:
    async with channel.chaincode_events("either") as ours, channel.chaincode_events("script") as theirs:
        await either.submit(
            do.invoke_chaincode("script", ["Run", encode_steps([do.set_event(f"{key}called", b"")])]),
            do.set_event(f"{key}caller", b""),
        )
        await org1.submit(do.set_event(f"{key}after", b""))
        [caller] = await of_key(ours, key, 1)
        [called] = await of_key(theirs, key, 1)

    assert (caller.name, called.name) == (f"{key}caller", f"{key}after")


async def test_events_of_other_chaincodes_are_left_out(
    org1: Caller, either: Caller, channel: Network, key: str
) -> None:
    async with channel.chaincode_events("either") as events:
        await org1.submit(do.set_event(f"{key}script", b""))
        await either.submit(do.set_event(f"{key}either", b""))
        [event] = await of_key(events, key, 1)

    assert event.name == f"{key}either"


async def test_events_from_a_block_are_replayed_in_order(org1: Caller, channel: Network, key: str) -> None:
    committed = [await org1.transact(do.set_event(f"{key}{index}", b"")) for index in range(3)]

    async with channel.chaincode_events("script", start_block=committed[1].block_number) as events:
        found = await of_key(events, key, 2)

    assert [event.tx_id for event in found] == [each.tx_id for each in committed[1:]]


async def test_events_from_a_block_to_come_leave_earlier_ones_out(
    org1: Caller, channel: Network, key: str
) -> None:
    start = await org1.height() + 1
    async with channel.chaincode_events("script", start_block=start) as events:
        committed = [await org1.transact(do.set_event(f"{key}{index}", b"")) for index in range(3)]
        [first] = await of_key(events, key, 1)

    assert first.tx_id == next(each.tx_id for each in committed if each.block_number >= start)


async def test_event_reaches_a_hundred_listeners(org1: Caller, channel: Network, key: str) -> None:
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(channel.chaincode_events("script")) for _ in range(100)]
        listeners = [asyncio.create_task(of_key(events, key, 1)) for events in streams]
        await org1.submit(do.set_event(key, b"1"))
        found = await asyncio.gather(*listeners)

    assert {event.payload for [event] in found} == {b"1"}


async def test_events_of_one_block_arrive_in_its_order(org1: Caller, channel: Network, key: str) -> None:
    start = await org1.height()
    await asyncio.gather(*(org1.submit(do.set_event(f"{key}{index}", b"")) for index in range(20)))

    async with channel.chaincode_events("script", start_block=start) as events:
        found = await of_key(events, key, 20)

    ordered: list[str] = []
    for number in range(start, await org1.height()):
        block = await channel.block(number)
        ordered += [each.tx_id for each in block.transactions if key in str(each.event)]
    assert [event.tx_id for event in found] == ordered


@pytest.mark.parametrize("kind", ["memory", "file"])
async def test_checkpoint_of_an_event_starts_at_the_next_one(
    org1: Caller, channel: Network, key: str, kind: str, tmp_path: Path
) -> None:
    def checkpoint() -> InMemoryCheckpoint | FileCheckpoint:
        return memory if kind == "memory" else FileCheckpoint(tmp_path / "checkpoint.json")

    memory = InMemoryCheckpoint()
    start = await org1.height()
    await asyncio.gather(*(org1.submit(do.set_event(f"{key}{index}", b"")) for index in range(6)))

    first = checkpoint()
    async with channel.chaincode_events("script", start_block=start, checkpoint=first) as events:
        seen = await of_key(events, key, 3)
        for event in seen:
            await first.record_event(event)
    async with channel.chaincode_events("script", start_block=start, checkpoint=checkpoint()) as events:
        rest = await of_key(events, key, 3)

    assert sorted(event.name for event in [*seen, *rest]) == [f"{key}{index}" for index in range(6)]


async def test_events_of_an_unknown_channel_are_refused(org1: Caller) -> None:
    events = org1.gateway.network("nochannel").chaincode_events("script", start_block=0)

    with pytest.raises(EventsError):
        await anext(events)


async def test_events_closed_by_the_reader_end(channel: Network) -> None:
    async with channel.chaincode_events("script") as events:
        waiting = asyncio.create_task(anext(events))
        await asyncio.sleep(0)
        await events.close()
        with pytest.raises(StopAsyncIteration):
            await waiting
