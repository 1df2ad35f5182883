"""What is committed in memory, and what a transaction asks of it."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable
from typing import Any

from fabric_protos.ledger.queryresult import kv_query_result_pb2
from fabric_protos.peer import chaincode_shim_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from gridledger.shim.wire import MessageType

__all__ = ["MemoryLedger", "Refused", "Simulation"]

_RESULTS_A_MESSAGE = 100  # as a peer cuts the answers to queries

_Shim = chaincode_shim_pb2


class Refused(Exception):
    """The peer answers ERROR with this text."""


class MemoryLedger:
    """Committed values, their history and the endorsement policies of keys; collection "" is public state."""

    def __init__(self) -> None:
        self.state: dict[tuple[str, str], bytes] = {}
        self.history: dict[str, list[Any]] = {}
        self.policies: dict[tuple[str, str], bytes] = {}

    def commit(self, simulation: Simulation, tx_id: str, time_ms: int) -> None:
        """Write what a transaction wrote."""
        timestamp = Timestamp(seconds=time_ms // 1000, nanos=time_ms % 1000 * 1_000_000)
        for collection, key, value in simulation.writes:
            if value:
                self.state[collection, key] = value
            else:
                self.state.pop((collection, key), None)
            if not collection:
                change = kv_query_result_pb2.KeyModification(
                    tx_id=tx_id, value=value or b"", timestamp=timestamp, is_delete=not value
                )
                self.history.setdefault(key, []).append(change)
        for collection, key, policy in simulation.policies:
            self.policies[collection, key] = policy

    def keys(self, collection: str, start: str, end: str) -> list[str]:
        """Return keys from `start` (in) to `end` (out, empty is open), in the ledger's order."""
        found: Iterable[str] = (key for name, key in self.state if name == collection)
        return sorted(key for key in found if start <= key and (not end or key < end))


class Simulation:
    """One transaction: its writes so far and its open queries.

    Parameters
    ----------
    ledger : MemoryLedger
        What it reads.
    """

    def __init__(self, ledger: MemoryLedger) -> None:
        self.writes: list[tuple[str, str, bytes | None]] = []
        self.policies: list[tuple[str, str, bytes]] = []
        self._ledger = ledger
        self._queries: dict[str, list[bytes]] = {}
        self._numbers = itertools.count(1)
        self._closed_for_writes = False

    def answer(self, kind: MessageType, payload: bytes) -> bytes:
        """Answer a request of the chaincode.

        Raises
        ------
        Refused
            Where a peer answers ERROR.
        """
        ledger = self._ledger
        data: bytes
        match kind:
            case MessageType.GET_STATE:
                read = _Shim.GetState.FromString(payload)
                return ledger.state.get((read.collection, read.key), b"")
            case MessageType.GET_STATE_MULTIPLE:
                many = _Shim.GetStateMultiple.FromString(payload)
                values = [ledger.state.get((many.collection, key), b"") for key in many.keys]
                data = _Shim.GetStateMultipleResult(values=values).SerializeToString()
                return data
            case MessageType.GET_PRIVATE_DATA_HASH:
                read = _Shim.GetState.FromString(payload)
                value = ledger.state.get((read.collection, read.key))
                return hashlib.sha256(value).digest() if value else b""
            case MessageType.GET_STATE_METADATA:
                read = _Shim.GetStateMetadata.FromString(payload)
                policy = ledger.policies.get((read.collection, read.key), b"")
                entry = _Shim.StateMetadata(metakey="VALIDATION_PARAMETER", value=policy)
                data = _Shim.StateMetadataResult(entries=[entry]).SerializeToString()
                return data
            case MessageType.GET_STATE_BY_RANGE:
                return self._range(_Shim.GetStateByRange.FromString(payload))
            case MessageType.GET_HISTORY_FOR_KEY:
                changes = ledger.history.get(_Shim.GetHistoryForKey.FromString(payload).key, [])
                rows = [change.SerializeToString() for change in reversed(changes)]
                return self._first_rows(rows)
            case MessageType.QUERY_STATE_NEXT:
                return self._next_rows(_Shim.QueryStateNext.FromString(payload).id)
            case MessageType.QUERY_STATE_CLOSE:
                self._queries.pop(_Shim.QueryStateClose.FromString(payload).id, None)
                return b""
            case MessageType.GET_QUERY_RESULT:
                raise Refused("ExecuteQuery not supported for leveldb")
            case MessageType.INVOKE_CHAINCODE:
                raise Refused("this peer has no other chaincode")
            case MessageType.WRITE_BATCH_STATE:
                for record in _Shim.WriteBatchState.FromString(payload).rec:
                    self._write(MessageType(record.type), record)
                return b""
            case _:
                parser = {
                    MessageType.PUT_STATE: _Shim.PutState,
                    MessageType.PUT_STATE_METADATA: _Shim.PutStateMetadata,
                }.get(kind, _Shim.DelState)
                self._write(kind, parser.FromString(payload))
                return b""

    def _write(self, kind: MessageType, record: Any) -> None:
        if self._closed_for_writes:
            raise Refused("transaction has already performed a paginated query. Writes are not allowed")
        if kind is MessageType.PUT_STATE_METADATA:
            self.policies.append((record.collection, record.key, record.metadata.value))
        else:
            value = record.value if kind is MessageType.PUT_STATE else None
            self.writes.append((record.collection, record.key, value))

    def _range(self, query: Any) -> bytes:
        page = _Shim.QueryMetadata.FromString(query.metadata)
        if (page.pageSize or query.collection) and self.writes:
            raise Refused("paginated and private range queries are not allowed after a write")
        keys = self._ledger.keys(query.collection, page.bookmark or query.startKey, query.endKey)
        chosen = keys[: page.pageSize] if page.pageSize else keys
        rows = [
            kv_query_result_pb2.KV(
                key=key, value=self._ledger.state[query.collection, key]
            ).SerializeToString()
            for key in chosen
        ]
        self._closed_for_writes |= bool(page.pageSize or query.collection)
        if not page.pageSize:
            return self._first_rows(rows)
        bookmark = keys[page.pageSize] if len(keys) > page.pageSize else ""
        metadata = _Shim.QueryResponseMetadata(fetched_records_count=len(rows), bookmark=bookmark)
        return self._page(rows, "", False, metadata.SerializeToString())

    def _first_rows(self, rows: list[bytes]) -> bytes:
        query_id = str(next(self._numbers))
        self._queries[query_id] = rows
        return self._next_rows(query_id)

    def _next_rows(self, query_id: str) -> bytes:
        rows = self._queries.get(query_id)
        if rows is None:
            raise Refused("query iterator not found")
        now, later = rows[:_RESULTS_A_MESSAGE], rows[_RESULTS_A_MESSAGE:]
        self._queries[query_id] = later
        if not later:
            del self._queries[query_id]
        return self._page(now, query_id, bool(later), b"")

    @staticmethod
    def _page(rows: list[bytes], query_id: str, has_more: bool, metadata: bytes) -> bytes:
        results = [_Shim.QueryResultBytes(resultBytes=row) for row in rows]
        data: bytes = _Shim.QueryResponse(
            results=results, has_more=has_more, id=query_id, metadata=metadata
        ).SerializeToString()
        return data
