"""Engines whose connections cannot write: the database refuses, not our good will.

SQLite: the file is opened with `mode=ro` and `query_only`, and an authorizer knows reading only. A progress
handler ends a statement that takes too long. A transaction reads one moment.

PostgreSQL: `default_transaction_read_only`, and a login without the right to write, which is checked at
start. `statement_timeout` ends a statement. Transactions are `REPEATABLE READ, READ ONLY`.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from gridledger.exchange.database_address import DatabaseAddress
from gridledger.model.errors import ConfigError

__all__ = ["broken_rights", "read_only_engine"]

_BUSY_S: Final = 5.0
_CONNECT_S: Final = 5
_STEPS: Final = 20_000
"""Virtual machine steps between two looks at the clock: well under a millisecond."""
_READING: Final = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_PRAGMA,
    }
)
_ASKING: Final = frozenset({"read_uncommitted", "table_info", "table_list", "table_xinfo"})
"""What the library asks when it looks tables up."""
_STARTED: Final = "statement started"


def read_only_engine(address: DatabaseAddress) -> Engine:
    """Make an engine that reads one moment of the database in each transaction, and never writes.

    Raises
    ------
    ConfigError
        There is no such SQLite file.
    """
    if address.url is not None:
        return _postgresql(address)
    if address.file is None or not address.file.is_file():
        raise ConfigError(
            "there is no such file", key="database", source="provider", value=str(address.file or "")
        )
    return _sqlite(address.file, address.statement_s)


def broken_rights(connection: Connection) -> list[str]:
    """Say what a PostgreSQL login may do that a reader must not; nothing for SQLite.

    Notes
    -----
    All tables count, not only those that are shared: whoever may write one may prepare the next.
    """
    if connection.dialect.name != "postgresql":
        return []
    found: list[str] = []
    row = connection.execute(
        text(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
            " FROM pg_roles WHERE rolname = current_user"
        )
    ).one()
    names = ("is a superuser", "may make roles", "may make databases", "may replicate", "passes row security")
    found.extend(name for name, holds in zip(names, row, strict=True) if holds)
    if row[0]:
        return found  # every other right follows from it
    writable = connection.execute(
        text(
            "SELECT n.nspname || '.' || c.relname"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')"
            " AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%'"
            " AND (pg_has_role(c.relowner, 'MEMBER') OR has_any_column_privilege(c.oid, 'INSERT, UPDATE')"
            " OR has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')) ORDER BY 1 LIMIT 5"
        )
    ).scalars()
    found.extend(f"may write or owns {name}" for name in writable)
    schemas = connection.execute(
        text(
            "SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%'"
            " AND nspname <> 'information_schema' AND has_schema_privilege(oid, 'CREATE') ORDER BY 1 LIMIT 5"
        )
    ).scalars()
    found.extend(f"may make tables in {name}" for name in schemas)
    return found


def _postgresql(address: DatabaseAddress) -> Engine:
    milliseconds = max(1, int(address.statement_s * 1000))
    options = (
        f"-c default_transaction_read_only=on -c statement_timeout={milliseconds}"
        f" -c lock_timeout={milliseconds} -c idle_in_transaction_session_timeout={4 * milliseconds}"
        " -c timezone=UTC"
    )
    assert address.url is not None  # noqa: S101 - its only caller looked
    return create_engine(
        address.url,
        connect_args={"options": options, "connect_timeout": _CONNECT_S},
        execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
        pool_pre_ping=True,
        pool_timeout=address.statement_s,
    )


def _sqlite(path: Path, statement_s: float) -> Engine:
    place = f"{path.resolve().as_uri()}?mode=ro"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            place, uri=True, check_same_thread=False, isolation_level=None, timeout=_BUSY_S
        )
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.set_authorizer(_authorize)
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_timeout=statement_s)

    @event.listens_for(engine, "connect")
    def watch(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        def overdue() -> bool:
            started: float = record.info.get(_STARTED, time.monotonic())
            return time.monotonic() - started > statement_s

        connection.set_progress_handler(overdue, _STEPS)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    @event.listens_for(engine, "before_cursor_execute")
    def start(connection: Connection, *_: Any) -> None:
        connection.connection.info[_STARTED] = time.monotonic()

    return engine


def _authorize(action: int, first: str | None, *_: str | None) -> int:
    """Let reading through, and of pragmas those that ask."""
    if action not in _READING or (action == sqlite3.SQLITE_PRAGMA and first not in _ASKING):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK
