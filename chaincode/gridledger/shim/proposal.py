"""What the client signed: creator, claimed time, transient data."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from fabric_protos.common import common_pb2
from fabric_protos.peer import proposal_pb2
from google.protobuf.message import DecodeError

from gridledger.shim.creator import Creator, parse_creator
from gridledger.shim.errors import ProtocolError

__all__ = ["Proposal", "SignedProposal", "Timestamp"]


class SignedProposal(NamedTuple):
    """A proposal's bytes and the creator's signature over them."""

    proposal_bytes: bytes
    signature: bytes


class Timestamp(NamedTuple):
    """A point in time since 1970-01-01T00:00:00Z."""

    seconds: int
    nanos: int

    @property
    def milliseconds(self) -> int:
        """The same in whole milliseconds, rounded down."""
        return self.seconds * 1000 + self.nanos // 1_000_000


class Proposal:
    """The signed proposal of a transaction, taken apart when asked.

    Parameters
    ----------
    message : ChaincodeMessage
        The peer's message of type TRANSACTION.

    Raises
    ------
    ProtocolError
        From every attribute: if the peer sent no proposal or a malformed one.
    """

    __slots__ = ("_channel_header", "_creator", "_message", "_parts", "_signature_header", "_transient")

    def __init__(self, message: Any) -> None:
        self._message = message
        self._parts: Any = None
        self._channel_header: Any = None
        self._signature_header: Any = None
        self._creator: Creator | None = None
        self._transient: dict[str, bytes] | None = None

    @property
    def signed(self) -> SignedProposal:
        """Bytes and signature, for a contract that checks or deposits them."""
        if not self._message.HasField("proposal"):
            raise ProtocolError("the peer sent a transaction without a proposal")
        signed = self._message.proposal
        return SignedProposal(signed.proposal_bytes, signed.signature)

    @property
    def creator(self) -> Creator:
        """Who signed."""
        if self._creator is None:
            self._creator = parse_creator(self._headers()[1].creator)
        return self._creator

    @property
    def timestamp(self) -> Timestamp:
        """The time that the client claims."""
        timestamp = self._headers()[0].timestamp
        return Timestamp(timestamp.seconds, timestamp.nanos)

    @property
    def transient(self) -> dict[str, bytes]:
        """Data that travels with the proposal and does not reach the ledger."""
        if self._transient is None:
            payload = _parse(proposal_pb2.ChaincodeProposalPayload, self._proposal().payload)
            self._transient = dict(payload.TransientMap)
        return self._transient

    @property
    def binding(self) -> bytes:
        """SHA-256 over nonce, creator and epoch: ties data to this proposal."""
        channel_header, signature_header = self._headers()
        digest = hashlib.sha256(signature_header.nonce)
        digest.update(signature_header.creator)
        digest.update(channel_header.epoch.to_bytes(8, "little"))
        return digest.digest()

    def _proposal(self) -> Any:
        if self._parts is None:
            self._parts = _parse(proposal_pb2.Proposal, self.signed.proposal_bytes)
        return self._parts

    def _headers(self) -> tuple[Any, Any]:
        if self._channel_header is None:
            header = _parse(common_pb2.Header, self._proposal().header)
            self._signature_header = _parse(common_pb2.SignatureHeader, header.signature_header)
            self._channel_header = _parse(common_pb2.ChannelHeader, header.channel_header)
        return self._channel_header, self._signature_header


def _parse(kind: Any, data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except DecodeError as exc:
        raise ProtocolError(f"the proposal's {kind.DESCRIPTOR.name} is malformed") from exc
