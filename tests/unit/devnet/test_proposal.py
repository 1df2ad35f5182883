"""Proposals and transactions: taken apart, and what is refused on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fabric_protos.common import common_pb2
from fabric_protos.ledger.queryresult import kv_query_result_pb2
from fabric_protos.peer import (
    chaincode_pb2,
    proposal_pb2,
    proposal_response_pb2,
    transaction_pb2,
)
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.devnet.messages import make_proposal

from gridledger.client.validation import ValidationCode
from gridledger.network.devnet.block import Signer
from gridledger.network.devnet.errors import Malformed
from gridledger.network.devnet.proposal import Proposal, transaction_id
from gridledger.network.devnet.rwset import ReadWriteSetBuilder
from gridledger.network.devnet.transaction import Transaction, key_modification

SIGNER = Signer(b"creator", ec.generate_private_key(ec.SECP256R1()))


def test_proposal_is_taken_apart() -> None:
    signed = make_proposal(
        SIGNER, "keeper", b"put", b"\x00\xff", transient={"key": b"secret"}, nonce=b"n" * 24
    )
    proposal = Proposal.parse(signed)
    assert proposal.chaincode == proposal.invoked == "keeper"
    assert list(proposal.input.args) == [b"put", b"\x00\xff"]
    assert proposal.transaction_id == hashlib.sha256(b"n" * 24 + b"creator").hexdigest()
    assert proposal.has_transient
    assert proposal.creator == b"creator"


def test_proposal_hash_leaves_transient_data_out() -> None:
    with_secret = make_proposal(SIGNER, "keeper", b"a", transient={"key": b"secret"}, nonce=b"n", seconds=1)
    without = make_proposal(SIGNER, "keeper", b"a", nonce=b"n", seconds=1)
    assert Proposal.parse(with_secret).proposal_hash == Proposal.parse(without).proposal_hash
    other = make_proposal(SIGNER, "keeper", b"b", nonce=b"n", seconds=1)
    assert Proposal.parse(other).proposal_hash != Proposal.parse(without).proposal_hash


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda header, _: header.ClearField("extension"), "ChaincodeHeaderExtension.ChaincodeId is nil"),
        (
            lambda header, _: setattr(
                header,
                "extension",
                proposal_pb2.ChaincodeHeaderExtension(
                    chaincode_id=chaincode_pb2.ChaincodeID(version="1")
                ).SerializeToString(),
            ),
            "ChaincodeHeaderExtension.ChaincodeId.Name is empty",
        ),
        (lambda header, _: setattr(header, "extension", b"\xff"), "error unmarshalling ChaincodeHeaderExt"),
    ],
)
def test_header_that_names_no_chaincode_is_malformed(spoil: Callable[..., Any], message: str) -> None:
    with pytest.raises(Malformed, match=message):
        Proposal.parse(make_proposal(SIGNER, "keeper", change=spoil))


_PROPOSAL = make_proposal(SIGNER, "keeper", b"put", b"a", nonce=b"n" * 24, seconds=1).proposal_bytes


@given(st.binary(max_size=400))
def test_garbage_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        Proposal.parse(proposal_pb2.SignedProposal(proposal_bytes=data))


@given(st.data())
def test_proposal_with_changed_bytes_is_read_or_malformed(data: st.DataObject) -> None:
    changed = bytearray(_PROPOSAL)
    for place in data.draw(st.lists(st.integers(0, len(changed) - 1), max_size=4)):
        changed[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(changed)))
    try:
        Proposal.parse(proposal_pb2.SignedProposal(proposal_bytes=bytes(changed[:cut])))
    except Malformed:
        return


def make_transaction(spoil: Callable[[dict[str, Any]], None] = lambda _: None) -> bytes:
    """Return an endorsed transaction, serialised; `spoil` changes its parts before they are put together."""
    proposal = Proposal.parse(make_proposal(SIGNER, "keeper", b"put", nonce=b"n" * 24, seconds=1))
    rwset = ReadWriteSetBuilder()
    rwset.write("keeper", "a", b"1")
    rwset.write("keeper", "gone", b"")
    parts: dict[str, Any] = {
        "header": proposal.header,
        "inner": proposal.header.signature_header,
        "hash": proposal.proposal_hash,
        "results": rwset.build().public,
        "events": b"",
        "extension": None,
        "payload": proposal_pb2.ChaincodeProposalPayload(input=proposal.input_bytes).SerializeToString(),
        "count": 1,
    }
    spoil(parts)
    result = proposal_pb2.ChaincodeAction(
        results=parts["results"],
        events=parts["events"],
        response=proposal_response_pb2.Response(status=200),
        chaincode_id=chaincode_pb2.ChaincodeID(name="keeper", version="1"),
    )
    response = proposal_response_pb2.ProposalResponsePayload(
        proposal_hash=parts["hash"], extension=parts["extension"] or result.SerializeToString()
    )
    action = transaction_pb2.ChaincodeActionPayload(
        chaincode_proposal_payload=parts["payload"],
        action=transaction_pb2.ChaincodeEndorsedAction(
            proposal_response_payload=response.SerializeToString()
        ),
    )
    transaction = transaction_pb2.Transaction()
    for _ in range(parts["count"]):
        transaction.actions.add(header=parts["inner"], payload=action.SerializeToString())
    payload = common_pb2.Payload(header=parts["header"], data=transaction.SerializeToString())
    data = payload.SerializeToString()
    return bytes(common_pb2.Envelope(payload=data, signature=SIGNER.sign(data)).SerializeToString())


def test_transaction_is_taken_apart() -> None:
    transaction = Transaction.parse(make_transaction())
    assert transaction.code == ValidationCode.VALID
    assert transaction.action is not None
    [namespace] = transaction.action.read_write_set
    assert [write.key for write in namespace.public.writes] == ["a", "gone"]
    assert transaction.request_id == transaction.transaction_id == transaction_id(b"n" * 24, b"creator")


def _headers(change: Callable[[common_pb2.ChannelHeader, common_pb2.SignatureHeader], None]) -> Any:
    def spoil(parts: dict[str, Any]) -> None:
        channel = common_pb2.ChannelHeader.FromString(parts["header"].channel_header)
        signature = common_pb2.SignatureHeader.FromString(parts["header"].signature_header)
        change(channel, signature)
        parts["header"] = common_pb2.Header(
            channel_header=channel.SerializeToString(), signature_header=signature.SerializeToString()
        )

    return spoil


def _set(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda parts: parts.__setitem__(name, value)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (_headers(lambda channel, _: setattr(channel, "type", 99)), ValidationCode.BAD_COMMON_HEADER),
        (_headers(lambda channel, _: setattr(channel, "epoch", 1)), ValidationCode.BAD_COMMON_HEADER),
        (_headers(lambda channel, _: setattr(channel, "type", 1)), ValidationCode.UNSUPPORTED_TX_PAYLOAD),
        (_headers(lambda channel, _: setattr(channel, "tx_id", "ff")), ValidationCode.BAD_PROPOSAL_TXID),
        (_headers(lambda _, signature: signature.ClearField("nonce")), ValidationCode.BAD_COMMON_HEADER),
        (_set("inner", b""), ValidationCode.INVALID_ENDORSER_TRANSACTION),
        (_set("inner", b"\xff"), ValidationCode.INVALID_ENDORSER_TRANSACTION),
        (_set("hash", b"\0" * 32), ValidationCode.INVALID_ENDORSER_TRANSACTION),
        (_set("count", 0), ValidationCode.INVALID_ENDORSER_TRANSACTION),
        (_set("count", 2), ValidationCode.INVALID_ENDORSER_TRANSACTION),
        (_set("results", b"\xff"), ValidationCode.BAD_RWSET),
        (_set("extension", b"\xff"), ValidationCode.BAD_RESPONSE_PAYLOAD),
        (_set("events", b"\xff"), ValidationCode.INVALID_OTHER_REASON),
    ],
)
def test_transaction_that_is_wrong_has_its_code(
    spoil: Callable[[dict[str, Any]], None], code: ValidationCode
) -> None:
    transaction = Transaction.parse(make_transaction(spoil))
    assert transaction.code == code
    assert transaction.action is None


_TRANSACTION = make_transaction()


@given(st.binary(max_size=400))
def test_garbage_is_a_transaction_that_can_never_be_valid(data: bytes) -> None:
    transaction = Transaction.parse(data)
    assert transaction.code != ValidationCode.VALID
    assert transaction.action is None


@given(st.data())
def test_transaction_with_changed_bytes_is_never_an_exception(data: st.DataObject) -> None:
    changed = bytearray(_TRANSACTION)
    for place in data.draw(st.lists(st.integers(0, len(changed) - 1), max_size=4)):
        changed[place] = data.draw(st.integers(0, 255))
    Transaction.parse(bytes(changed[: data.draw(st.integers(0, len(changed)))]))


def test_history_entry_is_what_the_transaction_wrote() -> None:
    envelope = make_transaction()
    written = kv_query_result_pb2.KeyModification.FromString(key_modification(envelope, "keeper", "a"))
    assert (written.value, written.is_delete, written.timestamp.seconds) == (b"1", False, 1)
    assert kv_query_result_pb2.KeyModification.FromString(
        key_modification(envelope, "keeper", "gone")
    ).is_delete
    with pytest.raises(Malformed):
        key_modification(envelope, "keeper", "other")
    with pytest.raises(Malformed):
        key_modification(b"", "keeper", "a")
