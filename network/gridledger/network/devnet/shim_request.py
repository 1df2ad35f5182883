"""What chaincode may ask the peer for while it works on a transaction, and the peer's answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from fabric_protos.peer import chaincode_shim_pb2 as shim
from google.protobuf.message import DecodeError

from gridledger.network.devnet.channel import Channel
from gridledger.network.devnet.errors import Malformed, Refused
from gridledger.network.devnet.query_results import QueryResults
from gridledger.network.devnet.transaction import key_modification
from gridledger.network.devnet.transaction_context import TOTAL_QUERY_LIMIT, TransactionContext

__all__ = ["ShimRequests"]

MessageType = shim.ChaincodeMessage.Type
_Answer: TypeAlias = "Callable[[TransactionContext, bytes], bytes]"


class ShimRequests:
    """Answers to all requests but calls of other chaincodes.

    Parameters
    ----------
    channel : Channel
        Tells members of collections from others.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._answers: Mapping[int, _Answer] = {
            MessageType.GET_STATE: self._get_state,
            MessageType.GET_STATE_MULTIPLE: self._get_state_multiple,
            MessageType.GET_PRIVATE_DATA_HASH: self._get_private_hash,
            MessageType.GET_STATE_METADATA: self._get_metadata,
            MessageType.GET_STATE_BY_RANGE: self._get_range,
            MessageType.GET_QUERY_RESULT: self._get_query_result,
            MessageType.GET_HISTORY_FOR_KEY: self._get_history,
            MessageType.QUERY_STATE_NEXT: self._next_results,
            MessageType.QUERY_STATE_CLOSE: self._end_query,
            MessageType.PUT_STATE: self._put_state,
            MessageType.DEL_STATE: self._delete_state,
            MessageType.PURGE_PRIVATE_DATA: self._purge,
            MessageType.PUT_STATE_METADATA: self._put_metadata,
            MessageType.WRITE_BATCH_STATE: self._write_batch,
        }

    def knows(self, kind: int) -> bool:
        """Tell whether a message type is such a request."""
        return kind in self._answers

    def answer(self, context: TransactionContext, kind: int, payload: bytes) -> bytes:
        """Return the payload of the answer.

        Raises
        ------
        Malformed, Refused
            With the message that chaincode gets.
        """
        try:
            return self._answers[kind](context, payload)
        except DecodeError as error:
            raise Malformed(f"unmarshal failed: {error}") from error

    def _may(self, context: TransactionContext, collection: str, *, write: bool) -> None:
        """Refuse private data to a client who must be a member and is none."""
        if context.is_init:
            raise Refused("private data APIs are not allowed in chaincode Init()")
        permission = context.permissions.get(collection)
        if permission is None:
            permission = context.permissions[collection] = self._permission(context, collection)
        if not permission[write]:
            raise Refused(
                f"tx creator does not have {'write' if write else 'read'} access permission on privatedata "
                "in "
                f"chaincodeName:{context.namespace} collectionName: {collection}"
            )

    def _permission(self, context: TransactionContext, name: str) -> tuple[bool, bool]:
        try:
            collection = context.simulator.collection(context.namespace, name)
        except Refused as refusal:
            raise Refused(
                f"collection {context.proposal.channel_id}/{context.namespace}/{name} could not be found"
            ) from refusal
        if not collection.member_only_read and not collection.member_only_write:
            return True, True
        identity = self._channel.msps.deserialize(context.proposal.creator)
        if self._channel.member(identity, collection.members):
            return True, True
        return not collection.member_only_read, not collection.member_only_write

    def _get_state(self, context: TransactionContext, payload: bytes) -> bytes:
        request = shim.GetState.FromString(payload)
        if request.collection:
            self._may(context, request.collection, write=False)
            return context.simulator.get_private(context.namespace, request.collection, request.key) or b""
        return context.simulator.get(context.namespace, request.key) or b""

    def _get_state_multiple(self, context: TransactionContext, payload: bytes) -> bytes:
        request = shim.GetStateMultiple.FromString(payload)
        simulator, namespace = context.simulator, context.namespace
        if request.collection:
            self._may(context, request.collection, write=False)
            values = simulator.get_private_multiple(namespace, request.collection, list(request.keys))
        else:
            values = simulator.get_multiple(namespace, list(request.keys))
        return bytes(
            shim.GetStateMultipleResult(values=[value or b"" for value in values]).SerializeToString()
        )

    def _get_private_hash(self, context: TransactionContext, payload: bytes) -> bytes:
        request = shim.GetState.FromString(payload)
        if context.is_init:
            raise Refused("private data APIs are not allowed in chaincode Init()")
        return context.simulator.get_private_hash(context.namespace, request.collection, request.key) or b""

    def _get_metadata(self, context: TransactionContext, payload: bytes) -> bytes:
        request = shim.GetStateMetadata.FromString(payload)
        if request.collection:
            self._may(context, request.collection, write=False)
            found = context.simulator.get_private_metadata(context.namespace, request.collection, request.key)
        else:
            found = context.simulator.get_metadata(context.namespace, request.key)
        entries = [shim.StateMetadata(metakey=name, value=value) for name, value in found.items()]
        return bytes(shim.StateMetadataResult(entries=entries).SerializeToString())

    def _get_range(self, context: TransactionContext, payload: bytes) -> bytes:
        request = shim.GetStateByRange.FromString(payload)
        page = shim.QueryMetadata.FromString(request.metadata)
        results: QueryResults
        paged = False
        if request.collection:
            self._may(context, request.collection, write=False)
            results = context.simulator.private_range(
                context.namespace, request.collection, request.startKey, request.endKey
            )
        elif page.pageSize or page.bookmark:
            paged = True
            results = context.simulator.range(
                context.namespace, page.bookmark or request.startKey, request.endKey, max(page.pageSize, 0)
            )
        else:
            results = context.simulator.range(context.namespace, request.startKey, request.endKey)
        limit = page.pageSize if 0 < page.pageSize < TOTAL_QUERY_LIMIT else TOTAL_QUERY_LIMIT
        return bytes(context.begin_query(results, paged=paged, limit=limit).SerializeToString())

    def _get_query_result(self, context: TransactionContext, payload: bytes) -> bytes:
        request = shim.GetQueryResult.FromString(payload)
        page = shim.QueryMetadata.FromString(request.metadata)
        if request.collection:
            self._may(context, request.collection, write=False)
            context.simulator.collection(context.namespace, request.collection)
        elif page.pageSize or page.bookmark:
            raise Refused("ExecuteQueryWithMetadata not supported for leveldb")
        raise Refused("ExecuteQuery not supported for leveldb")

    def _get_history(self, context: TransactionContext, payload: bytes) -> bytes:
        request = shim.GetHistoryForKey.FromString(payload)
        results = QueryResults(_history(context, request.key))
        return bytes(context.begin_query(results, paged=False, limit=TOTAL_QUERY_LIMIT).SerializeToString())

    def _next_results(self, context: TransactionContext, payload: bytes) -> bytes:
        return bytes(context.next_results(shim.QueryStateNext.FromString(payload).id).SerializeToString())

    def _end_query(self, context: TransactionContext, payload: bytes) -> bytes:
        return bytes(context.end_query(shim.QueryStateClose.FromString(payload).id).SerializeToString())

    def _put_state(self, context: TransactionContext, payload: bytes) -> bytes:
        request = shim.PutState.FromString(payload)
        self._put(context, request.collection, request.key, request.value)
        return b""

    def _delete_state(self, context: TransactionContext, payload: bytes) -> bytes:
        request = shim.DelState.FromString(payload)
        self._put(context, request.collection, request.key, b"")
        return b""

    def _put(self, context: TransactionContext, collection: str, key: str, value: bytes) -> None:
        if collection:
            self._may(context, collection, write=True)
            context.simulator.put_private(context.namespace, collection, key, value)
        else:
            context.simulator.put(context.namespace, key, value)

    def _purge(self, context: TransactionContext, payload: bytes) -> bytes:
        request = shim.DelState.FromString(payload)
        self._purge_key(context, request.collection, request.key)
        return b""

    def _purge_key(self, context: TransactionContext, collection: str, key: str) -> None:
        if not collection:
            raise Refused("only applicable for private data")
        self._may(context, collection, write=True)
        context.simulator.put_private(context.namespace, collection, key, b"", purge=True)

    def _put_metadata(self, context: TransactionContext, payload: bytes) -> bytes:
        request = shim.PutStateMetadata.FromString(payload)
        self._set_metadata(context, request.collection, request.key, request.metadata)
        return b""

    def _set_metadata(
        self, context: TransactionContext, collection: str, key: str, metadata: shim.StateMetadata
    ) -> None:
        entries = {metadata.metakey: metadata.value}
        if collection:
            self._may(context, collection, write=True)
            context.simulator.put_private_metadata(context.namespace, collection, key, entries)
        else:
            context.simulator.put_metadata(context.namespace, key, entries)

    def _write_batch(self, context: TransactionContext, payload: bytes) -> bytes:
        kinds = shim.WriteRecord.Type
        for record in shim.WriteBatchState.FromString(payload).rec:
            if record.type == kinds.PUT_STATE:
                self._put(context, record.collection, record.key, record.value)
            elif record.type == kinds.DEL_STATE:
                self._put(context, record.collection, record.key, b"")
            elif record.type == kinds.PUT_STATE_METADATA:
                self._set_metadata(context, record.collection, record.key, record.metadata)
            elif record.type == kinds.PURGE_PRIVATE_DATA:
                self._purge_key(context, record.collection, record.key)
            else:
                raise Refused("unknown operation type")
        return b""


def _history(context: TransactionContext, key: str) -> Iterator[bytes]:
    for _, envelope in context.simulator.snapshot.history(context.namespace, key):
        yield key_modification(envelope, context.namespace, key)
