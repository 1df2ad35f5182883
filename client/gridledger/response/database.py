"""One database of a terminal or a server: SQLite, or PostgreSQL for a large server, under the same SQL.

Statements are written once with `?` for values, in the SQL that both know. SQLite runs in WAL with
synchronous=FULL: what was committed survives a power loss as far as the disk keeps what it acknowledged.
"""

from __future__ import annotations

import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

import psycopg

from gridledger.exchange.private_file import make_private_file
from gridledger.response.errors import StoreFailed

__all__ = ["Database", "PostgresDatabase", "Row", "SQLiteDatabase", "open_database"]

Row: TypeAlias = tuple[Any, ...]

_BUSY_S: Final = 30.0
"""Seconds that a writer waits for another one; transactions here take milliseconds."""
_CACHED_STATEMENTS: Final = 256
_CONNECT_S: Final = 10
_STATEMENT_S: Final = 60
"""Far beyond what any statement here takes: a server that does not answer is a failure."""
_STORAGE_VERSION: Final = 160_000
"""From PostgreSQL 16 on a table says how a column is stored."""
_ROWS_A_STATEMENT: Final = 500
"""Well below what both databases take of values in one statement."""


class Database(ABC):
    """One connection, for several threads, one transaction at a time; a context manager."""

    types: Mapping[str, str]
    """What `{bytes}` and `{number}` are called in tables; `{passing}` are bytes that do not stay for long."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold a writing transaction while the body runs; commit at its end, roll back on any error.

        Raises
        ------
        StoreFailed
            The database refused: nothing of the transaction stands, or, where the commit itself got no answer
            from a server, all of it does.
        """
        with self._lock:
            try:
                self._begin()
                try:
                    yield
                except BaseException:
                    self._end(keep=False)
                    raise
                self._end(keep=True)
            except (sqlite3.Error, psycopg.Error) as error:
                raise StoreFailed(f"the database failed: {error}") from error

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return all rows of a statement.

        Raises
        ------
        StoreFailed
            The database refused.
        """
        with self._lock:
            try:
                return self._fetch(statement, values)
            except (sqlite3.Error, psycopg.Error) as error:
                raise StoreFailed(f"the database failed: {error}") from error

    def row(self, statement: str, values: Sequence[Any] = ()) -> Row | None:
        """Return the first row, None where there is none."""
        found = self.rows(statement, values)
        return found[0] if found else None

    @abstractmethod
    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run a statement within a transaction; return how many rows it changed."""

    @abstractmethod
    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows within a transaction, in the fastest way there is."""

    def insert_new(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert those rows of texts and numbers whose key is not there yet, many in one statement."""
        for at in range(0, len(rows), _ROWS_A_STATEMENT):
            part = rows[at : at + _ROWS_A_STATEMENT]
            marks = ", ".join([f"({', '.join('?' * len(columns))})"] * len(part))
            statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {marks} ON CONFLICT DO NOTHING"  # noqa: S608
            self.run(statement, [value for row in part for value in row])

    @abstractmethod
    def beside(self) -> Database:
        """Return a connection that writes beside this one: this one where the database has one writer."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection; once more does nothing."""

    @abstractmethod
    def _begin(self) -> None: ...

    @abstractmethod
    def _end(self, *, keep: bool) -> None: ...

    @abstractmethod
    def _fetch(self, statement: str, values: Sequence[Any]) -> list[Row]: ...

    def create(self, schema: str) -> None:
        """Make the tables that are not there."""
        with self.transaction():
            for statement in schema.format(**self.types).split(";"):
                if statement.strip():
                    self.run(statement)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class SQLiteDatabase(Database):
    """A file.

    Parameters
    ----------
    path : Path
        Made, readable for its owner alone, where there is none.
    """

    types: Mapping[str, str] = {
        "bytes": "BLOB",
        "passing": "BLOB",
        "number": "INTEGER",
        "serial": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "clustered": "WITHOUT ROWID",
    }

    def __init__(self, path: Path) -> None:
        super().__init__()
        try:
            make_private_file(path)
            self._connection = sqlite3.connect(
                path,
                timeout=_BUSY_S,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=_CACHED_STATEMENTS,
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
        except (OSError, sqlite3.Error) as error:
            raise StoreFailed(f"{path} cannot be opened: {error}") from error

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        return self._connection.execute(statement, values).rowcount

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 (names of ours)
        self._connection.executemany(statement, rows)

    def beside(self) -> Database:
        return self

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _begin(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def _end(self, *, keep: bool) -> None:
        if keep:
            self._connection.execute("COMMIT")
        elif self._connection.in_transaction:
            # A full disk may have ended it already.
            self._connection.execute("ROLLBACK")

    def _fetch(self, statement: str, values: Sequence[Any]) -> list[Row]:
        return self._connection.execute(statement, values).fetchall()


class PostgresDatabase(Database):
    """A database of a PostgreSQL server.

    Parameters
    ----------
    address : str
        As libpq reads it: `postgresql://…`.
    """

    types: Mapping[str, str] = {
        "bytes": "BYTEA",
        "passing": "BYTEA",
        "number": "BIGINT",
        "serial": "BIGSERIAL PRIMARY KEY",
        "clustered": "",
    }

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address
        self._within = False
        self._types: dict[str, Mapping[str, int]] = {}
        try:
            self._connection = self._connect()
        except psycopg.Error as error:
            raise StoreFailed(f"the database cannot be reached: {error}") from error
        if self._connection.info.server_version >= _STORAGE_VERSION:
            # Compressing them costs as much as storing the records of a message.
            self.types = {**self.types, "passing": "BYTEA STORAGE EXTERNAL"}

    def _connect(self) -> psycopg.Connection[Row]:
        return psycopg.connect(
            self._address,
            autocommit=True,
            connect_timeout=_CONNECT_S,
            options=f"-c statement_timeout={1000 * _STATEMENT_S}",
        )

    def _reconnect(self) -> None:
        """Connect again where the server went away; never within a transaction, whose part would be lost."""
        if self._connection.broken and not self._within:
            self._connection.close()
            self._connection = self._connect()

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        return self._connection.execute(_postgres(statement), values).rowcount

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
        types = self._types_of(table)
        with self._connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            copy.set_types([types[column] for column in columns])
            for row in rows:
                copy.write_row(row)

    def insert_new(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        if not rows:
            return
        # A value a column, whatever the number of rows: the server parses and plans next to nothing.
        names = ", ".join(columns)
        wholes = list(zip(*rows, strict=True))
        arrays = ", ".join("?::bigint[]" if isinstance(one[0], int) else "?::text[]" for one in wholes)
        self.run(
            f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING",  # noqa: S608
            [_array(one) for one in wholes],
        )

    def _types_of(self, table: str) -> Mapping[str, int]:
        """Return the types of a table's columns, as the server numbers them."""
        if table not in self._types:
            self._types[table] = dict(
                self._connection.execute(
                    "SELECT attname, atttypid FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0",
                    (table,),
                ).fetchall()
            )
        return self._types[table]

    def beside(self) -> Database:
        return PostgresDatabase(self._address)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _begin(self) -> None:
        self._reconnect()
        self._connection.execute("BEGIN")
        self._within = True

    def _end(self, *, keep: bool) -> None:
        self._within = False
        if keep:
            self._connection.execute("COMMIT")
        elif not self._connection.broken:
            self._connection.execute("ROLLBACK")

    def _fetch(self, statement: str, values: Sequence[Any]) -> list[Row]:
        self._reconnect()
        return self._connection.execute(_postgres(statement), values, binary=True).fetchall()


def open_database(address: str, folder: Path) -> Database:
    """Open a SQLite file, from `folder`, or a PostgreSQL database by its URL.

    Raises
    ------
    StoreFailed
        It cannot be opened.
    """
    if address.startswith("postgresql://"):
        return PostgresDatabase(address)
    return SQLiteDatabase(folder / address)


def _postgres(statement: str) -> bytes:
    return statement.replace("?", "%s").encode()


def _array(values: Sequence[Any]) -> str | list[Any]:
    """Return an array for PostgreSQL; as its text where that is plain: made at a tenth of the cost."""
    if isinstance(values[0], int):
        return f"{{{','.join(map(str, values))}}}"
    text = '","'.join(values)
    if "\\" in text or text.count('"') > 2 * (len(values) - 1):
        return list(values)
    return f'{{"{text}"}}'
