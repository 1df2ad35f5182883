"""What the read model has of the records that a block writes: the logs tell what has changed of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

__all__ = ["EarlierRecords", "RecordTable"]

_A_QUERY: Final = 500


class RecordTable(StrEnum):
    """Tables that hold a record an identifier, and the column of the identifier."""

    DEVICE = "device.identifier"
    FIELD = "field.identifier"
    STANDARD = "standard.field"


class EarlierRecords:
    """The records of devices, fields and charging standards as they stand before the next change.

    Parameters
    ----------
    connection : sqlite3.Connection
        Within a transaction of the model.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[RecordTable, dict[str, str | None]] = {table: {} for table in RecordTable}

    def read_ahead(self, table: RecordTable, identifiers: Iterable[str]) -> None:
        """Read what there is under identifiers, hundreds at once."""
        known = self._known[table]
        wanted = list(dict.fromkeys(identifiers))
        known.update(dict.fromkeys(wanted))
        name, column = table.value.split(".")
        for start in range(0, len(wanted), _A_QUERY):
            part = wanted[start : start + _A_QUERY]
            places = ",".join("?" * len(part))
            known.update(
                self._connection.execute(
                    f"SELECT {column}, record FROM {name} WHERE {column} IN ({places})",  # noqa: S608
                    part,
                )
            )

    def replace(self, table: RecordTable, identifier: str, record: str | None) -> str | None:
        """Return the record under an identifier, if there is one, and keep in mind what replaces it."""
        known = self._known[table]
        if identifier not in known:
            self.read_ahead(table, [identifier])
        before = known[identifier]
        known[identifier] = record
        return before
