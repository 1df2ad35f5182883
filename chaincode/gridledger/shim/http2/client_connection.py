"""A connection of ours to a server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from gridledger.shim.http2.client_call import ClientCall
from gridledger.shim.http2.connection import CallHandler, Connection
from gridledger.shim.http2.frame import (
    PREFACE,
    ErrorCode,
    Flag,
    Frame,
    FrameType,
    Http2Error,
    Setting,
    write_frame,
    write_settings,
)
from gridledger.shim.http2.header_block import grpc_request
from gridledger.shim.http2.message_stream import GrpcStatus

__all__ = ["ClientConnection"]


class ClientConnection(Connection[ClientCall]):
    """Call gRPC methods of one server; give it to asyncio's ``create_connection``.

    Parameters
    ----------
    authority : str
        The server's name and port, as requests name it.
    max_message_bytes : int
        A longer message ends its call.
    keepalive_s : float
        A connection that was silent for so long is pinged; silent for a third of it again, it is cut.
    """

    def __init__(self, authority: str, *, max_message_bytes: int, keepalive_s: float) -> None:
        super().__init__(max_message_bytes=max_message_bytes, keepalive_s=keepalive_s, is_server=False)
        self._authority = authority
        self._scheme = "http"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `Connection`."""
        if transport.get_extra_info("ssl_object") is not None:
            self._scheme = "https"
        super().connection_made(transport)

    def open(self, path: str, handler: CallHandler) -> ClientCall:
        """Begin a call.

        Parameters
        ----------
        path : str
            The method.
        handler : CallHandler
            Takes the answers; its `end` is called once the call has ended, at once on a closed connection.
        """
        self._last_stream_id += 1 if self._last_stream_id == 0 else 2
        call = ClientCall(
            self,
            self._last_stream_id,
            send_window=self._initial_send_window,
            max_message_bytes=self._max_message_bytes,
        )
        if not self.is_open or self._is_going:
            call.outcome = "the connection is closed"
            call.abandon()
            handler.end()
            return call
        self._calls[call.stream_id] = (call, handler)
        block = grpc_request(path, scheme=self._scheme, authority=self._authority)
        self.emit(write_frame(FrameType.HEADERS, Flag.END_HEADERS, call.stream_id, block))
        return call

    def call_finished(self, stream_id: int) -> None:
        """See `Connection`."""
        self._drop(stream_id)

    def _greet(self, settings: dict[Setting, int]) -> bytes:
        return PREFACE + write_settings({Setting.ENABLE_PUSH: 0, **settings})

    def _take_header_block(self, head: Frame, headers: Mapping[str, str]) -> None:
        stream_id = head.stream_id
        if stream_id > self._last_stream_id:
            raise Http2Error(ErrorCode.PROTOCOL_ERROR, "HEADERS on a stream that was not opened")
        entry = self._calls.get(stream_id)
        if entry is None:
            return
        is_last = bool(head.flags & Flag.END_STREAM)
        entry[0].read_headers(headers, is_last=is_last)
        if is_last:
            self._remote_done(stream_id)
        elif entry[0].outcome:
            entry[0].cancel()

    def _remote_done(self, stream_id: int) -> None:
        entry = self._calls.get(stream_id)
        if entry is not None:
            call, handler = entry
            call.outcome = call.outcome or "the server ended the call without a status"
            handler.remote_done()
            call.cancel()

    def _give_up(self, call: ClientCall, status: GrpcStatus, message: str) -> None:
        call.outcome = f"{status.name}: {message}"
        call.cancel()

    def _take_goaway(self, frame: Frame) -> None:
        # The server forgets the calls above the last one that it names; the others go on.
        self._is_going = True
        last = int.from_bytes(frame.payload[:4], "big")
        for stream_id in [stream_id for stream_id in self._calls if stream_id > last]:
            self._calls[stream_id][0].outcome = "the server is stopping"
            self._drop(stream_id)
