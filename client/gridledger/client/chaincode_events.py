"""Events that contracts emit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from fabric_protos.gateway import gateway_pb2
from fabric_protos.orderer import ab_pb2
from google.protobuf.message import DecodeError

from gridledger.client.checkpoint import Position
from gridledger.client.events import Events, Placed
from gridledger.client.session import Session
from gridledger.client.transport import Message, Stream
from gridledger.model.errors import ModelError

__all__ = ["ChaincodeEvent", "ChaincodeEventsRequest"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChaincodeEvent:
    """An event of a valid transaction; a transaction has at most one."""

    block_number: int
    """Block of the transaction."""

    tx_id: str
    """Transaction id."""

    chaincode: str
    """Name of the chaincode that emitted it."""

    name: str
    """Name of the event."""

    payload: bytes = field(repr=False)
    """What the contract gave with it."""


class ChaincodeEventsRequest:
    """The request for a chaincode's events, for those who sign elsewhere.

    Notes
    -----
    Made by `Network.chaincode_events_request`; made again from its bytes by
    `Gateway.new_chaincode_events_request`.
    """

    __slots__ = ("_request", "_session", "_signed_elsewhere", "_signed_request")

    def __init__(self, session: Session, signed_request: Message, *, signed_elsewhere: bool) -> None:
        self._session = session
        self._signed_request = signed_request
        self._signed_elsewhere = signed_elsewhere
        self._request = gateway_pb2.ChaincodeEventsRequest.FromString(signed_request.request)

    @classmethod
    def create(
        cls, session: Session, *, channel: str, chaincode: str, start_block: int | None
    ) -> ChaincodeEventsRequest:
        """Build the request; see `Network.chaincode_events_request`."""
        request = gateway_pb2.ChaincodeEventsRequest(
            channel_id=channel,
            chaincode_id=chaincode,
            identity=session.signing.creator,
            start_position=to_seek_position(start_block),
        )
        signed_request = gateway_pb2.SignedChaincodeEventsRequest(request=request.SerializeToString())
        return cls(session, signed_request, signed_elsewhere=False)

    @classmethod
    def from_bytes(cls, session: Session, data: bytes, signature: bytes = b"") -> ChaincodeEventsRequest:
        """Build it from `to_bytes`; see `Gateway.new_chaincode_events_request`."""
        try:
            signed_request = gateway_pb2.SignedChaincodeEventsRequest.FromString(data)
            if signature:
                signed_request.signature = signature
            request = cls(session, signed_request, signed_elsewhere=bool(signed_request.signature))
        except DecodeError as error:
            raise ModelError({"data": "is none"}, subject="ChaincodeEventsRequest") from error
        if not request._request.channel_id or not request._request.chaincode_id:
            raise ModelError({"data": "names no channel or no chaincode"}, subject="ChaincodeEventsRequest")
        return request

    @property
    def digest(self) -> bytes:
        """SHA-256 of what is signed."""
        return hashlib.sha256(self._signed_request.request).digest()

    def to_bytes(self) -> bytes:
        """Return the request, signed or not, to carry it to where it is signed or sent."""
        return bytes(self._signed_request.SerializeToString(deterministic=True))

    def events(self, *, position: Position | None = None) -> Events[ChaincodeEvent]:
        """Return the events.

        Parameters
        ----------
        position : Position, optional
            What it covers is left out; where the request starts by default.
        """
        return Events(self, position=position or self.start_position, retry=self._session.retry.streams)

    @property
    def start_position(self) -> Position | None:
        """Where the request starts; none for "from now on"."""
        return read_seek_position(self._request.start_position)

    async def open(self, start: Position | None) -> Stream:
        """See `EventSource.open`. A request signed elsewhere starts where it says."""
        signed_request = self._signed_request
        if start is not None and start.block_number != self._start_block and not self._signed_elsewhere:
            request = gateway_pb2.ChaincodeEventsRequest()
            request.CopyFrom(self._request)
            request.start_position.CopyFrom(to_seek_position(start.block_number))
            signed_request = gateway_pb2.SignedChaincodeEventsRequest(request=request.SerializeToString())
        if not signed_request.signature:
            digest = hashlib.sha256(signed_request.request).digest()
            signed_request.signature = await self._session.signing.sign(digest)
        return self._session.transport.chaincode_events(signed_request)

    def unpack(self, message: Message) -> list[Placed[ChaincodeEvent]]:
        """See `EventSource.unpack`."""
        return [
            Placed(
                event=ChaincodeEvent(
                    block_number=message.block_number,
                    tx_id=event.tx_id,
                    chaincode=event.chaincode_id,
                    name=event.event_name,
                    payload=event.payload,
                ),
                block_number=message.block_number,
                tx_id=event.tx_id,
            )
            for event in message.events
        ]

    @property
    def _start_block(self) -> int | None:
        start = self.start_position
        return None if start is None else start.block_number


def to_seek_position(block_number: int | None) -> Message:
    """Return a block number, or "from now on", as ``orderer.SeekPosition``."""
    if block_number is None:
        return ab_pb2.SeekPosition(next_commit=ab_pb2.SeekNextCommit())
    return ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=block_number))


def read_seek_position(seek: Message) -> Position | None:
    """Return where an ``orderer.SeekPosition`` points to, if it names a block."""
    return Position(seek.specified.number) if seek.WhichOneof("Type") == "specified" else None
