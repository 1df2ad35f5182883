"""A stream of events that goes on after a break where it stood."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from gridledger.client.checkpoint import Position
from gridledger.client.errors import EventsError
from gridledger.client.retry import Backoff
from gridledger.client.transport import Message, Stream
from gridledger.host.metrics import FOLLOWED_BLOCK

__all__ = ["EventSource", "Events", "Placed"]

# Answers that opening the stream again does not change.
_FINAL = frozenset(
    {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "PERMISSION_DENIED", "UNAUTHENTICATED", "UNIMPLEMENTED"}
)

_Event = TypeVar("_Event")


@dataclass(frozen=True, slots=True)
class Placed(Generic[_Event]):
    """An event and its place in the chain."""

    event: _Event
    """The event."""

    block_number: int
    """Its block."""

    tx_id: str | None
    """Its transaction; none for an event that is the whole block."""


class EventSource(Protocol[_Event]):
    """What opens one kind of stream and reads its messages."""

    async def open(self, start: Position | None) -> Stream:
        """Open the stream at a position, or where the request says; it may start earlier than asked."""
        ...

    def unpack(self, message: Message) -> list[Placed[_Event]] | None:
        """Return what a message carries; None when it says that the stream has come to its end."""
        ...


class Events(Generic[_Event]):
    """An asynchronous iterator over events; close it with `close`, or use it as a context manager.

    Parameters
    ----------
    source : EventSource
        Opens the stream.
    position : Position, optional
        Where to start: what it covers is left out.
    locate : callable, optional
        Finds out where "from now on" is, when there is no position.
    retry : Backoff
        How often a broken stream is opened again; counted anew after every message.

    Notes
    -----
    After a break the stream is opened again where it stood, and no event comes twice or is lost: waiting for
    events has no deadline, being told that there are none any more has. Without a position (a request signed
    elsewhere that starts "from now on") a break is an `EventsError` at once.
    """

    def __init__(
        self,
        source: EventSource[_Event],
        *,
        position: Position | None,
        locate: Callable[[], Awaitable[Position]] | None = None,
        retry: Backoff,
    ) -> None:
        self._source = source
        self._position = position
        self._locate = locate
        self._retry = retry
        self._ready: deque[_Event] = deque()
        self._stream: Stream | None = None
        self._failures = 0
        self._ended = False
        self._closed = asyncio.Event()

    async def start(self) -> None:
        """Fix where the stream starts, so that nothing ordered after this call is missed.

        Raises
        ------
        EvaluateError
            When the gateway does not say how far the chain goes.
        """
        if self._position is None and self._locate is not None:
            self._position = await self._locate()

    async def close(self) -> None:
        """End the stream; whoever waits for an event sees its end."""
        self._closed.set()
        if self._stream is not None:
            self._stream.cancel()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> _Event:
        """Return the next event.

        Raises
        ------
        EventsError
            When the stream is refused, or broken and not to be opened again.
        ConfigError
            When the request has to be signed and there is no signer.
        """
        await self.start()
        while not self._ready:
            if self._closed.is_set() or self._ended:
                raise StopAsyncIteration
            try:
                message = await self._receive()
                if message is not None:
                    self._take(message)
            except EventsError as error:
                await self._recover(error)
        event = self._ready.popleft()
        if self._position is not None:
            FOLLOWED_BLOCK.set(self._position.block_number - (0 if self._position.transactions else 1))
        return event

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _receive(self) -> Message | None:
        if self._stream is None:
            self._stream = await self._source.open(self._position)
        message = await self._stream.read()
        if message is None and not self._closed.is_set():
            raise EventsError("the peer ended the stream", grpc_status="UNAVAILABLE")
        return message

    def _take(self, message: Message) -> None:
        placed = self._source.unpack(message)
        self._failures = 0
        if placed is None:
            self._ended = True
            return
        for one in placed:
            position = self._position or Position(one.block_number)
            if one.tx_id is None:
                if one.block_number >= position.block_number:
                    self._ready.append(one.event)
                    self._position = position.after_block(one.block_number)
            elif not position.covers(one.block_number, one.tx_id):
                self._ready.append(one.event)
                self._position = position.after_transaction(one.block_number, one.tx_id)

    async def _recover(self, error: EventsError) -> None:
        if self._stream is not None:
            self._stream.cancel()
            self._stream = None
        self._failures += 1
        if error.grpc_status in _FINAL or self._position is None or self._failures > self._retry.attempts:
            raise error
        try:
            async with asyncio.timeout(self._retry.delay(self._failures)):
                await self._closed.wait()
        except TimeoutError:
            return
