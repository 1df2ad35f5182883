"""Writing of the logs of the register: what a transaction changed, and who sent it."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import TypeAlias

from pydantic_core import to_json

from gridledger.exchange.readmodel.ledger_block import LedgerTransaction
from gridledger.model.canonical import Value

__all__ = ["Journal", "Log", "Members"]

_NONE = object()

Members: TypeAlias = Mapping[str, Value]


class Log(StrEnum):
    """The logs of the register; the log of resolutions stands in tables of its own.

    Source: CN112508707B, [0067], [0068].
    """

    METADATA = "metadata"
    """Every change of what a device or field is, and of its charging standard."""

    REGISTRATION = "registration"
    """Applications, systems and users, and what became of them."""

    ALLOCATION = "allocation"
    """Identifiers that were given out, and each state of their life."""


class Journal:
    """Writes entries of the logs, a block's at once.

    Parameters
    ----------
    connection : sqlite3.Connection
        Within a transaction of the model.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._rows: list[tuple[str | int, ...]] = []

    def enter(
        self,
        log: Log,
        transaction: LedgerTransaction,
        *,
        subject: str,
        system: str,
        before: Members,
        after: Members,
    ) -> None:
        """Enter what has changed of a subject; nothing where nothing has.

        Parameters
        ----------
        log : Log
        transaction : LedgerTransaction
            What changed it.
        subject : str
            The identifier, or the application's id.
        system : str
            Whose it is.
        before, after : mapping of str to Value
            The members before and after; those that are equal are left out.
        """
        changed = [name for name in {**before, **after} if before.get(name, _NONE) != after.get(name, _NONE)]
        if not changed:
            return
        row = (
            log.value,
            subject,
            system,
            transaction.event,
            _text(_pick(before, changed)),
            _text(_pick(after, changed)),
            transaction.block,
            transaction.tx_id,
            transaction.time_ms,
            transaction.msp_id,
            transaction.actor,
        )
        self._rows.append(row)

    def write(self) -> None:
        """Write what was entered, in its order."""
        self._connection.executemany(
            "INSERT INTO entry"
            " (log, subject, system, event, before, after, block, tx_id, time_ms, msp_id, actor)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            self._rows,
        )
        self._rows.clear()


def _pick(members: Members, names: Collection[str]) -> dict[str, Value]:
    """Return the named members, as far as there are."""
    return {name: members[name] for name in names if name in members}


def _text(members: Members) -> str:
    return to_json(members).decode()
