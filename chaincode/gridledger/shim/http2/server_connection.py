"""A connection of a client to a server of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from gridledger.shim.http2.connection import CallHandler, Connection
from gridledger.shim.http2.frame import (
    ErrorCode,
    Flag,
    Frame,
    FrameType,
    Http2Error,
    Setting,
    write_frame,
    write_settings,
)
from gridledger.shim.http2.grpc_call import GrpcCall
from gridledger.shim.http2.header_block import refusal_of
from gridledger.shim.http2.message_stream import GrpcStatus

__all__ = ["OpenCall", "ServerConnection"]

_END_STREAM = Flag.END_STREAM.value  # a plain number: this is asked of every call

OpenCall: TypeAlias = Callable[[GrpcCall], CallHandler]
"""Takes a new call of a method and returns what answers it."""


class ServerConnection(Connection[GrpcCall]):
    """Serve gRPC methods to one client.

    Parameters
    ----------
    methods : mapping of str to callable
        What answers each path, such as ``/protos.Chaincode/Connect``.
    max_message_bytes : int
        A longer message ends its call.
    max_calls : int
        Calls at one time.
    keepalive_s : float
        A connection that was silent for so long is pinged; silent for a third of it again, it is cut.

    Notes
    -----
    A deadline that the client states is not looked at: the client resets the call when it has passed, and a
    client that is gone is found by the keepalive.
    """

    def __init__(
        self,
        methods: Mapping[str, OpenCall],
        *,
        max_message_bytes: int,
        max_calls: int,
        keepalive_s: float,
    ) -> None:
        super().__init__(max_message_bytes=max_message_bytes, keepalive_s=keepalive_s, is_server=True)
        self._methods = methods
        self._max_calls = max_calls

    @property
    def has_calls(self) -> bool:
        """Whether a call is running."""
        return bool(self._calls)

    def go_away(self) -> None:
        """Tell the client to open no more calls here; the running ones go on."""
        if not self._is_going:
            self._is_going = True
            self._emit_goaway(ErrorCode.NO_ERROR)

    def finish(self, status: GrpcStatus, message: str) -> None:
        """End all calls with a status, and close once that is sent."""
        self.go_away()
        for call, _ in list(self._calls.values()):
            call.finish(status, message)
        self.close()

    def call_finished(self, stream_id: int) -> None:
        """See `Connection`."""
        entry = self._calls.pop(stream_id, None)
        if entry is None:
            return
        if not entry[0].is_remote_done:  # It may still be sending, and need not.
            self._emit_reset(stream_id, ErrorCode.NO_ERROR)
        entry[1].end()

    def _greet(self, settings: dict[Setting, int]) -> bytes:
        return write_settings({Setting.MAX_CONCURRENT_STREAMS: self._max_calls, **settings})

    def _take_header_block(self, head: Frame, headers: Mapping[str, str]) -> None:
        if head.stream_id > self._last_stream_id:
            self._last_stream_id = head.stream_id
            self._open(head, headers)
        elif not head.flags & _END_STREAM:
            raise Http2Error(ErrorCode.PROTOCOL_ERROR, "a second header block in mid-stream")
        else:
            self._remote_done(head.stream_id)

    def _open(self, head: Frame, headers: Mapping[str, str]) -> None:
        stream_id = head.stream_id
        if self._is_going or len(self._calls) >= self._max_calls:
            self._emit_reset(stream_id, ErrorCode.REFUSED_STREAM)
            return
        refusal = refusal_of(headers, self._methods)
        if refusal is not None:
            flags = Flag.END_HEADERS | Flag.END_STREAM
            self.emit(write_frame(FrameType.HEADERS, flags, stream_id, refusal))
            self._emit_reset(stream_id, ErrorCode.NO_ERROR)
            return
        call = GrpcCall(
            self,
            stream_id,
            send_window=self._initial_send_window,
            max_message_bytes=self._max_message_bytes,
        )
        self._calls[stream_id] = (call, self._methods[headers[":path"]](call))
        if head.flags & _END_STREAM:
            self._remote_done(stream_id)

    def _remote_done(self, stream_id: int) -> None:
        entry = self._calls.get(stream_id)
        if entry is not None and not entry[0].is_remote_done:
            entry[0].is_remote_done = True
            entry[1].remote_done()

    def _give_up(self, call: GrpcCall, status: GrpcStatus, message: str) -> None:
        call.finish(status, message)

    def _take_goaway(self, frame: Frame) -> None:
        del frame  # The client opens no more calls; it closes the connection after the last one.
