"""The lake on the ledger: datasets, versions with storage receipts, requests, grants.

ledger = LakeLedger(gateway.network())
async with await open_granted(ledger, request, secret, open_store) as granted:
    granted.reader.read(0, 100)
"""

from __future__ import annotations

from gridledger.lake.ledger.custodian_agent import CustodianAgent, RecordSigner
from gridledger.lake.ledger.granted_version import GrantedVersion, StoreOpener, find_access, open_granted
from gridledger.lake.ledger.index_deposit import (
    IndexCheck,
    IndexState,
    answer_for,
    check_index,
    deposit_index,
    granted_names,
)
from gridledger.lake.ledger.lake_ledger import LakeLedger
from gridledger.lake.ledger.location import LakeLocation
from gridledger.lake.ledger.owned_lake import OwnedLake
from gridledger.lake.ledger.owner_agent import OwnerAgent
from gridledger.lake.ledger.publishing import publish_version
from gridledger.lake.ledger.reader_settings import ReaderSettings
from gridledger.lake.ledger.version_check import VersionCheck, VersionState, check_versions

__all__ = [
    "CustodianAgent",
    "GrantedVersion",
    "IndexCheck",
    "IndexState",
    "LakeLedger",
    "LakeLocation",
    "OwnedLake",
    "OwnerAgent",
    "ReaderSettings",
    "RecordSigner",
    "StoreOpener",
    "VersionCheck",
    "VersionState",
    "answer_for",
    "check_index",
    "check_versions",
    "deposit_index",
    "find_access",
    "granted_names",
    "open_granted",
    "publish_version",
]
