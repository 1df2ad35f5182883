"""Fabric's messages built by hand, so that a test can bend every one of them.

The client under test builds none of this: a defect there cannot hide one here.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import grpc
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2, gateway_pb2_grpc
from fabric_protos.msp import identities_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import (
    chaincode_pb2,
    events_pb2,
    peer_pb2_grpc,
    proposal_pb2,
    proposal_response_pb2,
    transaction_pb2,
)

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
MAX_MESSAGE_BYTES = 100 * 1024 * 1024  # what a peer takes by default
CALL_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Signer:
    """Who signs: a certificate, its MSP and its key."""

    msp_id: str
    certificate: bytes
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def of_pem(cls, *, msp_id: str, certificate: bytes, private_key: bytes) -> Signer:
        key = serialization.load_pem_private_key(private_key, password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return cls(msp_id=msp_id, certificate=certificate, key=key)

    @property
    def creator(self) -> bytes:
        identity = identities_pb2.SerializedIdentity(mspid=self.msp_id, id_bytes=self.certificate)
        return bytes(identity.SerializeToString())

    def sign(self, message: bytes, *, low_s: bool = True) -> bytes:
        """Sign `message`; with `low_s` false the other, equally valid half of the curve's order is taken."""
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
        if (s > P256_ORDER // 2) == low_s:
            s = P256_ORDER - s
        return encode_dss_signature(r, s)


@dataclass(kw_only=True)
class ProposalParts:
    """What a proposal is made of; a test replaces the part that it wants to be wrong."""

    signer: Signer
    channel: str
    chaincode: str
    arguments: Sequence[bytes]
    transient: Mapping[str, bytes] = field(default_factory=dict)
    nonce: bytes = field(default_factory=lambda: os.urandom(24))
    time_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    header_type: int = common_pb2.ENDORSER_TRANSACTION
    epoch: int = 0
    creator: bytes | None = None
    claimed_tx_id: str | None = None
    spec_chaincode: str | None = None

    @property
    def creator_bytes(self) -> bytes:
        return self.signer.creator if self.creator is None else self.creator

    @property
    def tx_id(self) -> str:
        if self.claimed_tx_id is not None:
            return self.claimed_tx_id
        return hashlib.sha256(self.nonce + self.creator_bytes).hexdigest()

    def header(self) -> common_pb2.Header:
        extension = proposal_pb2.ChaincodeHeaderExtension(
            chaincode_id=chaincode_pb2.ChaincodeID(name=self.chaincode)
        )
        channel_header = common_pb2.ChannelHeader(
            type=self.header_type,
            channel_id=self.channel,
            tx_id=self.tx_id,
            epoch=self.epoch,
            extension=extension.SerializeToString(),
        )
        channel_header.timestamp.FromMilliseconds(self.time_ms)
        signature_header = common_pb2.SignatureHeader(creator=self.creator_bytes, nonce=self.nonce)
        return common_pb2.Header(
            channel_header=channel_header.SerializeToString(),
            signature_header=signature_header.SerializeToString(),
        )

    def proposal_bytes(self) -> bytes:
        spec = chaincode_pb2.ChaincodeInvocationSpec(
            chaincode_spec=chaincode_pb2.ChaincodeSpec(
                type=chaincode_pb2.ChaincodeSpec.NODE,
                chaincode_id=chaincode_pb2.ChaincodeID(
                    name=self.chaincode if self.spec_chaincode is None else self.spec_chaincode
                ),
                input=chaincode_pb2.ChaincodeInput(args=list(self.arguments)),
            )
        )
        payload = proposal_pb2.ChaincodeProposalPayload(
            input=spec.SerializeToString(), TransientMap=dict(self.transient)
        )
        proposal = proposal_pb2.Proposal(
            header=self.header().SerializeToString(), payload=payload.SerializeToString()
        )
        return bytes(proposal.SerializeToString())

    def signed(self) -> proposal_pb2.SignedProposal:
        proposal_bytes = self.proposal_bytes()
        return proposal_pb2.SignedProposal(
            proposal_bytes=proposal_bytes, signature=self.signer.sign(proposal_bytes)
        )


class Wire:
    """The services of one peer (or of devnet's port of one organisation), without any client of ours."""

    def __init__(self, endpoint: str, tls_root: bytes, host_override: str | None = None) -> None:
        options: list[tuple[str, str | int]] = [
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ]
        if host_override:
            options.append(("grpc.ssl_target_name_override", host_override))
        credentials = grpc.ssl_channel_credentials(tls_root)
        self.channel = grpc.aio.secure_channel(endpoint, credentials, options=options)
        self._gateway = gateway_pb2_grpc.GatewayStub(self.channel)
        self._endorser = peer_pb2_grpc.EndorserStub(self.channel)

    async def close(self) -> None:
        await self.channel.close()

    async def process_proposal(
        self, signed: proposal_pb2.SignedProposal
    ) -> proposal_response_pb2.ProposalResponse:
        return await self._endorser.ProcessProposal(signed, timeout=CALL_SECONDS)

    async def evaluate(
        self,
        parts: ProposalParts,
        signed: proposal_pb2.SignedProposal | None = None,
        organizations: Sequence[str] = (),
    ) -> bytes:
        request = gateway_pb2.EvaluateRequest(
            transaction_id=parts.tx_id,
            channel_id=parts.channel,
            proposed_transaction=parts.signed() if signed is None else signed,
            target_organizations=list(organizations),
        )
        response = await self._gateway.Evaluate(request, timeout=CALL_SECONDS)
        return bytes(response.result.payload)

    async def endorse(
        self,
        parts: ProposalParts,
        signed: proposal_pb2.SignedProposal | None = None,
        organizations: Sequence[str] = (),
    ) -> common_pb2.Envelope:
        request = gateway_pb2.EndorseRequest(
            transaction_id=parts.tx_id,
            channel_id=parts.channel,
            proposed_transaction=parts.signed() if signed is None else signed,
            endorsing_organizations=list(organizations),
        )
        response = await self._gateway.Endorse(request, timeout=CALL_SECONDS)
        return response.prepared_transaction

    async def submit(self, parts: ProposalParts, envelope: common_pb2.Envelope) -> None:
        request = gateway_pb2.SubmitRequest(
            transaction_id=parts.tx_id, channel_id=parts.channel, prepared_transaction=envelope
        )
        await self._gateway.Submit(request, timeout=CALL_SECONDS)

    async def commit_status(
        self, parts: ProposalParts, *, timeout: float = CALL_SECONDS
    ) -> gateway_pb2.CommitStatusResponse:
        request = gateway_pb2.CommitStatusRequest(
            transaction_id=parts.tx_id, channel_id=parts.channel, identity=parts.signer.creator
        ).SerializeToString()
        signed = gateway_pb2.SignedCommitStatusRequest(request=request, signature=parts.signer.sign(request))
        return await self._gateway.CommitStatus(signed, timeout=timeout)

    async def raw_unary(self, method: str, request: bytes) -> bytes:
        """Send `request` to `method` as it is, protobuf or not."""
        call = self.channel.unary_unary(method, request_serializer=None, response_deserializer=None)
        answer = await call(request, timeout=CALL_SECONDS)
        assert isinstance(answer, bytes)
        return answer

    async def raw_stream(self, method: str, request: bytes) -> bytes:
        """Send `request` to `method`, which answers with a stream; return its first message."""
        call = self.channel.unary_stream(method, request_serializer=None, response_deserializer=None)
        return await anext(aiter(call(request, timeout=CALL_SECONDS)))

    def seek(
        self,
        signer: Signer,
        channel: str,
        start: ab_pb2.SeekPosition,
        stop: ab_pb2.SeekPosition,
        behavior: int = ab_pb2.SeekInfo.SeekBehavior.BLOCK_UNTIL_READY,
    ) -> common_pb2.Envelope:
        """Make the signed request that Deliver's functions take."""
        channel_header = common_pb2.ChannelHeader(type=common_pb2.DELIVER_SEEK_INFO, channel_id=channel)
        channel_header.timestamp.GetCurrentTime()
        header = common_pb2.Header(
            channel_header=channel_header.SerializeToString(),
            signature_header=common_pb2.SignatureHeader(
                creator=signer.creator, nonce=os.urandom(24)
            ).SerializeToString(),
        )
        seek = ab_pb2.SeekInfo(start=start, stop=stop, behavior=behavior)
        payload = common_pb2.Payload(header=header, data=seek.SerializeToString()).SerializeToString()
        return common_pb2.Envelope(payload=payload, signature=signer.sign(payload))

    async def deliver(self, method: str, envelope: common_pb2.Envelope) -> tuple[list[int], int]:
        """Ask one of Deliver's functions; return the numbers of the blocks and the status at the end."""
        return await self.deliver_bytes(method, envelope.SerializeToString())

    async def deliver_bytes(self, method: str, envelope: bytes) -> tuple[list[int], int]:
        """As `deliver`, with bytes that may be anything; a broken stream ends with UNKNOWN."""
        call = self.channel.stream_stream(
            method, request_serializer=None, response_deserializer=events_pb2.DeliverResponse.FromString
        )
        numbers: list[int] = []
        try:
            async for response in call(iter([envelope]), timeout=CALL_SECONDS):
                match response.WhichOneof("Type"):
                    case "status":
                        return numbers, int(response.status)
                    case "filtered_block":
                        numbers.append(response.filtered_block.number)
                    case "block":
                        numbers.append(response.block.header.number)
                    case "block_and_private_data":
                        numbers.append(response.block_and_private_data.block.header.number)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                raise
        return numbers, int(common_pb2.UNKNOWN)


def header_bytes(header: common_pb2.BlockHeader) -> bytes:
    """Return a block header as orderers sign it: ASN.1 DER of number, previous hash and data hash."""
    number = int(header.number)
    fields = [
        (0x02, number.to_bytes(number.bit_length() // 8 + 1, "big")),
        (0x04, header.previous_hash),
        (0x04, header.data_hash),
    ]
    body = b"".join(bytes([tag, len(content)]) + content for tag, content in fields)
    return bytes([0x30, len(body)]) + body


def sign_envelope(envelope: common_pb2.Envelope, signer: Signer) -> common_pb2.Envelope:
    """Sign what the gateway prepared."""
    return common_pb2.Envelope(payload=envelope.payload, signature=signer.sign(envelope.payload))


@dataclass(kw_only=True)
class Opened:
    """A transaction envelope taken apart down to its endorsements."""

    payload: common_pb2.Payload
    transaction: transaction_pb2.Transaction
    action: transaction_pb2.ChaincodeActionPayload

    @classmethod
    def of(cls, envelope: common_pb2.Envelope) -> Opened:
        payload = common_pb2.Payload.FromString(envelope.payload)
        transaction = transaction_pb2.Transaction.FromString(payload.data)
        action = transaction_pb2.ChaincodeActionPayload.FromString(transaction.actions[0].payload)
        return cls(payload=payload, transaction=transaction, action=action)

    def closed(self) -> common_pb2.Envelope:
        """Put it together again; unsigned."""
        self.transaction.actions[0].payload = self.action.SerializeToString()
        self.payload.data = self.transaction.SerializeToString()
        return common_pb2.Envelope(payload=self.payload.SerializeToString())
