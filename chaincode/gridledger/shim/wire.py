"""Messages between peer and chaincode, as bytes.

The only module of the shim that knows the generated message classes of the chaincode protocol
(`peer/chaincode_shim.proto` of Hyperledger Fabric).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2, proposal_response_pb2
from google.protobuf.message import DecodeError

from gridledger.shim.errors import ProtocolError
from gridledger.shim.response import Response, Status

__all__ = [
    "Announcement",
    "ChaincodeInput",
    "Message",
    "MessageType",
    "Page",
    "WriteKind",
    "decode",
    "encode",
]

_Message = chaincode_shim_pb2.ChaincodeMessage


def _varint(value: int) -> bytes:
    octets = bytearray()
    while value >= 0x80:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


_SMALL_BYTES = 2_000
"""Records up to this size are put together by hand."""

_FIRST = tuple(b"\x0a" + _varint(size) for size in range(_SMALL_BYTES + 10))
_SECOND = tuple(b"\x12" + _varint(size) for size in range(_SMALL_BYTES + 1))
"""How a member of so many bytes begins, that is the first or second of its message."""

_OK = Status.OK.value
_SUCCESS = b"\x08\xc8\x01"  # a Response of status 200 and nothing else, as most are


class MessageType(IntEnum):
    """Types of messages on the stream."""

    REGISTER = 1
    REGISTERED = 2
    INIT = 3
    READY = 4
    TRANSACTION = 5
    COMPLETED = 6
    ERROR = 7
    GET_STATE = 8
    PUT_STATE = 9
    DEL_STATE = 10
    INVOKE_CHAINCODE = 11
    RESPONSE = 13
    GET_STATE_BY_RANGE = 14
    GET_QUERY_RESULT = 15
    QUERY_STATE_NEXT = 16
    QUERY_STATE_CLOSE = 17
    KEEPALIVE = 18
    GET_HISTORY_FOR_KEY = 19
    GET_STATE_METADATA = 20
    PUT_STATE_METADATA = 21
    GET_PRIVATE_DATA_HASH = 22
    PURGE_PRIVATE_DATA = 23
    WRITE_BATCH_STATE = 24
    GET_STATE_MULTIPLE = 25


class WriteKind(IntEnum):
    """Kinds of writes in a batch; each has the number of its message type."""

    PUT_STATE = 9
    DEL_STATE = 10
    PUT_STATE_METADATA = 21
    PURGE_PRIVATE_DATA = 23


_PUT_STATE = WriteKind.PUT_STATE  # asked of an enum, it costs as much as a call


class Message:
    """A message from the peer.

    Attributes
    ----------
    type : int
        May be a number that `MessageType` does not know.
    payload : bytes
        By the type.
    tx_id, channel_id : str
        Empty where the message is of no transaction.
    raw : ChaincodeMessage
        The parsed protobuf message; holds the signed proposal of a transaction.
    """

    __slots__ = ("channel_id", "payload", "raw", "tx_id", "type")

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.type: int = raw.type
        self.payload: bytes = raw.payload
        self.tx_id: str = raw.txid
        self.channel_id: str = raw.channel_id


class ChaincodeInput:
    """Arguments of a transaction; the rarely asked parts are read when asked."""

    __slots__ = ("_parsed", "args")

    def __init__(self, parsed: Any) -> None:
        self.args: list[bytes] = parsed.args[:]  # a slice is a list, and made faster than by list()
        self._parsed = parsed

    @property
    def decorations(self) -> dict[str, bytes]:
        """What the peer's decorators added."""
        return dict(self._parsed.decorations)

    @property
    def is_init(self) -> bool:
        """Whether the caller set the flag for the first call."""
        flag: bool = self._parsed.is_init
        return flag


class Page(NamedTuple):
    """Part of the answer to a query; `results` are unparsed rows."""

    results: list[bytes]
    has_more: bool
    query_id: str
    fetched_records_count: int
    bookmark: str


@dataclass(frozen=True, slots=True)
class Announcement:
    """What the peer said in READY: how many writes and keys it takes in one message; 0 is none."""

    write_batch_size: int = 0
    multiple_keys_size: int = 0


