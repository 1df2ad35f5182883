"""An owner's database: which rows a field of a device has, read at this moment.

Nothing but SELECT on the configured columns is ever sent, with every name quoted and every value bound, over
a connection that the database itself does not let write (`read_only`).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from gridledger.exchange.cell import CellRefused, cell_text
from gridledger.exchange.database_address import DatabaseAddress
from gridledger.exchange.errors import SourceUnreadable
from gridledger.exchange.field_source import FieldSource, SourceRow
from gridledger.exchange.read_only import broken_rights, read_only_engine
from gridledger.exchange.source_table import PAGE_ROWS, SourceTable
from gridledger.model.errors import ConfigError, ModelError
from gridledger.model.period import Frequency, Period

__all__ = ["MAX_ROWS", "Database", "FieldSource", "SourceRow"]

MAX_ROWS: Final = 200_000
"""Rows of one field and period that are read: more than a month of 15-second values."""

_UTC: Final = re.compile(r"\d{4}-\d{2}-\d{2}([T ][0-9:.,]+(Z|[+-]00:?00)?)?", re.ASCII)

T = TypeVar("T")


class Database:
    """A database that is read and never written.

    Parameters
    ----------
    address : DatabaseAddress or Path
        PostgreSQL, or a SQLite file, which must exist.
    page_rows : int, default 5000
        Rows a statement.

    Raises
    ------
    ConfigError
        If there is no such file.

    Notes
    -----
    Calls block; the provider makes them in threads. Each reads one moment of the database.
    """

    def __init__(self, address: DatabaseAddress | Path, *, page_rows: int = PAGE_ROWS) -> None:
        known = DatabaseAddress(file=address) if isinstance(address, Path) else address
        self.address = known
        self._page_rows = page_rows
        self._engine = read_only_engine(known)
        self._tables: dict[FieldSource, SourceTable] = {}
        self._lock = threading.Lock()
        self._shared = _Shared()

    def check(self, sources: Iterable[FieldSource]) -> None:
        """Check at start what would fail later: rights, tables, columns.

        Raises
        ------
        ConfigError
            The login may do more than read, or the database cannot be reached.
        SourceUnreadable
            A table or column is not there.
        """
        try:
            with self._engine.connect() as connection:
                surplus = broken_rights(connection)
                if surplus:
                    raise ConfigError(
                        f"the login may do more than read: it {', it '.join(surplus)}",
                        key="database",
                        source="provider",
                        value=str(self.address),
                    )
                for source in sources:
                    table = self._table(connection, source)
                    connection.execute(*table.page(None, Period("once"), None, size=1)).all()
        except SQLAlchemyError as error:
            raise ConfigError(
                f"cannot be read: {_reason(error)}",
                key="database",
                source="provider",
                value=str(self.address),
            ) from error

    def rows(self, source: FieldSource, own_code: str, period: Period) -> list[SourceRow]:
        """Read the rows of one field of one device in one period.

        Returns
        -------
        list of SourceRow
            By key, in the order of its text; none where the database has no such device or no rows then.

        Raises
        ------
        SourceUnreadable
            If table or columns are not there, a key is NULL or stands twice, a time is not of UTC, a value
            has no text, there are too many rows, or the database took too long.
        """

        def read(connection: Connection) -> list[SourceRow]:
            table = self._table(connection, source)
            device = table.own_code(own_code)
            if device is None:
                return []
            if connection.execute(*table.nameless(device, period)).first() is not None:
                raise SourceUnreadable("a row has no key", field=source.name)
            found: dict[str, SourceRow] = {}
            after: object = None
            while True:
                size = self._page_rows + (after is not None)
                statement, values = table.page(device, period, after, size=size)
                page = connection.execute(statement, values).all()
                for key, value, time in page[after is not None :]:
                    row = _row(source, key, value, time)
                    if row.key in found:
                        raise SourceUnreadable(f"the key {row.key} stands twice", field=source.name)
                    found[row.key] = row
                if len(found) > MAX_ROWS:
                    raise SourceUnreadable(f"there are more than {MAX_ROWS} rows", field=source.name)
                if len(page) < size:
                    return [found[key] for key in sorted(found)]
                after = page[-1][0]

        return self._read(source, read)

    def periods(self, source: FieldSource, own_code: str, frequency: Frequency) -> list[Period]:
        """Return the periods in which a field of a device has rows, in order.

        Raises
        ------
        SourceUnreadable
            If table or columns are not there, or a time is not ISO 8601 text.
        """
        if frequency is Frequency.ONCE:
            return [Period(frequency.value)]

        def read(connection: Connection) -> Sequence[object]:
            table = self._table(connection, source)
            device = table.own_code(own_code)
            if device is None:
                return ()
            return connection.execute(*table.periods(device, frequency)).scalars().all()

        return _periods(source, self._read(source, read))

    @contextmanager
    def moment(self) -> Iterator[None]:
        """Let the calls of this thread inside share a connection, and read one moment of the database.

        For short rows of calls: SQLite lets nobody write meanwhile, unless it keeps a write-ahead log.

        Raises
        ------
        SourceUnreadable
            If the database cannot be reached.
        """
        try:
            with self._engine.connect() as connection:
                self._shared.connection = connection
                try:
                    yield
                finally:
                    self._shared.connection = None
        except SQLAlchemyError as error:
            raise SourceUnreadable(f"the database cannot be read: {_reason(error)}") from error

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, source: FieldSource, work: Callable[[Connection], T]) -> T:
        try:
            if self._shared.connection is not None:
                return work(self._shared.connection)
            with self._engine.connect() as connection:
                return work(connection)
        except SQLAlchemyError as error:
            raise SourceUnreadable(
                f"the database cannot be read: {_reason(error)}", field=source.name
            ) from error

    def _table(self, connection: Connection, source: FieldSource) -> SourceTable:
        with self._lock:
            table = self._tables.get(source)
        if table is None:
            table = SourceTable.find(self._engine, connection, source)
            with self._lock:
                self._tables[source] = table
        return table


class _Shared(threading.local):
    """The connection that a thread's calls share, if they do."""

    connection: Connection | None = None


def _reason(error: SQLAlchemyError) -> str:
    """Name the error's class: its text may hold values."""
    return type(error.orig if isinstance(error, DBAPIError) else error).__name__


def _row(source: FieldSource, key: object, value: object, time: object) -> SourceRow:
    if isinstance(time, str) and _UTC.fullmatch(time) is None:
        raise SourceUnreadable("a time is not ISO 8601 text of UTC", field=source.name)
    try:
        name = cell_text(key, "time" if source.key == source.time else "text")
        text = cell_text(value, source.data_type)
    except CellRefused as error:
        raise SourceUnreadable(f"a cell {error}", field=source.name) from error
    if not name:
        raise SourceUnreadable("a row has no key", field=source.name)
    return SourceRow(name, text)


def _periods(source: FieldSource, texts: Iterable[object]) -> list[Period]:
    try:
        return [Period(str(text)) for text in texts]
    except ModelError as error:
        raise SourceUnreadable("a time is not ISO 8601 text", field=source.name) from error
