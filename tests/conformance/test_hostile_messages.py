"""Bytes that are no messages, and messages that are too much: the process answers and lives."""

from __future__ import annotations

import random

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import proposal_pb2
from tests.conformance.caller import CHANNEL, Caller
from tests.conformance.probe.steps import do
from tests.conformance.wire import MAX_MESSAGE_BYTES

UNARY = [
    "/gateway.Gateway/Evaluate",
    "/gateway.Gateway/Endorse",
    "/gateway.Gateway/Submit",
    "/gateway.Gateway/CommitStatus",
    "/protos.Endorser/ProcessProposal",
]
STREAMS = ["/gateway.Gateway/ChaincodeEvents"]
DELIVER = [
    "/protos.Deliver/Deliver",
    "/protos.Deliver/DeliverFiltered",
    "/protos.Deliver/DeliverWithPrivateData",
]
SEED = 20260101


def garbage() -> list[bytes]:
    generator = random.Random(SEED)
    return [
        b"",
        b"\x00",
        b"\xff" * 40,
        *(generator.randbytes(generator.randrange(1, 400)) for _ in range(12)),
    ]


async def assert_alive(caller: Caller, key: str) -> None:
    await caller.submit(do.put_state(key, b"alive"))
    assert await caller.evaluate(do.get_state(key)) == b"alive"


@pytest.mark.parametrize("method", UNARY)
async def test_garbage_in_place_of_a_message_is_refused(org1: Caller, key: str, method: str) -> None:
    height = await org1.height()
    for data in garbage():
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await org1.wire.raw_unary(method, data)
        assert caught.value.code() is not grpc.StatusCode.DEADLINE_EXCEEDED

    assert await org1.ordered_since(height) == []
    await assert_alive(org1, key)


@pytest.mark.parametrize("method", STREAMS)
async def test_garbage_in_place_of_a_stream_request_is_refused(org1: Caller, key: str, method: str) -> None:
    for data in garbage():
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await org1.wire.raw_stream(method, data)
        assert caught.value.code() is not grpc.StatusCode.DEADLINE_EXCEEDED

    await assert_alive(org1, key)


@pytest.mark.parametrize("method", DELIVER)
async def test_garbage_in_place_of_a_seek_is_refused(org1: Caller, key: str, method: str) -> None:
    for data in garbage():
        numbers, status = await org1.wire.deliver_bytes(method, data)
        assert not numbers
        assert status != common_pb2.SUCCESS

    await assert_alive(org1, key)


@pytest.mark.parametrize("method", DELIVER)
async def test_seek_with_a_wrong_signature_is_refused(org1: Caller, org2: Caller, method: str) -> None:
    oldest = ab_pb2.SeekPosition(oldest=ab_pb2.SeekOldest())
    envelope = org1.wire.seek(org1.signer, CHANNEL, oldest, oldest)
    envelope.signature = org2.signer.sign(envelope.payload)

    assert await org1.wire.deliver(method, envelope) == ([], common_pb2.FORBIDDEN)


@pytest.mark.parametrize("method", DELIVER)
async def test_seek_on_an_unknown_channel_is_not_found(org1: Caller, method: str) -> None:
    oldest = ab_pb2.SeekPosition(oldest=ab_pb2.SeekOldest())
    envelope = org1.wire.seek(org1.signer, "nochannel", oldest, oldest)

    assert await org1.wire.deliver(method, envelope) == ([], common_pb2.NOT_FOUND)


@pytest.mark.parametrize("method", DELIVER)
async def test_seek_that_ends_before_it_starts_is_a_bad_request(org1: Caller, method: str) -> None:
    envelope = org1.wire.seek(
        org1.signer,
        CHANNEL,
        ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=3)),
        ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=1)),
    )

    assert await org1.wire.deliver(method, envelope) == ([], common_pb2.BAD_REQUEST)


async def test_proposal_over_the_message_limit_is_refused(org1: Caller, key: str) -> None:
    parts = org1.parts_of(["Echo", bytes(MAX_MESSAGE_BYTES)])
    request = gateway_pb2.EvaluateRequest(
        transaction_id=parts.tx_id, channel_id=CHANNEL, proposed_transaction=parts.signed()
    )

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await org1.wire.raw_unary("/gateway.Gateway/Evaluate", request.SerializeToString())

    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    await assert_alive(org1, key)


async def test_argument_of_many_megabytes_is_answered(org1: Caller) -> None:
    argument = bytes(8 * 1024 * 1024)

    # Hexadecimal in JSON, so twice as much comes back.
    assert len(await org1.contract.evaluate("Echo", argument, timeout=60)) > 2 * len(argument)


async def test_proposal_cut_short_anywhere_is_refused(org1: Caller, key: str) -> None:
    parts = org1.parts(do.put_state(key, b"1"))
    whole = parts.proposal_bytes()
    for length in range(0, len(whole), max(1, len(whole) // 25)):
        data = whole[:length]
        signed = proposal_pb2.SignedProposal(proposal_bytes=data, signature=org1.signer.sign(data))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await org1.wire.endorse(parts, signed)
        assert caught.value.code() is not grpc.StatusCode.DEADLINE_EXCEEDED

    await assert_alive(org1, key)


async def test_proposal_with_changed_bytes_is_refused(org1: Caller, key: str) -> None:
    generator = random.Random(SEED)
    parts = org1.parts(do.put_state(key, b"1"))
    signed = parts.signed()
    for _ in range(25):
        data = bytearray(signed.proposal_bytes)
        data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
        changed = proposal_pb2.SignedProposal(proposal_bytes=bytes(data), signature=signed.signature)
        with pytest.raises(grpc.aio.AioRpcError):
            await org1.wire.endorse(parts, changed)

    assert await org1.evaluate(do.get_state(key)) is None
    await assert_alive(org1, key)
