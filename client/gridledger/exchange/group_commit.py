"""Group commits: what several requests have to keep at the same time is written, and synced, once.

While one transaction is on its way to the disk, what comes meanwhile waits for the next one. So a request
alone waits for nothing, and many share what a commit costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

__all__ = ["GroupCommit"]

T = TypeVar("T")


class GroupCommit(Generic[T]):
    """Keeps things, those that wait at the same time in one transaction.

    Parameters
    ----------
    commit : callable
        Writes some things, all or none; blocks, and is called in a thread, once at a time.

    Notes
    -----
    For one event loop.
    """

    def __init__(self, commit: Callable[[Sequence[T]], None]) -> None:
        self._commit = commit
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def keep(self, thing: T) -> None:
        """Return when a thing is kept; raises what `commit` raised for those that it was with."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((thing, kept))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write(), name="group commit")
        await kept

    async def _write(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                await self._write_group(group)
        finally:
            self._writer = None

    async def _write_group(self, group: list[tuple[T, asyncio.Future[None]]]) -> None:
        things = [thing for thing, _ in group]
        (error,) = await asyncio.gather(asyncio.to_thread(self._commit, things), return_exceptions=True)
        for _, kept in group:
            if kept.done():
                continue  # nobody waits any more
            if error is None:
                kept.set_result(None)
            else:
                kept.set_exception(error)
