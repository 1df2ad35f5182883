"""A connection each of whose steps ends within a time."""

from __future__ import annotations

import socket
import struct
from types import TracebackType
from typing import Self

from gridledger.lake.errors import Malformed

__all__ = ["TimedConnection"]


class TimedConnection:
    """A connection that waits by the system's own time-outs: a step is one call.

    Parameters
    ----------
    address : tuple of str and int
        Host and port.
    seconds : float
        How long connecting, sending and receiving may take, each time.

    Raises
    ------
    OSError
        By every method: there is no connection, or nothing comes.
    """

    def __init__(self, address: tuple[str, int], seconds: float) -> None:
        self._socket = socket.create_connection(address, seconds)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                self._socket.setsockopt(socket.SOL_SOCKET, option, limit)
            self._socket.setblocking(True)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        """Send data, all of it."""
        self._socket.sendall(data)

    def fill(self, buffer: memoryview) -> None:
        """Fill a buffer; raises Malformed where less comes, or it comes too slowly."""
        # The time-out is that of the whole call, however few bytes come at a time.
        if buffer and self._socket.recv_into(buffer, len(buffer), socket.MSG_WAITALL) < len(buffer):
            raise Malformed("the connection was closed, or is too slow")

    def receive(self, length: int) -> bytes:
        """Return so many bytes; raises as `fill` does."""
        data = bytearray(length)
        self.fill(memoryview(data))
        return bytes(data)

    def close(self) -> None:
        """Close it."""
        self._socket.close()
