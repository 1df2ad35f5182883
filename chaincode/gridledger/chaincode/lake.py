"""The contract `lake`: datasets, versions with storage receipts, policies, access requests, grants,
indexes.

Source: Luo and Jin, section 4; Zeng et al., data sharing and access control between platforms.
"""

from __future__ import annotations

from gridledger.chaincode.access_transactions import AccessTransactions
from gridledger.chaincode.dataset_transactions import DatasetTransactions
from gridledger.chaincode.index_transactions import IndexTransactions
from gridledger.chaincode.version_transactions import VersionTransactions

__all__ = ["LakeContract"]


class LakeContract(DatasetTransactions, VersionTransactions, AccessTransactions, IndexTransactions):
    """Datasets of the lake and who may have them; its functions stand in one module a noun."""

    name = "lake"
