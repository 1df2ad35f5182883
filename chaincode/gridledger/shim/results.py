"""Rows of queries, and the iterators that fetch them page by page."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Any, Generic, NamedTuple, Self, TypeVar

from fabric_protos.ledger.queryresult import kv_query_result_pb2
from google.protobuf.message import DecodeError

from gridledger.shim import wire
from gridledger.shim.errors import ProtocolError
from gridledger.shim.peer_transaction import PeerTransaction
from gridledger.shim.proposal import Timestamp
from gridledger.shim.wire import MessageType, Page

__all__ = ["HistoryIterator", "KeyModification", "KeyValue", "QueryResponseMetadata", "StateIterator"]


class KeyValue(NamedTuple):
    """A row of a query over state; `namespace` is the chaincode that owns it."""

    key: str
    value: bytes
    namespace: str


class KeyModification(NamedTuple):
    """One committed write of a key."""

    tx_id: str
    value: bytes
    timestamp: Timestamp
    is_delete: bool


class QueryResponseMetadata(NamedTuple):
    """How many rows a page has, and the bookmark to ask for the next one; an empty bookmark ends it."""

    fetched_records_count: int
    bookmark: str


_Row = TypeVar("_Row")


class _Iterator(Generic[_Row]):
    """Rows in the peer's order. Fetches further pages when needed, and closes itself at the end.

    Leave it early by `close`, or use it as an asynchronous context manager; the peer closes what is left
    open at the end of the transaction.
    """

    def __init__(self, transaction: PeerTransaction, page: Page) -> None:
        self._transaction = transaction
        self._rows: deque[bytes] = deque(page.results)
        self._has_more = page.has_more
        self._query_id = page.query_id

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> _Row:
        while not self._rows:
            if not self._has_more:
                raise StopAsyncIteration
            payload = await self._transaction.ask(
                MessageType.QUERY_STATE_NEXT, wire.query_state_next(self._query_id)
            )
            page = wire.read_page(payload)
            self._rows.extend(page.results)
            self._has_more = page.has_more
        return self._read(self._rows.popleft())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the query at the peer; doing it again, or at the end of the rows, asks nothing."""
        self._rows.clear()
        if self._has_more:
            self._has_more = False
            await self._transaction.ask(MessageType.QUERY_STATE_CLOSE, wire.query_state_close(self._query_id))

    def _read(self, data: bytes) -> _Row:
        raise NotImplementedError


class StateIterator(_Iterator[KeyValue]):
    """Rows of a query over state."""

    def _read(self, data: bytes) -> KeyValue:
        row = _parse(kv_query_result_pb2.KV, data)
        return KeyValue(row.key, row.value, row.namespace)


class HistoryIterator(_Iterator[KeyModification]):
    """Committed writes of one key, the newest first."""

    def _read(self, data: bytes) -> KeyModification:
        row = _parse(kv_query_result_pb2.KeyModification, data)
        timestamp = Timestamp(row.timestamp.seconds, row.timestamp.nanos)
        return KeyModification(row.tx_id, row.value, timestamp, row.is_delete)


def _parse(kind: Any, data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except DecodeError as exc:
        raise ProtocolError(f"the peer sent bytes that are no {kind.DESCRIPTOR.name}") from exc
