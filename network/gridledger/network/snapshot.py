"""A snapshot of a peer's ledger: the folder that Fabric writes, and how it is checked without a peer."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from gridledger.model.errors import FieldValue
from gridledger.network.errors import SnapshotBroken

__all__ = ["LedgerSnapshot"]

_SIGNABLE: Final = "_snapshot_signable_metadata.json"
_ADDITIONAL: Final = "_snapshot_additional_metadata.json"
_HASHES: Final = {64: hashlib.sha256, 128: hashlib.sha512}
_CHUNK: Final = 1024 * 1024
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True, kw_only=True)
class LedgerSnapshot:
    """A complete snapshot, on this machine.

    Notes
    -----
    Source: Hyperledger Fabric, "Taking ledger snapshots and using them to join channels": the signable file
    names the other files with their hashes, and two peers' snapshots of a block have the same one; the
    additional file holds the hash of the signable one.
    """

    path: Path
    """Its folder."""

    channel: str
    """Name of the channel."""

    block: int
    """Number of the last block that it holds the state of."""

    block_hash: str
    """That block's hash, hexadecimal."""

    snapshot_hash: str
    """Hash over all of it, hexadecimal: what organisations compare."""

    bytes: int
    """Size of its files."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read a snapshot's description; its files are not read.

        Raises
        ------
        SnapshotBroken
            If the description is missing or malformed, or a file that it names is missing.
        """
        try:
            signable = json.loads((path / _SIGNABLE).read_bytes())
            additional = json.loads((path / _ADDITIONAL).read_bytes())
            found = cls(
                path=path,
                channel=str(signable["channel_name"]),
                block=int(signable["last_block_number"]),
                block_hash=str(signable["last_block_hash"]),
                snapshot_hash=str(additional["snapshot_hash"]),
                bytes=sum((path / name).stat().st_size for name in _named(path, signable)),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise SnapshotBroken(path, why=f"its description cannot be read: {error}") from error
        return found

    def check(self) -> None:
        """Compare each file with its hash, and the description with the snapshot's hash.

        Raises
        ------
        SnapshotBroken
            If one differs.

        Notes
        -----
        Reads all of it once.
        """
        try:
            text = (self.path / _SIGNABLE).read_bytes()
            signable = json.loads(text)
            if _HASHES[len(self.snapshot_hash)](text).hexdigest() != self.snapshot_hash:
                raise SnapshotBroken(self.path, why=f"{_SIGNABLE} was changed")
            for name, expected in _named(self.path, signable).items():
                if _digest_of(self.path / name, expected) != expected:
                    raise SnapshotBroken(self.path, why=f"{name} was changed")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise SnapshotBroken(self.path, why=f"it cannot be read: {error}") from error

    def to_value(self) -> dict[str, FieldValue]:
        """Return what commands show."""
        return {
            "path": str(self.path),
            "channel": self.channel,
            "block": self.block,
            "block_hash": self.block_hash,
            "snapshot_hash": self.snapshot_hash,
            "bytes": self.bytes,
        }


def _named(path: Path, signable: dict[str, dict[str, str]]) -> dict[str, str]:
    files = dict(signable["snapshot_files_raw_hashes"])
    for name, digest in files.items():
        # The names come from a file that may have been made by others: none leads out of the folder.
        if not _FILE_NAME.fullmatch(name) or name in {".", ".."} or len(digest) not in _HASHES:
            raise SnapshotBroken(path, why=f"its description names {name[:100]!r}")
    return files


def _digest_of(path: Path, expected: str) -> str:
    digest = _HASHES[len(expected)]()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
