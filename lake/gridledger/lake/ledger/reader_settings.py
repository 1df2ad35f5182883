"""The configuration of a reader: one TOML file by which granted datasets are opened by URL.

connection = "connection.json"    # as `gridledger network connection --json` prints it
application = "88.1042.3"         # the data application whose grants are used
key = "reader.key"                # the recipient key, as `gridledger lake key` made it
chaincode = "gridledger"          # may be left out: the connection's, or this one

Paths start from the file's folder.
"""

from __future__ import annotations

import time
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from gridledger.client import Connection, Gateway
from gridledger.client.sync.event_loop import run
from gridledger.crypto.secret_key import SecretKey
from gridledger.crypto.wrapping import RecipientSecret
from gridledger.lake.dataset_path import DatasetPath
from gridledger.lake.ledger.granted_version import GrantedVersion, StoreOpener, find_access, open_granted
from gridledger.lake.ledger.lake_ledger import LakeLedger
from gridledger.lake.store_address import open_store
from gridledger.model.dataset import DatasetIdentifier
from gridledger.model.errors import ConfigError, ModelError
from gridledger.model.identifier import SystemIdentifier

__all__ = ["ReaderSettings"]

_REQUIRED: Final = frozenset({"application", "connection", "key"})
_KNOWN: Final = _REQUIRED | {"chaincode"}
_CHAINCODE: Final = "gridledger"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReaderSettings:
    """All that a reader of granted datasets is told."""

    source: Path
    """The file."""
    connection: Path
    """File of the connection."""
    application: SystemIdentifier
    key: Path
    """File of the recipient key."""
    chaincode: str | None = None
    """None for the one that the connection names, and `gridledger` where it names none."""

    @classmethod
    def from_file(cls, path: Path) -> ReaderSettings:
        """Read a file.

        Raises
        ------
        ConfigError
            There is none, or anything in it is missing, unknown or wrong.
        """
        try:
            document = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"cannot be read: {error}", key="config", source=str(path)) from error
        wrong = sorted({*document} - _KNOWN | _REQUIRED - {*document}) or sorted(
            key for key, value in document.items() if not (isinstance(value, str) and value)
        )
        if wrong:
            wanted = ", ".join(sorted(_REQUIRED))
            raise ConfigError(f"want {wanted}, as text", key=", ".join(wrong), source=str(path))
        try:
            application = SystemIdentifier(document["application"])
        except ModelError as error:
            raise ConfigError("is no system identifier", key="application", source=str(path)) from error
        return cls(
            source=path,
            connection=path.parent / document["connection"],
            application=application,
            key=path.parent / document["key"],
            chaincode=document.get("chaincode"),
        )

    def connected(self) -> Connection:
        """Read the connection, with the chaincode that is meant; ConfigError if the file is none."""
        found = Connection.from_file(self.connection)
        return replace(found, chaincode=self.chaincode or found.chaincode or _CHAINCODE)

    def open(self, url: str, *, store_opener: StoreOpener = open_store) -> GrantedVersion:
        """Open a granted dataset by its URL, and wait for it; the access log gets a line.

        Parameters
        ----------
        url : str
            `gridledger://PREFIX/NAME` or `gridledger://PREFIX/NAME@VERSION`; the scheme may be left out.
        store_opener : callable, optional
            Opens the store that the grant names.

        Returns
        -------
        GrantedVersion
            To be closed; reading it needs the store alone.

        Raises
        ------
        ModelError
            The URL names no dataset.
        NotGranted
            No grant of it to the application holds, or it does not open with the key.
        ContractError, GatewayError, LakeError
            See `open_granted`.
        """
        path = DatasetPath.parse(url)
        return run(self.open_dataset(DatasetIdentifier.parse(path.name), path.version, store_opener))

    async def open_dataset(
        self, dataset: DatasetIdentifier, number: int | None, store_opener: StoreOpener = open_store
    ) -> GrantedVersion:
        """Open a granted dataset; see `open`."""
        secret = RecipientSecret(SecretKey.load(self.key))
        async with Gateway.connect(self.connected()) as gateway:
            ledger = LakeLedger(gateway.network())
            now_ms = time.time_ns() // 1_000_000
            access = await find_access(ledger, self.application, dataset, now_ms=now_ms)
            return await open_granted(ledger, access.decision.id, secret, store_opener, number=number)
