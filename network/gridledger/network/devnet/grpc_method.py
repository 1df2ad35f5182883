"""gRPC methods of a server: functions of serialised messages, and how their errors reach the client."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from gridledger.network.devnet.rpc_error import RpcError, fail
from gridledger.shim.http2 import GrpcCall, GrpcStatus, OpenCall

__all__ = ["streaming", "unary"]

_logger = logging.getLogger(__name__)
_WAITING_LIMIT: Final = 1000
"""Requests that a client may send before the first one is answered."""


def unary(function: Callable[[bytes], Awaitable[bytes]]) -> OpenCall:
    """Return the method that answers one message with one."""
    return lambda call: _UnaryCall(call, function)


def streaming(function: Callable[[AsyncIterator[bytes]], AsyncIterator[bytes]]) -> OpenCall:
    """Return the method that answers messages with messages."""
    return lambda call: _StreamingCall(call, function)


class _Call:
    """What both kinds share: a task that answers, and its end."""

    def __init__(self, call: GrpcCall) -> None:
        self._call = call
        self._task: asyncio.Task[None] | None = None

    def end(self) -> None:
        task, self._task = self._task, None
        if task is not None and not task.done() and task is not asyncio.current_task():
            task.cancel()

    def _break(self, error: Exception) -> None:
        # A defect of ours: the log has all of it, the client its name, and the process lives.
        self._call.finish(GrpcStatus.UNKNOWN, f"Unexpected {type(error)}: {error}")


class _UnaryCall(_Call):
    def __init__(self, call: GrpcCall, function: Callable[[bytes], Awaitable[bytes]]) -> None:
        super().__init__(call)
        self._function = function

    def receive(self, message: bytes) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._answer(message))

    def remote_done(self) -> None:
        if self._task is None:
            self._call.finish(GrpcStatus.INTERNAL, "the client ended the call without a request")

    async def _answer(self, message: bytes) -> None:
        try:
            answer = await self._function(message)
        except RpcError as error:
            fail(self._call, error)
        except Exception as error:
            _logger.exception("a call failed")
            self._break(error)
        else:
            self._call.reply(answer)


class _StreamingCall(_Call):
    def __init__(
        self, call: GrpcCall, function: Callable[[AsyncIterator[bytes]], AsyncIterator[bytes]]
    ) -> None:
        super().__init__(call)
        self._function = function
        self._requests: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._answer())

    def receive(self, message: bytes) -> None:
        if self._requests.qsize() >= _WAITING_LIMIT:
            self._call.finish(GrpcStatus.RESOURCE_EXHAUSTED, "too many requests wait")
            return
        self._requests.put_nowait(message)

    def remote_done(self) -> None:
        self._requests.put_nowait(None)

    async def _read(self) -> AsyncIterator[bytes]:
        while (request := await self._requests.get()) is not None:
            yield request

    async def _answer(self) -> None:
        try:
            async for answer in self._function(self._read()):
                self._call.send(answer)
                await self._call.drain()
        except RpcError as error:
            fail(self._call, error)
        except Exception as error:
            _logger.exception("a call failed")
            self._break(error)
        else:
            self._call.finish(GrpcStatus.OK)
