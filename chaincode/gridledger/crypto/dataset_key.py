"""The key of a dataset: its epochs, and how a recipient gets it (lake/LAYOUT.md, 3.1).

A wrapped key is bound to the label "gridledger/dataset-key/1" ‖ 0x00, the dataset's identifier (16 bytes),
the epoch (8 bytes) and the digest of the grant's subject (32 bytes): joined, they are HPKE's info.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from gridledger.crypto.errors import KeyMalformed
from gridledger.crypto.secret_key import SecretKey
from gridledger.crypto.wrapping import RecipientKey, RecipientSecret, unwrap, wrap
from gridledger.model.digest import Digest

__all__ = ["DATASET_BYTES", "DatasetKey"]

DATASET_BYTES = 16
_LAST_EPOCH = 2**63 - 1
_LABEL = b"gridledger/dataset-key/1\x00"


@dataclass(frozen=True, kw_only=True)
class DatasetKey:
    """A key that seals a dataset's manifests, in one epoch.

    Raises
    ------
    KeyMalformed
        The dataset's identifier has not 16 bytes, or the epoch is below 1.
    """

    dataset: bytes
    """Identifier of the dataset, 16 bytes."""
    epoch: int
    """Which of the dataset's keys it is, from 1; a rotation begins the next."""
    secret: SecretKey
    """The key."""

    def __post_init__(self) -> None:
        if len(self.dataset) != DATASET_BYTES:
            raise KeyMalformed(f"a dataset's identifier has {DATASET_BYTES} bytes, not {len(self.dataset)}")
        if not 1 <= self.epoch <= _LAST_EPOCH:
            raise KeyMalformed("an epoch is 1 or more", epoch=self.epoch)

    @classmethod
    def first(cls, dataset: bytes) -> Self:
        """Draw the key of a new dataset."""
        return cls(dataset=dataset, epoch=1, secret=SecretKey.generate())

    def rotated(self) -> DatasetKey:
        """Draw the key of the next epoch; nothing leads from one epoch's key to another's."""
        return DatasetKey(dataset=self.dataset, epoch=self.epoch + 1, secret=SecretKey.generate())

    def wrap(self, recipient: RecipientKey, *, subject: Digest) -> bytes:
        """Wrap the key to a recipient.

        Parameters
        ----------
        recipient : RecipientKey
            Who is to read the dataset.
        subject : Digest
            Of what the grant is about; the key opens for the same subject only.

        Returns
        -------
        bytes of length 80
        """
        return wrap(self.secret, recipient, info=_info(self.dataset, self.epoch, subject))

    @classmethod
    def unwrap(
        cls, wrapped: bytes, secret: RecipientSecret, *, dataset: bytes, epoch: int, subject: Digest
    ) -> Self:
        """Open a key that was wrapped to this recipient.

        Raises
        ------
        WrappingBroken
            It was wrapped to somebody else, for another dataset, epoch or subject, or its bytes were changed.
        """
        opened = unwrap(wrapped, secret, info=_info(dataset, epoch, subject))
        return cls(dataset=dataset, epoch=epoch, secret=opened)


def _info(dataset: bytes, epoch: int, subject: Digest) -> bytes:
    return _LABEL + dataset + epoch.to_bytes(8, "big") + subject.raw
