"""One connection: HTTP/2's rules between frames and calls, as they bind both sides (RFC 9113)."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar, cast

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
)
from gridledger.shim.http2.header_block import MAX_HEADER_BYTES, HeaderReader
from gridledger.shim.http2.keepalive import Keepalive
from gridledger.shim.http2.message_stream import GrpcStatus, MessageError, MessageStream

__all__ = ["CallHandler", "Connection"]

_logger = logging.getLogger("gridledger.shim")

_DEFAULT_WINDOW = 65_535
_WINDOW = 4 * 1024 * 1024
"""What the other side may send ahead: some hundred messages, or a big one in a few rounds."""
_WORTH_GIVING = _WINDOW // 4

_CONGESTED_BYTES = 16 * 1024 * 1024
"""Who does not read what it asked for gets no more window beyond this."""

_DATA = FrameType.DATA.value  # plain numbers: these are asked of every message
_ACK = Flag.ACK.value
_END_STREAM = Flag.END_STREAM.value

_MAX_REPLIES_UNREAD = 1_000
"""Pings and settings that the other side may send without reading the answers."""

_PING_ANSWERED_AFTER_S = 1.0
"""Clients of gRPC ping with every message that they get, to measure the connection, but not while a ping is
unanswered: so late, it is one a second and not one a message, each of which wakes two processes twice."""

_LARGEST_FRAME_WRITTEN = 64 * 1024
_PING = write_frame(FrameType.PING, 0, 0, bytes(8))

CallT = TypeVar("CallT", bound=MessageStream)


class CallHandler(Protocol):
    """What takes the messages of a call."""

    def receive(self, message: bytes) -> None:
        """Take a message; a `ProtocolError` ends the call as INVALID_ARGUMENT."""
        ...

    def remote_done(self) -> None:
        """Take note that the other side sends nothing more."""
        ...

    def end(self) -> None:
        """Take note that nothing more comes and nothing more can be sent."""
        ...


class Connection(asyncio.Protocol, ABC, Generic[CallT]):
    """The part of a connection that both sides have: frames, windows, settings, pings.

    Parameters
    ----------
    max_message_bytes : int
        A longer message ends its call.
    keepalive_s : float
        A connection that was silent for so long is pinged; silent for a third of it again, it is cut.
    is_server : bool
        Whether the other side is a client, which sends the preface.
    """

    def __init__(self, *, max_message_bytes: int, keepalive_s: float, is_server: bool) -> None:
        self.send_window = _DEFAULT_WINDOW
        self.max_frame_bytes = DEFAULT_MAX_FRAME_BYTES
        self.is_paused = False
        self._loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = self._loop.create_future()
        self._max_message_bytes = max_message_bytes
        self._transport: asyncio.Transport | None = None
        self._reader = FrameReader(has_preface=is_server)
        self._headers = HeaderReader()
        self._calls: dict[int, tuple[CallT, CallHandler]] = {}
        self._last_stream_id = 0
        self._initial_send_window = _DEFAULT_WINDOW
        self._owed_window = 0
        self._outbox: list[bytes] = []
        self._is_flush_due = False
        self._pings: list[bytes] = []
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

    # --- what differs between the sides

    @abstractmethod
    def _greet(self, settings: dict[Setting, int]) -> bytes:
        """Return what is sent first, with these settings and the side's own."""

    @abstractmethod
    def _take_header_block(self, head: Frame, headers: Mapping[str, str]) -> None:
        """Take a whole header block."""

    @abstractmethod
    def _take_goaway(self, frame: Frame) -> None:
        """Take note that the other side takes no more calls."""

    @abstractmethod
    def _remote_done(self, stream_id: int) -> None:
        """Take note that the other side has sent a call's last frame."""

    @abstractmethod
    def _give_up(self, call: CallT, status: GrpcStatus, message: str) -> None:
        """End a call for what the other side sent on it."""

    # --- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the other side with our settings."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_CONGESTED_BYTES)
        settings = {Setting.INITIAL_WINDOW_SIZE: _WINDOW, Setting.MAX_HEADER_LIST_SIZE: MAX_HEADER_BYTES}
        self.emit(self._greet(settings))
        self._emit_window(0, _WINDOW - _DEFAULT_WINDOW)
        self._keepalive.start()

    def data_received(self, data: bytes) -> None:
        """Take what the other side sent."""
        self._keepalive.was_heard = True
        if self._is_going and not self._calls:
            return
        is_message = False
        try:
            for frame in self._reader.feed(data):
                if frame.kind == _DATA and not self._headers.is_open:
                    self._take_data(frame)
                    is_message = True
                else:
                    self._take(frame)
        except Http2Error as exc:
            _logger.warning("closed a connection: %s", exc)
            self._emit_goaway(exc.error_code)
            self.close()
        if is_message and not self._is_flush_due:
            # After the tasks that the messages have woken, and in the same round as they.
            self._is_flush_due = True
            self._loop.call_soon(self._flush)

    def pause_writing(self) -> None:
        """Hold messages back: the other side does not read."""
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
        self._transport = None
        for stream_id in list(self._calls):
            self._drop(stream_id)
        if not self.closed.done():
            self.closed.set_result(None)

    # --- the owner's side

    @property
    def is_open(self) -> bool:
        """Whether the other side is there: not before TLS is agreed on, nor after the end."""
        return self._transport is not None

    def close(self) -> None:
        """Close once what was emitted is sent."""
        self._is_going = True
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    # --- the calls' side

    def emit(self, data: bytes) -> None:
        """Send bytes together with all others of this round of the loop.

        Neither asyncio nor TLS does so: each write is a system call, a record, a process woken.
        """
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)
        self._outbox.append(data)

    def _flush(self) -> None:
        self._is_flush_due = False
        data = b"".join(self._outbox)
        self._outbox.clear()
        if data and self._transport is not None:
            self._transport.write(data)

    @abstractmethod
    def call_finished(self, stream_id: int) -> None:
        """Forget a call that has ended in both directions or need not go on."""

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
            if call.is_remote_done:
                raise Http2Error(ErrorCode.STREAM_CLOSED, "DATA after the last frame of a stream")
            try:
                for message in call.take(strip_padding(frame)):
                    handler.receive(message)
            except Http2Error:
                raise
            except MessageError as exc:
                self._give_up(call, exc.grpc_status, exc.message)
            except ProtocolError as exc:
                _logger.warning("closed a stream: %s", exc)
                self._give_up(call, GrpcStatus.INVALID_ARGUMENT, exc.message)
            if frame.flags & _END_STREAM:
                self._remote_done(stream_id)
        if self._owed_window >= _WORTH_GIVING:
            self._give_window()

    def _take_headers(self, frame: Frame) -> None:
        if frame.stream_id % 2 == 0:
            raise Http2Error(ErrorCode.PROTOCOL_ERROR, "a client's streams have odd numbers")
        found = self._headers.feed(frame)
        if found is not None:
            self._take_header_block(*found)

    def _take_reset(self, frame: Frame) -> None:
        _check_size(frame, 4)
        if not 0 < frame.stream_id <= self._last_stream_id:
            raise Http2Error(ErrorCode.PROTOCOL_ERROR, "RST_STREAM of a stream that was not opened")
        self._drop(frame.stream_id)

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
        if frame.flags & _ACK:
            return
        if not self._pings:
            self._loop.call_later(_PING_ANSWERED_AFTER_S, self._answer_pings)
        self._pings.append(frame.payload)
        if len(self._pings) > _MAX_REPLIES_UNREAD:
            raise Http2Error(ErrorCode.ENHANCE_YOUR_CALM, "pings without end")

    def _answer_pings(self) -> None:
        if self.is_paused:
            self._loop.call_later(_PING_ANSWERED_AFTER_S, self._answer_pings)
            return
        for payload in self._pings:
            self.emit(write_frame(FrameType.PING, Flag.ACK, 0, payload))
        self._pings.clear()

    def _reply(self, data: bytes) -> None:
        if self.is_paused:
            self._unread_replies += 1
            if self._unread_replies > _MAX_REPLIES_UNREAD:
                raise Http2Error(ErrorCode.ENHANCE_YOUR_CALM, "pings or settings without end")
        self.emit(data)

    def _take_push(self, frame: Frame) -> None:
        raise Http2Error(ErrorCode.PROTOCOL_ERROR, f"a push on stream {frame.stream_id}")

    def _take_window(self, frame: Frame) -> None:
        _check_size(frame, 4)
        increment = int.from_bytes(frame.payload, "big") & MAX_WINDOW
        if frame.stream_id == 0:
            is_used_up = self.send_window <= 0
            self.send_window += increment
            if not increment or self.send_window > MAX_WINDOW:
                raise Http2Error(ErrorCode.FLOW_CONTROL_ERROR, "an impossible window")
            if is_used_up:
                self._pump()
        else:
            entry = self._calls.get(frame.stream_id)
            if entry is None:
                return
            call = entry[0]
            call.send_window += increment
            if not increment or call.send_window > MAX_WINDOW:
                raise Http2Error(ErrorCode.FLOW_CONTROL_ERROR, "an impossible window")
            if call.pending_bytes:
                call.pump()
        self._give_window()

    def _pump(self) -> None:
        for call in [call for call, _ in self._calls.values() if call.pending_bytes]:
            call.pump()
        self._give_window()

    # --- window

    def _give_window(self) -> None:
        """Let the other side send on, unless it does not read what it asked for."""
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

    def _drop(self, stream_id: int) -> None:
        """End a call that cannot go on."""
        entry = self._calls.pop(stream_id, None)
        if entry is not None:
            entry[0].abandon()
            entry[1].end()

    def _emit_goaway(self, error_code: ErrorCode) -> None:
        payload = self._last_stream_id.to_bytes(4, "big") + error_code.to_bytes(4, "big")
        self.emit(write_frame(FrameType.GOAWAY, 0, 0, payload))


def _check_size(frame: Frame, size: int) -> None:
    if len(frame.payload) != size:
        raise Http2Error(ErrorCode.FRAME_SIZE_ERROR, f"a frame of type {frame.kind} with a wrong size")
