"""An owner's open lake, and the address under which others reach its store."""

from __future__ import annotations

from dataclasses import dataclass

from gridledger.crypto.dataset_key import DatasetKey
from gridledger.lake.errors import PayloadNotFound
from gridledger.lake.lake import Lake
from gridledger.lake.ledger.location import LakeLocation
from gridledger.lake.manifest import Manifest
from gridledger.lake.paths import DATASETS

__all__ = ["OwnedLake"]


@dataclass(frozen=True, kw_only=True)
class OwnedLake:
    """An owner's open lake, and the address under which others reach its store."""

    lake: Lake
    address: str

    def folder(self, name: str) -> LakeLocation:
        """Return where a dataset's versions lie."""
        dataset = self.lake.keys.dataset(name)
        return LakeLocation(store=self.address, path=f"{DATASETS}/{dataset.hex()}")

    def read(self, name: str, number: int | None = None) -> tuple[int, DatasetKey, Manifest]:
        """Return number, key and manifest of a version, the newest by default.

        Raises
        ------
        PayloadNotFound
            The lake has no such version.
        """
        dataset = self.lake.keys.dataset(name)
        versions = self.lake.versions(dataset)
        chosen = max(versions, default=0) if number is None else number
        if chosen not in versions:
            raise PayloadNotFound(f"{name}, version {chosen}" if chosen else name)
        _, key, manifest = self.lake.manifest(dataset, chosen, versions[chosen])
        return chosen, key, manifest
