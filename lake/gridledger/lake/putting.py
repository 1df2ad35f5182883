"""Payloads that are put together: they share packs, and are published when all of them are stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from gridledger.crypto.dataset_key import DatasetKey
from gridledger.lake.ahead import Ahead
from gridledger.lake.cutter import cut, format_of
from gridledger.lake.errors import Malformed, NameTaken, PayloadNotFound, PutTooLong
from gridledger.lake.frame import LEVEL, open_frame
from gridledger.lake.hash_index_table import HashIndexTable
from gridledger.lake.manifest import Manifest, PayloadFormat
from gridledger.lake.pack_writer import PackWriter
from gridledger.lake.paths import RETIRED, manifest_path, named, pack_path, retired_path
from gridledger.lake.put import Digesting, Put
from gridledger.lake.row import Row
from gridledger.lake.store import NewFile
from gridledger.lake.stored_version import StoredVersion

if TYPE_CHECKING:
    from gridledger.lake.lake import Lake

__all__ = ["NamedPayload", "Putting"]

_WORKERS = 3
"""One more than there are cores on a small machine: one of them mostly waits for the interpreter's lock."""
_PUBLISHERS = 8
"""Files that are made durable at once: that is waiting, not work."""
_SAME_VERSION = 16
"""How often a put counts on when another one took its version."""
_PIECE = 1 << 20
_AHEAD = 3
"""Batches of 8 MiB that are read and not stored yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedPayload:
    """A payload that is put."""

    name: str
    """Name of the dataset."""
    payload: BinaryIO
    """Read from where it stands to its end."""
    payload_format: PayloadFormat | None = None
    """How it is cut; guessed from the name unless given."""


@dataclass(slots=True)
class _Version:
    """A version whose blocks are on their way, and its manifest."""

    manifest: Manifest
    key: DatasetKey
    version: int
    new_blocks: int
    written: int
    file: NewFile
    finished: Future[None]


class Putting:
    """Puts payloads together, once.

    Parameters
    ----------
    lake : Lake
        Where to.
    compressed : bool
        Whether blocks are compressed.
    progress : callable, optional
        Called with the number of bytes that were read, of all payloads.
    """

    def __init__(self, lake: Lake, *, compressed: bool, progress: Callable[[int], None] | None) -> None:
        self._lake = lake
        self._store = lake.store
        self._keys = lake.keys
        self._level = LEVEL if compressed else None
        self._progress = progress
        self._read = 0
        self._left = ExitStack()
        """Drops what is not published."""

    def run(self, payloads: Iterable[NamedPayload]) -> list[StoredVersion]:
        """Put payloads; see `Lake.put_all`."""
        known = [(each, self._unchanged(each)) for each in payloads]
        changed = [each for each, unchanged in known if unchanged is None]
        stored = iter(self._stored(changed) if changed else ())
        return [next(stored) if unchanged is None else unchanged for _, unchanged in known]

    def _unchanged(self, each: NamedPayload) -> StoredVersion | None:
        """Tell whether a payload is the newest version already; it stands where it stood if it is not."""
        payload = each.payload
        newest = self._lake.newest(self._keys.dataset(each.name))
        if newest is None or not payload.seekable():
            return None
        head, _, manifest = newest
        start = payload.tell()
        size = payload.seek(0, 2) - start
        payload.seek(start)
        if size != manifest.size or manifest.name != each.name:
            return None
        digest = hashlib.sha256()
        while piece := payload.read(_PIECE):
            digest.update(piece)
        if digest.digest() != manifest.sha256.raw:
            payload.seek(start)
            return None
        return StoredVersion.of(
            manifest, head.dataset, head.version, head.generation, new_blocks=0, written=0, unchanged=True
        )

    def _stored(self, payloads: list[NamedPayload]) -> list[StoredVersion]:
        table = HashIndexTable.load(self._store, self._keys)
        with (
            ThreadPoolExecutor(_WORKERS, thread_name_prefix="lake-put") as workers,
            ThreadPoolExecutor(_PUBLISHERS, thread_name_prefix="lake-publish") as publishers,
            self._left,
        ):
            merging = publishers.submit(table.merge, self._store, self._keys)
            packs = PackWriter(self._store, self._keys, table, publishers, pack_bytes=self._lake.pack_bytes)
            self._left.callback(packs.abandon)
            puts = [(each, self._put(table, packs, workers)) for each in payloads]
            versions: list[_Version] = []
            written = packs.written
            # The next blocks are read, cut and digested while those before are sealed and appended.
            with Ahead(self._digesting(puts), most=_AHEAD) as batches:
                for (each, put), batch in batches:
                    if batch is not None:
                        put.store(batch)
                        continue
                    put.finish()
                    self._read += put.size
                    if put is puts[-1][1]:
                        packs.finish()
                    # Manifests are made durable while packs are, and seen when all of those are.
                    versions.append(self._begin(each, put, publishers))
                    versions[-1].written += packs.written - written
                    written = packs.written
            packs.commit()
            self._refuse_retired(version.manifest for version in versions)
            merging.result()
            return [self._publish(version) for version in versions]

    def _put(self, table: HashIndexTable, packs: PackWriter, workers: Executor) -> Put:
        return Put(
            table=table,
            packs=packs,
            keys=self._keys,
            workers=workers,
            read_block=self._read_block,
            level=self._level,
            progress=lambda size: self._report(self._read + size),
        )

    def _digesting(
        self, puts: Iterable[tuple[NamedPayload, Put]]
    ) -> Iterator[tuple[tuple[NamedPayload, Put], Digesting | None]]:
        """Begin to digest all payloads; after the last batch of each comes None."""
        for each, put in puts:
            chosen = each.payload_format or format_of(each.name)
            blocks = cut(
                each.payload, chosen, sizes=self._lake.sizes, seed=self._keys.cut_seed, seen=put.read
            )
            for batch in put.digest(blocks):
                yield (each, put), batch
            yield (each, put), None

    def _report(self, size: int) -> None:
        if self._progress is not None:
            self._progress(size)

    def _begin(self, each: NamedPayload, put: Put, publishers: Executor) -> _Version:
        """Write the manifest of a version."""
        chosen = each.payload_format or format_of(each.name)
        parts = tuple(put.parts)
        manifest = Manifest(each.name, chosen, put.size, put.sha256, put.records, put.blocks(), parts)
        dataset = self._keys.dataset(each.name)
        newest = self._lake.newest(dataset)
        key = newest[1] if newest is not None else DatasetKey.first(dataset)
        version = newest[0].version + 1 if newest is not None else 1
        file, size = self._manifest_file(manifest, key, version)
        return _Version(manifest, key, version, put.new_blocks, size, file, publishers.submit(file.finish))

    def _manifest_file(self, manifest: Manifest, key: DatasetKey, version: int) -> tuple[NewFile, int]:
        data = manifest.to_bytes(key, self._keys.datasets, version=version, generation=1)
        file = self._store.begin(manifest_path(key.dataset, version, 1))
        self._left.callback(file.abandon)
        file.write(data)
        return file, len(data)

    def _publish(self, stored: _Version) -> StoredVersion:
        """Publish the first generation of a version, of the next one if another put took it."""
        stored.finished.result()
        for _ in range(_SAME_VERSION - 1):
            try:
                stored.file.commit()
                break
            except NameTaken:
                # The other put may have begun the dataset: its key is the dataset's.
                newest = self._lake.newest(stored.key.dataset)
                if newest is not None:
                    stored.key = newest[1]
                stored.version += 1
                stored.file, _ = self._manifest_file(stored.manifest, stored.key, stored.version)
        else:
            stored.file.commit()
        return StoredVersion.of(
            stored.manifest,
            stored.key.dataset,
            stored.version,
            1,
            new_blocks=stored.new_blocks,
            written=stored.written,
        )

    def _refuse_retired(self, manifests: Iterable[Manifest]) -> None:
        retired = {name for entry in self._store.entries(RETIRED) if (name := named(entry.name))}
        packs = {block.pack for manifest in manifests for block in manifest.blocks}
        for pack in sorted(packs & retired):
            raise PutTooLong("blocks that this put counted on were retired", path=retired_path(pack))

    def _read_block(self, row: Row) -> bytes | None:
        try:
            frame = self._store.read(pack_path(row.pack), row.offset, row.length)
            return open_frame(frame, self._keys.block_key(row.sha256))
        except (PayloadNotFound, Malformed):
            # A block that cannot be read is no source; `check` names it.
            return None
