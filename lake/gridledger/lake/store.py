"""The port to where a lake's files lie, and nothing more than LAYOUT.md, section 2, asks for.

Paths are relative, of two or three parts joined by `/`, in letters, digits, dots and hyphens. Nothing is
changed in place: files are appended to by one writer at a time, or published whole.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Self

__all__ = ["Appender", "Entry", "Store"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A file of a folder."""

    name: str
    """Its name within the folder."""
    size: int
    """Its length in bytes; of a file that is being appended to, at least what is durable."""
    modified_ms: int
    """When it was last written, by the store's clock, in milliseconds since 1970."""


class Appender(ABC):
    """Writes behind the end of a file; only one at a time."""

    position: int
    """Where the next byte goes: the file's length as this writer sees it."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Append bytes; they may be lost until `sync` or `close` has returned."""

    @abstractmethod
    def sync(self) -> None:
        """Return when everything that was written is durable and can be read."""

    @abstractmethod
    def close(self) -> None:
        """Sync, and let another writer append."""

    @abstractmethod
    def abandon(self) -> None:
        """Let another writer append; what was not synced may be lost. Never raises."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


class Store(ABC):
    """Files of one lake.

    Notes
    -----
    Every method may raise LakeUnavailable, within the deadline that the store was opened with. Stores may be
    used from several threads at once.
    """

    @abstractmethod
    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """Read a range; shorter where the file ends first.

        Raises
        ------
        PayloadNotFound
            There is no such file.
        """

    @abstractmethod
    def size(self, path: str) -> int:
        """Return a file's length in bytes.

        Raises
        ------
        PayloadNotFound
            There is no such file.
        """

    @abstractmethod
    def entries(self, folder: str) -> list[Entry]:
        """List a folder's files by name; a folder that is not there has none."""

    @abstractmethod
    def folders(self, folder: str) -> list[str]:
        """List the names of a folder's folders, sorted."""

    @abstractmethod
    def append(self, path: str) -> Appender:
        """Begin to append to a file, which is made if it is not there.

        Raises
        ------
        StoreBusy
            Another writer appends to it.
        """

    @abstractmethod
    def publish(self, path: str, data: bytes) -> None:
        """Write a file, all of it or nothing; durable on return.

        Raises
        ------
        NameTaken
            A file stands there; it stays as it is.
        """

    @abstractmethod
    def delete(self, path: str) -> None:
        """Delete a file; one that is not there is no error."""

    @abstractmethod
    def close(self) -> None:
        """Give back connections."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
