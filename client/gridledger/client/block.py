"""Blocks and the transactions in them, and the hashes that chain them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from fabric_protos.common import common_pb2
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import (
    chaincode_event_pb2,
    chaincode_pb2,
    proposal_pb2,
    proposal_response_pb2,
    transaction_pb2,
)
from google.protobuf.message import DecodeError

from gridledger.client.transport import Message
from gridledger.client.validation import ValidationCode
from gridledger.model.errors import ModelError

__all__ = ["Block", "BlockTransaction", "verify_chain"]


@dataclass(frozen=True, kw_only=True)
class BlockTransaction:
    """One entry of a block.

    Notes
    -----
    Orderers put whatever was signed into blocks, and peers mark what is wrong. So every property has a value
    for bytes that nobody can read; only `ValidationCode.VALID` says that an entry means anything.
    """

    envelope: bytes = field(repr=False)
    """The ``common.Envelope``, as ordered."""

    validation_code: ValidationCode
    """What the peer found that gave the block out."""

    @classmethod
    def from_bytes(cls, data: bytes) -> BlockTransaction:
        """Build it from the bytes of a ``protos.ProcessedTransaction``; ModelError when they are none."""
        try:
            found = transaction_pb2.ProcessedTransaction.FromString(data)
        except DecodeError as error:
            raise ModelError({"data": "is no transaction"}, subject="BlockTransaction") from error
        return cls(
            envelope=found.transactionEnvelope.SerializeToString(deterministic=True),
            validation_code=ValidationCode(found.validationCode),
        )

    @property
    def tx_id(self) -> str:
        """Transaction id; empty for configuration."""
        return str(self._channel_header.tx_id)

    @property
    def channel(self) -> str:
        """Channel that it was made for."""
        return str(self._channel_header.channel_id)

    @property
    def is_call(self) -> bool:
        """Whether it calls a chaincode; false for configuration."""
        return bool(self._channel_header.type == common_pb2.HeaderType.ENDORSER_TRANSACTION)

    @property
    def claimed_time_ms(self) -> int:
        """The time that the client claimed, in milliseconds since 1970."""
        stamp = self._channel_header.timestamp
        return int(stamp.seconds) * 1000 + int(stamp.nanos) // 1_000_000

    @property
    def creator_msp_id(self) -> str:
        """MSP of the client."""
        return str(self._creator.mspid)

    @property
    def creator_certificate(self) -> bytes:
        """Certificate of the client, PEM."""
        return bytes(self._creator.id_bytes)

    @property
    def chaincode(self) -> str:
        """Name of the called chaincode; empty if none was."""
        return str(self._specification.chaincode_id.name)

    @property
    def arguments(self) -> tuple[bytes, ...]:
        """Function name and arguments of the call."""
        return tuple(self._specification.input.args)

    @property
    def result(self) -> bytes:
        """What the contract returned."""
        return bytes(self._chaincode_action.response.payload)

    @property
    def read_write_set(self) -> bytes:
        """What was read and written, a ``rwset.TxReadWriteSet``."""
        return bytes(self._chaincode_action.results)

    @property
    def event(self) -> Message | None:
        """The ``protos.ChaincodeEvent`` that the contract emitted, if it did."""
        found = _parse(chaincode_event_pb2.ChaincodeEvent, self._chaincode_action.events)
        return found if found.event_name else None

    @property
    def endorsers(self) -> tuple[str, ...]:
        """MSPs of those who endorsed, in the order of their signatures."""
        endorsements = self._action.action.endorsements
        return tuple(
            str(_parse(identities_pb2.SerializedIdentity, endorsement.endorser).mspid)
            for endorsement in endorsements
        )

    @cached_property
    def _payload(self) -> Message:
        return _parse(common_pb2.Payload, _parse(common_pb2.Envelope, self.envelope).payload)

    @cached_property
    def _channel_header(self) -> Message:
        return _parse(common_pb2.ChannelHeader, self._payload.header.channel_header)

    @cached_property
    def _creator(self) -> Message:
        header = _parse(common_pb2.SignatureHeader, self._payload.header.signature_header)
        return _parse(identities_pb2.SerializedIdentity, header.creator)

    @cached_property
    def _action(self) -> Message:
        actions = _parse(transaction_pb2.Transaction, self._payload.data if self.is_call else b"").actions
        return _parse(transaction_pb2.ChaincodeActionPayload, actions[0].payload if actions else b"")

    @cached_property
    def _specification(self) -> Message:
        payload = _parse(proposal_pb2.ChaincodeProposalPayload, self._action.chaincode_proposal_payload)
        return _parse(chaincode_pb2.ChaincodeInvocationSpec, payload.input).chaincode_spec

    @cached_property
    def _chaincode_action(self) -> Message:
        response = _parse(
            proposal_response_pb2.ProposalResponsePayload, self._action.action.proposal_response_payload
        )
        return _parse(proposal_pb2.ChaincodeAction, response.extension)


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block of a channel."""

    number: int
    """Place in the chain, from 0."""

    previous_hash: bytes
    """Hash of the header before; empty for the genesis block."""

    data_hash: bytes
    """SHA-256 of the entries, one after the other."""

    transactions: tuple[BlockTransaction, ...]
    """The entries in order."""

    metadata: tuple[bytes, ...] = field(default=(), repr=False)
    """What orderers and peers added, by ``common.BlockMetadataIndex``; it is in no hash."""

    @classmethod
    def from_message(cls, message: Message) -> Block:
        """Build it from a ``common.Block``."""
        metadata = tuple(message.metadata.metadata)
        at = common_pb2.BlockMetadataIndex.TRANSACTIONS_FILTER
        codes = metadata[at] if len(metadata) > at else b""
        entries = message.data.data
        if len(codes) < len(entries):
            # The peer has not validated it: so the orderers give blocks out.
            codes = codes.ljust(len(entries), bytes([ValidationCode.NOT_VALIDATED]))
        return cls(
            number=message.header.number,
            previous_hash=message.header.previous_hash,
            data_hash=message.header.data_hash,
            transactions=tuple(
                BlockTransaction(envelope=entry, validation_code=ValidationCode(code))
                for entry, code in zip(entries, codes, strict=False)
            ),
            metadata=metadata,
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Block:
        """Build it from the bytes of a ``common.Block``; ModelError when they are none."""
        try:
            return cls.from_message(common_pb2.Block.FromString(data))
        except DecodeError as error:
            raise ModelError({"data": "is no block"}, subject="Block") from error

    def to_bytes(self) -> bytes:
        """Return the ``common.Block``, as Fabric's tools keep it in files."""
        header = common_pb2.BlockHeader(
            number=self.number, previous_hash=self.previous_hash, data_hash=self.data_hash
        )
        entries = [transaction.envelope for transaction in self.transactions]
        message = common_pb2.Block(
            header=header,
            data=common_pb2.BlockData(data=entries),
            metadata=common_pb2.BlockMetadata(metadata=self.metadata),
        )
        return bytes(message.SerializeToString(deterministic=True))

    @cached_property
    def header_bytes(self) -> bytes:
        """The header as ASN.1 DER: a sequence of number, previous hash and data hash.

        Notes
        -----
        The encoding is that of Fabric's orderers, which the next block's `previous_hash` and the orderers'
        signatures refer to.
        """
        number = self.number.to_bytes(self.number.bit_length() // 8 + 1, "big")
        body = b"".join([_der(0x02, number), _der(0x04, self.previous_hash), _der(0x04, self.data_hash)])
        return _der(0x30, body)

    @cached_property
    def header_hash(self) -> bytes:
        """SHA-256 of `header_bytes`."""
        return hashlib.sha256(self.header_bytes).digest()

    def verify_data(self) -> None:
        """Check that the entries are those that the header names.

        Raises
        ------
        ModelError
            When they are not.
        """
        digest = hashlib.sha256()
        for transaction in self.transactions:
            digest.update(transaction.envelope)
        if digest.digest() != self.data_hash:
            raise ModelError({"data_hash": "is not that of the entries"}, subject=f"block {self.number}")


def verify_chain(blocks: Iterable[Block]) -> int:
    """Check that blocks follow one another without a gap, and that each holds what its header names.

    Parameters
    ----------
    blocks : iterable of Block
        In order; the first may stand anywhere in the chain.

    Returns
    -------
    int
        How many there were.

    Raises
    ------
    ModelError
        At the first block that does not fit.

    Notes
    -----
    This shows that nothing was changed before the last header. Who ordered that one, the orderers' signatures
    show; validation codes are in no hash.
    """
    count = 0
    last: Block | None = None
    for block in blocks:
        subject = f"block {block.number}"
        if last is not None:
            if block.number != last.number + 1:
                raise ModelError({"number": f"does not follow {last.number}"}, subject=subject)
            if block.previous_hash != last.header_hash:
                raise ModelError({"previous_hash": "is not that of the block before"}, subject=subject)
        block.verify_data()
        last = block
        count += 1
    return count


def _parse(kind: type[Message], data: bytes) -> Message:
    try:
        return kind.FromString(data)
    except DecodeError:
        return kind()


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content
