"""Envelopes tampered with after endorsement: what is ordered is marked invalid, nothing is written."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import replace

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from fabric_protos.peer import proposal_pb2, proposal_response_pb2
from tests.conformance.caller import Caller
from tests.conformance.probe.steps import do
from tests.conformance.wire import Opened, ProposalParts, sign_envelope
from tests.worlds import attached_channel

from gridledger.client import ValidationCode

REFUSED_BY_ORDERING = {grpc.StatusCode.UNAVAILABLE} | (
    {grpc.StatusCode.ABORTED} if attached_channel() else set()
)
"""What a gateway makes of orderers' refusals: of SmartBFT's, which may be outvoted, and of Raft's."""


async def endorsed(caller: Caller, key: str) -> tuple[ProposalParts, Opened]:
    parts = caller.parts(do.put_state(key, b"endorsed"))
    return parts, Opened.of(await caller.wire.endorse(parts))


async def outcome(
    caller: Caller, parts: ProposalParts, envelope: common_pb2.Envelope
) -> ValidationCode | grpc.StatusCode:
    """Send an envelope; return how the peers marked it, or why it was not taken."""
    try:
        await caller.wire.submit(parts, envelope)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            return error.code()
        # It may be ordered all the same, see `send`; what is not is not waited for.
        try:
            status = await caller.wire.commit_status(parts, timeout=UNORDERED_SECONDS)
        except grpc.aio.AioRpcError:
            return error.code()
    else:
        status = await caller.wire.commit_status(parts)
    return ValidationCode(status.result)


def swap_value(opened: Opened) -> None:
    """Write another value than the one endorsed."""
    response = proposal_response_pb2.ProposalResponsePayload.FromString(
        opened.action.action.proposal_response_payload
    )
    chaincode_action = proposal_pb2.ChaincodeAction.FromString(response.extension)
    results = rwset_pb2.TxReadWriteSet.FromString(chaincode_action.results)
    for namespace in results.ns_rwset:
        rows = kv_rwset_pb2.KVRWSet.FromString(namespace.rwset)
        for written in rows.writes:
            written.value = b"tampered"
        namespace.rwset = rows.SerializeToString()
    chaincode_action.results = results.SerializeToString()
    response.extension = chaincode_action.SerializeToString()
    opened.action.action.proposal_response_payload = response.SerializeToString()


def drop_an_endorsement(opened: Opened) -> None:
    del opened.action.action.endorsements[1:]


def repeat_an_endorsement(opened: Opened) -> None:
    first = opened.action.action.endorsements[0]
    del opened.action.action.endorsements[1:]
    opened.action.action.endorsements.append(first)


def swap_signatures(opened: Opened) -> None:
    one, two = opened.action.action.endorsements
    one.signature, two.signature = two.signature, one.signature


def break_a_signature(opened: Opened) -> None:
    signature = bytearray(opened.action.action.endorsements[1].signature)
    signature[-1] ^= 1
    opened.action.action.endorsements[1].signature = bytes(signature)


def drop_all_endorsements(opened: Opened) -> None:
    del opened.action.action.endorsements[:]


UNORDERED_SECONDS = 2.0
ENDORSEMENT = ValidationCode.ENDORSEMENT_POLICY_FAILURE


@pytest.mark.parametrize(
    "tamper",
    [
        swap_value,
        drop_an_endorsement,
        repeat_an_endorsement,
        swap_signatures,
        break_a_signature,
        drop_all_endorsements,
    ],
)
async def test_tampered_endorsement_is_marked_invalid(
    org1: Caller, key: str, tamper: Callable[[Opened], None]
) -> None:
    parts, opened = await endorsed(org1, key)
    tamper(opened)

    assert await outcome(org1, parts, sign_envelope(opened.closed(), org1.signer)) is ENDORSEMENT
    assert await org1.evaluate(do.get_state(key)) is None


async def test_untampered_envelope_by_hand_is_valid(org1: Caller, key: str) -> None:
    parts, opened = await endorsed(org1, key)

    assert await outcome(org1, parts, sign_envelope(opened.closed(), org1.signer)) is ValidationCode.VALID


async def test_endorsement_by_a_client_in_place_of_a_peer_is_marked_invalid(
    org1: Caller, org2: Caller, key: str
) -> None:
    parts, opened = await endorsed(org1, key)
    forged = opened.action.action.endorsements[1]
    forged.endorser = org2.signer.creator
    forged.signature = org2.signer.sign(opened.action.action.proposal_response_payload + forged.endorser)

    assert await outcome(org1, parts, sign_envelope(opened.closed(), org1.signer)) is ENDORSEMENT
    assert await org1.evaluate(do.get_state(key)) is None


