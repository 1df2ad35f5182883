"""Gets a version into a file, and goes on where a get before it was stopped."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from gridledger.lake.errors import NameTaken, PayloadCorrupt
from gridledger.lake.version_reader import VersionReader

__all__ = ["download", "unfinished_path"]

_PIECE = 1 << 20


def download(
    reader: VersionReader,
    target: Path,
    *,
    replace: bool = False,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Get a version into a file.

    Parameters
    ----------
    reader : VersionReader
        What is read.
    target : Path
        The file; it is there when all of it is, and not before.
    replace : bool, default False
        Whether the file may exist already.
    progress : callable, optional
        Called with the number of bytes that are there.

    Returns
    -------
    int
        How many bytes a get before this one had left, and were not read again.

    Raises
    ------
    NameTaken
        The file exists, or another get is writing it.
    PayloadCorrupt
        A block is not the one that was stored, or the payload is not the version's; what was read before
        the broken block is left for the next get.
    OSError
        The file cannot be written; what was written is left for the next get.

    Notes
    -----
    Bytes are written beside the target under a name that holds the payload's digest, so that a later get of
    the same payload goes on there. Digests cover what was left, too.
    """
    if not replace and target.exists():
        raise NameTaken(f"{target} exists", path=str(target))
    unfinished = unfinished_path(reader, target)
    digest = hashlib.sha256()
    with _alone(unfinished) as file:
        kept = _digested(file.fileno(), digest, reader.size)
        written = kept
        if progress is not None:
            progress(written)
        for piece in reader.stream(written):
            file.write(piece)
            digest.update(piece)
            written += len(piece)
            if progress is not None:
                progress(written)
        file.flush()
        os.fsync(file.fileno())
        expected = reader.manifest.sha256.raw
        if digest.digest() != expected:
            unfinished.unlink()
            if kept:
                # What was left was not the beginning of this payload: all of it is read.
                download(reader, target, replace=replace, progress=progress)
                return 0
            raise PayloadCorrupt(
                str(target), "the payload is another one", expected=expected.hex(), actual=digest.hexdigest()
            )
        if replace:
            unfinished.replace(target)
            return kept
        try:
            target.hardlink_to(unfinished)
        except FileExistsError as error:
            raise NameTaken(f"{target} exists", path=str(target)) from error
        with suppress(FileNotFoundError):
            unfinished.unlink()
        return kept


def unfinished_path(reader: VersionReader, target: Path) -> Path:
    """Return the name under which a file is written until all of it is there."""
    return target.with_name(f".{target.name[:100]}.{reader.manifest.sha256.raw.hex()[:16]}.part")


@contextmanager
def _alone(path: Path) -> Iterator[BinaryIO]:
    """Open what is unfinished for one get at a time: two would write their pieces one into the other's."""
    while True:
        with path.open("a+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise NameTaken(f"another get writes {path}", path=str(path)) from error
            if _is(path, file.fileno()):
                yield file
                return
        # The get that held it was done meanwhile: what was opened is the file that it made.


def _is(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _digested(handle: int, digest: hashlib._Hash, size: int) -> int:
    """Digest what was left; drop what is too long to be the beginning."""
    if os.fstat(handle).st_size > size:
        os.ftruncate(handle, 0)
    place = 0
    while data := os.pread(handle, _PIECE, place):
        digest.update(data)
        place += len(data)
    return place
