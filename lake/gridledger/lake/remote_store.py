"""What the stores on HDFS share: deadlines, trying again, folders."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from gridledger.lake.daemon_threads import DaemonThreads
from gridledger.lake.errors import LakeUnavailable, PayloadNotFound
from gridledger.lake.patience import Patience
from gridledger.lake.remote_file import RemoteFile
from gridledger.lake.store import Entry, NewFile, Store

__all__ = ["DEADLINE_S", "Listed", "RemoteStore"]

DEADLINE_S = 60.0
"""How long a call waits for HDFS, trying again included: longer than it takes HDFS to give a DataNode up."""
_ATTEMPT_S = 15.0
"""How long one attempt of a call that may be tried again waits for an answer."""
_BUFFERS = 4
"""What was read into is kept for so many reads: new memory costs more than what is read into it."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Listed:
    """A file or folder of a folder."""

    name: str
    size: int
    modified_ms: int
    is_folder: bool


class RemoteStore(Store):
    """Files below a folder of an HDFS.

    Parameters
    ----------
    root : str
        The folder, absolute; made with the first file.
    deadline_s : float, default 60
        How long a call waits, trying again included.

    Notes
    -----
    Calls run in threads of the store, since no client library of HDFS keeps a deadline of the whole call. One
    that passed its deadline is left to end by itself.
    """

    def __init__(self, root: str, *, deadline_s: float) -> None:
        self._root = root.rstrip("/")
        self._deadline_s = deadline_s
        self._threads = DaemonThreads("lake-hdfs")
        self._made: set[str] = set()
        self._buffers: deque[memoryview] = deque(maxlen=_BUFFERS)

    # --- what a client library does, once; it raises errors of the lake

    @abstractmethod
    def _read(self, place: str, offset: int, length: int | None) -> bytes: ...

    def _read_into(self, place: str, offset: int, buffer: memoryview) -> int:
        """Fill a buffer from a range; return how many bytes that gave."""
        data = self._read(place, offset, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    @abstractmethod
    def _size(self, place: str) -> int: ...

    @abstractmethod
    def _list(self, place: str) -> list[Listed]: ...

    @abstractmethod
    def _send(self, place: str, pieces: Iterator[bytes]) -> None: ...

    @abstractmethod
    def _rename(self, source: str, target: str) -> None: ...

    @abstractmethod
    def _make_folder(self, place: str) -> None: ...

    @abstractmethod
    def _delete(self, place: str) -> None: ...

    def _forget(self, place: str) -> None:
        """Forget where a file's blocks are: a call for it did not return."""

    # --- the port

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        return self._call(path, lambda: self._read(self._place(path), offset, length))

    @contextmanager
    def lend(self, path: str, offset: int, length: int) -> Iterator[memoryview]:
        def read() -> tuple[memoryview, int]:
            # One for each attempt: one that passed its deadline may still write into its own.
            buffer = self._buffer(length)
            return buffer, self._read_into(self._place(path), offset, buffer[:length])

        buffer, filled = self._call(path, read)
        yield buffer[:filled]
        self._buffers.append(buffer)

    def _buffer(self, length: int) -> memoryview:
        try:
            kept = self._buffers.pop()
        except IndexError:
            kept = memoryview(b"")
        return kept if len(kept) >= length else memoryview(bytearray(length))

    def size(self, path: str) -> int:
        return self._call(path, lambda: self._size(self._place(path)))

    def entries(self, folder: str) -> list[Entry]:
        return [
            Entry(name=listed.name, size=listed.size, modified_ms=listed.modified_ms)
            for listed in self._listed(folder)
            if not listed.is_folder
        ]

    def folders(self, folder: str) -> list[str]:
        return [listed.name for listed in self._listed(folder) if listed.is_folder]

    def _listed(self, folder: str) -> list[Listed]:
        try:
            listed = self._call(folder, lambda: self._list(self._place(folder)))
        except PayloadNotFound:
            return []
        return sorted(listed, key=lambda each: each.name)

    def begin(self, path: str) -> NewFile:
        return RemoteFile(self, path)

    def delete(self, path: str) -> None:
        try:
            self._call(path, lambda: self._delete(self._place(path)))
        except PayloadNotFound:
            return

    def close(self) -> None:
        self._threads.close()

    # --- what a remote file asks for

    @property
    def deadline_s(self) -> float:
        """How long a call waits."""
        return self._deadline_s

    def submit(self, work: Callable[[], None]) -> Future[None]:
        """Begin a call in a thread of its own."""
        return self._threads.submit(work)

    def send(self, path: str, pieces: Iterator[bytes]) -> None:
        """Write a file from pieces and close it, once."""
        self._send(self._place(path), pieces)

    def rename(self, source: str, target: str) -> None:
        """Rename a file to a name that does not exist, once; the target's folder is made."""
        folder = self._place(target).rpartition("/")[0]
        if folder not in self._made:
            self._once(target, lambda: self._make_folder(folder))
            self._made.add(folder)
        self._once(target, lambda: self._rename(self._place(source), self._place(target)))

    def exists(self, path: str) -> bool:
        """Tell whether there is a file."""
        try:
            self.size(path)
        except PayloadNotFound:
            return False
        return True

    # --- deadlines

    def _place(self, path: str) -> str:
        """Return a path of the lake as HDFS knows it."""
        return f"{self._root}/{path}"

    def _once(self, path: str, work: Callable[[], _T], *, seconds: float | None = None) -> _T:
        limit = self._deadline_s if seconds is None else seconds
        try:
            return self._threads.submit(work).result(limit)
        except TimeoutError as error:
            self._forget(self._place(path))
            raise LakeUnavailable(f"{path}: no answer within {limit:g} s", path=path) from error

    def _call(self, path: str, work: Callable[[], _T]) -> _T:
        """Call until there is an answer, or the deadline has passed."""
        patience = Patience(self._deadline_s)
        while True:
            try:
                return self._once(path, work, seconds=min(_ATTEMPT_S, patience.left_s))
            except LakeUnavailable:
                if not patience.pause():
                    raise
