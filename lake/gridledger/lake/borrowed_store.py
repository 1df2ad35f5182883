"""A store that several have, and that one of them closes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gridledger.lake.store import Entry, NewFile, Store

__all__ = ["BorrowedStore"]


class BorrowedStore(Store):
    """Somebody else's store: closing this one leaves it open.

    Parameters
    ----------
    lent : Store
        The store.
    """

    def __init__(self, lent: Store) -> None:
        self._lent = lent

    def __repr__(self) -> str:
        return f"BorrowedStore({self._lent!r})"

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        return self._lent.read(path, offset, length)

    @contextmanager
    def lend(self, path: str, offset: int, length: int) -> Iterator[memoryview]:
        with self._lent.lend(path, offset, length) as data:
            yield data

    def size(self, path: str) -> int:
        return self._lent.size(path)

    def entries(self, folder: str) -> list[Entry]:
        return self._lent.entries(folder)

    def folders(self, folder: str) -> list[str]:
        return self._lent.folders(folder)

    def begin(self, path: str) -> NewFile:
        return self._lent.begin(path)

    def delete(self, path: str) -> None:
        self._lent.delete(path)

    def close(self) -> None:
        """Nothing of it is this one's."""
