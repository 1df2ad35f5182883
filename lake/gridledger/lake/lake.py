"""A lake: one owner's payloads in a store.

lake = Lake.create(LocalStore(folder), SecretKey.generate())
with open("register.csv", "rb") as payload:
    version = lake.put("register.csv", payload)
lake.reader("register.csv").read(0, 100)
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

from gridledger.crypto.dataset_key import DatasetKey
from gridledger.crypto.errors import SealBroken
from gridledger.crypto.secret_key import SecretKey
from gridledger.lake.cutter import ChunkSizes, cut, format_of
from gridledger.lake.errors import (
    LakeUnknown,
    Malformed,
    NameTaken,
    PayloadCorrupt,
    PayloadNotFound,
    PutTooLong,
)
from gridledger.lake.frame import open_frame
from gridledger.lake.hash_index_table import HashIndexTable
from gridledger.lake.lake_keys import LakeKeys
from gridledger.lake.manifest import Head, Manifest, PayloadFormat
from gridledger.lake.pack_writer import PACK_BYTES, PackWriter
from gridledger.lake.paths import (
    DATASETS,
    FORMAT,
    RETIRED,
    generation_of,
    manifest_path,
    named,
    pack_path,
    retired_path,
)
from gridledger.lake.put import Put
from gridledger.lake.row import ID_BYTES, Row
from gridledger.lake.store import Store
from gridledger.lake.stored_version import StoredVersion
from gridledger.lake.version_reader import VersionReader
from gridledger.model.canonical import WritableValue, canonical_bytes, parse_canonical
from gridledger.model.errors import ModelError

__all__ = ["Lake"]

_SCHEMA = "lake-format/1"
_WORKERS = 3
_SAME_VERSION = 16
"""How often a put counts on when another one took its version."""
_PIECE = 1 << 20


class Lake:
    """A lake whose owner key is at hand.

    Parameters
    ----------
    store : Store
        Where it lies.
    owner : SecretKey
        The owner key.
    lake : bytes of length 16
        Identifier of the lake.
    sizes : ChunkSizes
        How payloads are cut.
    pack_bytes : int, default 64 MiB
        At which size a pack is published.

    Notes
    -----
    One put at a time; several processes may each have the lake open. See `create` and `open`.
    """

    def __init__(
        self,
        store: Store,
        owner: SecretKey,
        *,
        lake: bytes,
        sizes: ChunkSizes,
        pack_bytes: int = PACK_BYTES,
    ) -> None:
        self.store = store
        self.keys = LakeKeys(owner, lake)
        self.sizes = sizes
        self.pack_bytes = pack_bytes

    @classmethod
    def create(
        cls,
        store: Store,
        owner: SecretKey,
        *,
        sizes: ChunkSizes | None = None,
        pack_bytes: int = PACK_BYTES,
    ) -> Lake:
        """Begin a lake in an empty store.

        Raises
        ------
        NameTaken
            There is one already.
        """
        chosen = sizes or ChunkSizes()
        lake = secrets.token_bytes(ID_BYTES)
        described: dict[str, WritableValue] = {
            "average": chosen.average,
            "lake": lake.hex(),
            "maximum": chosen.maximum,
            "minimum": chosen.minimum,
            "schema": _SCHEMA,
        }
        store.publish(FORMAT, canonical_bytes(described))
        return cls(store, owner, lake=lake, sizes=chosen, pack_bytes=pack_bytes)

    @classmethod
    def open(cls, store: Store, owner: SecretKey, *, pack_bytes: int = PACK_BYTES) -> Lake:
        """Open the lake of a store.

        Raises
        ------
        LakeUnknown
            There is none, or of a format that this release does not read.
        """
        try:
            described = parse_canonical(store.read(FORMAT))
        except (PayloadNotFound, ModelError) as error:
            raise LakeUnknown("the store holds no lake", store=repr(store)) from error
        match described:
            case {
                "average": int(average),
                "lake": str(lake),
                "maximum": int(maximum),
                "minimum": int(minimum),
                "schema": str(schema),
            } if schema == _SCHEMA and (identifier := named(lake)) is not None:
                sizes = ChunkSizes(minimum=minimum, average=average, maximum=maximum)
                return cls(store, owner, lake=identifier, sizes=sizes, pack_bytes=pack_bytes)
        raise LakeUnknown("the lake's format is not known here", store=repr(store))

    def put(
        self,
        name: str,
        payload: BinaryIO,
        *,
        payload_format: PayloadFormat | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> StoredVersion:
        """Store a payload as the next version of a dataset.

        Parameters
        ----------
        name : str
            Name of the dataset.
        payload : binary file
            Read from where it stands to its end.
        payload_format : PayloadFormat, optional
            How it is cut; guessed from the name unless given.
        progress : callable, optional
            Called with the number of bytes that were read.

        Returns
        -------
        StoredVersion
            Durable when this returns. Where the payload can seek and is the newest version already, nothing
            is written.

        Raises
        ------
        PutTooLong
            Blocks that it counted on were retired meanwhile.
        StoreFull, LakeUnavailable
            Nothing was acknowledged; the same put again finds what it had stored in published packs.
        """
        chosen = payload_format or format_of(name)
        dataset = self.keys.dataset(name)
        newest = self._newest(dataset)
        if newest is not None and payload.seekable():
            same = self._unchanged(name, dataset, newest, payload)
            if same is not None:
                return same
        table = HashIndexTable.load(self.store, self.keys)
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="lake-put") as workers:
            packs = PackWriter(self.store, self.keys, table, workers, pack_bytes=self.pack_bytes)
            put = Put(
                table=table,
                packs=packs,
                keys=self.keys,
                workers=workers,
                read_block=self._read_block,
                progress=progress,
            )
            try:
                put.run(cut(payload, chosen, sizes=self.sizes, seed=self.keys.cut_seed))
                packs.commit()
            except BaseException:
                packs.abandon()
                raise
        manifest = Manifest(name, chosen, put.size, put.sha256, put.records, put.blocks(), tuple(put.parts))
        self._refuse_retired(manifest)
        key = newest[1] if newest is not None else DatasetKey.first(dataset)
        version, written = self._publish(manifest, key, (newest[0].version if newest else 0) + 1)
        table.merge(self.store, self.keys)
        return StoredVersion.of(
            manifest, dataset, version, 1, new_blocks=put.new_blocks, written=packs.written + written
        )

    def _unchanged(
        self, name: str, dataset: bytes, newest: tuple[Head, DatasetKey, Manifest], payload: BinaryIO
    ) -> StoredVersion | None:
        """Tell whether a payload is the newest version already; it stands where it stood if it is not."""
        head, _, manifest = newest
        start = payload.tell()
        size = payload.seek(0, 2) - start
        payload.seek(start)
        if size != manifest.size or manifest.name != name:
            return None
        digest = hashlib.sha256()
        while piece := payload.read(_PIECE):
            digest.update(piece)
        if digest.digest() == manifest.sha256.raw:
            return StoredVersion.of(
                manifest, dataset, head.version, head.generation, new_blocks=0, written=0, unchanged=True
            )
        payload.seek(start)
        return None

    def _publish(self, manifest: Manifest, key: DatasetKey, version: int) -> tuple[int, int]:
        """Publish the first generation of a version, of the next one if another put took it."""
        for wanted in range(version, version + _SAME_VERSION):
            data = manifest.to_bytes(key, self.keys.datasets, version=wanted, generation=1)
            try:
                self.store.publish(manifest_path(key.dataset, wanted, 1), data)
            except NameTaken:
                if wanted == version + _SAME_VERSION - 1:
                    raise
                # The other put may have begun the dataset: its key is the dataset's.
                newest = self._newest(key.dataset)
                if newest is not None:
                    key = newest[1]
                continue
            return wanted, len(data)
        raise AssertionError("the last attempt raises")

    def _refuse_retired(self, manifest: Manifest) -> None:
        retired = {name for entry in self.store.entries(RETIRED) if (name := named(entry.name))}
        named_packs = {block.pack for block in manifest.blocks}
        for pack in sorted(named_packs & retired):
            raise PutTooLong("blocks that this put counted on were retired", path=retired_path(pack))

    def _read_block(self, row: Row) -> bytes | None:
        try:
            frame = self.store.read(pack_path(row.pack), row.offset, row.length)
            return open_frame(frame, self.keys.block_key(row.sha256))
        except (PayloadNotFound, Malformed):
            # A block that cannot be read is no source; `check` names it.
            return None

    def datasets(self) -> list[bytes]:
        """List the identifiers of all datasets."""
        found = [named(name) for name in self.store.folders(DATASETS)]
        return [dataset for dataset in found if dataset is not None]

    def versions(self, dataset: bytes) -> dict[int, int]:
        """Return the versions of a dataset, each with its newest generation."""
        newest: dict[int, int] = {}
        for entry in self.store.entries(f"{DATASETS}/{dataset.hex()}"):
            numbers = generation_of(entry.name)
            if numbers is not None:
                newest[numbers[0]] = max(newest.get(numbers[0], 0), numbers[1])
        return dict(sorted(newest.items()))

    def manifests(self) -> Iterator[tuple[bytes, int, int]]:
        """Yield dataset, version and newest generation of everything that is stored."""
        for dataset in self.datasets():
            for version, generation in self.versions(dataset).items():
                yield dataset, version, generation

    def manifest(self, dataset: bytes, version: int, generation: int) -> tuple[Head, DatasetKey, Manifest]:
        """Read a manifest.

        Raises
        ------
        PayloadCorrupt
            It does not open.
        PayloadNotFound
            There is none.
        """
        path = manifest_path(dataset, version, generation)
        data = self.store.read(path)
        try:
            head = Head.of(data, path=path)
            key = head.owners_key(self.keys.datasets)
            return head, key, Manifest.parse(data, key)
        except (Malformed, SealBroken) as error:
            raise PayloadCorrupt(path, error.message) from error

    def _newest(self, dataset: bytes) -> tuple[Head, DatasetKey, Manifest] | None:
        versions = self.versions(dataset)
        if not versions:
            return None
        version = max(versions)
        return self.manifest(dataset, version, versions[version])

    def reader(self, name: str, version: int | None = None) -> VersionReader:
        """Open a version to read, the newest unless told.

        Raises
        ------
        PayloadNotFound
            There is no such dataset or version.
        """
        dataset = self.keys.dataset(name)
        versions = self.versions(dataset)
        chosen = max(versions, default=0) if version is None else version
        if chosen not in versions:
            raise PayloadNotFound(f"{name}, version {chosen}" if chosen else name)

        def newest() -> Manifest:
            return self.manifest(dataset, chosen, self.versions(dataset)[chosen])[2]

        return VersionReader(self.store, newest(), renew=newest)

    def dataset_key(self, name: str) -> DatasetKey:
        """Return the key of a dataset's newest version: what a grant wraps.

        Raises
        ------
        PayloadNotFound
            There is no such dataset.
        """
        newest = self._newest(self.keys.dataset(name))
        if newest is None:
            raise PayloadNotFound(name)
        return newest[1]

    def rotate(self, name: str, *, all_versions: bool = False) -> DatasetKey:
        """Seal the newest version again, or all, under a new dataset key; later versions are sealed under it.

        Raises
        ------
        PayloadNotFound
            There is no such dataset.
        """
        key = self.dataset_key(name).rotated()
        versions = self.versions(key.dataset)
        wanted = versions if all_versions else {max(versions): versions[max(versions)]}
        for version, generation in wanted.items():
            _, _, manifest = self.manifest(key.dataset, version, generation)
            data = manifest.to_bytes(key, self.keys.datasets, version=version, generation=generation + 1)
            self.store.publish(manifest_path(key.dataset, version, generation + 1), data)
            self.store.delete(manifest_path(key.dataset, version, generation))
        return key

    def forget(self, name: str, version: int) -> None:
        """Delete a version; pruning then deletes the blocks that no other version names.

        Raises
        ------
        PayloadNotFound
            There is no such version.
        """
        dataset = self.keys.dataset(name)
        generations = [
            numbers[1]
            for entry in self.store.entries(f"{DATASETS}/{dataset.hex()}")
            if (numbers := generation_of(entry.name)) and numbers[0] == version
        ]
        if not generations:
            raise PayloadNotFound(f"{name}, version {version}")
        # The newest goes first: an older one that is left for a moment is still the whole version.
        for generation in sorted(generations):
            self.store.delete(manifest_path(dataset, version, generation))
