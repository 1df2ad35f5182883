"""Where datasets are read from by name: an owner's lake, or what was granted to an application.

One configuration file says which: an owner's (gridledger.lake.settings) or that of an application's reader
(gridledger.lake.ledger.reader_settings).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from gridledger.lake.dataset_path import DatasetPath
from gridledger.lake.errors import PayloadNotFound
from gridledger.lake.lake import Lake
from gridledger.lake.listing import ListedVersion, list_datasets, list_versions
from gridledger.lake.manifest import PayloadFormat
from gridledger.lake.settings import LakeSettings, chosen_file, read_document
from gridledger.lake.version_reader import VersionReader
from gridledger.model.digest import Digest

__all__ = ["DatasetFile", "DatasetSource", "OwnedSource", "open_source"]

_READER = "application"
"""The key that only a reader's configuration has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetFile:
    """A version of a dataset as a file."""

    name: str
    version: int
    size: int
    """Length of the payload in bytes."""
    records: int
    """Of CSV and JSON lines; 0 else."""
    root: Digest
    """Merkle root over the blocks' identifiers."""
    modified_ms: int
    """When it was stored, in milliseconds since 1970."""
    format: PayloadFormat | None = None
    """None where the version was not opened."""
    sha256: Digest | None = None
    """Of the payload; None where the version was not opened."""


class DatasetSource(ABC):
    """Datasets by name."""

    @abstractmethod
    def files(self) -> list[DatasetFile]:
        """List the newest version of every dataset, by name."""

    @abstractmethod
    def file(self, path: DatasetPath) -> DatasetFile:
        """Describe a version; raises PayloadNotFound, and NotGranted for what is another's."""

    @abstractmethod
    def reader(self, path: DatasetPath) -> VersionReader:
        """Return a reader of its own for each call; raises as `file` does."""

    @abstractmethod
    def close(self) -> None:
        """Give back connections."""


class OwnedSource(DatasetSource):
    """The datasets of a lake whose owner key is at hand.

    Parameters
    ----------
    lake : Lake
        Closed with the source.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def files(self) -> list[DatasetFile]:
        return [_file(one) for one in list_datasets(self._lake)]

    def file(self, path: DatasetPath) -> DatasetFile:
        versions = {one.version: one for one in list_versions(self._lake, path.name)}
        wanted = max(versions) if path.version is None else path.version
        if wanted not in versions:
            raise PayloadNotFound(str(path))
        return _file(versions[wanted])

    def reader(self, path: DatasetPath) -> VersionReader:
        return self._lake.reader(path.name, path.version)

    def close(self) -> None:
        self._lake.store.close()


def open_source(config: Path | None = None) -> DatasetSource:
    """Open what a configuration names.

    Parameters
    ----------
    config : Path, optional
        The file; that of the variable GRIDLEDGER_LAKE, else `.gridledger/lake.toml`, unless given.

    Raises
    ------
    ConfigError
        There is none, or it is wrong.
    """
    path = chosen_file(config)
    if _READER not in read_document(path):
        return OwnedSource(LakeSettings.from_file(path).open())
    # Imported here: an owner's lake needs no ledger.
    from gridledger.lake.ledger.granted_source import GrantedSource
    from gridledger.lake.ledger.reader_settings import ReaderSettings

    return GrantedSource.connect(ReaderSettings.from_file(path))


def _file(one: ListedVersion) -> DatasetFile:
    return DatasetFile(
        name=one.name,
        version=one.version,
        size=one.size,
        records=one.records,
        root=one.root,
        modified_ms=one.modified_ms,
        format=one.format,
        sha256=one.sha256,
    )
