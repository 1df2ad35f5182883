"""VENs as OAuth 2 clients: who they are, their secrets, and the tokens that they get for them.

A secret is drawn here and shown once; what is kept is its salted digest. A token is the client's name and
its end under a key of this server's: it outlives a restart, and ends with its client.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from typing import Final

from gridledger.model.errors import ConfigError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.response import TerminalIdentifier, TerminalKind
from gridledger.response.database import Database
from gridledger.response.errors import ObjectExists, RecordUnknown
from gridledger.response.openadr.schema import OPENADR_SCHEMA
from gridledger.response.record_store import Clock, wall_clock_ms

__all__ = ["VenClient", "VenClients"]

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
_SECRET_BYTES: Final = 32
_LISTED: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class VenClient:
    """A VEN as its server knows it."""

    client: str
    """Its OAuth client id."""
    site: str
    """What its loads and replies count for."""

    def terminal(self, system: SystemIdentifier, kind: TerminalKind) -> TerminalIdentifier:
        """Return under which terminal its records of a kind are kept."""
        return TerminalIdentifier(system, f"{self.client}.{kind.value}")


class VenClients:
    """The VENs of a server, in its database.

    Parameters
    ----------
    database : Database
        Closed by its opener.
    clock : callable, optional
        Milliseconds since 1970.
    """

    def __init__(self, database: Database, clock: Clock = wall_clock_ms) -> None:
        self._database = database
        self._clock = clock
        database.create(OPENADR_SCHEMA)
        with database.transaction():
            database.run(
                "INSERT INTO ven_key VALUES (1, ?) ON CONFLICT DO NOTHING", (os.urandom(_SECRET_BYTES),)
            )
        ((key,),) = database.rows("SELECT secret FROM ven_key")
        self._key = bytes(key)

    def add(self, client: str, site: str) -> str:
        """Take up a VEN; return its secret, which is kept nowhere.

        Raises
        ------
        ConfigError
            The name is not 1 to 48 lower-case letters, digits and `-`.
        ObjectExists
            There is a VEN of the name.
        """
        if _NAME.fullmatch(client) is None:
            raise ConfigError("want 1 to 48 of lower-case letters, digits and -", key="client", source="ven")
        secret, salt = secrets.token_urlsafe(_SECRET_BYTES), os.urandom(_SECRET_BYTES)
        with self._database.transaction():
            new = self._database.run(
                "INSERT INTO ven_client VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (client, site, salt, _digest(salt, secret)),
            )
        if not new:
            raise ObjectExists(f"there is a VEN {client}")
        return secret

    def remove(self, client: str) -> None:
        """Let a VEN in no more, and forget its objects; its records stay. RecordUnknown: there is none."""
        with self._database.transaction():
            gone = self._database.run("DELETE FROM ven_client WHERE client = ?", (client,))
            self._database.run("DELETE FROM ven_object WHERE client = ?", (client,))
        if not gone:
            raise RecordUnknown(f"there is no VEN {client}")

    def find(self, client: str) -> VenClient | None:
        """Return a VEN; None where there is none of the name."""
        if _NAME.fullmatch(client) is None:
            return None
        row = self._database.row("SELECT client, site FROM ven_client WHERE client = ?", (client,))
        return None if row is None else VenClient(client=row[0], site=row[1])

    def list(self) -> list[VenClient]:
        """Return all VENs, by name."""
        rows = self._database.rows("SELECT client, site FROM ven_client ORDER BY client LIMIT ?", (_LISTED,))
        return [VenClient(client=client, site=site) for client, site in rows]

    def token(self, client: str, secret: str, lasting_s: int) -> str | None:
        """Return an access token; None where the secret is not the client's."""
        found = self.find(client)
        row = None
        if found is not None:
            row = self._database.row("SELECT salt, secret FROM ven_client WHERE client = ?", (client,))
        salt, kept = (b"", b"") if row is None else (bytes(row[0]), bytes(row[1]))
        if not hmac.compare_digest(_digest(salt, secret), kept):
            return None
        text = f"{client}.{self._clock() // 1000 + lasting_s}.{salt.hex()[:16]}"
        return f"{text}.{self._seal(text)}"

    def bearer(self, token: str) -> VenClient | None:
        """Return whose token it is; None where it is nobody's, over, or of an earlier secret."""
        text, _, seal = token.rpartition(".")
        if not token.isascii() or not hmac.compare_digest(self._seal(text), seal):
            return None
        client, end_s, salt = text.split(".")
        if int(end_s) <= self._clock() // 1000:
            return None
        row = self._database.row("SELECT salt FROM ven_client WHERE client = ?", (client,))
        if row is None or bytes(row[0]).hex()[:16] != salt:
            return None
        return self.find(client)

    def _seal(self, text: str) -> str:
        mac = hmac.digest(self._key, text.encode(), "sha256")
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def _digest(salt: bytes, secret: str) -> bytes:
    """Return the digest of a secret; of 256 random bits, which no list of guesses holds."""
    return hashlib.sha256(salt + secret.encode("utf-8", "surrogatepass")).digest()