async def test_other_arguments_than_those_endorsed_are_marked_invalid(org1: Caller, key: str) -> None:
    parts, opened = await endorsed(org1, key)
    other = proposal_pb2.Proposal.FromString(replace(parts, arguments=[b"Run", b"[]"]).proposal_bytes())
    opened.action.chaincode_proposal_payload = other.payload

    code = await outcome(org1, parts, sign_envelope(opened.closed(), org1.signer))

    assert code is ValidationCode.INVALID_ENDORSER_TRANSACTION
    assert await org1.evaluate(do.get_state(key)) is None


async def test_envelope_signed_by_someone_else_is_refused_by_ordering(
    org1: Caller, org2: Caller, key: str
) -> None:
    parts, opened = await endorsed(org1, key)

    code = await outcome(org1, parts, sign_envelope(opened.closed(), org2.signer))

    assert code in REFUSED_BY_ORDERING
    assert await org1.evaluate(do.get_state(key)) is None


@pytest.mark.parametrize(
    ("signature", "codes"),
    [(b"", {grpc.StatusCode.INVALID_ARGUMENT}), (b"\x00" * 70, REFUSED_BY_ORDERING)],
    ids=["empty", "zeros"],
)
async def test_envelope_without_a_proper_signature_is_refused(
    org1: Caller, key: str, signature: bytes, codes: Collection[grpc.StatusCode]
) -> None:
    parts, opened = await endorsed(org1, key)
    envelope = common_pb2.Envelope(payload=opened.closed().payload, signature=signature)

    assert await outcome(org1, parts, envelope) in codes
    assert await org1.evaluate(do.get_state(key)) is None


async def test_envelope_of_another_creator_is_marked_invalid(org1: Caller, org2: Caller, key: str) -> None:
    parts, opened = await endorsed(org1, key)
    theirs = replace(parts, signer=org2.signer, nonce=parts.nonce)
    opened.payload.header.CopyFrom(theirs.header())

    code = await outcome(org1, theirs, sign_envelope(opened.closed(), org2.signer))

    assert code is ValidationCode.INVALID_ENDORSER_TRANSACTION
    assert await org1.evaluate(do.get_state(key)) is None


async def test_transaction_id_of_another_is_marked_invalid(org1: Caller, key: str) -> None:
    parts, opened = await endorsed(org1, key)
    renamed = replace(parts, claimed_tx_id=os.urandom(32).hex())
    opened.payload.header.CopyFrom(renamed.header())

    code = await outcome(org1, renamed, sign_envelope(opened.closed(), org1.signer))

    assert code is ValidationCode.BAD_PROPOSAL_TXID
    assert await org1.evaluate(do.get_state(key)) is None


@pytest.mark.parametrize(
    "payload", [b"", b"\x00", b"\xff" * 50, b"garbage" * 9], ids=["empty", "nul", "ff", "text"]
)
async def test_envelope_that_holds_garbage_is_refused(org1: Caller, key: str, payload: bytes) -> None:
    height = await org1.height()
    envelope = sign_envelope(common_pb2.Envelope(payload=payload), org1.signer)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await org1.wire.submit(org1.parts(do.get_tx_id()), envelope)

    assert caught.value.code() is not grpc.StatusCode.DEADLINE_EXCEEDED
    assert await org1.ordered_since(height) == []


async def test_transaction_for_another_channel_is_refused(org1: Caller, key: str) -> None:
    parts, opened = await endorsed(org1, key)
    elsewhere = replace(parts, channel="nochannel")
    opened.payload.header.CopyFrom(elsewhere.header())
    envelope = sign_envelope(opened.closed(), org1.signer)

    with pytest.raises(grpc.aio.AioRpcError):
        await org1.wire.submit(elsewhere, envelope)


async def test_configuration_update_by_a_client_is_refused(org1: Caller) -> None:
    height = await org1.height()
    parts = replace(org1.parts(do.get_tx_id()), header_type=common_pb2.CONFIG_UPDATE)
    payload = common_pb2.Payload(header=parts.header(), data=b"\x0a\x00")
    envelope = sign_envelope(common_pb2.Envelope(payload=payload.SerializeToString()), org1.signer)

    with pytest.raises(grpc.aio.AioRpcError):
        await org1.wire.submit(parts, envelope)

    assert await org1.ordered_since(height) == []
