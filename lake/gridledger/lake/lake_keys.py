"""What is derived from an owner key for one lake (LAYOUT.md, 3.1)."""

from __future__ import annotations

import hmac

from gridledger.crypto.secret_key import SecretKey

__all__ = ["LakeKeys"]

_LABEL = b"gridledger/lake/1 "


class LakeKeys:
    """Keys of one lake's owner.

    Parameters
    ----------
    owner : SecretKey
        The owner key.
    lake : bytes of length 16
        Identifier of the lake.
    """

    __slots__ = ("_block", "_name", "cut_seed", "datasets", "hook", "index", "index_names", "rows")

    def __init__(self, owner: SecretKey, lake: bytes) -> None:
        def derived(use: bytes) -> bytes:
            return owner.derive(salt=lake, info=_LABEL + use).reveal()

        self._block = derived(b"block")
        self._name = derived(b"name")
        self.rows = derived(b"rows")
        """Seals trailers and tables."""
        self.datasets = derived(b"dataset")
        """Seals dataset keys for the owner itself."""
        self.hook = derived(b"hook")
        """Keys hooks and their sampling."""
        self.cut_seed = int.from_bytes(derived(b"cut")[:8], "big") & (1 << 63) - 1
        """Seed of the chunker."""

        self.index = derived(b"index")
        """Seals the layers of indexes."""
        self.index_names = derived(b"index-name")
        """Names the folders of indexes."""

    def __repr__(self) -> str:
        return "LakeKeys(...)"

    def block_key(self, sha256: bytes) -> bytes:
        """Return the key of the block with this SHA-256."""
        return hmac.digest(self._block, sha256, "sha256")

    def dataset(self, name: str) -> bytes:
        """Return the identifier of the dataset with this name."""
        return hmac.digest(self._name, name.encode(), "sha256")[:16]
