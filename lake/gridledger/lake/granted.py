"""What a reader does to whom a version was granted: no owner key is at hand."""

from __future__ import annotations

from gridledger.crypto.dataset_key import DatasetKey
from gridledger.crypto.errors import SealBroken
from gridledger.lake.errors import Malformed, NotGranted, PayloadCorrupt, PayloadNotFound
from gridledger.lake.manifest import Head, Manifest
from gridledger.lake.paths import generation_of
from gridledger.lake.store import Store
from gridledger.lake.version_reader import VersionReader
from gridledger.model.digest import Digest

__all__ = ["granted_reader", "newest_generation"]


def granted_reader(
    store: Store, location: str, key: DatasetKey, *, content: Digest | None = None
) -> VersionReader:
    """Open a version with its dataset's key, as a reader does to whom it was granted.

    Parameters
    ----------
    store : Store
        Where the lake lies.
    location : str
        Where the version's manifests lie: `StoredVersion.location`.
    key : DatasetKey
        What the grant unwrapped to.
    content : Digest, optional
        What the ledger has of this version; every generation that is read must be of it. Without it, others
        who have the dataset's key could have written what is read.

    Raises
    ------
    NotGranted
        The key does not open the newest generation.
    PayloadNotFound
        There is no such version.
    PayloadCorrupt
        What was opened is no manifest, or that of another payload than the ledger's.
    """

    def newest() -> Manifest:
        path = newest_generation(store, location)
        data = store.read(path)
        try:
            Head.of(data, path=path)
            manifest = Manifest.parse(data, key)
        except Malformed as error:
            raise PayloadCorrupt(path, error.message) from error
        except SealBroken as error:
            raise NotGranted("the key does not open this version", path=path, epoch=key.epoch) from error
        if content is not None and manifest.content != content:
            raise PayloadCorrupt(
                path,
                "the version is not the one on the ledger",
                expected=str(content),
                actual=str(manifest.content),
            )
        return manifest

    return VersionReader(store, newest(), renew=newest)


def newest_generation(store: Store, location: str) -> str:
    """Return the path of a version's newest manifest; raises PayloadNotFound."""
    folder, _, version = location.rpartition("/")
    found = [
        numbers[1]
        for entry in store.entries(folder)
        if (numbers := generation_of(entry.name)) and str(numbers[0]) == version
    ]
    if not found:
        raise PayloadNotFound(location)
    return f"{location}.{max(found)}.manifest"
