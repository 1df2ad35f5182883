"""A store on HDFS where only WebHDFS is open (the `hdfs` package)."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
import urllib3

from gridledger.lake.errors import LakeUnavailable
from gridledger.lake.hadoop_exception import translated
from gridledger.lake.remote_store import DEADLINE_S, Listed, RemoteStore
from hdfs import HdfsError, InsecureClient

__all__ = ["WebHdfsStore"]


class WebHdfsStore(RemoteStore):
    """Files below a folder of an HDFS, by WebHDFS or HttpFS.

    Parameters
    ----------
    url : str
        Of the NameNode's HTTP port, `http://host:port`; several, joined by `;`, where there are several.
    root : str
        The folder, absolute; made with the first file.
    user : str, optional
        Who calls, as far as HDFS believes names; the user of this process unless given.
    deadline_s : float, default 60
        How long a call waits, trying again included.
    """

    def __init__(
        self, url: str, root: str, *, user: str | None = None, deadline_s: float = DEADLINE_S
    ) -> None:
        super().__init__(root, deadline_s=deadline_s)
        self._url = url
        self._client = InsecureClient(url, user=user or getpass.getuser(), timeout=deadline_s)

    def __repr__(self) -> str:
        return f"WebHdfsStore({self._url!r}, {self._root!r})"

    def _read(self, place: str, offset: int, length: int | None) -> bytes:
        if length == 0:
            self._size(place)
            return b""
        with _lake_errors(place):
            # A range that begins behind the end is refused by HDFS in a way of its own.
            if offset and offset >= self._size(place):
                return b""
            with self._client.read(place, offset=offset, length=length) as stream:
                data: bytes = stream.read()
        return data

    def _size(self, place: str) -> int:
        with _lake_errors(place):
            return int(self._client.status(place)["length"])

    def _list(self, place: str) -> list[Listed]:
        with _lake_errors(place):
            found: list[tuple[str, dict[str, Any]]] = self._client.list(place, status=True)
        return [
            Listed(name, status["length"], status["modificationTime"], status["type"] == "DIRECTORY")
            for name, status in found
        ]

    def _send(self, place: str, pieces: Iterator[bytes]) -> None:
        with _lake_errors(place):
            self._client.write(place, data=pieces, overwrite=False)

    def _rename(self, source: str, target: str) -> None:
        with _lake_errors(target):
            # With options it is the call that refuses a name that stands there; `Client.rename` gives none.
            self._client._rename(source, destination=target, renameoptions="NONE")  # noqa: SLF001

    def _make_folder(self, place: str) -> None:
        with _lake_errors(place):
            self._client.makedirs(place)

    def _delete(self, place: str) -> None:
        with _lake_errors(place):
            self._client.delete(place)


@contextmanager
def _lake_errors(path: str) -> Iterator[None]:
    """Raise the library's errors as the lake's."""
    try:
        yield
    except HdfsError as error:
        raise translated(error.exception or "", path) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise LakeUnavailable(f"{path}: WebHDFS cannot be reached: {error}", path=path) from error
