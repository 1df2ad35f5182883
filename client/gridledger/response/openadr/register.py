"""The objects of VENs, in a server's database: reports, subscriptions, VENs and resources."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from gridledger.response.database import Database, Row
from gridledger.response.errors import ObjectExists
from gridledger.response.openadr.edition import ObjectType
from gridledger.response.record_store import Clock, wall_clock_ms

__all__ = ["KeptObject", "ObjectRegister"]

_MOST: Final = {
    ObjectType.REPORT: 1_000,
    ObjectType.RESOURCE: 200,
    ObjectType.SUBSCRIPTION: 20,
    ObjectType.VEN: 1,
}
"""Objects of a client; a further report drops its oldest, whose records stay, anything else is refused."""
_COLUMNS: Final = "id, client, parent, created_ms, modified_ms, body"


@dataclass(frozen=True, kw_only=True)
class KeptObject:
    """An object as it is kept."""

    id: str
    client: str
    parent: str
    """The event of a report, the VEN of a resource, the edition of a subscription; else empty."""
    created_ms: int
    modified_ms: int
    body: dict[str, Any]
    """Its members as they were given."""


class ObjectRegister:
    """Objects by kind and client.

    Parameters
    ----------
    database : Database
        One in which `VenClients` has made the tables.
    clock : callable, optional
    """

    def __init__(self, database: Database, clock: Clock = wall_clock_ms) -> None:
        self._database = database
        self._clock = clock

    def list(self, kind: ObjectType, client: str) -> Sequence[KeptObject]:
        """Return all objects of a kind and a client, in the order of their coming."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM ven_object WHERE client = ? AND kind = ? ORDER BY serial LIMIT ?",  # noqa: S608
            (client, kind.value, max(_MOST.values())),
        )
        return [_kept(row) for row in rows]

    def find(self, kind: ObjectType, client: str, identifier: str) -> KeptObject | None:
        """Return an object of a client; None where there is none."""
        row = self._database.row(
            f"SELECT {_COLUMNS} FROM ven_object WHERE id = ? AND kind = ? AND client = ?",  # noqa: S608
            (identifier, kind.value, client),
        )
        return None if row is None else _kept(row)

    def subscriptions(self) -> Sequence[KeptObject]:
        """Return all subscriptions of all clients."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM ven_object WHERE kind = ? ORDER BY serial",  # noqa: S608
            (ObjectType.SUBSCRIPTION.value,),
        )
        return [_kept(row) for row in rows]

    def new(
        self, kind: ObjectType, client: str, body: dict[str, Any], *, parent: str = "", once: str = ""
    ) -> KeptObject:
        """Make an object, which is not kept yet.

        Raises
        ------
        ObjectExists
            There is one of the same `once`, or the client has as many as it may.
        """
        row = self._database.row(
            "SELECT id FROM ven_object WHERE kind = ? AND once = ?", (kind.value, _once(client, once))
        )
        if once and row is not None:
            raise ObjectExists(f"there is such a {kind.value}: {row[0]}", id=row[0])
        ((count,),) = self._database.rows(
            "SELECT COUNT(*) FROM ven_object WHERE client = ? AND kind = ?", (client, kind.value)
        )
        if count >= _MOST[kind] and kind is not ObjectType.REPORT:
            raise ObjectExists(f"a VEN has {_MOST[kind]} of {kind.value} at most")
        now_ms = self._clock()
        return KeptObject(
            id=secrets.token_hex(8),
            client=client,
            parent=parent,
            created_ms=now_ms,
            modified_ms=now_ms,
            body=body,
        )

    def keep(
        self, kind: ObjectType, one: KeptObject, *, once: str = "", database: Database | None = None
    ) -> None:
        """Write a new object.

        Parameters
        ----------
        kind : ObjectType
        one : KeptObject
        once : str, default ""
            What no other object of the kind and the client may have; empty for its identifier.
        database : Database, optional
            One that is within a transaction: the object is written in it, else in one of its own.

        Raises
        ------
        ObjectExists
            Another one came first.
        """
        if database is None:
            with self._database.transaction():
                self._write(self._database, kind, one, once)
        else:
            self._write(database, kind, one, once)

    def change(self, one: KeptObject, body: dict[str, Any], database: Database | None = None) -> KeptObject:
        """Replace what an object says; within a transaction of `database`, else in one of its own."""
        changed = KeptObject(
            id=one.id,
            client=one.client,
            parent=one.parent,
            created_ms=one.created_ms,
            modified_ms=max(self._clock(), one.modified_ms),
            body=body,
        )
        values = (changed.modified_ms, _bytes(body), one.id)
        statement = "UPDATE ven_object SET modified_ms = ?, body = ? WHERE id = ?"
        if database is None:
            with self._database.transaction():
                self._database.run(statement, values)
        else:
            database.run(statement, values)
        return changed

    def delete(self, one: KeptObject) -> None:
        """Delete an object, and what stands below it."""
        with self._database.transaction():
            self._database.run("DELETE FROM ven_object WHERE id = ?", (one.id,))
            self._database.run("DELETE FROM ven_object WHERE parent = ? AND client = ?", (one.id, one.client))

    def _write(self, database: Database, kind: ObjectType, one: KeptObject, once: str) -> None:
        new = database.run(
            "INSERT INTO ven_object (id, kind, client, once, parent, created_ms, modified_ms, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                one.id, kind.value, one.client, _once(one.client, once or one.id), one.parent, one.created_ms,
                one.modified_ms, _bytes(one.body),
            ),
        )  # fmt: skip
        if not new:
            raise ObjectExists(f"there is such a {kind.value}")
        database.run(
            "DELETE FROM ven_object WHERE client = ? AND kind = ? AND serial <= (SELECT MAX(serial) FROM"
            " (SELECT serial FROM ven_object WHERE client = ? AND kind = ? ORDER BY serial DESC"
            " LIMIT 1 OFFSET ?) AS beyond)",
            (one.client, kind.value, one.client, kind.value, _MOST[kind]),
        )


def _once(client: str, what: str) -> str:
    """Return a digest: names of VENs may hold what no database takes as text."""
    return hashlib.sha256(json.dumps([client, what]).encode()).hexdigest()


def _bytes(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _kept(row: Row) -> KeptObject:
    identifier, client, parent, created_ms, modified_ms, body = row
    return KeptObject(
        id=identifier,
        client=client,
        parent=parent,
        created_ms=created_ms,
        modified_ms=modified_ms,
        body=json.loads(bytes(body)),
    )
