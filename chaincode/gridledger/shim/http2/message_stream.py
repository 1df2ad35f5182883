"""The messages of one gRPC call over an HTTP/2 stream, in both directions and within the windows."""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from enum import IntEnum
from typing import Protocol

from gridledger.shim.errors import ProtocolError
from gridledger.shim.http2.frame import FrameType, write_frame

__all__ = ["GrpcStatus", "Link", "MessageError", "MessageStream"]

_PREFIX_BYTES = 5
_FRAME_AND_PREFIX = struct.Struct(">HBBBIBI")  # written at once: most messages are a frame
_DATA = FrameType.DATA.value
_ENOUGH_WAITING_BYTES = 1024 * 1024
"""Who sends without being asked waits while so much has not left yet."""


class GrpcStatus(IntEnum):
    """How a call ends; gRPC's own codes."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
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

    def call_finished(self, stream_id: int) -> None:
        """Forget a call whose last frame was emitted."""
        ...


class MessageStream:
    """Messages in, messages out; what begins and ends a call differs between the two sides.

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
    head : bytes
        Frames that leave together with the first message.

    Attributes
    ----------
    is_remote_done : bool
        Whether the other side sends nothing more.
    """

    def __init__(
        self, link: Link, stream_id: int, *, send_window: int, max_message_bytes: int, head: bytes = b""
    ) -> None:
        self.stream_id = stream_id
        self.send_window = send_window
        self.owed_window = 0
        self.is_finished = False
        self.is_remote_done = False
        self._link = link
        self._max_message_bytes = max_message_bytes
        self._head = head
        self._partial = bytearray()
        self._wanted = _PREFIX_BYTES
        self._pending: deque[memoryview] = deque()
        self._pending_bytes = 0
        self._room: asyncio.Future[None] | None = None

    @property
    def is_ending(self) -> bool:
        """Whether nothing that the other side says counts any more."""
        return self.is_finished

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
        frame = self._whole_frame(message)
        if frame is not None:
            self._link.emit(frame)
            return
        if self._head:
            self._link.emit(self._head)
            self._head = b""
        self._pending.append(memoryview(_prefixed(message)))
        self._pending_bytes += len(message) + _PREFIX_BYTES
        self.pump()

    def _whole_frame(self, message: bytes) -> bytes | None:
        """Return the frame that carries a message, None if it has to wait or to be cut."""
        link = self._link
        size = len(message) + _PREFIX_BYTES
        is_room = size <= self.send_window and size <= link.send_window and size <= link.max_frame_bytes
        if not is_room or self._pending or link.is_paused:
            return None
        self.send_window -= size
        link.send_window -= size
        frame = (
            _FRAME_AND_PREFIX.pack(size >> 8, size & 0xFF, _DATA, 0, self.stream_id, 0, len(message))
            + message
        )
        if self._head:
            frame, self._head = self._head + frame, b""
        return frame

    async def drain(self) -> None:
        """Wait until the other side has taken most of what was sent; let others run in any case."""
        while self._pending_bytes > _ENOUGH_WAITING_BYTES:
            self._room = asyncio.get_running_loop().create_future()
            await self._room
        await asyncio.sleep(0)

    def abandon(self) -> None:
        """End the call without a word: its stream or connection is gone."""
        self.is_finished = True
        self._pending.clear()
        self._pending_bytes = 0
        self._tell_room()

    def pump(self) -> None:
        """Send what the windows allow."""
        link, pending = self._link, self._pending
        while pending:
            room = 0 if link.is_paused else min(self.send_window, link.send_window, link.max_frame_bytes)
            if room <= 0:
                break
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
        if self._pending_bytes <= _ENOUGH_WAITING_BYTES:
            self._tell_room()

    def _tell_room(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)


def _prefixed(message: bytes) -> bytes:
    return b"\x00" + len(message).to_bytes(4, "big") + message
