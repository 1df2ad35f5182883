"""Shared readings: who waits as a reading begins shares it; nobody gets one that began before it asked."""

from __future__ import annotations

import asyncio
import threading

import pytest

from gridledger.exchange.shared_readings import SharedReadings


class Shelf:
    """Things that can be read, with what was read, and a gate that readings wait at."""

    def __init__(self) -> None:
        self.text = "first"
        self.read: list[str] = []
        self.begun = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()

    def take(self, thing: str) -> str:
        found = self.text
        self.read.append(thing)
        self.begun.release()
        assert self.gate.wait(120)
        if thing == "torn":
            raise ValueError(thing)
        return found


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


async def test_who_asks_at_the_same_time_shares_a_reading(shelf: Shelf) -> None:
    readings = SharedReadings(shelf.take)
    found = await asyncio.gather(*(readings.read(thing) for thing in ("a", "b", "a", "a")))
    assert found == ["first"] * 4
    assert sorted(shelf.read) == ["a", "b"]


async def test_who_asks_later_gets_what_stands_there_later(shelf: Shelf) -> None:
    readings = SharedReadings(shelf.take)
    shelf.gate.clear()
    early = asyncio.create_task(readings.read("a"))
    assert await asyncio.to_thread(shelf.begun.acquire, timeout=120)
    shelf.text = "second"
    late = [asyncio.create_task(readings.read("a")) for _ in range(3)]
    await asyncio.sleep(0)
    shelf.gate.set()
    assert await early == "first"
    assert await asyncio.gather(*late) == ["second"] * 3
    assert shelf.read == ["a", "a"]


async def test_reading_that_fails_fails_for_those_alone_that_shared_it(shelf: Shelf) -> None:
    readings = SharedReadings(shelf.take)
    torn, whole, again = await asyncio.gather(
        readings.read("torn"), readings.read("a"), readings.read("torn"), return_exceptions=True
    )
    assert whole == "first"
    assert isinstance(torn, ValueError)
    assert isinstance(again, ValueError)
    with pytest.raises(ValueError, match="torn"):
        await readings.read("torn")
    assert shelf.read.count("torn") == 2


async def test_who_stops_waiting_stops_nobody_else(shelf: Shelf) -> None:
    readings = SharedReadings(shelf.take)
    shelf.gate.clear()
    first, second = (asyncio.create_task(readings.read("a")) for _ in range(2))
    assert await asyncio.to_thread(shelf.begun.acquire, timeout=120)
    first.cancel()
    shelf.gate.set()
    assert await second == "first"
    with pytest.raises(asyncio.CancelledError):
        await first
