from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

import pytest
from fabric_protos.peer import chaincode_pb2
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.shim.scripted_peer import ScriptedPeer

from gridledger.model.errors import ModelError
from gridledger.model.refusals import Conflict
from gridledger.shim import ChaincodeStub, PeerError, ProtocolError, Response, error, refusal, success
from gridledger.shim.wire import MessageType

Invoke = Callable[[ChaincodeStub], Awaitable[Response]]


class Probe:
    """A chaincode that runs a function of the test."""

    def __init__(self, function: Invoke) -> None:
        self.function = function

    async def invoke(self, stub: ChaincodeStub) -> Response:
        return await self.function(stub)


async def echo(stub: ChaincodeStub) -> Response:
    return success(b"".join(stub.get_args()))


async def read_one(stub: ChaincodeStub) -> Response:
    return success(await stub.get_state("key") or b"")


async def write_one(stub: ChaincodeStub) -> Response:
    await stub.put_state("key", b"17")
    return success()


async def test_run_registers_with_the_package_id() -> None:
    async with ScriptedPeer(Probe(echo)) as peer:
        message = await peer.expect(MessageType.REGISTER)

    assert chaincode_pb2.ChaincodeID.FromString(message.payload).name == "probe:0"


async def test_transaction_is_answered_with_its_ids() -> None:
    async with ScriptedPeer(Probe(echo)) as peer:
        await peer.ready()
        peer.call("tx1", b"a", b"b", channel="other")

        message = await peer.expect(MessageType.COMPLETED)

    assert (message.txid, message.channel_id) == ("tx1", "other")


async def test_init_is_invoked_as_a_transaction() -> None:
    async with ScriptedPeer(Probe(echo)) as peer:
        await peer.ready()
        peer.send(
            MessageType.INIT,
            chaincode_pb2.ChaincodeInput(args=[b"i"], is_init=True).SerializeToString(),
            "tx1",
        )

        assert (await peer.completed()).payload == b"i"


async def test_transaction_before_ready_is_refused() -> None:
    async with ScriptedPeer(Probe(echo)) as peer:
        await peer.expect(MessageType.REGISTER)
        peer.call("tx1")

        message = await peer.expect(MessageType.ERROR)

    assert b"not registered" in message.payload


async def test_ready_of_an_older_peer_announces_nothing() -> None:
    async with ScriptedPeer(Probe(read_one)) as peer:
        await peer.expect(MessageType.REGISTER)
        peer.send(MessageType.READY)
        peer.call("tx1")
        peer.answer(await peer.expect(MessageType.GET_STATE), b"v")

        assert (await peer.completed()).payload == b"v"


async def test_registration_refused_ends_the_stream() -> None:
    async with ScriptedPeer(Probe(echo)) as peer:
        await peer.expect(MessageType.REGISTER)

        with pytest.raises(ProtocolError, match="who are you"):
            peer.send(MessageType.ERROR, b"who are you")


async def test_keepalive_is_answered() -> None:
    async with ScriptedPeer(Probe(echo)) as peer:
        await peer.ready()
        peer.send(MessageType.KEEPALIVE)

        await peer.expect(MessageType.KEEPALIVE)


@pytest.mark.parametrize(
    ("raised", "status", "text"),
    [
        (Conflict("taken", contract="trade"), 409, "GL-CHN-007 trade: taken"),
        (PeerError("no such collection", request="GET_STATE"), 502, "GL-CHN-015 -: no such collection"),
        (ModelError({"name": "is empty"}), 400, "GL-CHN-003 -: name: is empty"),
    ],
)
async def test_refusal_that_leaves_invoke_is_answered_with_its_status(
    raised: Exception, status: int, text: str
) -> None:
    async def fail(stub: ChaincodeStub) -> Response:
        raise raised

    async with ScriptedPeer(Probe(fail)) as peer:
        await peer.ready()
        peer.call("tx1")

        response = await peer.completed()

    assert response.status == status
    assert response.message.startswith(text)


