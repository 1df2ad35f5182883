"""A chaincode that sends its peer what no shim would: the peer refuses it, and lives."""

from __future__ import annotations

import ssl

import grpc
import pytest
from fabric_protos.peer import chaincode_shim_pb2
from tests.conformance.caller import Caller
from tests.conformance.probe.steps import do

from gridledger.model.errors import GridLedgerError
from gridledger.network import Network
from gridledger.shim.wire import MessageType

GARBAGE = b"\xff\xff\xff garbage"
QUESTIONS = [
    MessageType.GET_STATE,
    MessageType.GET_STATE_MULTIPLE,
    MessageType.GET_STATE_BY_RANGE,
    MessageType.GET_QUERY_RESULT,
    MessageType.QUERY_STATE_NEXT,
    MessageType.QUERY_STATE_CLOSE,
    MessageType.GET_HISTORY_FOR_KEY,
    MessageType.GET_STATE_METADATA,
    MessageType.GET_PRIVATE_DATA_HASH,
    MessageType.PUT_STATE,
    MessageType.PUT_STATE_METADATA,
    MessageType.DEL_STATE,
    MessageType.PURGE_PRIVATE_DATA,
    MessageType.WRITE_BATCH_STATE,
    MessageType.INVOKE_CHAINCODE,
]


@pytest.mark.parametrize("kind", QUESTIONS, ids=lambda kind: str(kind.name))
async def test_question_that_is_garbage_is_refused_and_the_chaincode_lives(
    org1: Caller, key: str, kind: MessageType
) -> None:
    with pytest.raises(GridLedgerError, match=kind.name):
        await org1.submit(do.put_state(key, b"1"), do.ask(int(kind), GARBAGE))

    await org1.submit(do.put_state(f"{key}after", b"1"))
    assert await org1.evaluate_each(do.get_state(key), do.get_state(f"{key}after")) == [None, b"1"]


@pytest.mark.parametrize("kind", [MessageType.GET_STATE, MessageType.PUT_STATE, MessageType.DEL_STATE])
async def test_key_that_is_no_utf8_is_refused(org1: Caller, kind: MessageType) -> None:
    key_of_two_bytes = b"\x0a\x02\xff\xfe"

    with pytest.raises(GridLedgerError, match=kind.name):
        await org1.submit(do.ask(int(kind), key_of_two_bytes))


async def test_query_that_was_never_opened_is_refused(org1: Caller) -> None:
    payload = chaincode_shim_pb2.QueryStateNext(id="nothing").SerializeToString()

    with pytest.raises(GridLedgerError, match="query iterator not found"):
        await org1.evaluate(do.ask(int(MessageType.QUERY_STATE_NEXT), payload))


async def test_query_that_was_never_opened_is_closed_all_the_same(org1: Caller) -> None:
    payload = chaincode_shim_pb2.QueryStateClose(id="nothing").SerializeToString()

    await org1.evaluate(do.ask(int(MessageType.QUERY_STATE_CLOSE), payload))


async def test_write_batch_of_an_unknown_kind_is_refused(org1: Caller, key: str) -> None:
    record = chaincode_shim_pb2.WriteRecord(key=key, value=b"1", type=4711)
    payload = chaincode_shim_pb2.WriteBatchState(rec=[record]).SerializeToString()

    with pytest.raises(GridLedgerError, match="unknown operation type"):
        await org1.submit(do.ask(int(MessageType.WRITE_BATCH_STATE), payload))


async def test_purge_of_a_public_key_is_refused(org1: Caller, key: str) -> None:
    payload = chaincode_shim_pb2.PurgePrivateState(key=key).SerializeToString()

    with pytest.raises(GridLedgerError, match="only applicable for private data"):
        await org1.submit(do.ask(int(MessageType.PURGE_PRIVATE_DATA), payload))


async def test_chaincode_port_takes_nobody_but_its_peer(probes: Network) -> None:
    [port] = [
        component.port
        for component in probes.status().components
        if component.name == probes.chaincode_component("script", "org1")
    ]
    certificate = ssl.get_server_certificate(("127.0.0.1", port)).encode()
    credentials = grpc.ssl_channel_credentials(certificate)

    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
        connect = channel.stream_stream("/protos.Chaincode/Connect")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await connect(iter([b""]), timeout=10).read()

    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
