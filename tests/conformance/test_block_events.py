"""Events of blocks: whole, filtered, with private data."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

import pytest
from tests.conformance.caller import CHANNEL, Caller
from tests.conformance.collection import Collection
from tests.conformance.probe.steps import do

from gridledger.client import EventsError, ValidationCode
from gridledger.client.network import Network

T = TypeVar("T")
SECONDS = 20.0
"""How long a block that was ordered may take to arrive."""


@pytest.fixture
def channel(org1: Caller) -> Network:
    return org1.gateway.network(CHANNEL)


async def take(events: AsyncIterator[T], count: int) -> list[T]:
    async with asyncio.timeout(SECONDS):
        return [await anext(events) for _ in range(count)]


async def test_block_events_are_the_blocks_of_the_chain(org1: Caller, channel: Network, key: str) -> None:
    start = await org1.height()
    committed = await org1.transact(do.put_state(key, b"1"))

    async with channel.block_events(start_block=start, stop_block=committed.block_number) as events:
        blocks = await take(events, committed.block_number - start + 1)
        with pytest.raises(StopAsyncIteration):
            await take(events, 1)

    assert [block.number for block in blocks] == list(range(start, committed.block_number + 1))
    assert blocks[-1] == await channel.block(committed.block_number)


async def test_block_events_from_the_genesis_block_start_there(channel: Network) -> None:
    async with channel.block_events(start_block=0) as events:
        [genesis, next_one] = await take(events, 2)

    assert (genesis.number, genesis.previous_hash) == (0, b"")
    assert next_one.previous_hash == genesis.header_hash


async def test_block_events_from_now_on_leave_the_past_out(org1: Caller, channel: Network, key: str) -> None:
    await org1.submit(do.put_state(key, b"past"))
    async with channel.block_events() as events:
        committed = await org1.transact(do.put_state(key, b"now"))
        async with asyncio.timeout(SECONDS):
            async for block in events:
                assert block.number <= committed.block_number
                if block.number == committed.block_number:
                    break

    assert committed.tx_id in [each.tx_id for each in block.transactions]


async def test_filtered_block_tells_codes_and_events_without_payloads(
    org1: Caller, channel: Network, key: str
) -> None:
    secret = f"secret of {key}".encode()
    committed = await org1.transact(do.put_state(key, b"1"), do.set_event(key, secret))
    number = committed.block_number

    async with channel.filtered_block_events(start_block=number, stop_block=number) as events:
        [block] = await take(events, 1)

    [entry] = [each for each in block.transactions if each.tx_id == committed.tx_id]
    assert entry.validation_code is ValidationCode.VALID
    assert [event.name for event in entry.events] == [key]
    assert secret not in repr(block).encode()


async def test_private_data_event_has_what_the_organisation_may_see(
    org1: Caller, org2: Caller, key: str
) -> None:
    committed = await org1.transact(
        do.put_private_data(Collection.SHARED, f"{key}shared", b"for both"),
        do.put_private_data(Collection.ORG1, f"{key}own", b"for one"),
    )
    seen: dict[str, dict[str, bytes]] = {}
    for caller in (org1, org2):
        network = caller.gateway.network(CHANNEL)
        number = committed.block_number
        async with network.block_and_private_data_events(start_block=number, stop_block=number) as events:
            [found] = await take(events, 1)
        place = [each.tx_id for each in found.block.transactions].index(committed.tx_id)
        seen[caller.msp_id] = {row.key: row.value for row in found.private_writes[place]}

    assert seen["Org1MSP"] == {f"{key}shared": b"for both", f"{key}own": b"for one"}
    assert seen["Org2MSP"] == {f"{key}shared": b"for both"}


async def test_block_events_of_an_unknown_channel_are_refused(org1: Caller) -> None:
    with pytest.raises(EventsError):
        await take(org1.gateway.network("nochannel").block_events(start_block=0), 1)
