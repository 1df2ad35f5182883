"""Shared readings: what several requests have to read at the same time is read once.

A reading that has begun serves nobody who asks later: whoever asks gets what stood there at a moment after it
asked. So a request alone waits for nothing, and many share what a reading costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["SharedReadings"]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class SharedReadings(Generic[K, T]):
    """Reads things, each once for all who wait for it when the reading begins.

    Parameters
    ----------
    read : callable
        Reads a thing; blocks, and is called in a thread, once at a time for each thing.

    Notes
    -----
    For one event loop.
    """

    def __init__(self, read: Callable[[K], T]) -> None:
        self._read = read
        self._waiting: dict[K, list[asyncio.Future[T]]] = {}
        self._readers: dict[K, asyncio.Task[None]] = {}

    async def read(self, thing: K) -> T:
        """Return a thing as it stands from now on; raises what the reading raised for all that shared it."""
        found: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(thing, []).append(found)
        if thing not in self._readers:
            self._readers[thing] = asyncio.create_task(self._serve(thing), name="shared reading")
        return await found

    async def _serve(self, thing: K) -> None:
        try:
            while thing in self._waiting:
                group = self._waiting.pop(thing)
                (outcome,) = await asyncio.gather(
                    asyncio.to_thread(self._read, thing), return_exceptions=True
                )
                for found in group:
                    if found.done():
                        continue  # nobody waits any more
                    if isinstance(outcome, BaseException):
                        found.set_exception(outcome)
                    else:
                        found.set_result(outcome)
        finally:
            del self._readers[thing]
