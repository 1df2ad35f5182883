"""Writing of the logs of the register: what a transaction changed, and who sent it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import TypeAlias

from gridledger.exchange.readmodel.ledger_block import LedgerTransaction
from gridledger.model.canonical import Value

__all__ = ["Journal", "Log", "Members"]

_NONE = object()
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

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
    """Writes entries of the logs.

    Parameters
    ----------
    connection : sqlite3.Connection
        Within a transaction of the model.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

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
        self._connection.execute(
            "INSERT INTO entry"
            " (log, subject, system, event, before, after, block, tx_id, time_ms, msp_id, actor)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )


def _pick(members: Members, names: Collection[str]) -> dict[str, Value]:
    """Return the named members, as far as there are."""
    return {name: members[name] for name in names if name in members}


def _text(members: Members) -> str:
    return _encoder.encode(members)
