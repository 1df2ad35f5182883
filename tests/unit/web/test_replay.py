"""Replay stores: one suite over both, and what only the durable one can do."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gridledger.web.errors import Overloaded, Replayed, ServiceUnavailable
from gridledger.web.replay import MemoryReplayStore, ReplayStore, SQLiteReplayStore

Make = Callable[..., ReplayStore]


@pytest.fixture(params=["memory", "sqlite"])
async def make(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Make]:
    opened: list[ReplayStore] = []

    def open_store(**settings: int) -> ReplayStore:
        store = (
            MemoryReplayStore(**settings)
            if request.param == "memory"
            else SQLiteReplayStore(tmp_path / "replay.db", **settings)
        )
        opened.append(store)
        return store

    yield open_store
    for store in opened:
        await store.close()


async def test_nonce_new_is_taken_and_repeated_is_refused(make: Make) -> None:
    store = make()
    await store.remember("a", "n1", expires_at=160, now=100)
    await store.remember("a", "n2", expires_at=160, now=100)
    await store.remember("b", "n1", expires_at=160, now=100)
    with pytest.raises(Replayed) as caught:
        await store.remember("a", "n1", expires_at=160, now=160)
    assert caught.value.fields == {"nonce": "n1"}


async def test_nonce_expired_is_forgotten(make: Make) -> None:
    store = make()
    await store.remember("a", "n1", expires_at=160, now=100)
    await store.remember("a", "n1", expires_at=221, now=161)
    with pytest.raises(Replayed):
        await store.remember("a", "n1", expires_at=221, now=161)


async def test_store_full_turns_away_and_never_forgets(make: Make) -> None:
    store = make(capacity=3)
    for number in range(3):
        await store.remember(f"signer{number}", "n", expires_at=160, now=100)
    with pytest.raises(Overloaded):
        await store.remember("other", "n", expires_at=160, now=101)
    with pytest.raises(Replayed):
        await store.remember("signer0", "n", expires_at=160, now=101)
    await store.remember("other", "n", expires_at=230, now=161)


async def test_share_of_one_signer_full_leaves_room_for_others(make: Make) -> None:
    store = make(capacity=10, capacity_per_signer=2)
    await store.remember("greedy", "n1", expires_at=160, now=100)
    await store.remember("greedy", "n2", expires_at=160, now=100)
    with pytest.raises(Overloaded):
        await store.remember("greedy", "n3", expires_at=160, now=100)
    await store.remember("modest", "n1", expires_at=160, now=100)
    await store.remember("greedy", "n3", expires_at=230, now=170)


async def test_nonce_sent_at_once_many_times_is_taken_once(make: Make) -> None:
    store = make()
    outcomes = await asyncio.gather(
        *(store.remember("a", "n1", expires_at=160, now=100) for _ in range(20)), return_exceptions=True
    )
    assert sum(outcome is None for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Replayed) for outcome in outcomes) == 19


async def test_nonce_is_known_after_restart_and_to_a_second_process(tmp_path: Path) -> None:
    path = tmp_path / "replay.db"
    async with SQLiteReplayStore(path) as first:
        await first.remember("a", "n1", expires_at=160, now=100)
        async with SQLiteReplayStore(path) as second:
            with pytest.raises(Replayed):
                await second.remember("a", "n1", expires_at=160, now=100)
            await second.remember("a", "n2", expires_at=160, now=100)
        with pytest.raises(Replayed):
            await first.remember("a", "n2", expires_at=160, now=100)
    async with SQLiteReplayStore(path) as restarted:
        for nonce in ("n1", "n2"):
            with pytest.raises(Replayed):
                await restarted.remember("a", nonce, expires_at=160, now=120)


async def test_expired_rows_are_purged(tmp_path: Path) -> None:
    path = tmp_path / "replay.db"
    async with SQLiteReplayStore(path) as store:
        for number in range(50):
            await store.remember("a", f"n{number}", expires_at=160, now=100)
        await store.remember("a", "last", expires_at=260, now=200)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT nonce FROM nonce").fetchall() == [("last",)]
    connection.close()


async def test_store_that_cannot_be_written_refuses(tmp_path: Path) -> None:
    with pytest.raises(ServiceUnavailable):
        SQLiteReplayStore(tmp_path / "missing" / "replay.db")
    store = SQLiteReplayStore(tmp_path / "replay.db")
    await store.close()
    with pytest.raises(ServiceUnavailable):
        await store.remember("a", "n1", expires_at=160, now=100)
