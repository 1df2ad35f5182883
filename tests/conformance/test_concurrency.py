"""Many at once, and a chaincode that dies meanwhile."""

from __future__ import annotations

import asyncio

import pytest
from tests.conformance.caller import Caller
from tests.conformance.probe.steps import do

from gridledger.client import EndorseError, EvaluateError
from gridledger.network import Network

IN_FLIGHT = 200


async def test_two_hundred_transactions_in_flight_all_commit(org1: Caller, key: str) -> None:
    keys = [f"{key}{index:03}" for index in range(IN_FLIGHT)]

    committed = await asyncio.gather(*(org1.transact(do.put_state(each, each.encode())) for each in keys))

    assert len({each.tx_id for each in committed}) == IN_FLIGHT
    found = await org1.evaluate(do.get_multiple_states(*keys))
    assert found == [each.encode() for each in keys]


async def test_sixty_four_queries_at_once_are_all_answered(org1: Caller, key: str) -> None:
    await org1.submit(do.put_many(key, 64, b"v"))

    names = [f"{key}{index:05}" for index in range(64)]
    queries = [do.get_state_by_range(name, f"{name}~") for name in names]

    rows = await asyncio.gather(*map(org1.evaluate, queries))

    assert rows == [[(name, b"v")] for name in names]


async def test_queries_beside_transactions_see_whole_transactions(org1: Caller, key: str) -> None:
    pair = [f"{key}a", f"{key}b"]

    async def write(number: int) -> None:
        await org1.submit(*(do.put_state(each, b"%d" % number) for each in pair))

    async def watch(until: asyncio.Event) -> int:
        seen = 0
        while not until.is_set():
            first, second = await org1.evaluate(do.get_multiple_states(*pair))
            assert first == second
            seen += 1
        return seen

    done = asyncio.Event()
    watcher = asyncio.create_task(watch(done))
    for number in range(10):
        await write(number)
    done.set()

    assert await watcher > 0


async def test_large_values_at_once_come_back_unchanged(org1: Caller, key: str) -> None:
    values = [bytes([index]) * 500_000 for index in range(8)]
    names = [f"\U0010fffe{key}{index}" for index in range(8)]

    await asyncio.gather(
        *(org1.submit(do.put_state(name, value)) for name, value in zip(names, values, strict=True))
    )

    assert await asyncio.gather(*(org1.evaluate(do.get_state(name)) for name in names)) == values


@pytest.mark.faults
async def test_chaincode_killed_under_load_comes_back_and_nothing_is_half_done(
    probes: Network, org1: Caller, key: str
) -> None:
    component = probes.chaincode_component("script", "org1")
    committed: asyncio.Queue[str] = asyncio.Queue()
    stopped = asyncio.Event()

    async def load(worker: int) -> None:
        number = 0
        while not stopped.is_set():
            name = f"{key}{worker}.{number}"
            number += 1
            try:
                await org1.submit(do.put_state(f"{name}a", b"1"), do.put_state(f"{name}b", b"1"))
            except EndorseError:
                # Only the endorsement may fail: what was endorsed is ordered.
                continue
            committed.put_nowait(name)

    done: list[str] = []
    async with asyncio.TaskGroup() as group:
        for worker in range(4):
            group.create_task(load(worker))
        await asyncio.to_thread(probes.kill, component)
        await asyncio.to_thread(probes.restart, component)
        await until_answered(org1)
        done += [await committed.get() for _ in range(committed.qsize() + 8)]
        stopped.set()

    done += [committed.get_nowait() for _ in range(committed.qsize())]
    names = [f"{name}{part}" for name in done for part in "ab"]
    assert await org1.evaluate(do.get_multiple_states(*names)) == [b"1"] * len(names)
    rows = await org1.evaluate(do.get_state_by_range(key, f"{key}~"))
    assert len(rows) % 2 == 0


async def until_answered(caller: Caller) -> None:
    """Ask until the chaincode answers: a peer dials again by itself."""
    async with asyncio.timeout(30):
        while True:
            try:
                await caller.evaluate(do.get_tx_id(), endorsing_organizations=[caller.msp_id])
            except EvaluateError:
                await asyncio.sleep(0.1)
            else:
                return
