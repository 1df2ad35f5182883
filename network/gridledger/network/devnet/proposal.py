"""A proposal, taken apart: what a client asks a peer to simulate."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2, proposal_pb2
from google.protobuf.message import DecodeError

from gridledger.network.devnet.errors import Malformed
from gridledger.network.devnet.identity import SignedData

__all__ = ["Proposal", "transaction_id"]


def transaction_id(nonce: bytes, creator: bytes) -> str:
    """Return the id that a creator's nonce gives a transaction."""
    return hashlib.sha256(nonce + creator).hexdigest()


@dataclass(frozen=True, kw_only=True, eq=False)
class Proposal:
    """A signed proposal and everything in it.

    Parameters
    ----------
    signed : SignedProposal
        As it came in; chaincode gets it.
    header : Header
        Its serialised headers go into the transaction unchanged.
    channel_header, signature_header : ChannelHeader, SignatureHeader
        The headers.
    chaincode : str
        Whom the header addresses.
    invocation : ChaincodeInvocationSpec
        Whom the payload addresses, and the arguments.
    input_bytes : bytes
        The serialised invocation, as it goes into the transaction.
    has_transient : bool
        Whether data comes along that is in no transaction.
    """

    signed: proposal_pb2.SignedProposal
    header: common_pb2.Header
    channel_header: common_pb2.ChannelHeader
    signature_header: common_pb2.SignatureHeader
    chaincode: str
    invocation: chaincode_pb2.ChaincodeInvocationSpec
    input_bytes: bytes
    has_transient: bool

    @cached_property
    def proposal_hash(self) -> bytes:
        """What endorsers sign, besides their results."""
        # Without transient data, so that it can stay out of the transaction.
        public = proposal_pb2.ChaincodeProposalPayload(input=self.input_bytes).SerializeToString()
        headers = self.header.channel_header + self.header.signature_header
        return hashlib.sha256(headers + public).digest()

    @cached_property
    def channel_id(self) -> str:
        """The channel; empty for calls to the peer alone."""
        return str(self.channel_header.channel_id)

    @cached_property
    def transaction_id(self) -> str:
        """The transaction's id as the client states it."""
        return str(self.channel_header.tx_id)

    @cached_property
    def creator(self) -> bytes:
        """The client's serialised identity."""
        return bytes(self.signature_header.creator)

    @cached_property
    def invoked(self) -> str:
        """Whom the payload addresses: gateways go by it, peers by the header."""
        return str(self.invocation.chaincode_spec.chaincode_id.name)

    @cached_property
    def input(self) -> chaincode_pb2.ChaincodeInput:
        """The arguments."""
        return self.invocation.chaincode_spec.input

    @cached_property
    def signed_data(self) -> SignedData:
        """What the client signed."""
        return SignedData(self.signed.proposal_bytes, self.creator, self.signed.signature)

    @classmethod
    def parse(cls, signed: proposal_pb2.SignedProposal) -> Proposal:
        """Take a signed proposal apart.

        Raises
        ------
        Malformed
            If a part does not parse or is missing.
        """
        part = "Proposal"
        try:
            proposal = proposal_pb2.Proposal.FromString(signed.proposal_bytes)
            part = "Header"
            header = common_pb2.Header.FromString(proposal.header)
            part = "ChannelHeader"
            channel_header = common_pb2.ChannelHeader.FromString(header.channel_header)
            part = "SignatureHeader"
            signature_header = common_pb2.SignatureHeader.FromString(header.signature_header)
            part = "ChaincodeHeaderExtension"
            extension = proposal_pb2.ChaincodeHeaderExtension.FromString(channel_header.extension)
            if not extension.HasField("chaincode_id"):
                raise Malformed("ChaincodeHeaderExtension.ChaincodeId is nil")
            if not extension.chaincode_id.name:
                raise Malformed("ChaincodeHeaderExtension.ChaincodeId.Name is empty")
            part = "ChaincodeProposalPayload"
            payload = proposal_pb2.ChaincodeProposalPayload.FromString(proposal.payload)
            part = "ChaincodeInvocationSpec"
            invocation = chaincode_pb2.ChaincodeInvocationSpec.FromString(payload.input)
        except DecodeError as error:
            raise Malformed(f"error unmarshalling {part}: {error}") from error
        if not invocation.HasField("chaincode_spec"):
            raise Malformed("chaincode invocation spec did not contain chaincode spec")
        if not invocation.chaincode_spec.HasField("input"):
            raise Malformed("chaincode input did not contain any input")
        return cls(
            signed=signed,
            header=header,
            channel_header=channel_header,
            signature_header=signature_header,
            chaincode=extension.chaincode_id.name,
            invocation=invocation,
            input_bytes=payload.input,
            has_transient=bool(payload.TransientMap),
        )

    def message(self, kind: int, payload: bytes) -> bytes:
        """Return the serialised message that starts the chaincode's work."""
        message = chaincode_shim_pb2.ChaincodeMessage()  # set one by one: four times as fast as by keywords
        message.type = kind
        message.payload = payload
        message.txid = self.transaction_id
        message.channel_id = self.channel_id
        message.proposal.CopyFrom(self.signed)
        return bytes(message.SerializeToString())
