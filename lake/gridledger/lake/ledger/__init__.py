"""The lake on the ledger: datasets, versions with storage receipts, requests, grants.

ledger = LakeLedger(gateway.network())
async with await open_granted(ledger, request, secret, open_store) as granted:
    granted.reader.read(0, 100)
"""

from __future__ import annotations

from gridledger.lake.ledger.granted_version import GrantedVersion, StoreOpener, find_access, open_granted
from gridledger.lake.ledger.lake_ledger import LakeLedger
from gridledger.lake.ledger.location import LakeLocation
from gridledger.lake.ledger.publishing import OwnedLake, publish_version

__all__ = [
    "GrantedVersion",
    "LakeLedger",
    "LakeLocation",
    "OwnedLake",
    "StoreOpener",
    "find_access",
    "open_granted",
    "publish_version",
]
