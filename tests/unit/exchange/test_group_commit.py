"""What waits at the same time is kept in one commit; who waits learns of its failure."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from gridledger.exchange.group_commit import GroupCommit
from gridledger.web.errors import ServiceUnavailable


async def test_things_that_wait_at_the_same_time_are_kept_in_one_commit() -> None:
    commits: list[list[int]] = []
    begun, free = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def commit(things: Sequence[int]) -> None:
        commits.append(list(things))
        loop.call_soon_threadsafe(begun.set)
        free.wait(60)

    group = GroupCommit(commit)
    first = asyncio.create_task(group.keep(0))
    await begun.wait()
    others = [asyncio.create_task(group.keep(number)) for number in range(1, 9)]
    await asyncio.sleep(0)
    free.set()
    await asyncio.gather(first, *others)
    await group.keep(9)

    assert commits == [[0], list(range(1, 9)), [9]]


async def test_a_commit_that_fails_fails_those_alone_that_it_was_for() -> None:
    def commit(things: Sequence[int]) -> None:
        if 1 in things:
            raise ServiceUnavailable("the disk is full")

    group = GroupCommit(commit)
    with pytest.raises(ServiceUnavailable):
        await group.keep(1)
    await group.keep(2)


async def test_who_stops_waiting_stops_nobody_else() -> None:
    kept: list[int] = []
    group: GroupCommit[int] = GroupCommit(kept.extend)
    waits = [asyncio.create_task(group.keep(number)) for number in range(3)]
    await asyncio.sleep(0)
    waits[0].cancel()
    await asyncio.gather(*waits[1:])

    assert {1, 2} <= set(kept)
