"""The stream to a chaincode: registration, requests, ends of streams, and what is no message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from fabric_protos.peer import chaincode_pb2, proposal_response_pb2
from fabric_protos.peer import chaincode_shim_pb2 as shim
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.devnet.contract import NAMESPACE
from tests.unit.devnet.kit import Net
from tests.unit.devnet.messages import make_proposal

from gridledger.network.devnet import chaincode_stream
from gridledger.network.devnet.chaincode_link import ChaincodeLink
from gridledger.network.devnet.chaincode_stream import ChaincodeStream
from gridledger.network.devnet.errors import (
    ChaincodeUnreachable,
    Malformed,
    Refused,
    StreamTerminated,
)
from gridledger.network.devnet.installed import ChaincodeAddress
from gridledger.network.devnet.proposal import Proposal
from gridledger.network.devnet.shim_request import ShimRequests
from gridledger.network.devnet.simulator import Simulator
from gridledger.network.devnet.transaction_context import TransactionContext

Message = shim.ChaincodeMessage
Type = Message.Type
PACKAGE = "keeper_1:ab"


class _Chaincode:
    """A chaincode's server: the peer's call ends up here."""

    def __init__(self) -> None:
        self.from_peer: asyncio.Queue[Any] = asyncio.Queue()
        self.to_peer: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.calls = 0

    async def dial(self, address: ChaincodeAddress) -> ChaincodeLink:
        """Begin a stream."""
        del address
        self.calls += 1
        return ChaincodeLink(_Connection(self))  # type: ignore[arg-type]

    async def pump(self, link: ChaincodeLink) -> None:
        """Hand over to the peer until the stream ends."""
        while (data := await self.to_peer.get()) is not None:
            link.receive(data)
        link.end()

    def send(self, kind: int, payload: bytes = b"", txid: str = "") -> None:
        message = Message(type=kind, payload=payload, txid=txid, channel_id="energy")
        self.to_peer.put_nowait(message.SerializeToString())

    def end(self) -> None:
        self.to_peer.put_nowait(None)

    async def receive(self) -> Any:
        async with asyncio.timeout(10):
            return await self.from_peer.get()

    async def register(self, name: str = PACKAGE) -> None:
        self.send(Type.REGISTER, chaincode_pb2.ChaincodeID(name=name).SerializeToString())
        assert (await self.receive()).type == Type.REGISTERED
        assert (await self.receive()).type == Type.READY


class _Connection:
    """An HTTP/2 connection with one call on it, in memory."""

    outcome = "it was cancelled"

    def __init__(self, chaincode: _Chaincode) -> None:
        self._chaincode = chaincode

    def open(self, path: str, link: ChaincodeLink) -> _Connection:
        assert path == "/protos.Chaincode/Connect"
        self._link = link
        self._task = asyncio.create_task(self._chaincode.pump(link))
        return self

    def send(self, data: bytes) -> None:
        self._chaincode.from_peer.put_nowait(Message.FromString(data))

    def cancel(self) -> None:
        self._task.cancel()
        self._link.end()

    def close(self) -> None:
        pass


@pytest.fixture
def chaincode(monkeypatch: pytest.MonkeyPatch) -> _Chaincode:
    """Return the chaincode that every stream reaches."""
    made = _Chaincode()
    monkeypatch.setattr(ChaincodeLink, "dial", made.dial)
    return made


async def _called(context: TransactionContext, payload: bytes) -> Any:
    del context
    if payload == b"refused":
        raise Refused("no such chaincode")
    return Message(type=Type.COMPLETED, payload=b"called")


@pytest.fixture
async def stream(deployed: Net, chaincode: _Chaincode) -> AsyncIterator[ChaincodeStream]:
    """Return a stream that is not begun."""
    del chaincode
    address = ChaincodeAddress(address="127.0.0.1:1", dial_seconds=0.5)
    made = ChaincodeStream(PACKAGE, address, ShimRequests(deployed.channel), _called)
    yield made
    await made.close()


@pytest.fixture
async def context(deployed: Net) -> AsyncIterator[TransactionContext]:
    """Return a transaction on the deployed chaincode."""
    proposal = Proposal.parse(make_proposal(deployed.user(), NAMESPACE, b"put"))
    with deployed.ledger.snapshot() as snapshot:
        simulator = Simulator("Org1MSP", proposal.transaction_id, snapshot, deployed.definitions)
        yield _context(proposal, simulator)


def _context(proposal: Proposal, simulator: Simulator) -> TransactionContext:
    return TransactionContext(
        namespace=NAMESPACE,
        proposal=proposal,
        simulator=simulator,
        is_init=False,
        completed=asyncio.get_running_loop().create_future(),
    )


def _begin(context: TransactionContext) -> bytes:
    return context.proposal.message(Type.TRANSACTION, b"")


async def _started(stream: ChaincodeStream, chaincode: _Chaincode) -> None:
    stream.start()
    await chaincode.register()
    await stream._wait_ready()


async def test_ready_announces_batches(stream: ChaincodeStream, chaincode: _Chaincode) -> None:
    stream.start()
    chaincode.send(Type.REGISTER, chaincode_pb2.ChaincodeID(name=PACKAGE).SerializeToString())
    await chaincode.receive()
    parameters = chaincode_pb2.ChaincodeAdditionalParams.FromString((await chaincode.receive()).payload)
    assert (parameters.use_write_batch, parameters.use_get_multiple_keys) == (True, True)
    assert (parameters.max_size_write_batch, parameters.max_size_get_multiple_keys) == (1000, 1000)


async def test_transaction_reads_writes_and_completes(
    stream: ChaincodeStream, chaincode: _Chaincode, context: TransactionContext
) -> None:
    await _started(stream, chaincode)
    answer = asyncio.create_task(stream.execute(context, _begin(context)))
    request = await chaincode.receive()
    txid = context.proposal.transaction_id
    assert (request.type, request.txid, request.channel_id) == (Type.TRANSACTION, txid, "energy")
    assert request.proposal.proposal_bytes == context.proposal.signed.proposal_bytes
    chaincode.send(Type.PUT_STATE, shim.PutState(key="a", value=b"1").SerializeToString(), txid)
    assert (await chaincode.receive()).type == Type.RESPONSE
    chaincode.send(Type.GET_STATE, shim.GetState(key="a").SerializeToString(), txid)
    read = await chaincode.receive()
    assert (read.type, read.payload, read.txid) == (Type.RESPONSE, b"", txid)
    response = proposal_response_pb2.Response(status=200, payload=b"done")
    chaincode.send(Type.COMPLETED, response.SerializeToString(), txid)
    assert (await answer).payload == response.SerializeToString()
    assert not stream._contexts


async def test_request_outside_a_transaction_is_an_error(
    stream: ChaincodeStream, chaincode: _Chaincode
) -> None:
    await _started(stream, chaincode)
    chaincode.send(Type.GET_STATE, shim.GetState(key="a").SerializeToString(), "unknown")
    answer = await chaincode.receive()
    assert (answer.type, answer.payload) == (
        Type.ERROR,
        b"GET_STATE failed: transaction ID: unknown: no ledger context",
    )
    chaincode.send(Type.INVOKE_CHAINCODE, b"", "unknown")
    answer = await chaincode.receive()
    assert b"could not get valid transaction" in answer.payload


async def test_request_that_does_not_parse_is_an_error(
    stream: ChaincodeStream, chaincode: _Chaincode, context: TransactionContext
) -> None:
    await _started(stream, chaincode)
    answer = asyncio.create_task(stream.execute(context, _begin(context)))
    await chaincode.receive()
    txid = context.proposal.transaction_id
    chaincode.send(Type.PUT_STATE, b"\xff", txid)
    refused = await chaincode.receive()
    assert refused.type == Type.ERROR
    assert b"unmarshal failed" in refused.payload
    chaincode.send(Type.ERROR, b"I give up", txid)
    assert (await answer).payload == b"I give up"


async def test_call_of_another_chaincode_is_answered(
    stream: ChaincodeStream, chaincode: _Chaincode, context: TransactionContext
) -> None:
    await _started(stream, chaincode)
    answer = asyncio.create_task(stream.execute(context, _begin(context)))
    await chaincode.receive()
    txid = context.proposal.transaction_id
    chaincode.send(Type.INVOKE_CHAINCODE, b"", txid)
    called = await chaincode.receive()
    assert (called.type, Message.FromString(called.payload).payload) == (Type.RESPONSE, b"called")
    chaincode.send(Type.INVOKE_CHAINCODE, b"refused", txid)
    refused = await chaincode.receive()
    assert refused.payload.endswith(b"no such chaincode")
    chaincode.send(Type.COMPLETED, b"", txid)
    await answer


async def test_end_of_the_stream_fails_its_transactions_and_the_next_one_runs(
    stream: ChaincodeStream, chaincode: _Chaincode, context: TransactionContext
) -> None:
    await _started(stream, chaincode)
    answer = asyncio.create_task(stream.execute(context, _begin(context)))
    await chaincode.receive()
    chaincode.end()
    with pytest.raises(StreamTerminated, match="chaincode stream terminated"):
        await answer
    again = asyncio.create_task(
        stream.execute(_context(context.proposal, context.simulator), _begin(context))
    )
    await chaincode.register()
    assert (await chaincode.receive()).type == Type.TRANSACTION
    chaincode.send(Type.COMPLETED, b"", context.proposal.transaction_id)
    assert (await again).type == Type.COMPLETED
    assert chaincode.calls == 2


@pytest.mark.parametrize(
    ("kind", "payload", "words"),
    [
        (Type.REGISTER, chaincode_pb2.ChaincodeID(name="other:ab").SerializeToString(), "registered as"),
        (Type.REGISTER, b"\xff", "could not unmarshal registration info"),
        (Type.COMPLETED, b"", "cannot handle message"),
    ],
)
async def test_chaincode_that_does_not_register_is_unreachable(
    stream: ChaincodeStream,
    chaincode: _Chaincode,
    context: TransactionContext,
    kind: int,
    payload: bytes,
    words: str,
) -> None:
    for _ in range(8):
        chaincode.send(kind, payload)
    with pytest.raises(ChaincodeUnreachable, match=words) as caught:
        await stream.execute(context, _begin(context))
    assert "error creating grpc connection to 127.0.0.1:1" in caught.value.message


@pytest.mark.parametrize("data", [b"\xff", Message(type=Type.INIT).SerializeToString(), b"\x08\xff\x01"])
async def test_stream_that_sends_nonsense_is_given_up(
    stream: ChaincodeStream, chaincode: _Chaincode, context: TransactionContext, data: bytes
) -> None:
    await _started(stream, chaincode)
    answer = asyncio.create_task(stream.execute(context, _begin(context)))
    await chaincode.receive()
    chaincode.to_peer.put_nowait(data)
    with pytest.raises(StreamTerminated):
        await answer


async def test_chaincode_that_does_not_answer_is_given_up(
    stream: ChaincodeStream,
    chaincode: _Chaincode,
    context: TransactionContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chaincode_stream, "EXECUTE_SECONDS", 0.05)
    await _started(stream, chaincode)
    with pytest.raises(Refused, match="timeout expired while executing transaction"):
        await stream.execute(context, _begin(context))
    txid = context.proposal.transaction_id
    chaincode.send(Type.COMPLETED, b"", txid)
    chaincode.send(Type.KEEPALIVE)
    chaincode.send(Type.GET_STATE, shim.GetState(key="a").SerializeToString(), txid)
    await chaincode.receive()
    assert b"no ledger context" in (await chaincode.receive()).payload


async def test_transaction_is_in_one_pair_of_hands(
    stream: ChaincodeStream, chaincode: _Chaincode, context: TransactionContext
) -> None:
    await _started(stream, chaincode)
    first = asyncio.create_task(stream.execute(context, _begin(context)))
    await chaincode.receive()
    second = _context(context.proposal, context.simulator)
    with pytest.raises(Refused, match=r"txid: .* exists"):
        await stream.execute(second, _begin(context))
    chaincode.send(Type.COMPLETED, b"", context.proposal.transaction_id)
    await first


async def test_retired_stream_is_not_dialled_again(stream: ChaincodeStream, chaincode: _Chaincode) -> None:
    await _started(stream, chaincode)
    stream.retire()
    assert not stream.ended
    chaincode.end()
    assert stream._task is not None
    await asyncio.wait_for(stream._task, 10)
    assert stream.ended
    assert chaincode.calls == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(
    data=st.one_of(
        st.binary(max_size=100),
        st.builds(
            lambda kind, payload: bytes(Message(type=kind, payload=payload, txid="t").SerializeToString()),
            st.sampled_from(Type.values()),
            st.binary(max_size=60),
        ),
    )
)
async def test_no_message_breaks_the_peer(deployed: Net, data: bytes) -> None:
    address = ChaincodeAddress(address="127.0.0.1:1")
    stream = ChaincodeStream(PACKAGE, address, ShimRequests(deployed.channel), _called)
    proposal = Proposal.parse(make_proposal(deployed.user(), NAMESPACE, b"put"))
    with deployed.ledger.snapshot() as snapshot:
        simulator = Simulator("Org1MSP", "t", snapshot, deployed.definitions)
        stream._contexts["t"] = _context(proposal, simulator)
        with suppress(Malformed):
            stream._receive(data)
        await asyncio.sleep(0)
