"""One connection of a client: HTTP/2's rules between frames and calls (RFC 9113)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol, cast

from gridledger.shim.errors import ProtocolError
from gridledger.shim.http2.frame import (
    DEFAULT_MAX_FRAME_BYTES,
    MAX_WINDOW,
    ErrorCode,
    Flag,
    Frame,
    FrameReader,
    FrameType,
    Http2Error,
    Setting,
    read_settings,
    strip_padding,
    write_frame,
    write_settings,
)
from gridledger.shim.http2.grpc_call import GrpcCall, GrpcStatus, MessageError
from gridledger.shim.http2.header_block import MAX_HEADER_BYTES, HeaderReader, refusal_of
from gridledger.shim.http2.keepalive import Keepalive

__all__ = ["CallHandler", "Connection"]

_logger = logging.getLogger("gridledger.shim")

_DEFAULT_WINDOW = 65_535
_WINDOW = 4 * 1024 * 1024
"""What a client may send ahead: some hundred messages, or a big one in a few rounds."""
_WORTH_GIVING = _WINDOW // 4

_CONGESTED_BYTES = 16 * 1024 * 1024
"""A client that does not read what it asked for gets no more window beyond this."""

_DATA = FrameType.DATA.value  # plain numbers: these are asked of every message
_ACK = Flag.ACK.value
_END_STREAM = Flag.END_STREAM.value

_MAX_REPLIES_UNREAD = 1_000
"""Pings and settings that a client may send without reading the answers."""

_MAX_CALLS = 8
"""A peer needs one; it may open the next before the last one's end has reached it."""

_LARGEST_FRAME_WRITTEN = 64 * 1024
_PING = write_frame(FrameType.PING, 0, 0, bytes(8))


class CallHandler(Protocol):
    """What answers a call."""

    def receive(self, message: bytes) -> None:
        """Take a message; a `ProtocolError` ends the call as INVALID_ARGUMENT."""
        ...

    def end(self) -> None:
        """Take note that nothing more comes and nothing more can be sent."""
        ...


