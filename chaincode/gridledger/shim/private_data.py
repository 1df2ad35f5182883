"""Private data collections, as the stub offers them."""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.model.errors import ModelError
from gridledger.shim import wire
from gridledger.shim.composite_key import FIRST_SIMPLE_KEY, check_key, check_simple_key, composite_range
from gridledger.shim.ledger_access import LedgerAccess
from gridledger.shim.results import StateIterator
from gridledger.shim.wire import MessageType, WriteKind

__all__ = ["PrivateDataAccess"]


class PrivateDataAccess(LedgerAccess):
    """The stub's functions over private data.

    Notes
    -----
    Values reach the peers of a collection's members only; hashes of keys and values stand in the block.
    After a range or a rich query of private data a peer refuses writes. Every function that asks the peer
    raises `PeerError` where the peer refuses, such as for a caller who may not read the collection, and
    `ModelError` for an empty collection or a key that it could not store.
    """

    async def get_private_data(self, collection: str, key: str) -> bytes | None:
        """Return a key's private value, None where there is none."""
        return await self._get(_named(collection), key)

    async def get_multiple_private_data(self, collection: str, *keys: str) -> list[bytes | None]:
        """Return the private values of many keys, in their order."""
        return await self._get_multiple(_named(collection), keys)

    async def get_private_data_hash(self, collection: str, key: str) -> bytes | None:
        """Return the SHA-256 of a private value; peers of all organisations know it."""
        request = wire.get_state(_named(collection), check_key(key))
        return await self._transaction.ask(MessageType.GET_PRIVATE_DATA_HASH, request) or None

    async def put_private_data(self, collection: str, key: str, value: bytes) -> None:
        """Write a private value; take it from the transient data, since arguments stand in the block."""
        await self._write(WriteKind.PUT_STATE, _named(collection), key, value)

    async def del_private_data(self, collection: str, key: str) -> None:
        """Delete a private value; its earlier versions stay in the members' history."""
        await self._write(WriteKind.DEL_STATE, _named(collection), key)

    async def purge_private_data(self, collection: str, key: str) -> None:
        """Delete a private value and all its earlier versions at all members."""
        await self._write(WriteKind.PURGE_PRIVATE_DATA, _named(collection), key)

    async def get_private_data_by_range(
        self, collection: str, start_key: str = "", end_key: str = ""
    ) -> StateIterator:
        """Return private rows of simple keys from `start_key` (in) to `end_key` (out); empty is open."""
        start = check_simple_key(start_key, "start_key") or FIRST_SIMPLE_KEY
        return await self._range(_named(collection), start, check_simple_key(end_key, "end_key"))

    async def get_private_data_by_partial_composite_key(
        self, collection: str, object_type: str, attributes: Sequence[str] = ()
    ) -> StateIterator:
        """Return private rows of all composite keys that begin with these parts."""
        return await self._range(_named(collection), *composite_range(object_type, attributes))

    async def get_private_data_query_result(self, collection: str, query: str) -> StateIterator:
        """Return private rows of a rich query; a peer on LevelDB refuses it."""
        request = wire.get_query_result(_named(collection), query, None)
        iterator, _ = await self._query_page(MessageType.GET_QUERY_RESULT, request)
        return iterator

    async def get_private_data_validation_parameter(self, collection: str, key: str) -> bytes | None:
        """Return the private key's endorsement policy, None where it has none."""
        return await self._get_validation_parameter(_named(collection), key)

    async def set_private_data_validation_parameter(self, collection: str, key: str, policy: bytes) -> None:
        """Set the private key's endorsement policy; empty bytes lift it."""
        await self._set_validation_parameter(_named(collection), key, policy)


def _named(collection: str) -> str:
    if not collection:
        raise ModelError({"collection": "must not be empty"}, subject="private data")
    return collection
