"""A lake copied to another store, while others use it; without its keys, and for either direction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from gridledger.lake.errors import BackupDiffers, NameTaken, PayloadNotFound
from gridledger.lake.paths import CUSTODY, DATASETS, FORMAT, INDEX, PACKS, TABLE
from gridledger.lake.store import Store

__all__ = ["BackupReport", "copy_lake"]

_CHUNK: Final = 8 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupReport:
    """What a copy of a lake did."""

    copied: int
    """Files that were copied and read again."""

    copied_bytes: int
    """Their length."""

    present: int
    """Files that the target had already, of the same length."""

    gone: int
    """Files that were deleted while the lake was copied: pruning, or a forgotten version."""


def copy_lake(source: Store, target: Store, *, say: Callable[[str], None] = lambda _: None) -> BackupReport:
    """Copy every file of a lake that a reader may need, and read each copy again.

    Parameters
    ----------
    source, target : Store
        The lake, and where it is copied to: an empty store, or an older copy, which gets what is new.
    say : callable, optional
        Is told each file that is copied.

    Returns
    -------
    BackupReport

    Raises
    ------
    BackupDiffers
        The source is no lake, the target is another lake or has another file under a name, or a copy does not
        read as it was written.
    LakeUnavailable, StoreFull
        A store does not answer, or has no room; the same call goes on.

    Notes
    -----
    Files of a lake are published whole and never changed, and what a manifest or an index's table names was
    published before it. Those are therefore listed first and copied last: the copy has all that they name,
    whatever is written meanwhile, and a copy that was cut off has none that names what is missing. Pruning
    leaves what it retires for a day (LAYOUT.md), which is longer than a copy may take.

    What was forgotten stays in an older copy; `lake prune` removes it there. Keys are copied by nobody.
    """
    try:
        form = source.read(FORMAT)
    except PayloadNotFound as error:
        raise BackupDiffers(FORMAT, why="the source is no lake") from error
    _same_lake(target, form)
    last = [*_files(source, DATASETS), *_tables(source)]
    named = set(last)
    first = [*_files(source, PACKS), *_files(source, TABLE), *_files(source, CUSTODY)]
    first += [path for path in _files(source, INDEX) if path not in named and not _is_table(path)]
    copied = copied_bytes = present = gone = 0
    for path in [*first, *last]:
        try:
            length = _copy(source, target, path)
        except PayloadNotFound:
            gone += 1
            continue
        if length is None:
            present += 1
        else:
            copied, copied_bytes = copied + 1, copied_bytes + length
            say(path)
    return BackupReport(copied=copied, copied_bytes=copied_bytes, present=present, gone=gone)


def _same_lake(target: Store, form: bytes) -> None:
    try:
        found = target.read(FORMAT)
    except PayloadNotFound:
        target.publish(FORMAT, form)
        return
    if found != form:
        raise BackupDiffers(FORMAT, why="the target is another lake")


def _copy(source: Store, target: Store, path: str) -> int | None:
    """Copy a file and return its length, None where the target has it."""
    length = source.size(path)
    try:
        if target.size(path) == length:
            return None
        raise BackupDiffers(path, why="the target has another file of the name")
    except PayloadNotFound:
        pass
    digest = hashlib.sha256()
    try:
        with target.begin(path) as file:
            for part in _parts(source, path, length):
                digest.update(part)
                file.write(part)
    except NameTaken:
        return None
    again = hashlib.sha256()
    for part in _parts(target, path, length):
        again.update(part)
    if target.size(path) != length or again.digest() != digest.digest():
        raise BackupDiffers(path, why="the copy does not read as it was written")
    return length


def _parts(store: Store, path: str, length: int) -> Iterator[bytes]:
    for offset in range(0, length, _CHUNK):
        part = store.read(path, offset, min(_CHUNK, length - offset))
        if not part:
            raise BackupDiffers(path, why="the file ends early")
        yield part


def _files(store: Store, folder: str) -> list[str]:
    """Return the paths of all files below a folder, sorted."""
    found = [f"{folder}/{entry.name}" for entry in store.entries(folder)]
    for name in store.folders(folder):
        found += _files(store, f"{folder}/{name}")
    return sorted(found)


def _tables(store: Store) -> list[str]:
    return [path for path in _files(store, INDEX) if _is_table(path)]


def _is_table(path: str) -> bool:
    return path.split("/")[2:3] == ["tables"]