def decode(data: bytes) -> Message:
    """Read a message from the peer.

    Raises
    ------
    ProtocolError
        If these are not the bytes of a ChaincodeMessage.
    """
    try:
        raw = _Message.FromString(data)
    except DecodeError as exc:
        raise ProtocolError("the peer sent bytes that are no ChaincodeMessage") from exc
    return Message(raw)


def encode(
    kind: int,
    payload: bytes = b"",
    tx_id: str = "",
    channel_id: str = "",
    event: tuple[str, bytes] | None = None,
) -> bytes:
    """Write a message to the peer."""
    message = _Message()  # set one by one: four times as fast as by keywords
    message.type = kind
    message.payload = payload
    message.txid = tx_id
    message.channel_id = channel_id
    if event is not None:
        message.chaincode_event.event_name, message.chaincode_event.payload = event
    data: bytes = message.SerializeToString()
    return data


def _parse(kind: Any, data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except DecodeError as exc:
        raise ProtocolError(f"the peer sent bytes that are no {kind.DESCRIPTOR.name}") from exc


def _bytes(message: Any) -> bytes:
    data: bytes = message.SerializeToString()
    return data


# --- to the peer


def register(chaincode_id: str) -> bytes:
    """Payload of REGISTER."""
    return _bytes(chaincode_pb2.ChaincodeID(name=chaincode_id))


def get_state(collection: str, key: str) -> bytes:
    """Payload of GET_STATE and GET_PRIVATE_DATA_HASH."""
    return _bytes(chaincode_shim_pb2.GetState(key=key, collection=collection))


def get_state_multiple(collection: str, keys: Sequence[str]) -> bytes:
    """Payload of GET_STATE_MULTIPLE."""
    message = chaincode_shim_pb2.GetStateMultiple()
    message.keys.extend(keys)
    if collection:
        message.collection = collection
    return _bytes(message)


def get_state_metadata(collection: str, key: str) -> bytes:
    """Payload of GET_STATE_METADATA."""
    return _bytes(chaincode_shim_pb2.GetStateMetadata(key=key, collection=collection))


def get_state_by_range(collection: str, start: str, end: str, page: tuple[int, str] | None) -> bytes:
    """Payload of GET_STATE_BY_RANGE; `page` is page size and bookmark."""
    return _bytes(
        chaincode_shim_pb2.GetStateByRange(
            startKey=start, endKey=end, collection=collection, metadata=_page_request(page)
        )
    )


def get_query_result(collection: str, query: str, page: tuple[int, str] | None) -> bytes:
    """Payload of GET_QUERY_RESULT; `page` is page size and bookmark."""
    return _bytes(
        chaincode_shim_pb2.GetQueryResult(query=query, collection=collection, metadata=_page_request(page))
    )


def _page_request(page: tuple[int, str] | None) -> bytes:
    if page is None:
        return b""
    return _bytes(chaincode_shim_pb2.QueryMetadata(pageSize=page[0], bookmark=page[1]))


def get_history_for_key(key: str) -> bytes:
    """Payload of GET_HISTORY_FOR_KEY."""
    return _bytes(chaincode_shim_pb2.GetHistoryForKey(key=key))


def query_state_next(query_id: str) -> bytes:
    """Payload of QUERY_STATE_NEXT."""
    return _bytes(chaincode_shim_pb2.QueryStateNext(id=query_id))


def query_state_close(query_id: str) -> bytes:
    """Payload of QUERY_STATE_CLOSE."""
    return _bytes(chaincode_shim_pb2.QueryStateClose(id=query_id))


def write_request(kind: WriteKind, collection: str, key: str, value: bytes, metakey: str) -> bytes:
    """Payload of one write, whose message has the type `kind`; with `metakey`, `value` is the metadata's."""
    if metakey:
        metadata = chaincode_shim_pb2.StateMetadata(metakey=metakey, value=value)
        return _bytes(chaincode_shim_pb2.PutStateMetadata(key=key, collection=collection, metadata=metadata))
    if kind is WriteKind.PUT_STATE:
        return _bytes(chaincode_shim_pb2.PutState(key=key, value=value, collection=collection))
    return _bytes(chaincode_shim_pb2.DelState(key=key, collection=collection))


def write_record(kind: WriteKind, collection: str, key: str, value: bytes, metakey: str = "") -> bytes:
    """Return one write of a batch; a payload of WRITE_BATCH_STATE is such records, one after the other.

    Notes
    -----
    Messages of protobuf that are put one after the other read as one with all their repeated members. Small
    plain writes are put together by hand: the generated classes take three times as long, and this is the
    inmost loop of a batch.
    """
    name = key.encode()
    name_bytes, value_bytes = len(name), len(value)
    if collection or metakey or name_bytes + value_bytes > _SMALL_BYTES:
        return _large_record(kind, collection, key, value, metakey)
    first, second = _FIRST[name_bytes], _SECOND[value_bytes]
    last = b"\x28\x09" if kind is _PUT_STATE else b"\x28%c" % kind
    whole = _FIRST[len(first) + name_bytes + len(second) + value_bytes + len(last)]
    return b"".join((whole, first, name, second, value, last))


def _large_record(kind: WriteKind, collection: str, key: str, value: bytes, metakey: str) -> bytes:
    batch = chaincode_shim_pb2.WriteBatchState()
    record = batch.rec.add(type=kind, key=key, collection=collection)
    if metakey:
        record.metadata.metakey, record.metadata.value = metakey, value
    else:
        record.value = value
    return _bytes(batch)


def invoke_chaincode(name: str, args: list[bytes]) -> bytes:
    """Payload of INVOKE_CHAINCODE; `name` is ``chaincode`` or ``chaincode/channel``."""
    return _bytes(
        chaincode_pb2.ChaincodeSpec(
            chaincode_id=chaincode_pb2.ChaincodeID(name=name), input=chaincode_pb2.ChaincodeInput(args=args)
        )
    )


def response(answer: Response) -> bytes:
    """Payload of COMPLETED."""
    status, text, payload = answer
    if status == _OK and not text and not payload:
        return _SUCCESS
    message = proposal_response_pb2.Response()
    message.status = status
    message.message = text
    message.payload = payload
    return _bytes(message)


# --- from the peer


def read_announcement(payload: bytes) -> Announcement:
    """Read the payload of READY; peers before v2.5.12 send none."""
    params = _parse(chaincode_pb2.ChaincodeAdditionalParams, payload)
    return Announcement(
        params.max_size_write_batch if params.use_write_batch else 0,
        params.max_size_get_multiple_keys if params.use_get_multiple_keys else 0,
    )


def read_input(payload: bytes) -> ChaincodeInput:
    """Read the payload of TRANSACTION and INIT."""
    return ChaincodeInput(_parse(chaincode_pb2.ChaincodeInput, payload))


def read_values(payload: bytes) -> list[bytes]:
    """Read the answer to GET_STATE_MULTIPLE."""
    values: list[bytes] = _parse(chaincode_shim_pb2.GetStateMultipleResult, payload).values[:]
    return values


def read_metadata(payload: bytes) -> dict[str, bytes]:
    """Read the answer to GET_STATE_METADATA."""
    result = _parse(chaincode_shim_pb2.StateMetadataResult, payload)
    return {entry.metakey: entry.value for entry in result.entries}


def read_page(payload: bytes) -> Page:
    """Read the answer to a query or to QUERY_STATE_NEXT."""
    parsed = _parse(chaincode_shim_pb2.QueryResponse, payload)
    count, bookmark = 0, ""
    if parsed.metadata:
        metadata = _parse(chaincode_shim_pb2.QueryResponseMetadata, parsed.metadata)
        count, bookmark = metadata.fetched_records_count, metadata.bookmark
    return Page([row.resultBytes for row in parsed.results], parsed.has_more, parsed.id, count, bookmark)


def read_called(payload: bytes) -> Response:
    """Read the answer to INVOKE_CHAINCODE: what the called chaincode sent to its peer."""
    message = _parse(_Message, payload)
    if message.type != MessageType.COMPLETED:
        return Response(500, message.payload.decode(errors="replace"))
    parsed = _parse(proposal_response_pb2.Response, message.payload)
    return Response(parsed.status, parsed.message, parsed.payload)
