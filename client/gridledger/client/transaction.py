"""The second step: an endorsed transaction, to be submitted to ordering."""

from __future__ import annotations

import hashlib

from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import proposal_pb2, proposal_response_pb2, transaction_pb2
from google.protobuf.message import DecodeError

from gridledger.client.commit import Commit
from gridledger.client.session import Session
from gridledger.client.transport import Message
from gridledger.model.errors import ModelError

__all__ = ["Transaction"]


class Transaction:
    """A call that peers have executed and signed; it changes nothing until it is ordered and found valid.

    Notes
    -----
    Made by `Proposal.endorse`; made again from its bytes by `Gateway.new_transaction`. Its envelope is signed
    once: sent again, it is the same transaction.
    """

    __slots__ = ("_action", "_header", "_prepared", "_session", "channel", "result")

    channel: str
    """Channel that it is for."""

    result: bytes
    """What the contract returned; it holds only once the transaction is committed."""

    def __init__(self, session: Session, prepared: Message) -> None:
        self._session = session
        self._prepared = prepared
        try:
            payload = common_pb2.Payload.FromString(prepared.envelope.payload)
            channel_header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
            actions = transaction_pb2.Transaction.FromString(payload.data).actions
            if len(actions) != 1 or channel_header.tx_id != prepared.transaction_id:
                raise ModelError(
                    {"data": "holds not one action, or another transaction id"}, subject="Transaction"
                )
            self._header = payload.header
            self._action = transaction_pb2.ChaincodeActionPayload.FromString(actions[0].payload)
            response = proposal_response_pb2.ProposalResponsePayload.FromString(
                self._action.action.proposal_response_payload
            )
            chaincode_action = proposal_pb2.ChaincodeAction.FromString(response.extension)
        except DecodeError as error:
            raise ModelError({"data": "is no endorsed transaction"}, subject="Transaction") from error
        self.channel = channel_header.channel_id
        self.result = chaincode_action.response.payload

    @classmethod
    def from_bytes(cls, session: Session, data: bytes, signature: bytes = b"") -> Transaction:
        """Build it from `to_bytes`; see `Gateway.new_transaction` and `Gateway.new_signed_transaction`."""
        try:
            prepared = gateway_pb2.PreparedTransaction.FromString(data)
        except DecodeError as error:
            raise ModelError({"data": "is no prepared transaction"}, subject="Transaction") from error
        if signature:
            prepared.envelope.signature = signature
        return cls(session, prepared)

    @property
    def tx_id(self) -> str:
        """Transaction id."""
        return str(self._prepared.transaction_id)

    @property
    def endorsers(self) -> tuple[str, ...]:
        """MSP ids of the organisations that endorsed it, sorted; as the gateway says, until it is valid."""
        names = {
            str(identities_pb2.SerializedIdentity.FromString(one.endorser).mspid)
            for one in self._action.action.endorsements
        }
        return tuple(sorted(names))

    @property
    def digest(self) -> bytes:
        """SHA-256 of what is signed."""
        return hashlib.sha256(self._prepared.envelope.payload).digest()

    @property
    def payload(self) -> bytes:
        """The ``common.Payload`` that is signed: what was asked, what peers answered, their signatures."""
        return bytes(self._prepared.envelope.payload)

    def to_bytes(self) -> bytes:
        """Return the transaction, signed or not, to carry it to where it is signed or sent."""
        return bytes(self._prepared.SerializeToString(deterministic=True))

    def is_of(self, proposal_bytes: bytes) -> bool:
        """Tell whether it carries out a proposal: the same header and the same call.

        Parameters
        ----------
        proposal_bytes : bytes
            A ``protos.Proposal``.

        Notes
        -----
        The envelope comes from the gateway, and whoever signs it answers for it. The endorsers' signatures
        over the proposal's hash are left to the peers, which check them when they validate.
        """
        proposal = proposal_pb2.Proposal.FromString(proposal_bytes)
        call = proposal_pb2.ChaincodeProposalPayload.FromString(proposal.payload)
        carried = proposal_pb2.ChaincodeProposalPayload.FromString(self._action.chaincode_proposal_payload)
        return bool(
            common_pb2.Header.FromString(proposal.header) == self._header
            and carried.input == call.input
            and not carried.TransientMap
        )

    async def sign(self) -> None:
        """Sign it, unless it is: `to_bytes` then carries the envelope as it is sent, again and again.

        Raises
        ------
        ConfigError
            When there is no signer.
        """
        if not self._prepared.envelope.signature:
            self._prepared.envelope.signature = await self._session.signing.sign(self.digest)

    async def submit(self, *, timeout: float | None = None) -> Commit:
        """Send it to ordering once.

        Parameters
        ----------
        timeout : float, optional
            Seconds; the gateway's `Deadlines.submit` by default.

        Returns
        -------
        Commit
            To ask for the outcome.

        Raises
        ------
        SubmitError
            When ordering did not acknowledge it; `SubmitError.ambiguous` says whether it may be ordered all
            the same, and `commit` then asks.
        ConfigError
            When it has to be signed and there is no signer.
        """
        await self.sign()
        request = gateway_pb2.SubmitRequest(
            transaction_id=self._prepared.transaction_id,
            channel_id=self.channel,
            prepared_transaction=self._prepared.envelope,
        )
        seconds = self._session.deadlines.submit if timeout is None else timeout
        await self._session.transport.submit(request, self.tx_id, seconds)
        return self.commit()

    def commit(self) -> Commit:
        """Return the question for the outcome, whether or not it was submitted from here."""
        return Commit.create(self._session, channel=self.channel, tx_id=self.tx_id)
