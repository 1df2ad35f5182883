"""A version of a dataset as a file object."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["Closeable", "Readable", "SharedVersionFile", "VersionFile"]

_AT_ONCE = 1 << 16


class Closeable(Protocol):
    """What is closed with a file."""

    def close(self) -> None:
        """Give back connections."""


class Readable(Protocol):
    """What a file object needs of a version."""

    @property
    def size(self) -> int:
        """Length of the payload in bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """Read a range, every block of it verified."""


class VersionFile(io.RawIOBase):
    """A version as a raw file, for io.BufferedReader.

    Parameters
    ----------
    reader : Readable
        The version.
    closing : Closeable, optional
        Closed with the file.
    """

    def __init__(self, reader: Readable, closing: Closeable | None = None) -> None:
        super().__init__()
        self._reader = reader
        self._closing = closing
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = _placed(self._place, self._reader.size, offset, whence)
        return self._place

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self._reader.read(self._place, len(view))
        view[: len(data)] = data
        self._place += len(data)
        return len(data)

    def close(self) -> None:
        if self._closing is not None and not self.closed:
            self._closing.close()
        super().close()


class SharedVersionFile(io.BufferedIOBase):
    """A version as a file that several threads read at once.

    Parameters
    ----------
    reader : Readable
        The version; blocks that it keeps make a buffer needless.

    Notes
    -----
    duckdb seeks and reads one file in many threads, as if both were one step. So each thread that seeks has a
    place of its own from then on; the others share one.
    """

    def __init__(self, reader: Readable) -> None:
        super().__init__()
        self._reader = reader
        self._lock = threading.Lock()
        self._place = 0
        self._own = threading.local()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        place: int = getattr(self._own, "place", self._place)
        return place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._own.place = _placed(self.tell(), self._reader.size, offset, whence)
        return self.tell()

    def read(self, size: int | None = -1) -> bytes:
        if self.closed:
            raise ValueError("the file is closed")
        with self._lock:
            place = self.tell()
            wanted = self._reader.size - place if size is None or size < 0 else size
            data = self._reader.read(place, max(0, wanted))
            if hasattr(self._own, "place"):
                self._own.place += len(data)
            else:
                self._place += len(data)
        return data

    def read1(self, size: int = -1) -> bytes:
        return self.read(size if size >= 0 else _AT_ONCE)


def _placed(place: int, size: int, offset: int, whence: int) -> int:
    base = {io.SEEK_SET: 0, io.SEEK_CUR: place, io.SEEK_END: size}[whence]
    if base + offset < 0:
        raise ValueError(f"there is no place {base + offset}")
    return base + offset
