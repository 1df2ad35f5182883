"""A store in a local folder: for unit tests, and for a lake that one machine keeps for itself."""

from __future__ import annotations

import errno
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gridledger.lake.errors import LakeUnavailable, NameTaken, PayloadNotFound, StoreFull
from gridledger.lake.paths import TEMPORARY
from gridledger.lake.store import Entry, NewFile, Store

__all__ = ["LocalStore"]

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class LocalStore(Store):
    """Files below a folder.

    Parameters
    ----------
    root : Path
        The folder; made with the first file.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def __repr__(self) -> str:
        return f"LocalStore({str(self.root)!r})"

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        with _translated(path), (self.root / path).open("rb") as file:
            file.seek(offset)
            return file.read(-1 if length is None else length)

    def size(self, path: str) -> int:
        with _translated(path):
            return (self.root / path).stat().st_size

    def entries(self, folder: str) -> list[Entry]:
        found = []
        for child in self._children(folder):
            # A file that goes while the folder is listed is not listed.
            try:
                state = child.stat()
            except FileNotFoundError:
                continue
            found.append(
                Entry(name=child.name, size=state.st_size, modified_ms=state.st_mtime_ns // 1_000_000)
            )
        return found

    def folders(self, folder: str) -> list[str]:
        return [child.name for child in self._children(folder, folders=True)]

    def _children(self, folder: str, *, folders: bool = False) -> list[Path]:
        try:
            return sorted(child for child in (self.root / folder).iterdir() if child.is_dir() == folders)
        except FileNotFoundError:
            return []

    def begin(self, path: str) -> NewFile:
        with _translated(path):
            return _LocalFile(self.root, path)

    def delete(self, path: str) -> None:
        with _translated(path):
            target = self.root / path
            target.unlink(missing_ok=True)
            if target.parent.is_dir():
                _sync_folder(target.parent)

    def close(self) -> None:
        """Nothing is held open."""


class _LocalFile(NewFile):
    def __init__(self, root: Path, path: str) -> None:
        self._path = path
        self._target = root / path
        self._temporary = root / TEMPORARY / secrets.token_hex(16)
        self._temporary.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._raw = io.FileIO(handle, "wb")
        self._file = io.BufferedWriter(self._raw, buffer_size=1 << 20)

    def write(self, data: bytes) -> None:
        with _translated(self._path):
            self._file.write(data)

    def finish(self) -> None:
        with _translated(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())

    def commit(self) -> None:
        try:
            self.finish()
            with _translated(self._path):
                self._target.parent.mkdir(parents=True, exist_ok=True)
                self._target.hardlink_to(self._temporary)
                _sync_folder(self._target.parent)
        except FileExistsError as error:
            raise NameTaken(f"{self._path} stands there", path=self._path) from error
        finally:
            self.abandon()

    def abandon(self) -> None:
        # The buffer is dropped, not flushed: a full disk would refuse it again.
        self._raw.close()
        with suppress(OSError):
            self._temporary.unlink(missing_ok=True)


@contextmanager
def _translated(path: str) -> Iterator[None]:
    """Raise the operating system's errors as the lake's."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PayloadNotFound(path) from error
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull(f"no room for {path}: {error.strerror}", path=path) from error
        raise LakeUnavailable(f"{path}: {error.strerror}", path=path) from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
