"""The contract `lake`: datasets, versions with storage receipts, policies, access requests, grants.

Source: seed 002, section 4; seed 000, data sharing and access control between platforms.
"""

from __future__ import annotations

from gridledger.chaincode.access_transactions import AccessTransactions
from gridledger.chaincode.dataset_transactions import DatasetTransactions
from gridledger.chaincode.version_transactions import VersionTransactions

__all__ = ["LakeContract"]


class LakeContract(DatasetTransactions, VersionTransactions, AccessTransactions):
    """Datasets of the lake and who may have them; its functions stand in one module a noun."""

    name = "lake"
