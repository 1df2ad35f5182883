"""A lake: one owner's payloads in a store.

lake = Lake.create(LocalStore(folder), SecretKey.generate())
with open("register.csv", "rb") as payload:
    version = lake.put("register.csv", payload)
lake.reader("register.csv").read(0, 100)
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from gridledger.crypto.dataset_key import DatasetKey
from gridledger.crypto.errors import SealBroken
from gridledger.crypto.secret_key import SecretKey
from gridledger.lake.cutter import ChunkSizes
from gridledger.lake.errors import (
    LakeUnknown,
    Malformed,
    PayloadCorrupt,
    PayloadNotFound,
)
from gridledger.lake.lake_keys import LakeKeys
from gridledger.lake.manifest import Head, Manifest, PayloadFormat
from gridledger.lake.pack_writer import PACK_BYTES
from gridledger.lake.paths import (
    DATASETS,
    FORMAT,
    generation_of,
    manifest_path,
    named,
)
from gridledger.lake.putting import NamedPayload, Putting
from gridledger.lake.row import ID_BYTES
from gridledger.lake.store import Store
from gridledger.lake.stored_version import StoredVersion
from gridledger.lake.version_reader import VersionReader
from gridledger.model.canonical import WritableValue, canonical_bytes, parse_canonical
from gridledger.model.errors import ModelError

__all__ = ["Lake"]

_SCHEMA = "lake-format/1"


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
                try:
                    sizes = ChunkSizes(minimum=minimum, average=average, maximum=maximum)
                except Malformed as error:
                    raise LakeUnknown("the lake's format was changed", store=repr(store)) from error
                return cls(store, owner, lake=identifier, sizes=sizes, pack_bytes=pack_bytes)
        raise LakeUnknown("the lake's format is not known here", store=repr(store))

    def put(
        self,
        name: str,
        payload: BinaryIO,
        *,
        payload_format: PayloadFormat | None = None,
        compressed: bool = True,
        progress: Callable[[int], None] | None = None,
    ) -> StoredVersion:
        """Store a payload as the next version of a dataset: `put_all` for one.

        Parameters
        ----------
        name : str
            Name of the dataset.
        payload : binary file
            Read from where it stands to its end.
        payload_format : PayloadFormat, optional
            How it is cut; guessed from the name unless given.
        compressed : bool, default True
            Whether its blocks are compressed, where that makes them shorter.
        progress : callable, optional
            Called with the number of bytes that were read.

        Returns
        -------
        StoredVersion
            Durable when this returns. Where the payload can seek and is the newest version already, nothing
            is written.
        """
        each = NamedPayload(name=name, payload=payload, payload_format=payload_format)
        [stored] = self.put_all([each], compressed=compressed, progress=progress)
        return stored

    def put_all(
        self,
        payloads: Iterable[NamedPayload],
        *,
        compressed: bool = True,
        progress: Callable[[int], None] | None = None,
    ) -> list[StoredVersion]:
        """Store payloads, each as the next version of its dataset; they share packs.

        Parameters
        ----------
        payloads : iterable of NamedPayload
            Files that are open until this returns.
        compressed : bool, default True
            Whether blocks are compressed, where that makes them shorter.
        progress : callable, optional
            Called with the number of bytes that were read, of all payloads.

        Returns
        -------
        list of StoredVersion
            In the order of the payloads; durable when this returns. The versions are published one after the
            other when all blocks are durable.

        Raises
        ------
        PutTooLong
            Blocks that it counted on were retired meanwhile.
        StoreFull, LakeUnavailable
            What `newest` does not show was not stored; the same again finds what stands in published packs.

        Notes
        -----
        Linear in the payloads' bytes. Memory is a pack and a half and three batches of 8 MiB, some 140 MiB,
        and 700 bytes for each block of the lake.
        """
        return Putting(self, compressed=compressed, progress=progress).run(payloads)

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
            key, content = head.open_owner_seal(self.keys.datasets)
            manifest = Manifest.parse(data, key)
        except (Malformed, SealBroken) as error:
            raise PayloadCorrupt(path, error.message) from error
        if manifest.content != content:
            raise PayloadCorrupt(
                path, "it is not the owner's", expected=str(content), actual=str(manifest.content)
            )
        return head, key, manifest

    def newest(self, dataset: bytes) -> tuple[Head, DatasetKey, Manifest] | None:
        """Read the newest version of a dataset; None if it has none."""
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
            generation = self.versions(dataset).get(chosen)
            if generation is None:
                raise PayloadNotFound(f"{name}, version {chosen}")
            return self.manifest(dataset, chosen, generation)[2]

        return VersionReader(self.store, newest(), renew=newest)

    def dataset_key(self, name: str) -> DatasetKey:
        """Return the key of a dataset's newest version: what a grant wraps.

        Raises
        ------
        PayloadNotFound
            There is no such dataset.
        """
        newest = self.newest(self.keys.dataset(name))
        if newest is None:
            raise PayloadNotFound(name)
        return newest[1]

    def epochs(self, name: str) -> dict[int, int]:
        """Return the versions of a dataset, each with the epoch of the key that seals it.

        Notes
        -----
        Reads each version's manifest. Whoever had the key of an epoch can read its versions.
        """
        dataset = self.keys.dataset(name)
        return {
            version: self.manifest(dataset, version, generation)[0].epoch
            for version, generation in self.versions(dataset).items()
        }

    def rotate(self, name: str, *, all_versions: bool = False) -> DatasetKey:
        """Seal the newest version again, or all, under a new dataset key; later versions are sealed under it.

        Older versions that are not sealed again stay open to whoever had their key; see `epochs`.

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

        The next version has its number again if it was the newest.

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
        # The newest goes last: what is left for a moment, or by a kill, is the whole version.
        for generation in sorted(generations):
            self.store.delete(manifest_path(dataset, version, generation))
