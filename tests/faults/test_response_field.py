"""Demand response on a network of its own: peers are killed, ways are cut; nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import math
import os
import random
import secrets
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from tests.faults.response_field import Field, NetworkWorld, RivalLedger, opened_field, patiently
from tests.faults.response_field_writer import FieldWriter
from tests.postgres import running_postgres
from tests.relay import Relay
from tests.unit.response.boundaries import BOUNDARIES, BOUNDARY_IDS, check, keep_s, provoke
from tests.worlds import running_network

from gridledger.model.identifier import SystemIdentifier
from gridledger.network import World
from gridledger.response.chain_module import Anchoring
from gridledger.response.database import PostgresDatabase, SQLiteDatabase
from gridledger.response.ledger import ResponseLedger
from gridledger.response.record_store import Moment
from gridledger.response.server import DemandRegister, ServerBusiness
from gridledger.response.state import Happening, Side
from gridledger.response.terminal.business import Business
from gridledger.response.terminal.link import SignedLink
from gridledger.web import LocalServer, MemoryReplayStore

pytestmark = [pytest.mark.timeout(1800), pytest.mark.world, pytest.mark.xdist_group("response-field")]

KILLS = 50
"""At random, of the 500 that programs, databases and peers have together."""
CUTS = ((1, "up"), (900, "up"), (1, "down"), (150, "down"))
"""Bytes after which a way is cut: at once, within what is sent, and before and within what comes back."""


@pytest.fixture(scope="module")
async def field(world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Field]:
    with running_network(world, tmp_path_factory.mktemp("field")) as network:
        async with opened_field(network, SystemIdentifier("88.9742")) as opened:
            yield opened


@pytest.fixture(scope="module")
def crashing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a database server whose crashes disturb nobody."""
    with running_postgres(tmp_path_factory.mktemp("crashing")) as server:
        yield server.url.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.mark.parametrize(("side", "happening", "moment"), BOUNDARIES, ids=BOUNDARY_IDS)
async def test_peer_killed_at_a_boundary_loses_and_doubles_nothing(
    field: Field, tmp_path: Path, side: Side, happening: Happening, moment: Moment
) -> None:
    ledgers: dict[Side, Anchoring] = {**field.ledgers()}
    if happening is Happening.INVALID:
        ledgers[side] = RivalLedger(field.ledgers()[side])
    entry = await field.new_terminal()
    world = NetworkWorld(tmp_path, entry, ledgers, keep_s=keep_s(happening))
    provoke(world, happening)
    world.kill = lambda: field.kill_peer(side)  # type: ignore[method-assign]
    world.kill_at = (side, happening, moment)

    for _ in range(3):
        world.accept()
    await world.settle_and_read(field.ledgers()[side])

    await field.until_up()
    assert world.kills == 1, "the boundary was not met"
    check(world, happening)
    world.stop()


class CutLedger:
    """A way to the ledger that is cut within a call, once at each of `CUTS`."""

    def __init__(self, ledger: ResponseLedger, relay: Relay, call: str) -> None:
        self._ledger, self._relay, self._call = ledger, relay, call
        self.left = list(CUTS)

    def __getattr__(self, name: str) -> object:
        method = getattr(self._ledger, name)
        if name != self._call or not self.left or self._relay.cuts < len(CUTS) - len(self.left):
            return method  # the cut before is still to come

        async def cut(*arguments: object) -> object:
            count, way = self.left.pop()
            self._relay.cut_after(count, way, restore_s=0.2)
            return await method(*arguments)

        return cut


@pytest.mark.parametrize("call", ["endorse_anchor", "settle", "compare"])
@pytest.mark.parametrize("side", list(Side))
async def test_way_to_the_peer_that_is_cut_costs_only_time(
    field: Field, tmp_path: Path, side: Side, call: str
) -> None:
    entry = await field.new_terminal()
    port = int(field.connections[side].endpoint.rpartition(":")[2])
    async with Relay(port) as relay, field.way(side, relay.port) as way:
        await patiently(lambda: way.terminal(entry.identifier))
        cut = CutLedger(way, relay, call)
        world = NetworkWorld(tmp_path, entry, {**field.ledgers(), side: cut}, records=1)  # type: ignore[dict-item]
        while relay.cuts < len(CUTS):
            world.accept()
            await patiently(world.once)
        await world.settle_and_read(field.ledgers()[side])
        assert relay.cuts == len(CUTS)
    world.check()
    world.stop()


