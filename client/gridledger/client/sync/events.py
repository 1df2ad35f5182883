"""Streams of events as plain iterators, and the requests for them."""

from __future__ import annotations

from types import TracebackType
from typing import Generic, Self, TypeVar

from gridledger.client import block_events, chaincode_events
from gridledger.client import events as asynchronous
from gridledger.client.block import Block
from gridledger.client.chaincode_events import ChaincodeEvent
from gridledger.client.checkpoint import Position
from gridledger.client.filtered_block import FilteredBlock
from gridledger.client.private_data import BlockAndPrivateData
from gridledger.client.sync.event_loop import run
from gridledger.client.sync.face import Face, awaited, plain

__all__ = [
    "BlockAndPrivateDataEventsRequest",
    "BlockEventsRequest",
    "ChaincodeEventsRequest",
    "Events",
    "FilteredBlockEventsRequest",
]

_Event = TypeVar("_Event")
_Block = TypeVar("_Block")


class Events(Face[asynchronous.Events[_Event]], Generic[_Event]):
    """An iterator over events; `close` may be called from another thread. See `gridledger.client.Events`."""

    start = awaited(asynchronous.Events.start)
    close = awaited(asynchronous.Events.close)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> _Event:
        """Return the next event; see `gridledger.client.Events`."""
        try:
            return run(_next(self.asynchronous))
        except StopAsyncIteration:
            raise StopIteration from None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ChaincodeEventsRequest(Face[chaincode_events.ChaincodeEventsRequest]):
    """See `gridledger.client.ChaincodeEventsRequest`."""

    @property
    def digest(self) -> bytes:
        """SHA-256 of what is signed."""
        return self.asynchronous.digest

    @property
    def start_position(self) -> Position | None:
        """Where the request starts; none for "from now on"."""
        return self.asynchronous.start_position

    to_bytes = plain(chaincode_events.ChaincodeEventsRequest.to_bytes)

    def events(self, *, position: Position | None = None) -> Events[ChaincodeEvent]:
        """See `gridledger.client.ChaincodeEventsRequest.events`."""
        return Events(self.asynchronous.events(position=position))


class _BlocksRequest(Face[block_events.BlocksRequest[_Block]], Generic[_Block]):
    @property
    def digest(self) -> bytes:
        """SHA-256 of what is signed."""
        return self.asynchronous.digest

    @property
    def start_position(self) -> Position | None:
        """Where the request starts; none for "from now on"."""
        return self.asynchronous.start_position

    to_bytes = plain(block_events.BlocksRequest.to_bytes)

    def events(self, *, position: Position | None = None) -> Events[_Block]:
        """See `gridledger.client.BlockEventsRequest.events`."""
        return Events(self.asynchronous.events(position=position))


class BlockEventsRequest(_BlocksRequest[Block]):
    """See `gridledger.client.BlockEventsRequest`."""


class FilteredBlockEventsRequest(_BlocksRequest[FilteredBlock]):
    """See `gridledger.client.FilteredBlockEventsRequest`."""


class BlockAndPrivateDataEventsRequest(_BlocksRequest[BlockAndPrivateData]):
    """See `gridledger.client.BlockAndPrivateDataEventsRequest`."""


async def _next(events: asynchronous.Events[_Event]) -> _Event:
    return await anext(events)
