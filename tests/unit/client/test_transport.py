"""gRPC's errors become those of the steps, with what every node said; whatever the trailer holds."""

from __future__ import annotations

from typing import Any

import grpc
import grpc.aio
import pytest
from fabric_protos.gateway import gateway_pb2
from google.protobuf import any_pb2
from hypothesis import given
from hypothesis import strategies as st

from gridledger.client import (
    CommitStatusError,
    EndorseError,
    EndpointDetail,
    EvaluateError,
    EventsError,
    SubmitError,
)
from gridledger.client.status_details import TRAILER, _Status, read_details
from gridledger.client.transport import BlockKind, GrpcTransport


def trailer(*details: Any, raw: bool = False) -> bytes:
    """Return a google.rpc.Status with details."""
    status = _Status(code=10, message="m")
    for detail in details:
        packed = status.details.add()
        if raw:
            packed.CopyFrom(detail)
        else:
            packed.Pack(detail)
    return bytes(status.SerializeToString())


DETAIL = gateway_pb2.ErrorDetail(address="peer0:7051", msp_id="Org2MSP", message="chaincode response 500, no")


def rpc_error(status: grpc.StatusCode, *trailers: tuple[str, bytes]) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(
        status, grpc.aio.Metadata(), grpc.aio.Metadata(*trailers), details="the gateway's words"
    )


class FakeCall:
    """A stream's call: what `read` gives in turn."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.written: list[Any] = []
        self.cancelled = False

    async def write(self, request: Any) -> None:
        self.written.append(request)

    async def read(self) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def cancel(self) -> None:
        self.cancelled = True


class FakeChannel:
    """A channel whose every method gives the same answer."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.closed = False

    def _unary(self, *_: Any, **__: Any) -> Any:
        async def call(request: Any, timeout: float) -> Any:
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return call

    unary_unary = _unary

    def _stream(self, *_: Any, **__: Any) -> Any:
        return lambda *request: self.answer

    unary_stream = stream_stream = _stream

    async def close(self) -> None:
        self.closed = True


def transport(answer: Any, *, owns_channel: bool = False) -> GrpcTransport:
    return GrpcTransport(FakeChannel(answer), owns_channel=owns_channel)


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        ("evaluate", EvaluateError),
        ("endorse", EndorseError),
        ("submit", SubmitError),
        ("commit_status", CommitStatusError),
    ],
)
async def test_failure_of_a_step_is_its_error_with_id_status_and_details(step: str, kind: type[Any]) -> None:
    error = rpc_error(grpc.StatusCode.ABORTED, (TRAILER, trailer(DETAIL, DETAIL)))
    with pytest.raises(kind) as caught:
        await getattr(transport(error), step)(None, "tx1", 1.0)
    detail = EndpointDetail(address="peer0:7051", msp_id="Org2MSP", message="chaincode response 500, no")
    assert type(caught.value) is kind
    assert caught.value.tx_id == "tx1"
    assert caught.value.grpc_status == "ABORTED"
    assert caught.value.details == (detail, detail)
    assert caught.value.__cause__ is error
    assert str(caught.value) == (
        f"{kind.code} transaction tx1: ABORTED: the gateway's words; "
        "peer0:7051 (Org2MSP): chaincode response 500, no; peer0:7051 (Org2MSP): chaincode response 500, no"
    )
    assert (
        caught.value.fields["details"]
        == [{"address": "peer0:7051", "msp_id": "Org2MSP", "message": "chaincode response 500, no"}] * 2
    )


async def test_answer_of_a_step_is_returned() -> None:
    assert await transport("answer").endorse(None, "t", 1.0) == "answer"


async def test_failure_without_details_or_words_is_told_all_the_same() -> None:
    error = grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata())
    with pytest.raises(SubmitError) as caught:
        await transport(error).submit(None, "t", 1.0)
    assert caught.value.details == ()
    assert caught.value.ambiguous
    assert "no message" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "ambiguous"),
    [("UNAVAILABLE", True), ("DEADLINE_EXCEEDED", True), ("FAILED_PRECONDITION", False), ("ABORTED", False)],
)
def test_ambiguity_of_a_submit_follows_from_its_status(status: str, ambiguous: bool) -> None:
    assert SubmitError("m", grpc_status=status).ambiguous is ambiguous


@given(st.binary(max_size=300))
def test_trailer_of_any_bytes_gives_details_or_none(data: bytes) -> None:
    assert all(isinstance(detail, EndpointDetail) for detail in read_details(data))


@given(st.binary(max_size=60))
def test_detail_of_any_bytes_is_read_or_left_out(data: bytes) -> None:
    packed = any_pb2.Any(type_url="type.googleapis.com/gateway.ErrorDetail", value=data)
    assert len(read_details(trailer(packed, raw=True))) <= 1


def test_details_of_other_types_are_left_out() -> None:
    other = any_pb2.Any(type_url="type.googleapis.com/google.rpc.DebugInfo", value=b"x")
    assert read_details(trailer(other, any_pb2.Any(), raw=True)) == ()


def test_message_of_several_lines_becomes_one() -> None:
    error = EndorseError(
        "a\nb", tx_id="t", grpc_status="OK", details=[EndpointDetail(address="p", msp_id="", message="c\n d")]
    )
    assert str(error) == "GL-GTW-003 transaction t: a b; p: c d"


async def test_stream_gives_messages_then_its_end() -> None:
    call = FakeCall("m1", grpc.aio.EOF)
    stream = transport(call).chaincode_events("request")
    assert await stream.read() == "m1"
    assert await stream.read() is None


async def test_stream_of_blocks_writes_its_request_once_and_stays_open() -> None:
    call = FakeCall("m1", "m2")
    stream = transport(call).blocks(BlockKind.FULL, "request")
    assert [await stream.read(), await stream.read()] == ["m1", "m2"]
    assert call.written == ["request"]


async def test_stream_that_fails_is_an_events_error() -> None:
    stream = transport(FakeCall(rpc_error(grpc.StatusCode.PERMISSION_DENIED))).chaincode_events("r")
    with pytest.raises(EventsError) as caught:
        await stream.read()
    assert caught.value.grpc_status == "PERMISSION_DENIED"


async def test_cancelled_stream_ends_and_a_cancelled_reader_is_cancelled() -> None:
    import asyncio

    call = FakeCall(asyncio.CancelledError(), asyncio.CancelledError())
    stream = transport(call).chaincode_events("r")
    with pytest.raises(asyncio.CancelledError):
        await stream.read()
    stream.cancel()
    assert call.cancelled
    assert await stream.read() is None


@pytest.mark.parametrize("owns", [True, False])
async def test_close_closes_only_what_the_transport_opened(owns: bool) -> None:
    channel = FakeChannel(None)
    await GrpcTransport(channel, owns_channel=owns).close()
    assert channel.closed is owns
