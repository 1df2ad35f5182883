"""Counts what a lake holds, everything included."""

from __future__ import annotations

from dataclasses import dataclass

from gridledger.lake.lake import Lake
from gridledger.lake.paths import CUSTODY, DATASETS, FORMAT, INDEX, PACKS, RETIRED, TABLE, TEMPORARY
from gridledger.lake.store import Store

__all__ = ["LakeStat", "stat"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LakeStat:
    """Sizes in bytes."""

    datasets: int
    """Number of datasets."""
    versions: int
    """Number of versions of all datasets."""
    payload_bytes: int
    """Lengths of all versions' payloads."""
    blocks: int
    """Number of different blocks that versions name."""
    block_bytes: int
    """Their lengths before compression."""
    pack_bytes: int
    table_bytes: int
    manifest_bytes: int
    index_bytes: int
    """Of the layers of all indexes."""
    other_bytes: int
    """Of what was left by writers that were stopped, lists for custodians, and the format's file."""

    @property
    def stored_bytes(self) -> int:
        """Everything that lies in the store, replicas counted once."""
        return self.pack_bytes + self.table_bytes + self.manifest_bytes + self.index_bytes + self.other_bytes


def stat(lake: Lake) -> LakeStat:
    """Count what a lake holds.

    Raises
    ------
    PayloadCorrupt
        A manifest does not open.

    Notes
    -----
    Reads all manifests; sizes of files come from the store's listing.
    """
    store = lake.store

    def held(folder: str) -> int:
        return sum(entry.size for entry in store.entries(folder))

    blocks: dict[bytes, int] = {}
    datasets = set()
    versions = payload = 0
    for dataset, version, generation in lake.manifests():
        _, _, manifest = lake.manifest(dataset, version, generation)
        datasets.add(dataset)
        versions += 1
        payload += manifest.size
        blocks.update((block.identifier, block.size) for block in manifest.blocks)
    return LakeStat(
        datasets=len(datasets),
        versions=versions,
        payload_bytes=payload,
        blocks=len(blocks),
        block_bytes=sum(blocks.values()),
        pack_bytes=held(PACKS),
        table_bytes=held(TABLE),
        manifest_bytes=sum(held(f"{DATASETS}/{name}") for name in store.folders(DATASETS)),
        index_bytes=_below(store, INDEX),
        other_bytes=store.size(FORMAT) + held(TEMPORARY) + held(RETIRED) + _below(store, CUSTODY),
    )


def _below(store: Store, folder: str) -> int:
    """Return the bytes of all files below a folder."""
    files = sum(entry.size for entry in store.entries(folder))
    return files + sum(_below(store, f"{folder}/{name}") for name in store.folders(folder))
