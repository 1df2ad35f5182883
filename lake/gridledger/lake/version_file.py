"""A version of a dataset as a file object."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Protocol

from gridledger.lake.store import Store

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["Readable", "VersionFile"]


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
    closing : Store, optional
        Closed with the file.
    """

    def __init__(self, reader: Readable, closing: Store | None = None) -> None:
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
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._reader.size}[whence]
        if base + offset < 0:
            raise ValueError(f"there is no place {base + offset}")
        self._place = base + offset
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
