"""Writes of a transaction that go to the peer in one message."""

from __future__ import annotations

__all__ = ["MAX_BATCH_BYTES", "WriteBatch"]

MAX_BATCH_BYTES = 64 * 1024 * 1024
"""A batch is cut before it holds more, to stay clear of the peer's limit of 100 MiB a message."""


class WriteBatch:
    """Writes in the order of writing.

    Parameters
    ----------
    limit : int
        How many writes the peer takes in one message.

    Notes
    -----
    Messages of protobuf that are put one after the other read as one with all their repeated members, so a
    write is serialized once, when it is added.
    """

    __slots__ = ("_limit", "_parts", "_size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[list[bytes]] = [[]]
        self._size = 0

    def add(self, write: bytes) -> None:
        """Append a write, as `wire.write_record` makes it."""
        part = self._parts[-1]
        self._size += len(write)
        if part and (len(part) == self._limit or self._size > MAX_BATCH_BYTES):
            self._parts.append([write])
            self._size = len(write)
        else:
            part.append(write)

    def payloads(self) -> list[bytes]:
        """Return the payloads of WRITE_BATCH_STATE, each within the limits; none for no writes."""
        return [b"".join(part) for part in self._parts if part]
