"""One call of a gRPC method with a stream in each direction."""

from __future__ import annotations

from collections import deque
from enum import IntEnum
from typing import Protocol

from gridledger.shim.errors import ProtocolError
from gridledger.shim.http2.frame import Flag, FrameType, write_frame
from gridledger.shim.http2.header_block import grpc_headers, grpc_trailers

__all__ = ["GrpcCall", "GrpcStatus", "Link", "MessageError"]

_PREFIX_BYTES = 5
_HEADERS = grpc_headers()


class GrpcStatus(IntEnum):
    """How a call ends; gRPC's own codes."""

    OK = 0
    INVALID_ARGUMENT = 3
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14


class MessageError(ProtocolError):
    """A message of the other side that ends its call, and no other.

    Parameters
    ----------
    grpc_status : GrpcStatus
        How the call ends.
    message : str
        What the other side is told.
    """

    def __init__(self, grpc_status: GrpcStatus, message: str) -> None:
        super().__init__(message, grpc_status=grpc_status.name)
        self.grpc_status = grpc_status


class Link(Protocol):
    """What a call needs of its connection."""

    send_window: int
    max_frame_bytes: int
    is_paused: bool

    def emit(self, data: bytes) -> None:
        """Send bytes."""
        ...

    def call_finished(self, call: GrpcCall) -> None:
        """Forget a call whose last frame was emitted."""
        ...


class GrpcCall:
    """Messages in, messages out, a status at the end.

    Parameters
    ----------
    link : Link
        The connection.
    stream_id : int
        The call's stream on it.
    send_window : int
        How many bytes the other side takes before it gives more window.
    max_message_bytes : int
        A longer message of the other side ends the call.
    """

    def __init__(self, link: Link, stream_id: int, *, send_window: int, max_message_bytes: int) -> None:
        self.stream_id = stream_id
        self.send_window = send_window
        self.owed_window = 0
        self.is_finished = False
        self.is_client_done = False
        self._link = link
        self._max_message_bytes = max_message_bytes
        self._partial = bytearray()
        self._wanted = _PREFIX_BYTES
        self._pending: deque[memoryview] = deque()
        self._pending_bytes = 0
        self._trailers: bytes | None = None
        link.emit(write_frame(FrameType.HEADERS, Flag.END_HEADERS, stream_id, _HEADERS))

    @property
    def is_ending(self) -> bool:
        """Whether nothing that the other side says counts any more."""
        return self._trailers is not None or self.is_finished

    @property
    def pending_bytes(self) -> int:
        """How much waits until the other side takes more."""
        return self._pending_bytes

    # --- in

    def take(self, data: bytes) -> list[bytes]:
        """Take the content of a DATA frame and return the messages that it completes.

        Raises
        ------
        MessageError
            If a message is compressed, which was not agreed on, or longer than allowed.
        """
        if not self._partial and len(data) >= _PREFIX_BYTES and self._length(data) == len(data):
            return [data[_PREFIX_BYTES:]]  # the usual case: a frame is a message
        partial = self._partial
        partial += data
        messages: list[bytes] = []
        while len(partial) >= self._wanted:
            if self._wanted == _PREFIX_BYTES:
                self._wanted = self._length(partial)
                if len(partial) < self._wanted:
                    break
            messages.append(bytes(partial[_PREFIX_BYTES : self._wanted]))
            del partial[: self._wanted]
            self._wanted = _PREFIX_BYTES
        return messages

    def _length(self, data: bytes | bytearray) -> int:
        if data[0]:
            raise MessageError(GrpcStatus.UNIMPLEMENTED, "compression was not agreed on")
        length = int.from_bytes(data[1:_PREFIX_BYTES], "big")
        if length > self._max_message_bytes:
            raise MessageError(
                GrpcStatus.RESOURCE_EXHAUSTED,
                f"a message of {length} bytes is longer than {self._max_message_bytes}",
            )
        return _PREFIX_BYTES + length

    # --- out

    def send(self, message: bytes) -> None:
        """Send a message, after those before it; on a call that has ended it is dropped."""
        if self.is_ending:
            return
        length = len(message)
        data = b"\x00" + length.to_bytes(4, "big") + message
        size = length + _PREFIX_BYTES
        link = self._link
        is_room = size <= self.send_window and size <= link.send_window and size <= link.max_frame_bytes
        if is_room and not self._pending and not link.is_paused:
            self.send_window -= size
            link.send_window -= size
            link.emit(write_frame(FrameType.DATA, 0, self.stream_id, data))
            return
        self._pending.append(memoryview(data))
        self._pending_bytes += size
        self.pump()

    def finish(self, status: GrpcStatus, message: str = "") -> None:
        """End the call once all messages are sent; ending it again does nothing."""
        if self._trailers is None:
            self._trailers = grpc_trailers(status, message)
            self.pump()

    def abandon(self) -> None:
        """End the call without a word: its stream or connection is gone."""
        self.is_finished = True
        self._pending.clear()
        self._pending_bytes = 0

    def pump(self) -> None:
        """Send what the windows allow."""
        link, pending = self._link, self._pending
        while pending:
            if link.is_paused:
                return
            room = min(self.send_window, link.send_window, link.max_frame_bytes)
            if room <= 0:
                return
            data = pending[0]
            chunk = data[:room]
            if len(chunk) == len(data):
                pending.popleft()
            else:
                pending[0] = data[room:]
            size = len(chunk)
            self._pending_bytes -= size
            self.send_window -= size
            link.send_window -= size
            link.emit(write_frame(FrameType.DATA, 0, self.stream_id, bytes(chunk)))
        if self._trailers is not None and not self.is_finished:
            self.is_finished = True
            flags = Flag.END_HEADERS | Flag.END_STREAM
            link.emit(write_frame(FrameType.HEADERS, flags, self.stream_id, self._trailers))
            link.call_finished(self)
