"""Blocks: what stands in them, whatever was ordered, and the hashes that chain them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from fabric_protos.common import common_pb2
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import chaincode_event_pb2, proposal_pb2, proposal_response_pb2, transaction_pb2
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.client.fakes import CERTIFICATE, FakeTransport, make_network, prepare

from gridledger.client import Block, BlockTransaction, ValidationCode, verify_chain
from gridledger.model.errors import ModelError


def envelope(*, event: bool = True) -> bytes:
    """Return an endorsed transaction with an event and endorsers of two organisations."""
    proposal = (
        make_network(FakeTransport()).contract().proposal("Put", "a", claimed_time_ms=1_700_000_000_500)
    )
    found = prepare(proposal._proposed.proposal.proposal_bytes, b"result")
    payload = common_pb2.Payload.FromString(found.payload)
    transaction = transaction_pb2.Transaction.FromString(payload.data)
    action = transaction_pb2.ChaincodeActionPayload.FromString(transaction.actions[0].payload)
    emitted = chaincode_event_pb2.ChaincodeEvent(chaincode_id="gridledger", event_name="E", payload=b"p")
    chaincode_action = proposal_pb2.ChaincodeAction(
        results=b"rwset",
        events=emitted.SerializeToString() if event else b"",
        response=proposal_response_pb2.Response(status=200, payload=b"result"),
    )
    response = proposal_response_pb2.ProposalResponsePayload(extension=chaincode_action.SerializeToString())
    action.action.proposal_response_payload = response.SerializeToString()
    for msp_id in ("Org1MSP", "Org2MSP"):
        endorser = identities_pb2.SerializedIdentity(mspid=msp_id).SerializeToString()
        action.action.endorsements.append(proposal_response_pb2.Endorsement(endorser=endorser))
    transaction.actions[0].payload = action.SerializeToString()
    payload.data = transaction.SerializeToString()
    return bytes(common_pb2.Envelope(payload=payload.SerializeToString()).SerializeToString())


def chain(*contents: list[bytes]) -> list[Block]:
    """Return blocks that follow one another."""
    blocks: list[Block] = []
    for number, entries in enumerate(contents):
        previous = blocks[-1].header_hash if blocks else b""
        header = common_pb2.BlockHeader(
            number=number, previous_hash=previous, data_hash=hashlib.sha256(b"".join(entries)).digest()
        )
        metadata = common_pb2.BlockMetadata(metadata=[b"", b"", bytes([0] * len(entries))])
        message = common_pb2.Block(header=header, data=common_pb2.BlockData(data=entries), metadata=metadata)
        blocks.append(Block.from_bytes(message.SerializeToString()))
    return blocks


def test_transaction_shows_who_called_what_and_what_came_of_it() -> None:
    transaction = BlockTransaction(envelope=envelope(), validation_code=ValidationCode.VALID)
    assert transaction.is_call
    assert len(transaction.tx_id) == 64
    assert transaction.channel == "energy"
    assert transaction.claimed_time_ms == 1_700_000_000_500
    assert (transaction.creator_msp_id, transaction.creator_certificate) == ("Org1MSP", CERTIFICATE)
    assert (transaction.chaincode, transaction.arguments) == ("gridledger", (b"Put", b"a"))
    assert (transaction.result, transaction.read_write_set) == (b"result", b"rwset")
    assert transaction.endorsers == ("Org1MSP", "Org2MSP")
    assert transaction.event is not None
    assert transaction.event.event_name == "E"
    assert (
        BlockTransaction(envelope=envelope(event=False), validation_code=ValidationCode.VALID).event is None
    )


@given(st.binary(max_size=300))
def test_transaction_of_any_bytes_has_values(data: bytes) -> None:
    transaction = BlockTransaction(envelope=data, validation_code=ValidationCode.BAD_PAYLOAD)
    for name in [name for name, value in vars(BlockTransaction).items() if isinstance(value, property)]:
        getattr(transaction, name)


@given(st.data())
def test_transaction_with_a_flipped_byte_has_values(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(ENVELOPE) - 1))
    changed = (
        ENVELOPE[:place] + bytes([ENVELOPE[place] ^ data.draw(st.integers(1, 255))]) + ENVELOPE[place + 1 :]
    )
    transaction = BlockTransaction(envelope=changed, validation_code=ValidationCode.VALID)
    assert isinstance(transaction.arguments, tuple)
    assert isinstance(transaction.endorsers, tuple)


ENVELOPE = envelope()


def test_processed_transaction_is_read_and_other_bytes_are_not() -> None:
    message = transaction_pb2.ProcessedTransaction(
        transactionEnvelope=common_pb2.Envelope.FromString(ENVELOPE), validationCode=11
    )
    found = BlockTransaction.from_bytes(message.SerializeToString())
    assert (found.arguments, found.validation_code) == ((b"Put", b"a"), ValidationCode.MVCC_READ_CONFLICT)
    with pytest.raises(ModelError):
        BlockTransaction.from_bytes(b"\xff")


def test_block_without_flags_is_not_validated() -> None:
    message = common_pb2.Block(data=common_pb2.BlockData(data=[ENVELOPE]))
    (transaction,) = Block.from_message(message).transactions
    assert transaction.validation_code is ValidationCode.NOT_VALIDATED


def test_bytes_that_are_no_block_are_refused() -> None:
    with pytest.raises(ModelError):
        Block.from_bytes(b"\xff\xff")


def der_integer(number: int) -> bytes:
    """Return the DER of an INTEGER as another encoder writes it."""
    (signature, one) = (encode_dss_signature(number, 1), encode_dss_signature(1, 1)[5:])
    return signature[2 : len(signature) - len(one)]


@pytest.mark.parametrize("number", [0, 1, 127, 128, 255, 256, 32767, 32768, 2**31, 2**63, 2**64 - 1])
@pytest.mark.parametrize("size", [0, 32])
def test_header_hash_is_that_of_the_der_sequence(number: int, size: int) -> None:
    block = Block(number=number, previous_hash=b"p" * size, data_hash=b"d" * 32, transactions=())
    integer = der_integer(number) if number else b"\x02\x01\x00"
    body = integer + bytes([4, size]) + b"p" * size + bytes([4, 32]) + b"d" * 32
    assert block.header_hash == hashlib.sha256(bytes([0x30, len(body)]) + body).digest()


def test_header_hash_of_long_fields_uses_the_long_form_of_lengths() -> None:
    block = Block(number=0, previous_hash=b"p" * 200, data_hash=b"d" * 300, transactions=())
    body = b"\x02\x01\x00" + b"\x04\x81\xc8" + b"p" * 200 + b"\x04\x82\x01\x2c" + b"d" * 300
    assert block.header_hash == hashlib.sha256(b"\x30\x82" + len(body).to_bytes(2, "big") + body).digest()


def test_chain_that_fits_is_counted() -> None:
    blocks = chain([b"genesis"], [b"a", b"b"], [ENVELOPE])
    assert verify_chain(blocks) == 3
    assert verify_chain(blocks[1:]) == 2
    assert verify_chain([]) == 0


def tampered(blocks: list[Block], at: int, **changes: Any) -> list[Block]:
    return [replace(block, **changes) if number == at else block for number, block in enumerate(blocks)]


def test_chain_with_anything_changed_is_refused() -> None:
    blocks = chain([b"genesis"], [b"a", b"b"], [b"c"])
    other = BlockTransaction(envelope=b"x", validation_code=ValidationCode.VALID)
    cases: list[tuple[int, dict[str, Any], str]] = [
        (1, {"number": 7}, "number"),
        (1, {"previous_hash": b"x" * 32}, "previous_hash"),
        (1, {"data_hash": b"x" * 32}, "data_hash"),
        (1, {"transactions": (other,)}, "data_hash"),
        (2, {"transactions": ()}, "data_hash"),
        (0, {"data_hash": hashlib.sha256(b"").digest(), "transactions": ()}, "previous_hash"),
    ]
    for at, changes, field in cases:
        with pytest.raises(ModelError) as caught:
            verify_chain(tampered(blocks, at, **changes))
        assert list(caught.value.problems) == [field]
    with pytest.raises(ModelError):
        verify_chain([blocks[0], blocks[2]])