@pytest.mark.parametrize("raised", [ValueError("odd"), RecursionError(), SystemExit(3)])
async def test_defect_is_an_error_message_and_the_stream_lives(
    raised: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail_once(stub: ChaincodeStub) -> Response:
        if stub.get_args()[0] == b"fail":
            raise raised
        return success()

    async with ScriptedPeer(Probe(fail_once)) as peer:
        await peer.ready()
        peer.call("tx1", b"fail")
        message = await peer.expect(MessageType.ERROR)
        peer.call("tx2", b"work")
        response = await peer.completed()

    assert type(raised).__name__.encode() in message.payload
    assert response.status == 200
    assert caplog.records[-1].levelno == logging.ERROR


async def test_cancelled_by_itself_is_an_error_message() -> None:
    async def cancel(stub: ChaincodeStub) -> Response:
        raise asyncio.CancelledError

    async with ScriptedPeer(Probe(cancel)) as peer:
        await peer.ready()
        peer.call("tx1")

        await peer.expect(MessageType.ERROR)


async def test_result_that_is_no_response_is_an_error_message(caplog: pytest.LogCaptureFixture) -> None:
    async def forget(stub: ChaincodeStub) -> Response:
        return None  # type: ignore[return-value]

    async with ScriptedPeer(Probe(forget)) as peer:
        await peer.ready()
        peer.call("tx1")

        await peer.expect(MessageType.ERROR)
    assert "tx1" in caplog.text


async def test_peer_error_can_be_caught_by_the_contract() -> None:
    async def catch(stub: ChaincodeStub) -> Response:
        try:
            await stub.get_query_result("{}")
        except PeerError as exc:
            return success(f"{exc.request}: {exc.message}".encode())
        return error("not refused")

    async with ScriptedPeer(Probe(catch)) as peer:
        await peer.ready()
        peer.call("tx1")
        peer.refuse(await peer.expect(MessageType.GET_QUERY_RESULT), "not on LevelDB")

        assert (await peer.completed()).payload == b"GET_QUERY_RESULT: not on LevelDB"


async def test_transactions_run_side_by_side_and_keep_their_answers() -> None:
    async with ScriptedPeer(Probe(read_one)) as peer:
        await peer.ready()
        for number in range(50):
            peer.call(f"tx{number}")
        requests = [await peer.expect(MessageType.GET_STATE) for _ in range(50)]
        for request in reversed(requests):
            peer.answer(request, request.txid.encode())
        answers = [await peer.expect(MessageType.COMPLETED) for _ in range(50)]

    assert {answer.txid for answer in answers} == {f"tx{number}" for number in range(50)}
    assert all(answer.payload.endswith(answer.txid.encode()) for answer in answers)


async def test_same_id_on_two_channels_are_two_transactions() -> None:
    async with ScriptedPeer(Probe(read_one)) as peer:
        await peer.ready()
        peer.call("tx1", channel="one")
        peer.call("tx1", channel="two")
        first, second = await peer.receive(), await peer.receive()
        peer.answer(second, b"of two")
        message = await peer.expect(MessageType.COMPLETED)

    assert (first.channel_id, message.channel_id) == ("one", "two")


async def test_transaction_that_runs_already_is_refused_and_the_first_goes_on() -> None:
    async with ScriptedPeer(Probe(read_one)) as peer:
        await peer.ready()
        peer.call("tx1")
        request = await peer.expect(MessageType.GET_STATE)
        peer.call("tx1")
        refused = await peer.expect(MessageType.ERROR)
        peer.answer(request, b"17")
        response = await peer.completed()

    assert b"still running" in refused.payload
    assert response.payload == b"17"


async def test_answers_that_nobody_asked_for_are_dropped() -> None:
    async with ScriptedPeer(Probe(read_one)) as peer:
        await peer.ready()
        peer.send(MessageType.RESPONSE, b"stray", "tx1")
        peer.send(MessageType.ERROR, b"stray", "tx1")
        peer.call("tx1")
        request = await peer.expect(MessageType.GET_STATE)
        peer.send(MessageType.RESPONSE, b"of another channel", "tx1", "other")
        peer.answer(request, b"17")
        peer.answer(request, b"again")
        response = await peer.completed()

    assert response.payload == b"17"


@pytest.mark.parametrize("kind", [0, 12, 26, 8, 9, 6, 1, 2, 99])
async def test_message_of_a_type_that_a_chaincode_does_not_take_is_dropped(kind: int) -> None:
    async with ScriptedPeer(Probe(echo)) as peer:
        await peer.ready()
        peer.send(kind, b"\xff", "tx1")
        peer.call("tx2", b"alive")

        assert (await peer.completed()).payload == b"alive"


@pytest.mark.parametrize("data", [b"\xff", b"\x1a\xff\xff\xff\xff\x0f", b"\x22\x01\xff", b"garbage"])
async def test_bytes_that_are_no_message_end_the_stream(data: bytes) -> None:
    async with ScriptedPeer(Probe(echo)) as peer:
        await peer.ready()

        with pytest.raises(ProtocolError):
            peer.send_bytes(data)


async def test_garbage_in_ready_ends_the_stream() -> None:
    async with ScriptedPeer(Probe(echo)) as peer:
        await peer.expect(MessageType.REGISTER)

        with pytest.raises(ProtocolError):
            peer.send(MessageType.READY, b"\xff\xff")


async def test_garbage_as_arguments_is_refused_and_the_stream_lives() -> None:
    async with ScriptedPeer(Probe(echo)) as peer:
        await peer.ready()
        peer.send(MessageType.TRANSACTION, b"\xff\xff", "tx1")
        refused = await peer.completed()
        peer.call("tx2", b"alive")

        assert refused.status == 502
        assert (await peer.completed()).payload == b"alive"


async def test_garbage_as_an_answer_is_an_error_of_its_own() -> None:
    async def read_many(stub: ChaincodeStub) -> Response:
        try:
            await stub.get_multiple_states("a", "b")
        except ProtocolError as exc:
            return refusal(exc)
        return success()

    async with ScriptedPeer(Probe(read_many)) as peer:
        await peer.ready(keys=10)
        peer.call("tx1")
        peer.answer(await peer.expect(MessageType.GET_STATE_MULTIPLE), b"\xff\xff")

        assert "GL-CHN-016" in (await peer.completed()).message


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes_leave_the_stream_alive_or_end_it_with_a_coded_error(chunks: list[bytes]) -> None:
    async def run() -> None:
        async with ScriptedPeer(Probe(echo)) as peer:
            await peer.ready()
            for chunk in chunks:
                with contextlib.suppress(ProtocolError):
                    peer.send_bytes(chunk)
                await asyncio.sleep(0)
            peer.call("alive", b"17")
            while (await peer.receive()).txid != "alive":
                pass

    asyncio.run(run())


async def test_request_that_nobody_awaited_makes_the_answer_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tasks = []

    async def forget(stub: ChaincodeStub) -> Response:
        tasks.append(asyncio.create_task(stub.put_state("key", b"17")))
        await asyncio.sleep(0)
        return success()

    async with ScriptedPeer(Probe(forget)) as peer:
        await peer.ready()
        peer.call("tx1")
        request = await peer.expect(MessageType.PUT_STATE)
        silent = await peer.is_silent()
        peer.answer(request)
        message = await peer.expect(MessageType.ERROR)

    assert silent
    assert b"unanswered" in message.payload
    await asyncio.gather(*tasks)


async def test_request_given_up_is_awaited_before_the_answer() -> None:
    async def give_up(stub: ChaincodeStub) -> Response:
        reading = asyncio.create_task(stub.get_state("slow"))
        await asyncio.sleep(0)
        reading.cancel()
        return success(b"without it")

    async with ScriptedPeer(Probe(give_up)) as peer:
        await peer.ready()
        peer.call("tx1")
        request = await peer.expect(MessageType.GET_STATE)
        silent = await peer.is_silent()
        peer.answer(request, b"late")

        assert silent
        assert (await peer.completed()).payload == b"without it"


async def test_requests_given_up_by_a_failure_are_awaited_before_the_refusal() -> None:
    async def fail(stub: ChaincodeStub) -> Response:
        reading = asyncio.create_task(stub.get_state("slow"))
        await asyncio.sleep(0)
        reading.cancel()
        raise Conflict("no")

    async with ScriptedPeer(Probe(fail)) as peer:
        await peer.ready()
        peer.call("tx1")
        request = await peer.expect(MessageType.GET_STATE)
        silent = await peer.is_silent()
        peer.answer(request)

        assert silent
        assert (await peer.completed()).status == 409


async def test_deadline_answers_with_an_error_and_stops_the_handler() -> None:
    stopped = asyncio.Event()

    async def hang(stub: ChaincodeStub) -> Response:
        try:
            await stub.get_state("never answered")
        finally:
            stopped.set()
        return success()

    async with ScriptedPeer(Probe(hang), transaction_deadline_s=0.0) as peer:
        await peer.ready()
        peer.call("tx1")
        await peer.expect(MessageType.GET_STATE)
        message = await peer.expect(MessageType.ERROR)

    assert b"ran out of time" in message.payload
    assert stopped.is_set()


async def test_deadline_spares_transactions_with_time_left() -> None:
    async with ScriptedPeer(Probe(read_one)) as peer:
        await peer.ready()
        peer.call("tx1")
        request = await peer.expect(MessageType.GET_STATE)
        peer.stream._sweep()
        peer.answer(request, b"17")

        assert (await peer.completed()).payload == b"17"


async def test_end_of_stream_cancels_what_runs() -> None:
    cancelled = asyncio.Event()

    async def hang(stub: ChaincodeStub) -> Response:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return success()

    async with ScriptedPeer(Probe(hang)) as peer:
        await peer.ready()
        peer.call("tx1")
        await peer.is_silent()
        await peer.hang_up()

    assert cancelled.is_set()


async def test_drain_waits_for_the_running_and_refuses_the_new() -> None:
    async with ScriptedPeer(Probe(read_one)) as peer:
        await peer.ready()
        peer.call("tx1")
        request = await peer.expect(MessageType.GET_STATE)
        draining = asyncio.create_task(peer.stream.drain(30))
        await peer.is_silent()
        peer.call("tx2")
        refused = await peer.expect(MessageType.ERROR)
        still_draining = not draining.done()
        peer.answer(request, b"17")
        response = await peer.completed()
        await draining

    assert refused.txid == "tx2"
    assert b"stopping" in refused.payload
    assert still_draining
    assert response.payload == b"17"


async def test_drain_gives_up_after_its_time() -> None:
    async with ScriptedPeer(Probe(read_one)) as peer:
        await peer.ready()
        peer.call("tx1")
        await peer.expect(MessageType.GET_STATE)

        await peer.stream.drain(0.01)


async def test_drain_of_an_idle_stream_returns() -> None:
    async with ScriptedPeer(Probe(read_one)) as peer:
        await peer.ready()
        await peer.is_silent()

        await peer.stream.drain(30)


async def test_answer_longer_than_a_peer_reads_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridledger.shim.peer_stream.MAX_MESSAGE_BYTES", 1000)
    async with ScriptedPeer(Probe(echo)) as peer:
        await peer.ready()
        peer.call("tx1", bytes(2000))

        assert b"a peer reads 1000" in (await peer.expect(MessageType.ERROR)).payload


async def test_open_batch_is_sent_before_a_success_and_dropped_before_a_refusal() -> None:
    async def write(stub: ChaincodeStub) -> Response:
        stub.start_write_batch()
        await stub.put_state("key", b"17")
        return success() if stub.get_args()[0] == b"good" else error("no", status=409)

    async with ScriptedPeer(Probe(write)) as peer:
        await peer.ready(batch=10)
        peer.call("tx1", b"good")
        peer.answer(await peer.expect(MessageType.WRITE_BATCH_STATE))
        good = await peer.completed()
        peer.call("tx2", b"bad")
        bad = await peer.completed()

    assert (good.status, bad.status) == (200, 409)


async def test_batch_that_the_peer_refuses_is_a_refusal() -> None:
    async def write(stub: ChaincodeStub) -> Response:
        stub.start_write_batch()
        await stub.put_state("key", b"17")
        return success()

    async with ScriptedPeer(Probe(write)) as peer:
        await peer.ready(batch=10)
        peer.call("tx1")
        peer.refuse(await peer.expect(MessageType.WRITE_BATCH_STATE), "no writes after a paged query")

        response = await peer.completed()

    assert response.status == 502
    assert "no writes after a paged query" in response.message