class Connection(asyncio.Protocol):
    """Serve one gRPC method to one client.

    Parameters
    ----------
    path : str
        The method, such as ``/protos.Chaincode/Connect``.
    open_call : callable
        Takes a new call and returns what answers it.
    max_message_bytes : int
        A longer message ends its call.
    keepalive_s : float
        A connection that was silent for so long is pinged; silent for a third of it again, it is cut.
    """

    def __init__(
        self,
        path: str,
        open_call: Callable[[GrpcCall], CallHandler],
        *,
        max_message_bytes: int,
        keepalive_s: float,
    ) -> None:
        self.send_window = _DEFAULT_WINDOW
        self.max_frame_bytes = DEFAULT_MAX_FRAME_BYTES
        self.is_paused = False
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._path = path
        self._open_call = open_call
        self._max_message_bytes = max_message_bytes
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = FrameReader()
        self._headers = HeaderReader()
        self._calls: dict[int, tuple[GrpcCall, CallHandler]] = {}
        self._last_stream_id = 0
        self._initial_send_window = _DEFAULT_WINDOW
        self._owed_window = 0
        self._is_going = False
        self._unread_replies = 0
        self._takers: dict[int, Callable[[Frame], None]] = {
            FrameType.DATA: self._take_data,
            FrameType.HEADERS: self._take_headers,
            FrameType.RST_STREAM: self._take_reset,
            FrameType.SETTINGS: self._take_settings,
            FrameType.PUSH_PROMISE: self._take_push,
            FrameType.PING: self._take_ping,
            FrameType.GOAWAY: self._take_goaway,
            FrameType.WINDOW_UPDATE: self._take_window,
            FrameType.CONTINUATION: self._take_headers,
        }
        self._keepalive = Keepalive(keepalive_s, lambda: self.emit(_PING), self.abort)

    # --- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client with our settings."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_CONGESTED_BYTES)
        settings = {
            Setting.MAX_CONCURRENT_STREAMS: _MAX_CALLS,
            Setting.INITIAL_WINDOW_SIZE: _WINDOW,
            Setting.MAX_HEADER_LIST_SIZE: MAX_HEADER_BYTES,
        }
        self.emit(write_settings(settings))
        self._emit_window(0, _WINDOW - _DEFAULT_WINDOW)
        self._keepalive.start()

    def data_received(self, data: bytes) -> None:
        """Take what the client sent."""
        self._keepalive.was_heard = True
        if self._is_going and not self._calls:
            return
        try:
            for frame in self._reader.feed(data):
                if frame.kind == _DATA and not self._headers.is_open:
                    self._take_data(frame)
                else:
                    self._take(frame)
        except Http2Error as exc:
            _logger.warning("closed a connection: %s", exc)
            self._emit_goaway(exc.error_code)
            self.close()

    def pause_writing(self) -> None:
        """Hold messages back: the client does not read."""
        self.is_paused = True

    def resume_writing(self) -> None:
        """Send what was held back, and give the window that was."""
        self.is_paused = False
        self._unread_replies = 0
        self._pump()

    def connection_lost(self, exc: Exception | None) -> None:
        """End all calls."""
        del exc
        self._keepalive.stop()
        for call, handler in list(self._calls.values()):
            call.abandon()
            handler.end()
        self._calls.clear()
        self._transport = None
        if not self.closed.done():
            self.closed.set_result(None)

    # --- the server's side

    @property
    def is_open(self) -> bool:
        """Whether there is a client: not before TLS is agreed on, nor after the end."""
        return self._transport is not None

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

    def close(self) -> None:
        """Close once what was emitted is sent."""
        self._is_going = True
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    # --- the calls' side

    def emit(self, data: bytes) -> None:
        """Send bytes; the loop gathers what one round of it sends."""
        if self._transport is not None:
            self._transport.write(data)

    def call_finished(self, call: GrpcCall) -> None:
        """Forget a call that has ended in both directions or need not go on."""
        entry = self._calls.pop(call.stream_id, None)
        if entry is None:
            return
        if not call.is_client_done:  # It may still be sending, and need not.
            self._emit_reset(call.stream_id, ErrorCode.NO_ERROR)
        entry[1].end()

    # --- frames

    def _take(self, frame: Frame) -> None:
        if self._headers.is_open and frame.kind != FrameType.CONTINUATION:
            raise Http2Error(ErrorCode.PROTOCOL_ERROR, "a header block was interrupted")
        take = self._takers.get(frame.kind)
        if take is not None:
            take(frame)

    def _take_data(self, frame: Frame) -> None:
        stream_id = frame.stream_id
        if not 0 < stream_id <= self._last_stream_id:
            raise Http2Error(ErrorCode.PROTOCOL_ERROR, "DATA on a stream that was not opened")
        size = len(frame.payload)
        self._owed_window += size
        if self._owed_window > _WINDOW:
            raise Http2Error(ErrorCode.FLOW_CONTROL_ERROR, "more data than window")
        entry = self._calls.get(stream_id)
        if entry is not None and not entry[0].is_ending:
            call, handler = entry
            call.owed_window += size
            if call.owed_window > _WINDOW:
                raise Http2Error(ErrorCode.FLOW_CONTROL_ERROR, "more data than window")
            try:
                for message in call.take(strip_padding(frame)):
                    handler.receive(message)
            except Http2Error:
                raise
            except MessageError as exc:
                call.finish(exc.grpc_status, exc.message)
            except ProtocolError as exc:
                _logger.warning("closed a stream: %s", exc)
                call.finish(GrpcStatus.INVALID_ARGUMENT, exc.message)
            if frame.flags & _END_STREAM:
                call.is_client_done = True
                call.finish(GrpcStatus.OK)
        if self._owed_window >= _WORTH_GIVING:
            self._give_window()

    def _take_headers(self, frame: Frame) -> None:
        if frame.stream_id % 2 == 0:
            raise Http2Error(ErrorCode.PROTOCOL_ERROR, "a client's streams have odd numbers")
        found = self._headers.feed(frame)
        if found is None:
            return
        head, headers = found
        if head.stream_id <= self._last_stream_id:
            self._take_trailers(head)
        else:
            self._last_stream_id = head.stream_id
            self._open(head, headers)

    def _take_trailers(self, head: Frame) -> None:
        if not head.flags & Flag.END_STREAM:
            raise Http2Error(ErrorCode.PROTOCOL_ERROR, "a second header block in mid-stream")
        entry = self._calls.get(head.stream_id)
        if entry is not None:
            entry[0].is_client_done = True
            entry[0].finish(GrpcStatus.OK)

    def _open(self, head: Frame, headers: dict[str, str]) -> None:
        stream_id = head.stream_id
        if self._is_going or len(self._calls) >= _MAX_CALLS:
            self._emit_reset(stream_id, ErrorCode.REFUSED_STREAM)
            return
        refusal = refusal_of(headers, self._path)
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
        self._calls[stream_id] = (call, self._open_call(call))
        if head.flags & Flag.END_STREAM:
            call.is_client_done = True
            call.finish(GrpcStatus.OK)

    def _take_reset(self, frame: Frame) -> None:
        _check_size(frame, 4)
        if not 0 < frame.stream_id <= self._last_stream_id:
            raise Http2Error(ErrorCode.PROTOCOL_ERROR, "RST_STREAM of a stream that was not opened")
        entry = self._calls.pop(frame.stream_id, None)
        if entry is not None:
            entry[0].abandon()
            entry[1].end()

    def _take_settings(self, frame: Frame) -> None:
        if frame.flags & Flag.ACK:
            _check_size(frame, 0)
            return
        for name, value in read_settings(frame.payload):
            if name == Setting.INITIAL_WINDOW_SIZE:
                if value > MAX_WINDOW:
                    raise Http2Error(ErrorCode.FLOW_CONTROL_ERROR, "an impossible window")
                for call, _ in self._calls.values():
                    call.send_window += value - self._initial_send_window
                self._initial_send_window = value
            elif name == Setting.MAX_FRAME_SIZE:
                self.max_frame_bytes = max(DEFAULT_MAX_FRAME_BYTES, min(value, _LARGEST_FRAME_WRITTEN))
        self._reply(write_frame(FrameType.SETTINGS, Flag.ACK, 0))
        self._pump()

    def _take_ping(self, frame: Frame) -> None:
        _check_size(frame, 8)
        if not frame.flags & _ACK:
            self._reply(write_frame(FrameType.PING, Flag.ACK, 0, frame.payload))

    def _reply(self, data: bytes) -> None:
        if self.is_paused:
            self._unread_replies += 1
            if self._unread_replies > _MAX_REPLIES_UNREAD:
                raise Http2Error(ErrorCode.ENHANCE_YOUR_CALM, "pings or settings without end")
        self.emit(data)

    def _take_goaway(self, frame: Frame) -> None:
        del frame  # The client opens no more calls; it closes the connection after the last one.

    def _take_push(self, frame: Frame) -> None:
        raise Http2Error(ErrorCode.PROTOCOL_ERROR, f"a client pushed on stream {frame.stream_id}")

    def _take_window(self, frame: Frame) -> None:
        _check_size(frame, 4)
        increment = int.from_bytes(frame.payload, "big") & MAX_WINDOW
        if frame.stream_id == 0:
            self.send_window += increment
            if not increment or self.send_window > MAX_WINDOW:
                raise Http2Error(ErrorCode.FLOW_CONTROL_ERROR, "an impossible window")
        else:
            entry = self._calls.get(frame.stream_id)
            if entry is None:
                return
            entry[0].send_window += increment
            if not increment or entry[0].send_window > MAX_WINDOW:
                raise Http2Error(ErrorCode.FLOW_CONTROL_ERROR, "an impossible window")
        self._pump()

    def _pump(self) -> None:
        for call, _ in list(self._calls.values()):
            call.pump()
        self._give_window()

    # --- window

    def _give_window(self) -> None:
        """Let the client send on, unless it does not read what it asked for."""
        if self._owed_window < _WORTH_GIVING or self._is_congested():
            return
        self._emit_window(0, self._owed_window)
        self._owed_window = 0
        for call, _ in self._calls.values():
            if call.owed_window:
                self._emit_window(call.stream_id, call.owed_window)
                call.owed_window = 0

    def _is_congested(self) -> bool:
        if self._transport is None:
            return True
        waiting = sum(call.pending_bytes for call, _ in self._calls.values())
        return waiting + self._transport.get_write_buffer_size() > _CONGESTED_BYTES

    def _emit_window(self, stream_id: int, increment: int) -> None:
        self.emit(write_frame(FrameType.WINDOW_UPDATE, 0, stream_id, increment.to_bytes(4, "big")))

    def _emit_reset(self, stream_id: int, error_code: ErrorCode) -> None:
        self.emit(write_frame(FrameType.RST_STREAM, 0, stream_id, error_code.to_bytes(4, "big")))

    def _emit_goaway(self, error_code: ErrorCode) -> None:
        payload = self._last_stream_id.to_bytes(4, "big") + error_code.to_bytes(4, "big")
        self.emit(write_frame(FrameType.GOAWAY, 0, 0, payload))


def _check_size(frame: Frame, size: int) -> None:
    if len(frame.payload) != size:
        raise Http2Error(ErrorCode.FRAME_SIZE_ERROR, f"a frame of type {frame.kind} with a wrong size")
