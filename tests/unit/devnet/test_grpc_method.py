"""Methods of a gRPC server: answers, errors and defects reach the client; one that leaves ends the work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from fabric_protos.gateway import gateway_pb2

from gridledger.network.devnet.grpc_method import streaming, unary
from gridledger.network.devnet.rpc_error import RpcError, status_bytes
from gridledger.shim.http2 import GrpcStatus


class _Call:
    """What a method does to its call."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.ended: tuple[int, str, bytes] | None = None

    def send(self, message: bytes) -> None:
        self.sent.append(message)

    def reply(self, message: bytes) -> None:
        self.send(message)
        self.finish(GrpcStatus.OK)

    def finish(self, status: int, message: str = "", details: bytes = b"") -> None:
        if self.ended is None:
            self.ended = (int(status), message, details)

    async def drain(self) -> None:
        await asyncio.sleep(0)


def _begin(method: Any) -> tuple[_Call, Any]:
    call = _Call()
    return call, method(call)


async def _settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def _double(data: bytes) -> bytes:
    if data == b"refuse":
        raise RpcError(grpc.StatusCode.ABORTED, "no", [gateway_pb2.ErrorDetail(message="why")])
    if data == b"break":
        raise KeyError("place")
    return data * 2


async def _spell(requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for request in requests:
        for letter in request:
            yield await _double(bytes((letter,)) if request != b"break" else request)


async def test_unary_method_answers_once() -> None:
    call, handler = _begin(unary(_double))
    handler.receive(b"ab")
    handler.receive(b"cd")
    handler.remote_done()
    await _settled()
    assert call.sent == [b"abab"]
    assert call.ended == (0, "", b"")


async def test_error_of_a_method_is_the_status() -> None:
    call, handler = _begin(unary(_double))
    handler.receive(b"refuse")
    await _settled()
    expected = status_bytes(RpcError(grpc.StatusCode.ABORTED, "no", [gateway_pb2.ErrorDetail(message="why")]))
    assert call.ended == (10, "no", expected)


@pytest.mark.parametrize("method", [unary(_double), streaming(_spell)], ids=["unary", "streaming"])
async def test_defect_is_logged_and_told(method: Any, caplog: pytest.LogCaptureFixture) -> None:
    call, handler = _begin(method)
    handler.receive(b"break")
    await _settled()
    assert call.ended is not None
    assert call.ended[0] == GrpcStatus.UNKNOWN
    assert "KeyError" in call.ended[1]
    assert "a call failed" in caplog.text


async def test_unary_call_without_a_request_is_refused() -> None:
    call, handler = _begin(unary(_double))
    handler.remote_done()
    assert call.ended is not None
    assert call.ended[0] == GrpcStatus.INTERNAL


async def test_streaming_method_answers_until_the_client_is_done() -> None:
    call, handler = _begin(streaming(_spell))
    handler.receive(b"ab")
    handler.receive(b"c")
    await _settled()
    assert call.ended is None
    handler.remote_done()
    await _settled()
    assert call.sent == [b"aa", b"bb", b"cc"]
    assert call.ended == (0, "", b"")


async def test_client_that_leaves_ends_the_work() -> None:
    left = asyncio.Event()

    async def wait(data: bytes) -> bytes:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            left.set()
        return data

    _, handler = _begin(unary(wait))
    handler.receive(b"x")
    await _settled()
    handler.end()
    await asyncio.wait_for(left.wait(), 10)


async def test_requests_without_end_are_refused() -> None:
    async def never(requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        del requests
        await asyncio.get_running_loop().create_future()
        yield b""

    call, handler = _begin(streaming(never))
    for _ in range(1001):
        handler.receive(b"x")
    assert call.ended is not None
    assert call.ended[0] == GrpcStatus.RESOURCE_EXHAUSTED
    handler.end()
    await _settled()
