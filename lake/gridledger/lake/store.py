"""The port to where a lake's files lie, and nothing more than LAYOUT.md, section 2, asks for.

Paths are relative, of one to three parts joined by `/`, in letters, digits, dots and hyphens. Files are
published whole and never changed: no reader sees a part of one, and no writer waits for another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

__all__ = ["Entry", "NewFile", "Store"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A file of a folder."""

    name: str
    """Its name within the folder."""
    size: int
    """Its length in bytes."""
    modified_ms: int
    """When it was written, by the store's clock, in milliseconds since 1970."""


class NewFile(ABC):
    """A file that is being written, and that nobody sees yet."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Append bytes; a store may write them later."""

    @abstractmethod
    def finish(self) -> None:
        """Make what was written durable, and not yet seen: `commit` does the rest in no time."""

    @abstractmethod
    def commit(self) -> None:
        """Publish what was written; it is durable on return.

        Raises
        ------
        NameTaken
            A file stands under the name; it stays as it is, and what was written is deleted.
        StoreFull
            There is no room.
        """

    @abstractmethod
    def abandon(self) -> None:
        """Drop what was written; what cannot be deleted now is left in `temporary/`. Never raises."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()
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

    @contextmanager
    def lend(self, path: str, offset: int, length: int) -> Iterator[memoryview]:
        """Read a range into memory that the store may use again afterwards; else as `read`."""
        yield memoryview(self.read(path, offset, length))

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
    def begin(self, path: str) -> NewFile:
        """Begin to write a file, which is published when it is committed."""

    def publish(self, path: str, data: bytes) -> None:
        """Write a file, all of it or nothing; durable on return.

        Raises
        ------
        NameTaken
            A file stands there; it stays as it is.
        StoreFull
            There is no room.
        """
        with self.begin(path) as file:
            file.write(data)

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
