"""The data lake: payloads deduplicated by block and record, sealed, in packs on HDFS (lake/LAYOUT.md).

lake = Lake.open(store, SecretKey.load(path))
version = lake.put("register.csv", payload)
lake.reader("register.csv").read(0, 100)

gridledger.lake.open("gridledger://register.csv") is a file object;
pandas and others read the same URL by fsspec.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridledger.lake.cutter import ChunkSizes
    from gridledger.lake.dataset_path import DatasetPath
    from gridledger.lake.download import download
    from gridledger.lake.errors import (
        ClusteringFailed,
        LakeUnavailable,
        LakeUnknown,
        NameTaken,
        NotGranted,
        PayloadCorrupt,
        PayloadNotFound,
        PutTooLong,
        StoreForbidden,
        StoreFull,
    )
    from gridledger.lake.file_system import LakeFileSystem
    from gridledger.lake.file_system import open_dataset as open  # noqa: A004
    from gridledger.lake.granted import granted_reader
    from gridledger.lake.hash_index_table import Damage
    from gridledger.lake.hdfs_store import HdfsStore
    from gridledger.lake.inspection import CheckReport, check
    from gridledger.lake.lake import Lake
    from gridledger.lake.listing import ListedVersion, find_datasets, list_datasets, list_versions
    from gridledger.lake.local_store import LocalStore
    from gridledger.lake.manifest import PayloadFormat
    from gridledger.lake.pruning import PruneReport, prune
    from gridledger.lake.putting import NamedPayload
    from gridledger.lake.rebuilding import rebuild
    from gridledger.lake.settings import LakeSettings
    from gridledger.lake.statistics import LakeStat, stat
    from gridledger.lake.store import Entry, NewFile, Store
    from gridledger.lake.store_address import open_store
    from gridledger.lake.stored_version import StoredVersion
    from gridledger.lake.version_reader import VersionReader
    from gridledger.lake.web_hdfs_store import WebHdfsStore

__all__ = [
    "CheckReport",
    "ChunkSizes",
    "ClusteringFailed",
    "Damage",
    "DatasetPath",
    "Entry",
    "HdfsStore",
    "Lake",
    "LakeFileSystem",
    "LakeSettings",
    "LakeStat",
    "LakeUnavailable",
    "LakeUnknown",
    "ListedVersion",
    "LocalStore",
    "NameTaken",
    "NamedPayload",
    "NewFile",
    "NotGranted",
    "PayloadCorrupt",
    "PayloadFormat",
    "PayloadNotFound",
    "PruneReport",
    "PutTooLong",
    "Store",
    "StoreForbidden",
    "StoreFull",
    "StoredVersion",
    "VersionReader",
    "WebHdfsStore",
    "check",
    "download",
    "find_datasets",
    "granted_reader",
    "list_datasets",
    "list_versions",
    "open",
    "open_store",
    "prune",
    "rebuild",
    "stat",
]

_MODULES = {
    "CheckReport": "inspection",
    "ChunkSizes": "cutter",
    "ClusteringFailed": "errors",
    "Damage": "hash_index_table",
    "DatasetPath": "dataset_path",
    "Entry": "store",
    "HdfsStore": "hdfs_store",
    "Lake": "lake",
    "LakeFileSystem": "file_system",
    "LakeSettings": "settings",
    "LakeStat": "statistics",
    "LakeUnavailable": "errors",
    "LakeUnknown": "errors",
    "ListedVersion": "listing",
    "LocalStore": "local_store",
    "NameTaken": "errors",
    "NamedPayload": "putting",
    "NewFile": "store",
    "NotGranted": "errors",
    "PayloadCorrupt": "errors",
    "PayloadFormat": "manifest",
    "PayloadNotFound": "errors",
    "PruneReport": "pruning",
    "PutTooLong": "errors",
    "Store": "store",
    "StoreForbidden": "errors",
    "StoreFull": "errors",
    "StoredVersion": "stored_version",
    "VersionReader": "version_reader",
    "WebHdfsStore": "web_hdfs_store",
    "check": "inspection",
    "download": "download",
    "find_datasets": "listing",
    "granted_reader": "granted",
    "list_datasets": "listing",
    "list_versions": "listing",
    "open": "file_system",
    "open_store": "store_address",
    "prune": "pruning",
    "rebuild": "rebuilding",
    "stat": "statistics",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # The module's `open` is called open_dataset where builtins are at hand.
    attribute = "open_dataset" if name == "open" else name
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), attribute)
