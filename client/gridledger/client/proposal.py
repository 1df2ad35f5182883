"""The first step: what a client proposes, to be evaluated or endorsed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NoReturn

from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import proposal_pb2
from google.protobuf.message import DecodeError

from gridledger.client.errors import EndorseError, EndorsementsDiffer, EvaluateError
from gridledger.client.invocation import new_invocation
from gridledger.client.refusal import raise_refusal
from gridledger.client.session import Session
from gridledger.client.transaction import Transaction
from gridledger.client.transport import Message
from gridledger.model.argument import Argument, encode_argument
from gridledger.model.errors import ModelError

__all__ = ["Proposal"]


class Proposal:
    """A call that nobody has executed yet.

    Notes
    -----
    Made by `Contract.proposal`; made again from its bytes by `Gateway.new_proposal`. It is signed at its
    first use, unless a signature made elsewhere came with it.
    """

    __slots__ = ("_channel", "_proposed", "_session")

    def __init__(self, session: Session, channel: str, proposed: Message) -> None:
        self._session = session
        self._channel = channel
        self._proposed = proposed

    @classmethod
    def create(
        cls,
        session: Session,
        *,
        channel: str,
        chaincode: str,
        function: str,
        arguments: Sequence[Argument] = (),
        transient: Mapping[str, Argument] | None = None,
        endorsing_organizations: Sequence[str] = (),
        claimed_time_ms: int | None = None,
    ) -> Proposal:
        """Build a proposal with an id of its own; see `Contract.proposal`."""
        proposal_bytes, tx_id = new_invocation(
            creator=session.signing.creator,
            channel=channel,
            chaincode=chaincode,
            arguments=[function.encode(), *[encode_argument(argument) for argument in arguments]],
            transient={key: encode_argument(value) for key, value in (transient or {}).items()},
            claimed_time_ms=claimed_time_ms,
        )
        proposed = gateway_pb2.ProposedTransaction()  # filled one by one, see new_invocation
        proposed.transaction_id = tx_id
        proposed.proposal.proposal_bytes = proposal_bytes
        proposed.endorsing_organizations.extend(endorsing_organizations)
        return cls(session, channel, proposed)

    @classmethod
    def from_bytes(cls, session: Session, data: bytes, signature: bytes = b"") -> Proposal:
        """Build it from `to_bytes`; see `Gateway.new_proposal` and `Gateway.new_signed_proposal`."""
        try:
            proposed = gateway_pb2.ProposedTransaction.FromString(data)
            header = _read_channel_header(proposed.proposal.proposal_bytes)
        except DecodeError as error:
            raise ModelError({"data": "is no proposed transaction"}, subject="Proposal") from error
        if not header.channel_id or header.tx_id != proposed.transaction_id:
            raise ModelError({"data": "names no channel, or another transaction id"}, subject="Proposal")
        if signature:
            proposed.proposal.signature = signature
        return cls(session, header.channel_id, proposed)

    @property
    def tx_id(self) -> str:
        """Transaction id: SHA-256 of nonce and creator, hexadecimal."""
        return str(self._proposed.transaction_id)

    @property
    def digest(self) -> bytes:
        """SHA-256 of what is signed."""
        return hashlib.sha256(self._proposed.proposal.proposal_bytes).digest()

    def to_bytes(self) -> bytes:
        """Return the proposal, signed or not, to carry it to where it is signed or sent."""
        return bytes(self._proposed.SerializeToString(deterministic=True))

    async def evaluate(self, *, timeout: float | None = None) -> bytes:
        """Let one peer execute it and return the result; nothing is ordered.

        Parameters
        ----------
        timeout : float, optional
            Seconds; the gateway's `Deadlines.evaluate` by default.

        Returns
        -------
        bytes
            What the contract returned.

        Raises
        ------
        ContractError
            When the contract refused; its class is the contract's.
        EvaluateError
            When it failed otherwise.
        ConfigError
            When it has to be signed and there is no signer.
        """
        await self._sign()
        proposed = self._proposed
        request = gateway_pb2.EvaluateRequest()
        request.transaction_id = proposed.transaction_id
        request.channel_id = self._channel
        request.proposed_transaction.CopyFrom(proposed.proposal)
        request.target_organizations.extend(proposed.endorsing_organizations)
        seconds = self._session.deadlines.evaluate if timeout is None else timeout
        try:
            response = await self._session.transport.evaluate(request, self.tx_id, seconds)
        except EvaluateError as error:
            raise_refusal(error)
            raise
        return bytes(response.result.payload)

    async def endorse(self, *, timeout: float | None = None) -> Transaction:
        """Collect the endorsements that the policies ask for.

        Parameters
        ----------
        timeout : float, optional
            Seconds; the gateway's `Deadlines.endorse` by default.

        Returns
        -------
        Transaction
            Ready to be submitted.

        Raises
        ------
        ContractError
            When the contract refused; its class is the contract's.
        EndorsementsDiffer
            When one organisation's peer endorsed and another's did not, such as one that is a block behind.
        EndorseError
            When it failed otherwise, or when the gateway answered with another transaction than the proposed
            one.
        ConfigError
            When it has to be signed and there is no signer.
        """
        await self._sign()
        request = gateway_pb2.EndorseRequest(
            transaction_id=self._proposed.transaction_id,
            channel_id=self._channel,
            proposed_transaction=self._proposed.proposal,
            endorsing_organizations=self._proposed.endorsing_organizations,
        )
        seconds = self._session.deadlines.endorse if timeout is None else timeout
        try:
            response = await self._session.transport.endorse(request, self.tx_id, seconds)
        except EndorseError as error:
            self._raise_endorse_error(error)
        prepared = gateway_pb2.PreparedTransaction(
            transaction_id=self._proposed.transaction_id, envelope=response.prepared_transaction
        )
        try:
            transaction = Transaction(self._session, prepared)
        except ModelError as error:
            raise EndorseError(error.message, tx_id=self.tx_id, grpc_status="OK") from error
        if not transaction.is_of(self._proposed.proposal.proposal_bytes):
            raise EndorseError(
                "the gateway answered with another transaction than the proposed one",
                tx_id=self.tx_id,
                grpc_status="OK",
            )
        return transaction

    def _raise_endorse_error(self, error: EndorseError) -> NoReturn:
        """Raise what a failed endorsement means: a refusal, or the error, or that the peers differ."""
        failed = {detail.msp_id for detail in error.details}
        asked = set(self._proposed.endorsing_organizations)
        # The gateway asks a peer of its own organisation first, and others only once that one has endorsed.
        endorsed = asked - failed if asked else {self._session.signing.identity.msp_id} - failed
        if error.grpc_status == "ABORTED" and failed and endorsed:
            differ = EndorsementsDiffer(
                error.reason, tx_id=self.tx_id, grpc_status=error.grpc_status, details=error.details
            )
            differ.__cause__ = error.__cause__
            error = differ
        raise_refusal(error)
        raise error

    async def _sign(self) -> None:
        if not self._proposed.proposal.signature:
            self._proposed.proposal.signature = await self._session.signing.sign(self.digest)


def _read_channel_header(proposal_bytes: bytes) -> Message:
    proposal = proposal_pb2.Proposal.FromString(proposal_bytes)
    header = common_pb2.Header.FromString(proposal.header)
    return common_pb2.ChannelHeader.FromString(header.channel_header)
