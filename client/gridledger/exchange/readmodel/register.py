"""Systems, users, devices, fields, prices and publications as rows, and the logs of their changes."""

from __future__ import annotations

import sqlite3
from typing import Final

from pydantic_core import from_json

from gridledger.exchange.readmodel.earlier import EarlierRecords, RecordTable
from gridledger.exchange.readmodel.index import Index
from gridledger.exchange.readmodel.journal import Journal, Log, Members
from gridledger.exchange.readmodel.ledger_block import LedgerTransaction
from gridledger.model.canonical import Value
from gridledger.model.catalogue import Publication
from gridledger.model.device import ChargingStandard, Device, RegisteredField
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import Record
from gridledger.model.system import ApplicationUser, System, SystemApplication

__all__ = ["Register"]

_NOTHING: Final[Members] = {}
_LIFE: Final = (
    "state",
    "evidence",
    "validity",
    "suspended_by",
    "limited_by",
    "reason",
    "former",
    "moved_to",
    "device_state",
)
"""What the log of allocation tells of an identifier's life; the rest of a record is metadata."""

_UNTOLD: Final = frozenset(
    {"schema", "identifier", "registered_ms", "fields", "id", "application", "field", *_LIFE}
)


class Register:
    """Writes the rows of the register.

    Parameters
    ----------
    connection : sqlite3.Connection
        Within a transaction of the model.
    journal : Journal
    index : Index
        Told what has to be found anew.
    earlier : EarlierRecords
        Asked what there was.
    """

    def __init__(
        self, connection: sqlite3.Connection, journal: Journal, index: Index, earlier: EarlierRecords
    ) -> None:
        self._connection = connection
        self._earlier = earlier
        self._journal = journal
        self._index = index

    def system(self, transaction: LedgerTransaction, system: System) -> None:
        """Take a system, new or changed."""
        identifier = str(system.identifier)
        before = self._record("SELECT record FROM system WHERE identifier = ?", identifier)
        profile = system.profile
        row = (
            identifier,
            str(system.root),
            profile.kind.value,
            system.state.value,
            profile.name,
            profile.enterprise.name,
            profile.enterprise.region,
            _text(system),
        )
        self._connection.execute("INSERT OR REPLACE INTO system VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        self._connection.executemany(
            "INSERT OR IGNORE INTO former VALUES (?, ?)",
            [(str(prefix), identifier) for prefix in system.former or ()],
        )
        after = system.to_value()
        self._log_life(transaction, identifier, identifier, before, after)
        self._enter(Log.REGISTRATION, transaction, identifier, identifier, before, after)
        self._index.system_changed(identifier)

    def application(self, transaction: LedgerTransaction, application: SystemApplication) -> None:
        """Take an application for a system identifier."""
        before = self._record("SELECT record FROM application WHERE id = ?", application.id)
        self._connection.execute(
            "INSERT OR REPLACE INTO application VALUES (?, ?)", (application.id, _text(application))
        )
        system = str(application.system or application.root)
        self._journal.enter(
            Log.REGISTRATION,
            transaction,
            subject=application.id,
            system=system,
            before=_told(before, _UNTOLD - {"state"}),
            after=_told(application.to_value(), _UNTOLD - {"state"}),
        )

    def user(self, transaction: LedgerTransaction, user: ApplicationUser) -> None:
        """Take a user of a data application."""
        application = str(user.application)
        before = self._user(application, user.name)
        self._connection.execute(
            "INSERT OR REPLACE INTO user VALUES (?, ?, ?)", (application, user.name, _text(user))
        )
        subject = f"{application} {user.name}"
        self._enter(Log.REGISTRATION, transaction, subject, application, before, user.to_value())

    def remove_user(self, transaction: LedgerTransaction, parts: tuple[str, ...]) -> None:
        """Take away a user whose key was deleted."""
        application, name = parts
        before = self._user(application, name)
        self._connection.execute("DELETE FROM user WHERE application = ? AND name = ?", parts)
        self._enter(Log.REGISTRATION, transaction, f"{application} {name}", application, before, _NOTHING)

    def device(self, transaction: LedgerTransaction, device: Device) -> None:
        """Take a device, new or changed."""
        identifier, system = str(device.identifier), str(device.identifier.system)
        text = _text(device)
        before = _members(self._earlier.replace(RecordTable.DEVICE, identifier, text))
        self._connection.execute(
            "INSERT INTO device (identifier, system, state, record) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (identifier) DO UPDATE SET state = excluded.state, record = excluded.record",
            (identifier, system, device.state.value, text),
        )
        after = device.to_value()
        self._log_life(transaction, identifier, system, before, after)
        self._enter(Log.METADATA, transaction, identifier, system, before, after)
        self._index.device_changed(identifier, device)

    def remove_device(self, transaction: LedgerTransaction, parts: tuple[str, ...]) -> None:
        """Take away a device whose key was deleted."""
        system, own_code = parts
        identifier = str(SystemIdentifier(system).device(own_code))
        before = _members(self._earlier.replace(RecordTable.DEVICE, identifier, None))
        self._index.remove_device(identifier)
        self._connection.execute("DELETE FROM device WHERE identifier = ?", (identifier,))
        self._log_life(transaction, identifier, system, before, _NOTHING)

    def field(self, transaction: LedgerTransaction, field: RegisteredField) -> None:
        """Take a field, new or changed."""
        identifier, system = str(field.identifier), str(field.identifier.system)
        text = _text(field)
        before = _members(self._earlier.replace(RecordTable.FIELD, identifier, text))
        self._connection.execute(
            "INSERT INTO field (identifier, device, system, name, state, allocated_ms, record)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (identifier) DO UPDATE SET state = excluded.state, record = excluded.record",
            (
                identifier,
                str(field.identifier.device),
                system,
                field.identifier.name,
                field.state.value,
                field.registered_ms,
                text,
            ),
        )
        if field.moved_to is not None:
            self._connection.execute(
                "INSERT OR IGNORE INTO moved VALUES (?, ?)", (str(field.moved_to), identifier)
            )
        after = field.to_value()
        self._log_life(transaction, identifier, system, before, after)
        self._enter(Log.METADATA, transaction, identifier, system, before, after)
        self._index.field_changed(identifier, field)

    def remove_field(self, transaction: LedgerTransaction, parts: tuple[str, ...]) -> None:
        """Take away a field whose key was deleted."""
        system, own_code, name = parts
        identifier = str(SystemIdentifier(system).device(own_code).field(name))
        before = _members(self._earlier.replace(RecordTable.FIELD, identifier, None))
        self._index.remove_field(identifier)
        self._connection.execute("DELETE FROM field WHERE identifier = ?", (identifier,))
        self._log_life(transaction, identifier, system, before, _NOTHING)

    def standard(self, transaction: LedgerTransaction, standard: ChargingStandard) -> None:
        """Take a charging standard."""
        identifier = str(standard.field)
        text = _text(standard)
        before = _members(self._earlier.replace(RecordTable.STANDARD, identifier, text))
        self._connection.execute("INSERT OR REPLACE INTO standard VALUES (?, ?)", (identifier, text))
        system = str(standard.field.system)
        self._enter(Log.METADATA, transaction, identifier, system, before, standard.to_value())
        self._index.standard_changed(identifier, standard)

    def publication(self, publication: Publication) -> None:
        """Take what of a system is published to a data application now."""
        self._publish(str(publication.application), str(publication.system), set(publication.names))

    def remove_publication(self, application: str, system: str) -> None:
        """Take away a publication whose key was deleted."""
        self._publish(application, system, set())

    def _publish(self, application: str, system: str, names: set[str]) -> None:
        found = self._connection.execute(
            "SELECT name FROM publication WHERE application = ? AND system = ?", (application, system)
        )
        before = {name for (name,) in found}
        self._connection.executemany(
            "DELETE FROM publication WHERE application = ? AND system = ? AND name = ?",
            [(application, system, name) for name in sorted(before - names)],
        )
        self._connection.executemany(
            "INSERT INTO publication VALUES (?, ?, ?)",
            [(application, system, name) for name in sorted(names - before)],
        )
        for name in sorted(before ^ names):
            self._index.selector_changed(system, name)

    def _log_life(
        self, transaction: LedgerTransaction, identifier: str, system: str, before: Members, after: Members
    ) -> None:
        self._journal.enter(
            Log.ALLOCATION,
            transaction,
            subject=identifier,
            system=system,
            before={name: before[name] for name in _LIFE if name in before},
            after={name: after[name] for name in _LIFE if name in after},
        )

    def _enter(
        self,
        log: Log,
        transaction: LedgerTransaction,
        subject: str,
        system: str,
        before: Members,
        after: Members,
    ) -> None:
        self._journal.enter(
            log, transaction, subject=subject, system=system, before=_told(before), after=_told(after)
        )

    def _record(self, statement: str, *keys: str) -> Members:
        row = self._connection.execute(statement, keys).fetchone()
        return _members(None if row is None else row[0])

    def _user(self, application: str, name: str) -> Members:
        return self._record("SELECT record FROM user WHERE application = ? AND name = ?", application, name)


def _members(record: str | None) -> Members:
    if record is None:
        return _NOTHING
    found: dict[str, Value] = from_json(record)
    return found


def _told(record: Members, left_out: frozenset[str] = _UNTOLD) -> Members:
    """Return what a log tells of a record; members of parts stand under dotted names."""
    told: dict[str, Value] = {}
    for name, member in record.items():
        if name in left_out:
            continue
        if isinstance(member, dict):
            told.update({f"{name}.{below}": value for below, value in member.items()})
        else:
            told[name] = member
    return told


def _text(record: Record) -> str:
    return record.to_bytes().decode()
