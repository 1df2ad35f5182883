"""What a lake holds, by name: each version with what its manifest says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from gridledger.lake.errors import PayloadNotFound
from gridledger.lake.lake import Lake
from gridledger.lake.manifest import Manifest, PayloadFormat
from gridledger.lake.paths import DATASETS, generation_of
from gridledger.model.digest import Digest

__all__ = ["ListedVersion", "find_datasets", "list_datasets", "list_versions"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedVersion:
    """A version of a dataset."""

    name: str
    version: int
    generation: int
    format: PayloadFormat
    size: int
    """Length of the payload in bytes."""
    records: int
    """Of CSV and JSON lines; 0 else."""
    blocks: int
    sha256: Digest
    """Of the payload."""
    root: Digest
    """Merkle root over the blocks' identifiers."""
    location: str
    """Where its manifests lie, without generation."""
    modified_ms: int
    """When its newest generation was written, by the store's clock, in milliseconds since 1970."""


def list_datasets(lake: Lake) -> list[ListedVersion]:
    """List the newest version of every dataset, by name.

    Raises
    ------
    PayloadCorrupt
        A manifest does not open: `check` names them all.

    Notes
    -----
    One manifest is read for each dataset: names stand nowhere else.
    """
    found = [_newest(lake, dataset) for dataset in lake.datasets()]
    return sorted((one for one in found if one is not None), key=lambda one: one.name)


def list_versions(lake: Lake, name: str) -> list[ListedVersion]:
    """List the versions of a dataset, the oldest first.

    Raises
    ------
    PayloadNotFound
        There is no such dataset.
    """
    found = list(_listed(lake, lake.keys.dataset(name)))
    if not found:
        raise PayloadNotFound(name)
    return found


def find_datasets(
    lake: Lake,
    pattern: str = "*",
    *,
    payload_format: PayloadFormat | None = None,
    at_least: int = 0,
    since_ms: int = 0,
) -> list[ListedVersion]:
    """Find datasets whose newest version fits.

    Parameters
    ----------
    lake : Lake
        Where to look.
    pattern : str, default "*"
        Of the name, with `*`, `?` and `[…]`; text without any of them is looked for anywhere in the name.
        Case does not matter.
    payload_format : PayloadFormat, optional
        How it is cut.
    at_least : int, default 0
        Length of the payload in bytes.
    since_ms : int, default 0
        Written at or after this time by the store's clock, in milliseconds since 1970.
    """
    wanted = pattern.lower()
    if not any(sign in wanted for sign in "*?["):
        wanted = f"*{wanted}*"
    return [
        one
        for one in list_datasets(lake)
        if fnmatchcase(one.name.lower(), wanted)
        and payload_format in (None, one.format)
        and one.size >= at_least
        and one.modified_ms >= since_ms
    ]


def _newest(lake: Lake, dataset: bytes) -> ListedVersion | None:
    versions = lake.versions(dataset)
    return next(_listed(lake, dataset, only=max(versions)), None) if versions else None


def _listed(lake: Lake, dataset: bytes, *, only: int | None = None) -> Iterator[ListedVersion]:
    folder = f"{DATASETS}/{dataset.hex()}"
    newest: dict[int, tuple[int, int]] = {}
    for entry in lake.store.entries(folder):
        numbers = generation_of(entry.name)
        if numbers is not None and only in (None, numbers[0]):
            newest[numbers[0]] = max(newest.get(numbers[0], (0, 0)), (numbers[1], entry.modified_ms))
    for version, (generation, modified_ms) in sorted(newest.items()):
        _, _, manifest = lake.manifest(dataset, version, generation)
        yield _version(manifest, f"{folder}/{version}", version, generation, modified_ms)


def _version(
    manifest: Manifest, location: str, version: int, generation: int, modified_ms: int
) -> ListedVersion:
    return ListedVersion(
        name=manifest.name,
        version=version,
        generation=generation,
        format=manifest.format,
        size=manifest.size,
        records=manifest.records,
        blocks=len(manifest.blocks),
        sha256=manifest.sha256,
        root=manifest.root,
        location=location,
        modified_ms=modified_ms,
    )
