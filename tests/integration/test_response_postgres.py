"""The server's store on PostgreSQL: the same suite as on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.postgres import PostgresServer
from tests.unit.response.store_suite import ServerStoreSuite

from gridledger.response.database import Database, open_database


class TestServerStoreOnPostgres(ServerStoreSuite):
    @pytest.fixture
    def database(self, postgres: PostgresServer, tmp_path: Path) -> Iterator[Database]:
        with postgres.database() as own:
            url = own.owner.url.set(drivername="postgresql").render_as_string(hide_password=False)
            with open_database(url, tmp_path) as database:
                yield database