async def test_way_to_the_server_that_is_cut_costs_only_time(field: Field, tmp_path: Path) -> None:
    entry = await field.new_terminal()
    world = NetworkWorld(tmp_path, entry, field.ledgers())
    demands = SQLiteDatabase(tmp_path / "server.db")
    server = ServerBusiness(world.server, DemandRegister(demands))
    party = field.server
    service = server.service(party.signer, party.authorities, MemoryReplayStore())
    async with Relay() as relay:
        url = f"http://127.0.0.1:{relay.port}"
        async with LocalServer(service, origins=[url]) as local:
            relay.target = urlsplit(local.url).port or 0
            world.business = Business(world.terminal, SignedLink(field.terminal, url))
            for count, way in CUTS:
                world.accept()
                relay.cut_after(count, way, restore_s=0.2)
                await patiently(world.business.step)
            await world.settle_and_read(field.ledgers()[Side.SERVER])
        assert relay.cuts == len(CUTS)
    world.check()
    world.stop()
    demands.close()


class Victims:
    """Kills programs, database and peers by turns of chance."""

    def __init__(self, field: Field, folder: Path, admin: str, chance: random.Random) -> None:
        self._field, self._folder, self._chance = field, folder, chance
        self._admin = admin
        self._name = f"test_{secrets.token_hex(6)}"
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {self._name}".encode())
        self.address = psycopg.conninfo.make_conninfo(admin, dbname=self._name)
        self.accepted: list[int] = []

    async def open(self) -> None:
        """Register a terminal, and let its programs and the server's work."""
        self.entry = await self._field.new_terminal()
        self._work()

    def _work(self) -> None:
        self._writer = FieldWriter(
            self._folder, self._chance.randrange(2**32), self._field.connections, self.entry, self.address
        )
        self._writer.wait(300)

    async def kill(self) -> None:
        """Kill one of them."""
        victim = self._chance.choice(["programs", "database", "peer"])
        if victim == "programs":
            self.accepted += self._writer.kill()
            self._work()
        elif victim == "database":
            await self._kill_database()
        else:
            self._field.kill_peer(self._chance.choice(list(Side)))
            await self._field.until_up()

    async def _kill_database(self) -> None:
        """Kill a process of the database that works for the server: all of them go down and recover."""
        try:
            with psycopg.connect(self._admin, autocommit=True, connect_timeout=10) as connection:
                pids = connection.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = %s", (self._name,)
                ).fetchall()
        except psycopg.OperationalError:
            return  # it recovers from the kill before
        if pids:
            with suppress(ProcessLookupError):
                os.kill(self._chance.choice(pids)[0], signal.SIGKILL)

    def end(self) -> None:
        self.accepted += self._writer.kill()


async def test_programs_database_and_peers_killed_at_random_lose_and_double_nothing(
    field: Field, tmp_path: Path, share: float, chance: random.Random, crashing: str
) -> None:
    victims = Victims(field, tmp_path, crashing, chance)
    await victims.open()
    for _ in range(math.ceil(KILLS * share)):
        await asyncio.sleep(chance.uniform(0, 1.5))
        await victims.kill()
    victims.end()

    world = await patiently(lambda: opened_world(tmp_path, victims, field))
    world.accepted = victims.accepted
    await world.settle_and_read(field.ledgers()[Side.SERVER])
    world.check()
    world.stop()


async def opened_world(folder: Path, victims: Victims, field: Field) -> NetworkWorld:
    return NetworkWorld(
        folder, victims.entry, field.ledgers(), database=lambda: PostgresDatabase(victims.address)
    )
