"""Requests for blocks as they are committed, whole, filtered, or with private data."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from typing import ClassVar, Generic, Self, TypeVar

from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2
from google.protobuf.message import DecodeError

from gridledger.client.block import Block
from gridledger.client.chaincode_events import read_seek_position, to_seek_position
from gridledger.client.checkpoint import Position
from gridledger.client.errors import EventsError
from gridledger.client.events import Events, Placed
from gridledger.client.filtered_block import FilteredBlock
from gridledger.client.invocation import to_timestamp
from gridledger.client.private_data import BlockAndPrivateData
from gridledger.client.session import Session
from gridledger.client.transport import BlockKind, Message, Stream
from gridledger.model.errors import ModelError

__all__ = [
    "BlockAndPrivateDataEventsRequest",
    "BlockEventsRequest",
    "BlocksRequest",
    "FilteredBlockEventsRequest",
]

_ENDLESS = 2**64 - 1

_Block = TypeVar("_Block")


class BlocksRequest(ABC, Generic[_Block]):
    """What the requests for blocks have in common.

    Notes
    -----
    Made by `Network`; made again from its bytes by `Gateway`. Peers take a signed one for 15 minutes.
    """

    __slots__ = ("_channel", "_envelope", "_seek", "_session", "_signed_elsewhere")

    _kind: ClassVar[BlockKind]
    _field: ClassVar[str]

    def __init__(
        self, session: Session, envelope: Message, *, channel: str, seek: Message, signed_elsewhere: bool
    ) -> None:
        self._session = session
        self._envelope = envelope
        self._channel = channel
        self._seek = seek
        self._signed_elsewhere = signed_elsewhere

    @classmethod
    def create(
        cls, session: Session, *, channel: str, start_block: int | None, stop_block: int | None = None
    ) -> Self:
        """Build the request; see `Network.block_events_request`."""
        stop = _ENDLESS if stop_block is None else stop_block
        seek = ab_pb2.SeekInfo(start=to_seek_position(start_block), stop=to_seek_position(stop))
        envelope = _to_envelope(session, channel, seek)
        return cls(session, envelope, channel=channel, seek=seek, signed_elsewhere=False)

    @classmethod
    def from_bytes(cls, session: Session, data: bytes, signature: bytes = b"") -> Self:
        """Build it from `to_bytes`; see `Gateway.new_block_events_request`."""
        try:
            envelope = common_pb2.Envelope.FromString(data)
            payload = common_pb2.Payload.FromString(envelope.payload)
            header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
            seek = ab_pb2.SeekInfo.FromString(payload.data)
        except DecodeError as error:
            raise ModelError({"data": "is none"}, subject=cls.__name__) from error
        if header.type != common_pb2.HeaderType.DELIVER_SEEK_INFO or not header.channel_id:
            raise ModelError({"data": "is no request for blocks of a channel"}, subject=cls.__name__)
        if signature:
            envelope.signature = signature
        signed = bool(envelope.signature)
        return cls(session, envelope, channel=header.channel_id, seek=seek, signed_elsewhere=signed)

    @property
    def digest(self) -> bytes:
        """SHA-256 of what is signed."""
        return hashlib.sha256(self._envelope.payload).digest()

    def to_bytes(self) -> bytes:
        """Return the request, signed or not, to carry it to where it is signed or sent."""
        return bytes(self._envelope.SerializeToString(deterministic=True))

    @property
    def start_position(self) -> Position | None:
        """Where the request starts; none for "from now on"."""
        return read_seek_position(self._seek.start)

    def events(self, *, position: Position | None = None) -> Events[_Block]:
        """Return the blocks.

        Parameters
        ----------
        position : Position, optional
            Where to start; where the request says by default. A block that it has done in part comes whole.
        """
        return Events(self, position=position or self.start_position, retry=self._session.retry.streams)

    async def open(self, start: Position | None) -> Stream:
        """See `EventSource.open`. A request signed elsewhere starts where it says."""
        envelope = self._envelope
        if start is not None and not self._signed_elsewhere:
            # Peers refuse an old one, and a stream may break a day after it was opened.
            seek = ab_pb2.SeekInfo(start=to_seek_position(start.block_number), stop=self._seek.stop)
            envelope = _to_envelope(self._session, self._channel, seek)
        if not envelope.signature:
            digest = hashlib.sha256(envelope.payload).digest()
            envelope.signature = await self._session.signing.sign(digest)
        return self._session.transport.blocks(self._kind, envelope)

    def unpack(self, message: Message) -> list[Placed[_Block]] | None:
        """See `EventSource.unpack`; EventsError when the peer sends a refusal or something else."""
        found = message.WhichOneof("Type")
        if found == "status":
            if message.status == common_pb2.Status.SUCCESS:
                return None
            raise _refused(message.status)
        if found != self._field:
            raise EventsError(f"want {self._field}, the peer sent {found}", grpc_status="OK")
        return [self._place(getattr(message, self._field))]

    @abstractmethod
    def _place(self, message: Message) -> Placed[_Block]:
        """Return the block that a message carries."""


class BlockEventsRequest(BlocksRequest[Block]):
    """The request for whole blocks."""

    __slots__ = ()

    _kind = BlockKind.FULL
    _field = "block"

    def _place(self, message: Message) -> Placed[Block]:
        block = Block.from_message(message)
        return Placed(event=block, block_number=block.number, tx_id=None)


class FilteredBlockEventsRequest(BlocksRequest[FilteredBlock]):
    """The request for blocks without content."""

    __slots__ = ()

    _kind = BlockKind.FILTERED
    _field = "filtered_block"

    def _place(self, message: Message) -> Placed[FilteredBlock]:
        block = FilteredBlock.from_message(message)
        return Placed(event=block, block_number=block.number, tx_id=None)


class BlockAndPrivateDataEventsRequest(BlocksRequest[BlockAndPrivateData]):
    """The request for whole blocks with the private data that the reader's organisation may see."""

    __slots__ = ()

    _kind = BlockKind.PRIVATE
    _field = "block_and_private_data"

    def _place(self, message: Message) -> Placed[BlockAndPrivateData]:
        found = BlockAndPrivateData.from_message(message)
        return Placed(event=found, block_number=found.block.number, tx_id=None)


def _to_envelope(session: Session, channel: str, seek: Message) -> Message:
    channel_header = common_pb2.ChannelHeader(
        type=common_pb2.HeaderType.DELIVER_SEEK_INFO,
        channel_id=channel,
        timestamp=to_timestamp(None),
        tls_cert_hash=session.tls_client_hash,
    )
    header = common_pb2.Header(
        channel_header=channel_header.SerializeToString(),
        signature_header=common_pb2.SignatureHeader(creator=session.signing.creator).SerializeToString(),
    )
    payload = common_pb2.Payload(header=header, data=seek.SerializeToString())
    return common_pb2.Envelope(payload=payload.SerializeToString())


def _refused(status: int) -> EventsError:
    """Return the error of a status in the stream; only an unavailable service is worth another try."""
    unavailable = status == common_pb2.Status.SERVICE_UNAVAILABLE
    try:
        name = common_pb2.Status.Name(status)
    except ValueError:
        name = str(status)
    return EventsError(
        f"the peer ended the stream with status {name}", grpc_status="UNAVAILABLE" if unavailable else "OK"
    )
