"""The third step: the question how a transaction ended."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from fabric_protos.gateway import gateway_pb2
from google.protobuf.message import DecodeError

from gridledger.client.errors import CommitConflict, CommitError
from gridledger.client.session import Session
from gridledger.client.transport import Message
from gridledger.client.validation import ValidationCode
from gridledger.model.errors import ModelError

__all__ = ["Commit", "CommitStatus"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CommitStatus:
    """How a transaction ended; it does not change any more."""

    tx_id: str
    """Transaction id."""

    validation_code: ValidationCode
    """What the peers found."""

    block_number: int
    """Block in which it stands."""

    @property
    def successful(self) -> bool:
        """Whether it is valid, and so has changed the state."""
        return self.validation_code is ValidationCode.VALID

    def check(self) -> None:
        """Raise unless it is valid.

        Raises
        ------
        CommitConflict
            When it lost a race, so that a new transaction may be made.
        CommitError
            When it is invalid otherwise.
        """
        if not self.successful:
            kind = CommitConflict if self.validation_code.is_conflict else CommitError
            raise kind(tx_id=self.tx_id, validation_code=self.validation_code, block_number=self.block_number)


class Commit:
    """The question for the outcome of one transaction.

    Notes
    -----
    Made by `Transaction.submit` and `Network.commit`; made again from its bytes by `Gateway.new_commit`.
    """

    __slots__ = ("_session", "_signed_request", "tx_id")

    tx_id: str
    """Transaction id."""

    def __init__(self, session: Session, tx_id: str, signed_request: Message) -> None:
        self._session = session
        self._signed_request = signed_request
        self.tx_id = tx_id

    @classmethod
    def create(cls, session: Session, *, channel: str, tx_id: str) -> Commit:
        """Build the question for any transaction of a channel; see `Network.commit`."""
        request = gateway_pb2.CommitStatusRequest(
            transaction_id=tx_id, channel_id=channel, identity=session.signing.creator
        )
        signed_request = gateway_pb2.SignedCommitStatusRequest(request=request.SerializeToString())
        return cls(session, tx_id, signed_request)

    @classmethod
    def from_bytes(cls, session: Session, data: bytes, signature: bytes = b"") -> Commit:
        """Build it from `to_bytes`; see `Gateway.new_commit` and `Gateway.new_signed_commit`."""
        try:
            signed_request = gateway_pb2.SignedCommitStatusRequest.FromString(data)
            request = gateway_pb2.CommitStatusRequest.FromString(signed_request.request)
        except DecodeError as error:
            raise ModelError({"data": "is no commit status request"}, subject="Commit") from error
        if not request.transaction_id or not request.channel_id:
            raise ModelError({"data": "names no transaction or no channel"}, subject="Commit")
        if signature:
            signed_request.signature = signature
        return cls(session, request.transaction_id, signed_request)

    @property
    def digest(self) -> bytes:
        """SHA-256 of what is signed."""
        return hashlib.sha256(self._signed_request.request).digest()

    def to_bytes(self) -> bytes:
        """Return the question, signed or not, to carry it to where it is signed or sent."""
        return bytes(self._signed_request.SerializeToString(deterministic=True))

    async def status(self, *, timeout: float | None = None) -> CommitStatus:
        """Wait until the gateway's peer has committed the transaction.

        Parameters
        ----------
        timeout : float, optional
            Seconds; the gateway's `Deadlines.commit_status` by default.

        Returns
        -------
        CommitStatus
            Valid or not.

        Raises
        ------
        CommitStatusError
            When there was no answer: that says nothing about the transaction. For an id that was never sent,
            the peer waits until the deadline.
        ConfigError
            When it has to be signed and there is no signer.
        """
        if not self._signed_request.signature:
            self._signed_request.signature = await self._session.signing.sign(self.digest)
        seconds = self._session.deadlines.commit_status if timeout is None else timeout
        response = await self._session.transport.commit_status(self._signed_request, self.tx_id, seconds)
        return CommitStatus(
            tx_id=self.tx_id,
            validation_code=ValidationCode(response.result),
            block_number=response.block_number,
        )
