"""Deletes what no version names, while readers and writers work (LAYOUT.md, section 5)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from gridledger.lake.hash_index_table import HashIndexTable, PackState
from gridledger.lake.lake import Lake
from gridledger.lake.manifest import Manifest, ManifestBlock
from gridledger.lake.pack_writer import PackWriter
from gridledger.lake.paths import (
    CUSTODY,
    DATASETS,
    PACKS,
    RETIRED,
    TABLE,
    TEMPORARY,
    generation_of,
    manifest_path,
    named,
    pack_path,
    retired_path,
)
from gridledger.lake.rebuilding import row_of
from gridledger.lake.row import PACK_HEADER_BYTES
from gridledger.lake.version_reader import open_block

__all__ = ["GRACE_S", "PruneReport", "prune"]

GRACE_S = 24 * 3600.0
"""How long a retired pack stays: longer than any put or get."""
_DEAD_SHARE = 4
"""A pack is copied when one byte of so many is dead."""
_MERGED_AT_ONCE = 8
"""Packs of less than half the size at which one is published are merged when there are so many."""

_Live = dict[bytes, dict[bytes, ManifestBlock]]
_Moved = dict[tuple[bytes, bytes], tuple[bytes, int]]


@dataclass(kw_only=True, slots=True)
class PruneReport:
    """What a pruning did."""

    retired_packs: int = 0
    deleted_packs: int = 0
    moved_blocks: int = 0
    moved_bytes: int = 0
    freed_bytes: int = 0
    """Of the packs that were deleted."""
    rewritten_versions: int = 0


def prune(lake: Lake, *, grace_s: float = GRACE_S, now_ms: int | None = None) -> PruneReport:
    """Copy live blocks out of wasteful and small packs, and delete packs that were retired long enough ago.

    Parameters
    ----------
    lake : Lake
        What is pruned.
    grace_s : float, default 24 hours
        How long packs stay as they are after they were written, and after they were retired. 0 deletes at
        once: only where nobody reads or writes.
    now_ms : int, optional
        The time by the store's clock, in milliseconds since 1970; this machine's unless given.

    Raises
    ------
    PayloadCorrupt
        A manifest, or a frame that is to be moved, is broken: nothing is deleted then. `check` names all of
        it.

    Notes
    -----
    One pruning at a time. Killed at any point it leaves a readable lake, and the next one goes on.
    """
    return _Pruning(lake, grace_s, int(time.time() * 1000) if now_ms is None else now_ms).run()


class _Pruning:
    def __init__(self, lake: Lake, grace_s: float, now_ms: int) -> None:
        self._lake = lake
        self._store = lake.store
        self._now = now_ms
        self._before = now_ms - int(grace_s * 1000)
        self._report = PruneReport()
        self._manifests = {place: lake.manifest(*place) for place in lake.manifests()}
        self._table = HashIndexTable.load(lake.store, lake.keys)
        self._written = {
            pack: entry.modified_ms
            for entry in self._store.entries(PACKS)
            if (pack := named(entry.name, ".pack")) is not None
        }
        self._retired = {
            pack: entry.modified_ms
            for entry in self._store.entries(RETIRED)
            if (pack := named(entry.name)) is not None
        }

    def run(self) -> PruneReport:
        live = _live(manifest for _, _, manifest in self._manifests.values())
        chosen = [state for state in self._table.packs.values() if self._is_wasteful(state, live)]
        small = [
            state for state in self._table.packs.values() if self._is_small(state) and state not in chosen
        ]
        if len(small) >= _MERGED_AT_ONCE:
            chosen += small
        moved = self._move(chosen, live)
        self._rewrite(moved)
        for state in chosen:
            self._retire(state.pack)
        # Everything live was moved out of what is retired: nothing names it any more.
        self._delete_packs()
        self._delete_leftovers()
        return self._report

    def _is_wasteful(self, state: PackState, live: _Live) -> bool:
        """Tell whether a pack's live blocks are to be moved."""
        held = sum(block.length for block in live.get(state.pack, {}).values())
        if state.retired:
            return held > 0  # By a writer that had counted on it: it stays for another period.
        if self._written.get(state.pack, self._now) > self._before:
            return False  # A put that is under way may have written it.
        frames = sum(row.length for row in state.rows) if state.is_known else state.size - PACK_HEADER_BYTES
        return held == 0 or (frames - held) * _DEAD_SHARE > frames

    def _is_small(self, state: PackState) -> bool:
        """Tell whether a pack is one of those that are merged when there are many."""
        if state.retired or self._written.get(state.pack, self._now) > self._before:
            return False
        return state.size < self._lake.pack_bytes // 2

    def _move(self, chosen: list[PackState], live: _Live) -> _Moved:
        if not chosen:
            return {}
        with ThreadPoolExecutor(1, thread_name_prefix="lake-prune") as workers:
            packs = PackWriter(
                self._store, self._lake.keys, self._table, workers, pack_bytes=self._lake.pack_bytes
            )
            try:
                moved = self._moved(packs, chosen, live)
                packs.commit()
            except BaseException:
                packs.abandon()
                raise
        return moved

    def _moved(self, packs: PackWriter, chosen: list[PackState], live: _Live) -> _Moved:
        moved: _Moved = {}
        for state in chosen:
            rows = {row.identifier: row for row in state.rows}
            for block in sorted(live.get(state.pack, {}).values(), key=lambda block: block.offset):
                frame = self._store.read(pack_path(block.pack), block.offset, block.length)
                data = open_block(block, frame)
                row = rows.get(block.identifier) or row_of(self._lake.keys, block, data)
                pack, offset = packs.place()
                packs.put(frame, replace(row, pack=pack, offset=offset))
                moved[block.pack, block.identifier] = pack, offset
                self._report.moved_blocks += 1
                self._report.moved_bytes += len(frame)
        return moved

    def _rewrite(self, moved: _Moved) -> None:
        """Publish the next generation of every version that names a moved block."""
        for (dataset, version, generation), (_, key, manifest) in self._manifests.items():
            if not any((block.pack, block.identifier) in moved for block in manifest.blocks):
                continue
            rewritten = replace(manifest, blocks=tuple(_placed(block, moved) for block in manifest.blocks))
            data = rewritten.to_bytes(
                key, self._lake.keys.datasets, version=version, generation=generation + 1
            )
            self._store.publish(manifest_path(dataset, version, generation + 1), data)
            self._report.rewritten_versions += 1

    def _retire(self, pack: bytes) -> None:
        if pack in self._retired:
            self._store.delete(retired_path(pack))
        self._store.publish(retired_path(pack), b"")
        self._retired[pack] = self._now
        self._report.retired_packs += 1

    def _delete_packs(self) -> None:
        deleted = False
        for pack, since in self._retired.items():
            if since > self._before:
                continue
            self._store.delete(pack_path(pack))
            self._store.delete(retired_path(pack))
            deleted = True
            if pack in self._table.packs:
                self._report.deleted_packs += 1
                self._report.freed_bytes += self._table.packs[pack].size
        if deleted and self._store.entries(TABLE):
            HashIndexTable.load(self._store, self._lake.keys).merge(self._store, self._lake.keys, least=0)

    def _delete_leftovers(self) -> None:
        """Delete generations that a newer one replaced long enough ago, lists of frames of versions that are
        gone, and what writers left unpublished.
        """
        for dataset in self._lake.datasets():
            folder = f"{DATASETS}/{dataset.hex()}"
            entries = {
                numbers: entry
                for entry in self._store.entries(folder)
                if (numbers := generation_of(entry.name)) is not None
            }
            for version, generation in entries:
                newer = entries.get((version, generation + 1))
                if newer is not None and newer.modified_ms <= self._before:
                    self._store.delete(manifest_path(dataset, version, generation))
        for name in self._store.folders(CUSTODY):
            identifier = named(name)
            if identifier is None:
                continue
            stored = {str(version) for version in self._lake.versions(identifier)}
            for entry in self._store.entries(f"{CUSTODY}/{name}"):
                if entry.name not in stored and entry.modified_ms <= self._before:
                    self._store.delete(f"{CUSTODY}/{name}/{entry.name}")
        for entry in self._store.entries(TEMPORARY):
            if entry.modified_ms <= self._before:
                self._store.delete(f"{TEMPORARY}/{entry.name}")


def _live(manifests: Iterable[Manifest]) -> _Live:
    live: _Live = {}
    for manifest in manifests:
        for block in manifest.blocks:
            live.setdefault(block.pack, {})[block.identifier] = block
    return live


def _placed(block: ManifestBlock, moved: _Moved) -> ManifestBlock:
    found = moved.get((block.pack, block.identifier))
    return block if found is None else replace(block, pack=found[0], offset=found[1])
