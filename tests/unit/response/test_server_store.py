"""The server's store on SQLite; integration/test_response_postgres.py has the same on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.response.store_suite import ServerStoreSuite

from gridledger.response.database import Database, SQLiteDatabase


class TestServerStoreOnSQLite(ServerStoreSuite):
    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[Database]:
        with SQLiteDatabase(tmp_path / "server.db") as database:
            yield database
