"""A payload in chunks, in memory that is used again: a byte is copied once, when its block is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

from pyfastcdc import Chunk, FastCDC

__all__ = ["ChunkStream"]

_READ_BYTES = 2 << 20
"""Read at once, so that what is cut lies in a processor's cache."""


class ChunkStream:
    """Chunks of a payload, cut by content.

    Parameters
    ----------
    chunker : FastCDC
        How it is cut.
    payload : binary file
        Read from where it stands to its end.
    seen : callable, optional
        Called with all that is read, in its order, while it lies in a processor's cache.

    Notes
    -----
    The chunks are those of the payload as a whole. Memory is what was not taken, a chunk and 2 MiB. Places
    are those in `memory`; they hold until the next chunk.
    """

    def __init__(
        self,
        chunker: FastCDC,
        payload: BinaryIO,
        seen: Callable[[bytes | memoryview], object] | None = None,
    ) -> None:
        self._chunker = chunker
        self._seen = seen
        self._readinto = _readinto(payload)
        self._chunks: Iterator[Chunk] = iter(())
        self._filled = 0
        self._is_whole = False
        self.memory = bytearray()
        """What was read and is not taken yet stands here."""
        self.begin = 0
        """Where what is not taken begins."""
        self.start = 0
        """Where the newest chunk begins."""
        self.end = 0
        """Where it ends."""

    def next_chunk(self) -> bool:
        """Go on to the next chunk; tell whether there is one."""
        if not self._is_whole and self._filled - self.end < self._chunker.max_size:
            self._fill()
        chunk = next(self._chunks, None)
        self.start = self.end
        if chunk is not None:
            self.end += chunk.length
        return chunk is not None

    def take(self, end: int | None = None) -> bytes:
        """Take what was not taken, up to a place; up to the end of the newest chunk unless told."""
        stop = self.end if end is None else end
        data = bytes(memoryview(self.memory)[self.begin : stop])
        self.begin = stop
        return data

    def _fill(self) -> None:
        """Read on, behind what was not taken."""
        self._chunks = iter(())
        kept = self._filled - self.begin
        view = memoryview(self.memory)
        if len(view) < kept + self._chunker.max_size + _READ_BYTES:
            self.memory = bytearray(kept + 2 * self._chunker.max_size + _READ_BYTES)
            memoryview(self.memory)[:kept] = view[self.begin : self._filled]
            view = memoryview(self.memory)
        else:
            view[:kept] = view[self.begin : self._filled]
        self.end -= self.begin
        self.begin, self._filled = 0, kept
        while self._filled < len(view) and not self._is_whole:
            count = self._readinto(view[self._filled :])
            self._is_whole = not count
            if self._seen is not None:
                self._seen(view[self._filled : self._filled + count])
            self._filled += count
        self._chunks = iter(self._chunker.cut_buf(view[self.end : self._filled]))


def _readinto(payload: BinaryIO) -> Callable[[memoryview], int]:
    own: Callable[[memoryview], int] | None = getattr(payload, "readinto", None)
    if own is not None:
        return own

    def readinto(view: memoryview) -> int:
        data = payload.read(len(view))
        view[: len(data)] = data
        return len(data)

    return readinto
