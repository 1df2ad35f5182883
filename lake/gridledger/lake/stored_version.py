"""What a put stored."""

from __future__ import annotations

from dataclasses import dataclass

from gridledger.lake.manifest import Manifest
from gridledger.lake.paths import DATASETS
from gridledger.model.digest import Digest

__all__ = ["StoredVersion"]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredVersion:
    """What a put stored."""

    name: str
    dataset: bytes
    """Identifier of the dataset."""
    version: int
    generation: int
    size: int
    """Length of the payload in bytes."""
    sha256: Digest
    """Of the payload."""
    root: Digest
    """Merkle root over the blocks' identifiers: what is deposited on the ledger."""
    blocks: int
    """Number of blocks, the leaves of the root."""
    new_blocks: int
    """How many of them were not in the lake."""
    written: int
    """Bytes that were written, manifest and rows included."""
    unchanged: bool
    """Whether the newest version is this payload already, so that no version was made."""

    @property
    def location(self) -> str:
        """Where the version's manifests lie, without generation."""
        return f"{DATASETS}/{self.dataset.hex()}/{self.version}"

    @classmethod
    def of(
        cls,
        manifest: Manifest,
        dataset: bytes,
        version: int,
        generation: int,
        *,
        new_blocks: int,
        written: int,
        unchanged: bool = False,
    ) -> StoredVersion:
        """Describe the version of a manifest."""
        return cls(
            name=manifest.name,
            dataset=dataset,
            version=version,
            generation=generation,
            size=manifest.size,
            sha256=manifest.sha256,
            root=manifest.root,
            blocks=len(manifest.blocks),
            new_blocks=new_blocks,
            written=written,
            unchanged=unchanged,
        )
