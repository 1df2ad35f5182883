"""Granted datasets by name, for file objects and URLs: `gridledger://88.1042.17/charging/stations.csv@3`."""

from __future__ import annotations

import threading
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from gridledger.client import Gateway
from gridledger.client.sync.event_loop import run
from gridledger.crypto.secret_key import SecretKey
from gridledger.crypto.wrapping import RecipientSecret
from gridledger.lake.borrowed_store import BorrowedStore
from gridledger.lake.dataset_path import DatasetPath
from gridledger.lake.dataset_source import DatasetFile, DatasetSource
from gridledger.lake.errors import PayloadNotFound
from gridledger.lake.ledger.granted_version import GrantedVersion, find_access, open_granted
from gridledger.lake.ledger.lake_ledger import LakeLedger
from gridledger.lake.ledger.reader_settings import ReaderSettings
from gridledger.lake.store import Store
from gridledger.lake.store_address import open_store
from gridledger.lake.version_reader import VersionReader
from gridledger.model.dataset import DatasetIdentifier, DatasetVersion
from gridledger.model.errors import ModelError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import NotFound

__all__ = ["KEPT_S", "GrantedSource"]

KEPT_S = 300.0
"""How long an opened version is used before the ledger is asked again: each opening is a transaction."""

_Result = TypeVar("_Result")


class GrantedSource(DatasetSource):
    """What was granted to an application.

    Parameters
    ----------
    ledger : LakeLedger
        As the application's agent.
    application : SystemIdentifier
        The application.
    secret : RecipientSecret
        Of the key that its requests named.

    Notes
    -----
    Opening a version asks the contract, which decides by the grant's time and writes the access log; what is
    read is compared with the root on the ledger. An opened version is kept for five minutes at most: after
    that the ledger is asked again, so that a revoked grant and a newer version are noticed.
    """

    def __init__(self, ledger: LakeLedger, application: SystemIdentifier, secret: RecipientSecret) -> None:
        self._ledger = ledger
        self._application = application
        self._secret = secret
        self._lock = threading.Lock()
        self._opened: dict[DatasetPath, tuple[float, GrantedVersion]] = {}
        self._stores: dict[str, Store] = {}
        self._stack = AsyncExitStack()

    @classmethod
    def connect(cls, settings: ReaderSettings) -> GrantedSource:
        """Connect to the ledger.

        Raises
        ------
        ConfigError
            The connection's file is none.
        KeyMalformed
            The key is missing, or others can read it.
        """
        secret = RecipientSecret(SecretKey.load(settings.key))
        connection = settings.connected()
        stack = AsyncExitStack()

        async def connected() -> LakeLedger:
            gateway = await stack.enter_async_context(Gateway.connect(connection))
            return LakeLedger(gateway.network())

        source = cls(run(connected()), settings.application, secret)
        source._stack = stack
        return source

    def files(self) -> list[DatasetFile]:
        return self._run(self._list())

    def file(self, path: DatasetPath) -> DatasetFile:
        granted = self._granted(path)
        manifest = granted.reader.manifest
        return _file(path.name, granted.opened.version, format=manifest.format, sha256=manifest.sha256)

    def reader(self, path: DatasetPath) -> VersionReader:
        return self._granted(path).reader.again()

    def close(self) -> None:
        """Close the stores of opened versions, and the connection; readers are of no use then."""
        with self._lock:
            for store in self._stores.values():
                store.close()
            self._opened.clear()
            self._stores.clear()
        self._run(self._stack.aclose())

    def _run(self, coroutine: Coroutine[Any, Any, _Result]) -> _Result:
        return run(coroutine)

    def _granted(self, path: DatasetPath) -> GrantedVersion:
        with self._lock:
            since, granted = self._opened.get(path, (0.0, None))
            if granted is None or time.monotonic() - since > KEPT_S:
                granted = self._run(self._open(path))
                self._opened[path] = time.monotonic(), granted
            return granted

    async def _open(self, path: DatasetPath) -> GrantedVersion:
        try:
            dataset = DatasetIdentifier.parse(path.name)
        except ModelError as error:
            raise PayloadNotFound(path.name) from error
        now_ms = time.time_ns() // 1_000_000
        access = await find_access(self._ledger, self._application, dataset, now_ms=now_ms)
        try:
            return await open_granted(
                self._ledger, access.decision.id, self._secret, self._store, number=path.version
            )
        except NotFound as error:
            raise PayloadNotFound(str(path)) from error

    def _store(self, address: str) -> Store:
        """Return an owner's store: one for all that is opened of it, also for files that stay open longer."""
        if address not in self._stores:
            self._stores[address] = open_store(address)
        return BorrowedStore(self._stores[address])

    async def _list(self) -> list[DatasetFile]:
        now_ms = time.time_ns() // 1_000_000
        granted: set[DatasetIdentifier] = set()
        bookmark = ""
        while True:
            page = await self._ledger.accesses_of(self._application, None, bookmark)
            granted |= {one.grant.dataset for one in page.accesses if one.grant and one.grant.holds(now_ms)}
            bookmark = page.bookmark
            if not bookmark:
                break
        files = []
        for dataset in sorted(granted, key=str):
            head = await self._ledger.head(dataset)
            files.append(_file(str(dataset), await self._ledger.version(dataset, head.number)))
        return files


def _file(name: str, version: DatasetVersion, **more: Any) -> DatasetFile:
    statement = version.statement
    return DatasetFile(
        name=name,
        version=statement.number,
        size=statement.size_bytes,
        records=statement.records,
        root=statement.root,
        modified_ms=version.stored_ms or version.proposed_ms,
        **more,
    )
