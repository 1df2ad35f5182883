"""Datasets as files for pandas, pyarrow, duckdb, Spark and whatever else speaks fsspec.

pandas.read_csv("gridledger://registers/stations.csv@2", storage_options={"config": "lake.toml"})

fsspec finds the class by its entry point: nothing needs to be imported. Every block that is read is verified
against the manifest, and the manifest by its seal.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fsspec.spec import AbstractFileSystem

from gridledger.lake.dataset_path import SCHEME, DatasetPath
from gridledger.lake.dataset_source import DatasetFile, open_source
from gridledger.lake.errors import LakeError, NotGranted, PayloadNotFound
from gridledger.lake.version_file import SharedVersionFile
from gridledger.lake.version_reader import VersionReader

__all__ = ["LakeFileSystem", "open_dataset"]


def open_dataset(url: str, *, config: str | Path | None = None) -> io.BufferedReader:
    """Open a dataset as a file that reads and seeks.

    Parameters
    ----------
    url : str
        `gridledger://NAME` or `gridledger://NAME@VERSION`; the scheme may be left out.
    config : path, optional
        Configuration of an owner's lake or of an application's reader (`gridledger.lake.dataset_source`); the
        variable GRIDLEDGER_LAKE, else
        `.gridledger/lake.toml`, unless given.

    Returns
    -------
    io.BufferedReader
        Every block is verified when it is read. Closing it closes its connections.

    Raises
    ------
    ConfigError
        There is no configuration, or it is wrong.
    PayloadNotFound
        There is no such dataset or version.
    NotGranted
        It is another's, and no grant of it holds.
    """
    source = open_source(Path(config) if config is not None else None)
    try:
        return source.reader(DatasetPath.parse(url)).open(closing=source)
    except BaseException:
        source.close()
        raise


class LakeFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """A lake's datasets, or those granted, as an fsspec file system; nothing is written through it.

    Parameters
    ----------
    config : str, optional
        Path of the configuration; chosen as in `open_dataset` unless given.

    Notes
    -----
    Names of datasets are paths: `a/b.csv` lies in the folder `a`. A dataset's newest version is its file;
    `NAME@VERSION` is an older one, which listings leave out. An instance is pickled by its options: each
    process opens the lake for itself.
    """

    protocol = SCHEME
    root_marker = ""
    cachable = True

    def __init__(self, config: str | None = None, **storage_options: Any) -> None:
        super().__init__(config=config, **storage_options)
        self._source = open_source(Path(config) if config is not None else None)

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        stripped: str = super()._strip_protocol(path)
        return stripped.lstrip("/")

    def _reader(self, path: str) -> VersionReader:
        try:
            return self._source.reader(DatasetPath.parse(self._strip_protocol(path)))
        except PayloadNotFound as error:
            raise FileNotFoundError(path) from error

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """List a folder of names."""
        folder = self._strip_protocol(path).rstrip("/")
        inside = f"{folder}/" if folder else ""
        found: dict[str, dict[str, Any]] = {}
        for one in self._source.files():
            if one.name == folder:
                found[one.name] = _described(one, one.name)
            elif one.name.startswith(inside):
                below, slash, _rest = one.name[len(inside) :].partition("/")
                name = inside + below
                found[name] = _folder(name) if slash else _described(one, name)
        if not found and folder:
            raise FileNotFoundError(path)
        return [found[name] if detail else name for name in sorted(found)]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Describe a version, or a folder of names."""
        stripped = self._strip_protocol(path).rstrip("/")
        problem: LakeError | None = None
        if stripped:
            try:
                return _described(self._source.file(DatasetPath.parse(stripped)), stripped)
            except (PayloadNotFound, NotGranted) as error:
                problem = error
        inside = f"{stripped}/" if stripped else ""
        if not stripped or any(one.name.startswith(inside) for one in self._source.files()):
            return _folder(stripped)
        if isinstance(problem, NotGranted):
            raise problem
        raise FileNotFoundError(path) from problem

    def modified(self, path: str) -> datetime:
        """Return when a version was written."""
        moment = self.info(path).get("modified")
        if not isinstance(moment, datetime):
            raise FileNotFoundError(path)
        return moment

    def checksum(self, path: str) -> str:
        """Return the SHA-256 of a version's payload."""
        return str(self._reader(path).manifest.sha256)

    def _open(self, path: str, mode: str = "rb", **_: Any) -> SharedVersionFile:
        if mode != "rb":
            raise PermissionError(f"{path}: a dataset is put with gridledger lake put, not written in place")
        return SharedVersionFile(self._reader(path))

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        """Read a range of bytes; negative places count from the end."""
        reader = self._reader(path)
        first, last, _step = slice(start, end).indices(reader.size)
        return reader.read(first, max(0, last - first))


def _described(one: DatasetFile, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "size": one.size,
        "type": "file",
        "version": one.version,
        "format": None if one.format is None else one.format.value,
        "records": one.records,
        "sha256": None if one.sha256 is None else str(one.sha256),
        "root": str(one.root),
        "modified": datetime.fromtimestamp(one.modified_ms / 1000, UTC),
    }


def _folder(name: str) -> dict[str, Any]:
    return {"name": name, "size": 0, "type": "directory"}
