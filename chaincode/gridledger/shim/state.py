"""Public state, as the stub offers it."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

from gridledger.shim import wire
from gridledger.shim.composite_key import FIRST_SIMPLE_KEY, check_key, check_simple_key, composite_range
from gridledger.shim.ledger_access import LedgerAccess
from gridledger.shim.results import HistoryIterator, QueryResponseMetadata, StateIterator
from gridledger.shim.wire import MessageType, WriteKind

__all__ = ["StateAccess"]

_PUT_STATE = WriteKind.PUT_STATE


class StateAccess(LedgerAccess):
    """The stub's functions over public state.

    Notes
    -----
    A read sees what is committed, never a write of the same transaction. Every function that asks the peer
    raises `PeerError` where the peer refuses, and `ModelError` for a key that it could not store.
    """

    def get_state(self, key: str) -> Coroutine[Any, Any, bytes | None]:
        """Return a key's value, None where there is none (Fabric keeps no empty values)."""
        return self._get("", key)

    def get_multiple_states(self, *keys: str) -> Coroutine[Any, Any, list[bytes | None]]:
        """Return the values of many keys, in their order: one round trip where the peer offers it."""
        return self._get_multiple("", keys)

    async def put_state(self, key: str, value: bytes) -> None:
        """Write a value; an empty one deletes the key."""
        # The same as `_write`, without a coroutine between: of all requests this is the most frequent one.
        if self._query or type(value) is not bytes or not (key and key.isascii()):
            self._check_write(key, value)
        if self._batch is not None:
            self._batch.append(wire.write_record(_PUT_STATE, "", key, value))
        else:
            await self._transaction.ask(_PUT_STATE, wire.write_request(_PUT_STATE, "", key, value, ""))

    def del_state(self, key: str) -> Coroutine[Any, Any, None]:
        """Delete a key."""
        return self._write(WriteKind.DEL_STATE, "", key)

    async def get_state_by_range(self, start_key: str = "", end_key: str = "") -> StateIterator:
        """Return rows of simple keys from `start_key` (in) to `end_key` (out).

        Parameters
        ----------
        start_key, end_key : str, default ""
            Empty is open. An open start leaves composite keys out, as in the official shims.

        Raises
        ------
        ModelError
            If a bound begins with U+0000.
        """
        return await self._range("", *_simple_range(start_key, end_key))

    async def get_state_by_range_with_pagination(
        self, start_key: str, end_key: str, page_size: int, bookmark: str = ""
    ) -> tuple[StateIterator, QueryResponseMetadata]:
        """Return one page of a range, and how to go on; a peer refuses writes after it.

        Parameters
        ----------
        start_key, end_key : str
            As for `get_state_by_range`.
        page_size : int
            At least 1; the peer's ``ledger.state.totalQueryLimit`` may cut it.
        bookmark : str, default ""
            From the page before.
        """
        page = self._page(page_size, bookmark)
        return await self._range_page("", *_simple_range(start_key, end_key), page)

    async def get_state_by_partial_composite_key(
        self, object_type: str, attributes: Sequence[str] = ()
    ) -> StateIterator:
        """Return rows of all composite keys that begin with these parts."""
        return await self._range("", *composite_range(object_type, attributes))

    async def get_state_by_partial_composite_key_with_pagination(
        self, object_type: str, attributes: Sequence[str], page_size: int, bookmark: str = ""
    ) -> tuple[StateIterator, QueryResponseMetadata]:
        """Return one page of the composite keys that begin with these parts; no writes after it."""
        page = self._page(page_size, bookmark)
        return await self._range_page("", *composite_range(object_type, attributes), page)

    async def get_query_result(self, query: str) -> StateIterator:
        """Return rows of a rich query; a peer on LevelDB refuses it."""
        request = wire.get_query_result("", query, None)
        iterator, _ = await self._query_page(MessageType.GET_QUERY_RESULT, request)
        return iterator

    async def get_query_result_with_pagination(
        self, query: str, page_size: int, bookmark: str = ""
    ) -> tuple[StateIterator, QueryResponseMetadata]:
        """Return one page of a rich query; a peer on LevelDB refuses it."""
        request = wire.get_query_result("", query, self._page(page_size, bookmark))
        return await self._query_page(MessageType.GET_QUERY_RESULT, request)

    async def get_history_for_key(self, key: str) -> HistoryIterator:
        """Return the committed writes of a key, the newest first."""
        request = wire.get_history_for_key(check_key(key))
        payload = await self._transaction.ask(MessageType.GET_HISTORY_FOR_KEY, request)
        return HistoryIterator(self._transaction, wire.read_page(payload))

    async def get_state_validation_parameter(self, key: str) -> bytes | None:
        """Return the key's endorsement policy (see `KeyEndorsementPolicy`), None where it has none."""
        return await self._get_validation_parameter("", key)

    async def set_state_validation_parameter(self, key: str, policy: bytes) -> None:
        """Set the key's endorsement policy; empty bytes lift it."""
        await self._set_validation_parameter("", key, policy)


def _simple_range(start_key: str, end_key: str) -> tuple[str, str]:
    start = check_simple_key(start_key, "start_key") or FIRST_SIMPLE_KEY
    return start, check_simple_key(end_key, "end_key")
