"""The data lake: payloads deduplicated by block and record, sealed, in packs on HDFS (lake/LAYOUT.md).

lake = Lake.open(store, SecretKey.load(path))
version = lake.put("register.csv", payload)
lake.reader("register.csv").read(0, 100)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridledger.lake.cutter import ChunkSizes
    from gridledger.lake.errors import (
        LakeUnavailable,
        LakeUnknown,
        NameTaken,
        NotGranted,
        PayloadCorrupt,
        PayloadNotFound,
        PutTooLong,
        StoreBusy,
        StoreFull,
    )
    from gridledger.lake.granted import granted_reader
    from gridledger.lake.hash_index_table import Damage
    from gridledger.lake.inspection import CheckReport, check
    from gridledger.lake.lake import Lake
    from gridledger.lake.local_store import LocalStore
    from gridledger.lake.manifest import PayloadFormat
    from gridledger.lake.pruning import PruneReport, prune
    from gridledger.lake.rebuilding import rebuild
    from gridledger.lake.statistics import LakeStat, stat
    from gridledger.lake.store import Appender, Entry, Store
    from gridledger.lake.stored_version import StoredVersion
    from gridledger.lake.version_reader import VersionReader

__all__ = [
    "Appender",
    "CheckReport",
    "ChunkSizes",
    "Damage",
    "Entry",
    "Lake",
    "LakeStat",
    "LakeUnavailable",
    "LakeUnknown",
    "LocalStore",
    "NameTaken",
    "NotGranted",
    "PayloadCorrupt",
    "PayloadFormat",
    "PayloadNotFound",
    "PruneReport",
    "PutTooLong",
    "Store",
    "StoreBusy",
    "StoreFull",
    "StoredVersion",
    "VersionReader",
    "check",
    "granted_reader",
    "prune",
    "rebuild",
    "stat",
]

_MODULES = {
    "Appender": "store",
    "CheckReport": "inspection",
    "ChunkSizes": "cutter",
    "Damage": "hash_index_table",
    "Entry": "store",
    "Lake": "lake",
    "LakeStat": "statistics",
    "LakeUnavailable": "errors",
    "LakeUnknown": "errors",
    "LocalStore": "local_store",
    "NameTaken": "errors",
    "NotGranted": "errors",
    "PayloadCorrupt": "errors",
    "PayloadFormat": "manifest",
    "PayloadNotFound": "errors",
    "PruneReport": "pruning",
    "PutTooLong": "errors",
    "Store": "store",
    "StoreBusy": "errors",
    "StoreFull": "errors",
    "StoredVersion": "stored_version",
    "VersionReader": "version_reader",
    "check": "inspection",
    "granted_reader": "granted",
    "prune": "pruning",
    "rebuild": "rebuilding",
    "stat": "statistics",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
