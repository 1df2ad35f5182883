"""Pages of the contract lake; the bookmark of the next page is empty at the end."""

from __future__ import annotations

from gridledger.model.dataset import Custodian, Dataset, DatasetVersion
from gridledger.model.lake_index import LakeIndex
from gridledger.model.record import ModelValue, value
from gridledger.model.sharing import AccessDecision, AccessLogEntry, Grant

__all__ = [
    "Access",
    "AccessLogPage",
    "AccessPage",
    "CustodianPage",
    "DatasetPage",
    "LakeIndexPage",
    "VersionPage",
]


@value
class DatasetPage(ModelValue):
    """Datasets of an owner by name, or of a label by owner and name."""

    datasets: tuple[Dataset, ...]
    bookmark: str


@value
class VersionPage(ModelValue):
    """Versions of a dataset by number, proposed ones included."""

    versions: tuple[DatasetVersion, ...]
    bookmark: str


@value
class CustodianPage(ModelValue):
    """Custodians of a root."""

    custodians: tuple[Custodian, ...]
    bookmark: str


@value
class Access(ModelValue):
    """A request with its decision, and what it was given."""

    decision: AccessDecision
    grant: Grant | None = None


@value
class AccessPage(ModelValue):
    """Requests for a dataset by time, or of an application by dataset."""

    accesses: tuple[Access, ...]
    bookmark: str


@value
class AccessLogPage(ModelValue):
    """The access log of a dataset, the earliest first."""

    entries: tuple[AccessLogEntry, ...]
    bookmark: str


@value
class LakeIndexPage(ModelValue):
    """Indexes of an owner's lake by name."""

    indexes: tuple[LakeIndex, ...]
    bookmark: str
