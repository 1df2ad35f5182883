"""Gathering: calls that wait at the same time go together, and each gets its own outcome.

A few calls go out at once, each alone. Where there are more, one bundle is under way, and what comes
meanwhile gathers for the next one, which goes once it has as many calls as bundles had lately, or its first
call has waited for long enough. So few callers wait for nothing, and many share what a message costs.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from gridledger.model.errors import GridLedgerError

__all__ = ["Gathering"]

C = TypeVar("C")
T = TypeVar("T")

_FEW: Final = 2
"""Calls that do not wait for each other."""

_FORGOTTEN: Final = 4
"""What share of a crowd each bundle forgets: few callers wait some turns after many have gone."""


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class _Waiting(Generic[C, T]):
    """A call, and who waits for its outcome."""

    call: C
    size: int
    until: float
    """When it goes out, however few wait with it, by the loop's clock."""
    outcome: asyncio.Future[T] = field(repr=False)

    def succeed(self, outcome: T) -> None:
        """Hand over what it returned."""
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    def fail(self, error: GridLedgerError) -> None:
        """Hand over why it did not succeed."""
        if not self.outcome.done():
            self.outcome.set_exception(error)


class Gathering(Generic[C, T]):
    """Calls of one kind that wait, and the bundles under way.

    Parameters
    ----------
    alone : callable
        Makes one call.
    together : callable
        Makes some as one bundle; returns an outcome each, or the error of the call.
    separable : callable
        Tells of a bundle's error whether nothing was done, so that each call can be made alone.
    most : int
        Calls of a bundle.
    most_bytes : int
        Of the calls of a bundle; a larger call goes alone.
    patience_s : float
        Seconds that a call waits at most for others, where there were many and no bundle is under way.

    Notes
    -----
    For one event loop. A call whose own error says `retriable` is made again, alone: it may have been the
    bundle. Who stops waiting learns nothing of the outcome; where its call has not gone out, it does not.
    """

    def __init__(
        self,
        alone: Callable[[C], Awaitable[T]],
        together: Callable[[list[C]], Awaitable[Sequence[T | GridLedgerError]]],
        *,
        separable: Callable[[GridLedgerError], bool],
        most: int,
        most_bytes: int,
        patience_s: float,
    ) -> None:
        self._alone = alone
        self._together = together
        self._separable = separable
        self._most = most
        self._most_bytes = most_bytes
        self._waiting: deque[_Waiting[C, T]] = deque()
        self._senders: set[asyncio.Task[None]] = set()
        self._patience_s = patience_s
        self._under_way = 0
        self._crowd = 0
        """Calls of the largest bundle lately, as far as they are remembered."""
        self._timer: asyncio.TimerHandle | None = None

    async def add(self, call: C, size: int) -> T:
        """Make a call of so many bytes, alone or with others, and return its outcome; raises its error."""
        loop = asyncio.get_running_loop()
        waiting: _Waiting[C, T] = _Waiting(
            call=call, size=size, until=loop.time() + self._patience_s, outcome=loop.create_future()
        )
        self._waiting.append(waiting)
        self._start()
        return await waiting.outcome

    def _start(self) -> None:
        """Send what waits, unless there is much of it: then one bundle at a time, and none of very few."""
        if not self._waiting:
            return
        is_quiet = self._crowd <= _FEW and self._under_way + len(self._waiting) <= _FEW
        if not is_quiet and self._senders:
            return  # who ends starts the next one
        loop = asyncio.get_running_loop()
        until = self._waiting[0].until
        if not is_quiet and len(self._waiting) < self._crowd and loop.time() < until:
            if self._timer is None:
                self._timer = loop.call_at(until, self._go_on)
            return
        sender = loop.create_task(self._send(), name="bundle")
        self._senders.add(sender)
        sender.add_done_callback(self._end)

    def _end(self, sender: asyncio.Task[None]) -> None:
        self._senders.discard(sender)
        self._start()

    def _go_on(self) -> None:
        self._timer = None
        self._start()

    async def _send(self) -> None:
        """Send a bundle."""
        calls = self._take()
        if not calls:
            return  # another one has taken them
        self._under_way += len(calls)
        self._crowd = max(len(calls), self._crowd - self._crowd // _FORGOTTEN - 1)
        try:
            await (self._send_alone(calls[0]) if len(calls) == 1 else self._send_together(calls))
        finally:
            self._under_way -= len(calls)
            for one in calls:
                one.outcome.cancel()  # of no effect but where this task was stopped

    def _take(self) -> list[_Waiting[C, T]]:
        """Return the calls of the next bundle: those that still have somebody waiting."""
        taken: list[_Waiting[C, T]] = []
        size = 0
        while self._waiting and len(taken) < self._most:
            size += self._waiting[0].size
            if taken and size > self._most_bytes:
                break
            one = self._waiting.popleft()
            if one.outcome.cancelled():
                size -= one.size
            else:
                taken.append(one)
        return taken

    async def _send_together(self, calls: Sequence[_Waiting[C, T]]) -> None:
        again: list[_Waiting[C, T]] = []
        try:
            outcomes = await self._together([one.call for one in calls])
        except GridLedgerError as error:
            if self._separable(error):
                again.extend(calls)
            else:
                for one in calls:
                    one.fail(error)
        else:
            for one, outcome in zip(calls, outcomes, strict=True):
                if not isinstance(outcome, GridLedgerError):
                    one.succeed(outcome)
                elif outcome.retriable:
                    again.append(one)
                else:
                    one.fail(outcome)
        await asyncio.gather(*(self._send_alone(one) for one in again))

    async def _send_alone(self, one: _Waiting[C, T]) -> None:
        try:
            one.succeed(await self._alone(one.call))
        except GridLedgerError as error:
            one.fail(error)
