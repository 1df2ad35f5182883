"""Requests that public state and private data share."""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.model.errors import ModelError
from gridledger.model.refusals import WriteInQuery
from gridledger.shim import wire
from gridledger.shim.composite_key import check_key
from gridledger.shim.errors import ProtocolError
from gridledger.shim.peer_transaction import PeerTransaction
from gridledger.shim.results import QueryResponseMetadata, StateIterator
from gridledger.shim.wire import MessageType, WriteKind

__all__ = ["LedgerAccess"]

_VALIDATION_PARAMETER = "VALIDATION_PARAMETER"
_GET_STATE_MULTIPLE = MessageType.GET_STATE_MULTIPLE  # asked of an enum, it costs as much as a call
_MAX_PAGE_SIZE = 2**31 - 1


class LedgerAccess:
    """Base of the stub: reads and writes with a collection, which is empty for public state."""

    _transaction: PeerTransaction
    _batch: list[bytes] | None
    _query: str = ""

    def forbid_writes(self, function: str) -> None:
        """Refuse every write from now on with `WriteInQuery`, which names `function`."""
        self._query = function

    async def _get(self, collection: str, key: str) -> bytes | None:
        payload = await self._transaction.ask(
            MessageType.GET_STATE, wire.get_state(collection, check_key(key))
        )
        return payload or None

    async def _get_multiple(self, collection: str, keys: Sequence[str]) -> list[bytes | None]:
        limit = self._transaction.announcement.multiple_keys_size
        if not limit or len(keys) == 1:
            return [await self._get(collection, key) for key in keys]
        if not (all(keys) and "".join(keys).isascii()):
            for key in keys:
                check_key(key)
        values: list[bytes | None] = []
        for start in range(0, len(keys), limit):
            part = keys[start : start + limit]
            request = wire.get_state_multiple(collection, part)
            found = wire.read_values(await self._transaction.ask(_GET_STATE_MULTIPLE, request))
            if len(found) != len(part):
                raise ProtocolError(f"the peer sent {len(found)} values for {len(part)} keys")
            values += found if all(found) else [value or None for value in found]
        return values

    async def _write(
        self, kind: WriteKind, collection: str, key: str, value: bytes = b"", metakey: str = ""
    ) -> None:
        if self._query or type(value) is not bytes or not (key and key.isascii()):
            self._check_write(key, value)
        if self._batch is not None:
            self._batch.append(wire.write_record(kind, collection, key, value, metakey))
        else:
            await self._transaction.ask(kind, wire.write_request(kind, collection, key, value, metakey))

    def _check_write(self, key: str, value: bytes) -> None:
        if self._query:
            raise WriteInQuery(self._query)
        if type(value) is not bytes:
            raise ModelError({"value": f"is {type(value).__name__}, not bytes"}, subject="write")
        check_key(key)

    async def _get_validation_parameter(self, collection: str, key: str) -> bytes | None:
        payload = await self._transaction.ask(
            MessageType.GET_STATE_METADATA, wire.get_state_metadata(collection, check_key(key))
        )
        return wire.read_metadata(payload).get(_VALIDATION_PARAMETER) or None

    async def _set_validation_parameter(self, collection: str, key: str, policy: bytes) -> None:
        await self._write(WriteKind.PUT_STATE_METADATA, collection, key, policy, _VALIDATION_PARAMETER)

    async def _range(self, collection: str, start: str, end: str) -> StateIterator:
        iterator, _ = await self._range_page(collection, start, end, None)
        return iterator

    async def _range_page(
        self, collection: str, start: str, end: str, page: tuple[int, str] | None
    ) -> tuple[StateIterator, QueryResponseMetadata]:
        request = wire.get_state_by_range(collection, start, end, page)
        return await self._query_page(MessageType.GET_STATE_BY_RANGE, request)

    async def _query_page(
        self, kind: MessageType, request: bytes
    ) -> tuple[StateIterator, QueryResponseMetadata]:
        answer = wire.read_page(await self._transaction.ask(kind, request))
        metadata = QueryResponseMetadata(answer.fetched_records_count, answer.bookmark)
        return StateIterator(self._transaction, answer), metadata

    @staticmethod
    def _page(page_size: int, bookmark: str) -> tuple[int, str]:
        if not 1 <= page_size <= _MAX_PAGE_SIZE:
            raise ModelError({"page_size": f"is {page_size}, not within 1 and 2^31-1"}, subject="query")
        return page_size, bookmark
