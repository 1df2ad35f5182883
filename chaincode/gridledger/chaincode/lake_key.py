"""The keys of the lake's records: the key tree of chaincode/LEDGER.md, section 2."""

from __future__ import annotations

from gridledger.model.account_entry import entry_time
from gridledger.model.dataset import (
    Custodian,
    Dataset,
    DatasetHead,
    DatasetIdentifier,
    DatasetMark,
    DatasetVersion,
)
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.keys import KeyPrefix
from gridledger.model.lake_index import LakeIndex
from gridledger.model.sharing import (
    AccessDecision,
    AccessLogEntry,
    AccessMark,
    Grant,
    GrantMark,
    PlatformMembership,
    SharingPolicy,
)
from gridledger.shim import Key

__all__ = [
    "access_key",
    "access_log_key",
    "access_log_of",
    "accesses_by_application",
    "accesses_by_dataset",
    "application_access_key",
    "custodian_key",
    "custodians_of",
    "dataset_access_key",
    "dataset_head_key",
    "dataset_key",
    "dataset_label_key",
    "dataset_version_key",
    "datasets_by_label",
    "datasets_of",
    "grant_key",
    "grant_mark_key",
    "grants_of",
    "lake_index_key",
    "lake_indexes_of",
    "membership_key",
    "sharing_policy_key",
    "versions_of",
]


def custodian_key(root: SystemIdentifier, custodian: str) -> Key[Custodian]:
    return Key(Custodian, KeyPrefix.CUSTODIAN, str(root), custodian)


def custodians_of(root: SystemIdentifier) -> Key[Custodian]:
    return Key(Custodian, KeyPrefix.CUSTODIAN, str(root))


def membership_key(system: SystemIdentifier) -> Key[PlatformMembership]:
    return Key(PlatformMembership, KeyPrefix.PLATFORM_MEMBERSHIP, str(system))


def dataset_key(dataset: DatasetIdentifier) -> Key[Dataset]:
    return Key(Dataset, KeyPrefix.DATASET, str(dataset.system), dataset.name)


def datasets_of(owner: SystemIdentifier) -> Key[Dataset]:
    return Key(Dataset, KeyPrefix.DATASET, str(owner))


def dataset_label_key(label: str, dataset: DatasetIdentifier) -> Key[DatasetMark]:
    return Key(DatasetMark, KeyPrefix.DATASET_BY_LABEL, label, str(dataset))


def datasets_by_label(label: str) -> Key[DatasetMark]:
    return Key(DatasetMark, KeyPrefix.DATASET_BY_LABEL, label)


def dataset_version_key(dataset: DatasetIdentifier, number: int) -> Key[DatasetVersion]:
    return Key(DatasetVersion, KeyPrefix.DATASET_VERSION, str(dataset), f"{number:010}")


def versions_of(dataset: DatasetIdentifier) -> Key[DatasetVersion]:
    return Key(DatasetVersion, KeyPrefix.DATASET_VERSION, str(dataset))


def dataset_head_key(dataset: DatasetIdentifier) -> Key[DatasetHead]:
    return Key(DatasetHead, KeyPrefix.DATASET_HEAD, str(dataset))


def sharing_policy_key(dataset: DatasetIdentifier) -> Key[SharingPolicy]:
    return Key(SharingPolicy, KeyPrefix.SHARING_POLICY, str(dataset))


def access_key(request: str) -> Key[AccessDecision]:
    return Key(AccessDecision, KeyPrefix.ACCESS, request)


def dataset_access_key(dataset: DatasetIdentifier, decided_ms: int, request: str) -> Key[AccessMark]:
    return Key(AccessMark, KeyPrefix.ACCESS_BY_DATASET, str(dataset), entry_time(decided_ms), request)


def accesses_by_dataset(dataset: DatasetIdentifier) -> Key[AccessMark]:
    return Key(AccessMark, KeyPrefix.ACCESS_BY_DATASET, str(dataset))


def application_access_key(
    application: SystemIdentifier, dataset: DatasetIdentifier, decided_ms: int, request: str
) -> Key[AccessMark]:
    parts = (str(application), str(dataset), entry_time(decided_ms), request)
    return Key(AccessMark, KeyPrefix.ACCESS_BY_APPLICATION, *parts)


def accesses_by_application(
    application: SystemIdentifier, dataset: DatasetIdentifier | None
) -> Key[AccessMark]:
    """Name the requests of an application for one dataset or for all."""
    parts = [str(application), *([] if dataset is None else [str(dataset)])]
    return Key(AccessMark, KeyPrefix.ACCESS_BY_APPLICATION, *parts)


def grant_key(request: str) -> Key[Grant]:
    return Key(Grant, KeyPrefix.GRANT, request)


def grant_mark_key(dataset: DatasetIdentifier, request: str) -> Key[GrantMark]:
    return Key(GrantMark, KeyPrefix.GRANT_BY_DATASET, str(dataset), request)


def grants_of(dataset: DatasetIdentifier) -> Key[GrantMark]:
    return Key(GrantMark, KeyPrefix.GRANT_BY_DATASET, str(dataset))


def access_log_key(dataset: DatasetIdentifier, at_ms: int, tx_id: str, number: int) -> Key[AccessLogEntry]:
    parts = (str(dataset), entry_time(at_ms), tx_id, f"{number:03}")
    return Key(AccessLogEntry, KeyPrefix.ACCESS_LOG, *parts)


def access_log_of(dataset: DatasetIdentifier) -> Key[AccessLogEntry]:
    return Key(AccessLogEntry, KeyPrefix.ACCESS_LOG, str(dataset))


def lake_index_key(owner: SystemIdentifier, name: str) -> Key[LakeIndex]:
    return Key(LakeIndex, KeyPrefix.LAKE_INDEX, str(owner), name)


def lake_indexes_of(owner: SystemIdentifier) -> Key[LakeIndex]:
    return Key(LakeIndex, KeyPrefix.LAKE_INDEX, str(owner))
