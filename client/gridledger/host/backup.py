"""What a server keeps in files, copied while it works: databases by SQLite itself, the rest as it stands."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any, Final

from gridledger.host.durable_file import write_file
from gridledger.host.errors import BackupBroken

__all__ = ["BackedUpFile", "FileKind", "check_backup", "make_backup", "restore_backup"]

_MANIFEST: Final = "backup.json"
_SCHEMA: Final = "gridledger-backup/1"
_MAGIC: Final = b"SQLite format 3\0"
_BESIDE: Final = ("-wal", "-shm", "-journal")
_CHUNK: Final = 1024 * 1024
_BUSY_S: Final = 60.0
_PAGES: Final = 4096
"""Copied at once: writers wait no longer than for these."""


class FileKind(StrEnum):
    """How a file was copied."""

    DATABASE = "database"
    """By SQLite: as it was between two transactions."""
    FILE = "file"


@dataclass(frozen=True, kw_only=True, slots=True)
class BackedUpFile:
    """A file of a backup."""

    path: str
    """Relative to the backup's folder, with `/`."""
    kind: FileKind
    bytes: int
    sha256: str
    """Hexadecimal."""
    mode: int
    """Permission bits."""


def make_backup(sources: Sequence[Path], target: Path) -> list[BackedUpFile]:
    """Copy files and folders of a server that may be working.

    Parameters
    ----------
    sources : sequence of Path
        Files and folders; each keeps its name below the target.
    target : Path
        A folder that is not there; it appears complete or not at all.

    Returns
    -------
    list of BackedUpFile

    Raises
    ------
    BackupBroken
        If a source is missing, two have one name, a link lies in one, the target exists, or a database is
        damaged.

    Notes
    -----
    A database is copied between two of its transactions, with what is still in its log; other files first,
    so that a checkpoint is never ahead of the database that it belongs to. Each database is whole in itself;
    for one moment across several, stop the server.
    """
    if target.exists():
        raise BackupBroken(target, why="it exists already")
    names = [source.name for source in sources]
    if not names or len(set(names)) != len(names) or _MANIFEST in names:
        raise BackupBroken(target, why="want sources of different names")
    aside = target.with_name(f".{target.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True, mode=0o700)
    found = sorted(
        (pair for source in sources for pair in _walk(source)), key=lambda pair: _is_database(pair[0])
    )
    files = [_copy(path, aside, name) for path, name in found]
    files.sort(key=lambda one: one.path)
    write_file(aside / _MANIFEST, _manifest(files), mode=0o600)
    aside.replace(target)
    return files


def check_backup(folder: Path) -> list[BackedUpFile]:
    """Compare every file of a backup with its hash, and let SQLite check its databases.

    Raises
    ------
    BackupBroken
        If the folder is no backup, a file is missing or was changed, or a database is damaged.
    """
    files = _read_manifest(folder)
    for one in files:
        path = folder / one.path
        try:
            digest, length = _digest(path)
        except OSError as error:
            raise BackupBroken(folder, why=f"{one.path} cannot be read: {error.strerror}") from error
        if (digest, length) != (one.sha256, one.bytes):
            raise BackupBroken(folder, why=f"{one.path} was changed")
        if one.kind is FileKind.DATABASE:
            _check_database(path, folder)
    return files


def restore_backup(folder: Path, target: Path) -> list[BackedUpFile]:
    """Copy a backup, checked, to where a server is to find it.

    Parameters
    ----------
    folder : Path
        The backup.
    target : Path
        A folder; nothing of the backup's names may be in it.

    Raises
    ------
    BackupBroken
        If the backup is broken, or a name is taken; nothing was written.
    """
    files = check_backup(folder)
    taken = sorted(
        {
            PurePosixPath(one.path).parts[0]
            for one in files
            if (target / PurePosixPath(one.path).parts[0]).exists()
        }
    )
    if taken:
        raise BackupBroken(target, why=f"it has {', '.join(taken)} already")
    for one in files:
        made = target / one.path
        made.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_file(made, (folder / one.path).read_bytes(), mode=one.mode, replace=False)
    return files


def _walk(source: Path) -> Iterator[tuple[Path, str]]:
    if source.is_symlink() or not source.exists():
        raise BackupBroken(source, why="it is a link or not there")
    if source.is_file():
        yield source, source.name
        return
    for path in sorted(source.rglob("*")):
        if path.is_symlink():
            raise BackupBroken(path, why="it is a link")
        if path.is_file() and not path.name.endswith(_BESIDE) and not path.name.endswith(".tmp"):
            yield path, f"{source.name}/{path.relative_to(source).as_posix()}"


def _is_database(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


def _copy(path: Path, folder: Path, name: str) -> BackedUpFile:
    made = folder / name
    made.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    mode = path.stat().st_mode & 0o777
    kind = FileKind.DATABASE if _is_database(path) else FileKind.FILE
    if kind is FileKind.DATABASE:
        made.touch(mode=mode)
        _copy_database(path, made)
        _check_database(made, folder)
    else:
        write_file(made, path.read_bytes(), mode=mode)
    digest, length = _digest(made)
    return BackedUpFile(path=name, kind=kind, bytes=length, sha256=digest, mode=mode)


def _copy_database(path: Path, made: Path) -> None:
    try:
        with (
            closing(
                sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)
            ) as source,
            closing(sqlite3.connect(made, timeout=_BUSY_S)) as copy,
        ):
            source.backup(copy, pages=_PAGES, sleep=0.0)
            # One file, without a log beside it.
            copy.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.Error as error:
        raise BackupBroken(path, why=f"SQLite cannot copy it: {error}") from error


def _check_database(path: Path, folder: Path) -> None:
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        ) as database:
            found = [str(row[0]) for row in database.execute("PRAGMA integrity_check(1)")]
    except sqlite3.Error as error:
        found = [str(error)]
    if found != ["ok"]:
        raise BackupBroken(folder, why=f"database {path.name} is damaged: {'; '.join(found)[:200]}")


def _digest(path: Path) -> tuple[str, int]:
    digest, length = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            length += len(chunk)
    return digest.hexdigest(), length


def _manifest(files: Sequence[BackedUpFile]) -> bytes:
    entries = [
        {"path": one.path, "kind": one.kind.value, "bytes": one.bytes, "sha256": one.sha256, "mode": one.mode}
        for one in files
    ]
    return (json.dumps({"schema": _SCHEMA, "files": entries}, indent=2) + "\n").encode()


def _read_manifest(folder: Path) -> list[BackedUpFile]:
    try:
        read: Any = json.loads((folder / _MANIFEST).read_bytes())
        if read["schema"] != _SCHEMA:
            raise BackupBroken(folder, why=f"it is of another version: {str(read['schema'])[:40]}")
        files = [
            BackedUpFile(
                path=str(entry["path"]),
                kind=FileKind(entry["kind"]),
                bytes=int(entry["bytes"]),
                sha256=str(entry["sha256"]),
                mode=int(entry["mode"]) & 0o777,
            )
            for entry in read["files"]
        ]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BackupBroken(folder, why=f"{_MANIFEST} cannot be read: {error}") from error
    for one in files:
        # The names come from a file that may have been made by others: none leads out of the folder.
        parts = PurePosixPath(one.path).parts
        if not parts or parts[0] in {"/", _MANIFEST} or ".." in parts or "\0" in one.path:
            raise BackupBroken(folder, why=f"it names {one.path[:100]!r}")
    return files
