"""The server's store on PostgreSQL: the suite of SQLite, and kills of the database at every boundary."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.postgres import PostgresServer, running_postgres
from tests.unit.response.boundaries import BOUNDARIES, check, keep_s, provoke
from tests.unit.response.store_suite import ServerStoreSuite, message
from tests.unit.response.world import ERRORS, World

from gridledger.response.database import Database, PostgresDatabase, open_database
from gridledger.response.message import RecordsAnswer
from gridledger.response.record_store import Moment
from gridledger.response.server import ServerStore
from gridledger.response.state import Happening, Side

SERVER_BOUNDARIES = [(happening, moment) for side, happening, moment in BOUNDARIES if side is Side.SERVER]


class TestServerStoreOnPostgres(ServerStoreSuite):
    @pytest.fixture
    def database(self, postgres: PostgresServer, tmp_path: Path) -> Iterator[Database]:
        with postgres.database() as own:
            url = own.owner.url.set(drivername="postgresql").render_as_string(hide_password=False)
            with open_database(url, tmp_path) as database:
                yield database

    def test_message_is_taken_while_an_earlier_one_is_completed(
        self, store: ServerStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.receive(store, message(1, 3))
        enter = store._completion._enter_runs
        answers: list[RecordsAnswer] = []

        def meanwhile(*arguments: Any) -> None:
            with ThreadPoolExecutor(1) as other:
                answers.append(other.submit(self.receive, store, message(4, 3)).result(120))
            enter(*arguments)

        monkeypatch.setattr(store._completion, "_enter_runs", meanwhile)
        assert store.complete() == 3
        assert answers == [RecordsAnswer(last=6)]
        monkeypatch.undo()
        assert store.complete() == 3


@pytest.fixture(scope="module")
def crashing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a server of its own, whose crashes disturb nobody."""
    with running_postgres(tmp_path_factory.mktemp("crashing")) as server:
        yield server.url.set(drivername="postgresql").render_as_string(hide_password=False)


async def _connect(address: str) -> psycopg.Connection[tuple[object, ...]]:
    """Connect once the server has recovered from an earlier crash."""
    async with asyncio.timeout(550):
        while True:
            try:
                return psycopg.connect(address, autocommit=True, connect_timeout=10)
            except psycopg.OperationalError:
                await asyncio.sleep(0.05)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("happening", "moment"), SERVER_BOUNDARIES, ids=["-".join(one) for one in SERVER_BOUNDARIES]
)
async def test_database_killed_at_a_boundary_loses_and_doubles_nothing(
    crashing: str, tmp_path: Path, happening: Happening, moment: Moment
) -> None:
    name = f"test_{secrets.token_hex(6)}"
    with await _connect(crashing) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
    address = psycopg.conninfo.make_conninfo(crashing, dbname=name)
    world = World(tmp_path, keep_s=keep_s(happening), database=lambda: PostgresDatabase(address))
    provoke(world, happening)

    def kill() -> None:
        server = world.server
        database = (server._completion if happening is Happening.COMPLETED else server)._database
        assert isinstance(database, PostgresDatabase)
        os.kill(database._connection.info.backend_pid, signal.SIGKILL)

    world.kill = kill  # type: ignore[method-assign]
    world.kill_at = (Side.SERVER, happening, moment)
    async with asyncio.timeout(550):
        for _ in range(14):
            try:
                if len(world.accepted) < 8:
                    world.accept()
                await world.once()
            except ERRORS:
                await asyncio.sleep(0.05)  # the database recovers
        while not await _settled(world):  # noqa: ASYNC110 (another program's recovery)
            await asyncio.sleep(0.05)
    assert world.kills == 1, "the boundary was not met"
    check(world, happening)
    world.stop()


async def _settled(world: World) -> bool:
    try:
        await world.settle()
    except ERRORS:
        return False
    return world._is_settled()
