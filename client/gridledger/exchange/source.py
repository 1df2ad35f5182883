"""An owner's database: which rows a field of a device has, read at this moment.

    [[field]]
    name = "ac_power"
    table = "reading"
    own_code = "meter"          # column with the owner's code of the device
    key = "measured_at"         # column that names a row of the device
    value = "ac_power_kw"
    time = "measured_at"        # column that says to which period a row belongs; ISO 8601 text of UTC

Nothing but SELECT on such columns is ever sent, with every value bound, over a connection that cannot write.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import ColumnClause, Engine, bindparam, column, create_engine, event, select, table
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from gridledger.exchange.errors import SourceUnreadable
from gridledger.model.errors import ConfigError, ModelError
from gridledger.model.period import Frequency, Period

__all__ = ["Database", "FieldSource", "SourceRow"]

MAX_ROWS: Final = 200_000
"""Rows of one field and period that are read: more than a month of 15-second values."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class FieldSource:
    """Where the content of a field stands, for all devices of the owner.

    Raises
    ------
    ConfigError
        If a name is not one of a table or column.
    """

    name: str
    """The field's name."""
    table: str
    own_code: str
    """Column of the owner's code of the device."""
    key: str
    """Column that names a row of the device."""
    value: str
    """Column of the content."""
    time: str | None = None
    """Column by which rows belong to days; none where the field is deposited once."""

    def __post_init__(self) -> None:
        for key in ("table", "own_code", "key", "value", "time"):
            text = getattr(self, key)
            if text is not None and _NAME.fullmatch(text) is None:
                raise ConfigError(
                    "not the name of a table or column", key=key, source=f"field {self.name}", value=text[:80]
                )


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row as the database has it."""

    key: str
    value: str | None
    """None where the database has NULL."""


class Database:
    """A SQLite database that is read and never written.

    Parameters
    ----------
    path : Path
        The file; it must exist.

    Raises
    ------
    ConfigError
        If there is no such file.

    Notes
    -----
    Opened with `mode=ro` and `query_only`, so that not even a defect could write. Calls block; the provider
    makes them in threads.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ConfigError("there is no such file", key="database", source="provider", value=str(path))
        self._engine = _read_only(path)

    def rows(self, source: FieldSource, own_code: str, period: Period) -> list[SourceRow]:
        """Read the rows of one field of one device in one period.

        Returns
        -------
        list of SourceRow
            By key, in the order of its text; none where the database has no such device or no rows then.

        Raises
        ------
        SourceUnreadable
            If table or columns are not there, a key is NULL or stands twice, or there are too many rows.
        """
        device = _column(source.own_code)
        query = select(_column(source.key), _column(source.value)).select_from(table(source.table))
        query = query.where(device == bindparam("own_code", own_code))
        days = period.days()
        if days is not None:
            if source.time is None:
                raise SourceUnreadable("the field has no column of times", field=source.name)
            time = _column(source.time)
            query = query.where(time >= bindparam("first", str(days[0])))
            query = query.where(time < bindparam("after", str(days[1].following())))
        try:
            with self._engine.connect() as connection:
                found = connection.execute(query.limit(MAX_ROWS + 1)).all()
        except SQLAlchemyError as error:
            raise SourceUnreadable("the database cannot be read", field=source.name) from error
        if len(found) > MAX_ROWS:
            raise SourceUnreadable(f"there are more than {MAX_ROWS} rows", field=source.name)
        rows = [SourceRow(_key(source, key), _text(source, value)) for key, value in found]
        rows.sort(key=lambda row: row.key)
        for one, other in pairwise(rows):
            if one.key == other.key:
                raise SourceUnreadable(f"the key {one.key} stands twice", field=source.name)
        return rows

    def periods(self, source: FieldSource, own_code: str, frequency: Frequency) -> list[Period]:
        """Return the periods in which a field of a device has rows, in order.

        Raises
        ------
        SourceUnreadable
            If table or columns are not there, or a time is not ISO 8601 text.
        """
        if frequency is Frequency.ONCE:
            return [Period(frequency.value)]
        if source.time is None:
            raise SourceUnreadable("the field has no column of times", field=source.name)
        time = _column(source.time)
        query = select(time).select_from(table(source.table)).distinct()
        query = query.where(_column(source.own_code) == bindparam("own_code", own_code))
        try:
            with self._engine.connect() as connection:
                found = connection.execute(query.limit(MAX_ROWS)).scalars().all()
        except SQLAlchemyError as error:
            raise SourceUnreadable("the database cannot be read", field=source.name) from error
        return _periods(source, found, frequency)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _read_only(path: Path) -> Engine:
    address = f"{path.resolve().as_uri()}?mode=ro"
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(address, uri=True, check_same_thread=False),
        poolclass=QueuePool,
    )

    @event.listens_for(engine, "connect")
    def forbid_writes(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    return engine


def _column(name: str) -> ColumnClause[Any]:
    return column(name)


def _key(source: FieldSource, key: object) -> str:
    text = _text(source, key)
    if not text:
        raise SourceUnreadable("a row has no key", field=source.name)
    return text


def _text(source: FieldSource, cell: object) -> str | None:
    """Write a cell as the text that is hashed and delivered: the shortest that reads back the same."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | Decimal):
        return str(cell)
    if isinstance(cell, float):
        return repr(cell)
    raise SourceUnreadable(f"a value is {type(cell).__name__}, not text or a number", field=source.name)


def _periods(source: FieldSource, times: Iterable[object], frequency: Frequency) -> list[Period]:
    length = 7 if frequency is Frequency.MONTH else 10
    texts = sorted({time[:length] for time in times if isinstance(time, str)})
    try:
        return [Period(text) for text in texts]
    except ModelError as error:
        raise SourceUnreadable("a time is not ISO 8601 text", field=source.name) from error
