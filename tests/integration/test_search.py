"""Search, logs and statistics by their commands, over a chain that a feeder follows and is killed on."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.integration.commands import Commands
from tests.integration.exchange import CHAINCODE, fund

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.exchange.demo.made import USER, USER_ROLE
from gridledger.exchange.demo.opening import FUNCTION
from gridledger.exchange.demo.scene import APPLICATION, ROOT, Scene
from gridledger.exchange.demo.systems import PLANT
from gridledger.exchange.demo.trading import FIRST, LAST
from gridledger.exchange.readmodel import Feeder, ReadModel
from gridledger.model.states import OrderState
from gridledger.network import Network

PATIENCE_S = 300.0
QUERIES = 4


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of a model."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        tables = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall()
        own = [(name, "VIRTUAL" in sql) for name, sql in tables if "_index_" not in name]
        return {
            name: connection.execute(f"SELECT {'rowid, ' * virtual}* FROM {name}").fetchall()
            for name, virtual in own
        }


async def following(network: Network, path: Path) -> Process:
    """Start `gridledger search follow` as the aggregation system's organisation."""
    program = Path(sys.executable).with_name("gridledger")
    identity = ("--dir", network.directory, "--org", "org1", "--user", "aggregation")
    return await asyncio.create_subprocess_exec(
        program, "search", "follow", "--model", path, *identity, "--json", stdout=PIPE
    )


async def blocks_told(process: Process, count: int) -> None:
    """Wait until the feeder has told of so many blocks."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(count):
            assert await process.stdout.readline()


async def until_at(path: Path, height: int) -> None:
    """Wait until the model has come so far."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with ReadModel.read(path) as model:
                if model.next_block >= height:
                    return
            await asyncio.sleep(0.05)


async def one_query(scene: Scene) -> None:
    """Let the worker ask, pay and settle once."""
    await fund(scene, 10_000)
    await scene.cast.even()
    await scene.application.query(
        user=USER,
        user_role=USER_ROLE,
        function=FUNCTION,
        purpose="work order 1",
        device=scene.systems["construction"].device(PLANT),
        first=FIRST,
        last=LAST,
    )


@pytest.mark.timeout(600)
async def test_feeder_that_is_killed_misses_nothing_and_takes_nothing_twice(
    scene: Scene, exchange_network: Network, tmp_path: Path
) -> None:
    """The model of a feeder that was killed twice, once while queries ran, is that of one that was not."""
    path = tmp_path / "model.db"
    first = await following(exchange_network, path)
    await blocks_told(first, 3)
    first.send_signal(signal.SIGKILL)
    await first.wait()
    with ReadModel.read(path) as model:
        stopped_at = model.next_block

    second = await following(exchange_network, path)
    await blocks_told(second, 2)
    queries = asyncio.create_task(several_queries(scene))
    await asyncio.sleep(0.5)
    second.send_signal(signal.SIGKILL)
    await second.wait()
    await queries

    network = scene.cast["aggregation"].network
    third = await following(exchange_network, path)
    try:
        height = (await network.chain_info()).height
        assert height > stopped_at
        await until_at(path, height)
    finally:
        third.terminate()
        assert await asyncio.wait_for(third.wait(), PATIENCE_S) == 0

    # One that was never killed; the time mark goes on meanwhile, so both are taken to the same block.
    whole = tmp_path / "whole.db"
    with (
        ReadModel.feed(whole, channel=network.channel, chaincode=CHAINCODE) as unbroken_model,
        ReadModel.feed(path, channel=network.channel, chaincode=CHAINCODE) as killed_model,
    ):
        async with asyncio.timeout(PATIENCE_S):
            await Feeder(unbroken_model, network, CHAINCODE).catch_up()
            while killed_model.next_block != unbroken_model.next_block:
                await Feeder(killed_model, network, CHAINCODE).catch_up()
                await Feeder(unbroken_model, network, CHAINCODE).catch_up()
    killed, unbroken = content(path), content(whole)
    killed.pop("progress"), unbroken.pop("progress")
    assert killed == unbroken
    assert not killed["unread"]
    resolved = [row for row in killed["resolution"] if row[2] == str(scene.systems[APPLICATION])]
    assert len({row[1] for row in resolved}) == len(resolved) >= QUERIES
    settled = {row[:2] for row in killed["settlement"] if row[3] == OrderState.SETTLED}
    assert len(settled) >= QUERIES
    assert len(killed["sale"]) == sum(
        len(json.loads(line[5])) for line in killed["line"] if line[:2] in settled
    )


async def several_queries(scene: Scene) -> None:
    for _ in range(QUERIES):
        await one_query(scene)


@pytest.mark.timeout(600)
async def test_search_logs_and_statistics_by_commands(
    scene: Scene, exchange_network: Network, tmp_path: Path
) -> None:
    await one_query(scene)
    await scene.cast.even()
    call = Commands(exchange_network)
    model = ("--model", tmp_path / "model.db")
    platform = ("--dir", exchange_network.directory, "--org", "org1", "--user", "aggregation")
    lifecycle = ("--dir", exchange_network.directory, "--org", "org2", "--user", APPLICATION)
    taken = await call("search", "follow", "--once", *model, *platform)
    assert taken["fields"] > 0
    assert await call("search", "status", *model) == taken

    application = scene.systems[APPLICATION]
    worker = ("--as", application, "--on-behalf-of", USER, "--role", USER_ROLE)
    found = await call("search", "fields", "power", "monitoring", *worker, *model, *lifecycle)
    assert [row["field"].rpartition("#")[2] for row in found["rows"]] == ["ac_power"]
    assert found["bookmark"] == ""
    plant = await call("search", "fields", "--plant", PLANT, "--size", 2, *worker, *model, *lifecycle)
    assert len(plant["rows"]) == 2
    more = ("--bookmark", plant["bookmark"])
    rest = await call("search", "fields", "--plant", PLANT, *more, *worker, *model, *lifecycle)
    assert rest["rows"]
    assert not {row["field"] for row in rest["rows"]} & {row["field"] for row in plant["rows"]}
    devices = await call("search", "devices", PLANT, *worker, *model, *lifecycle)
    assert f"{scene.systems['construction']}/{PLANT}" in [row["device"] for row in devices["rows"]]

    # The platform sees more; who is not the viewer sees nothing, nor a user in a role that is not its own.
    everything = await call("search", "fields", "--as", ROOT, "--size", 100, *model, *platform)
    assert len(everything["rows"]) >= len(found["rows"])
    refused = await call("search", "fields", "power", *worker, *model, *platform, code=22)
    assert refused["error"]["code"] == "GL-CHN-020"
    other = ("--as", application, "--on-behalf-of", USER, "--role", "auditor")
    assert (await call("search", "fields", "power", *other, *model, *lifecycle))["rows"] == []

    owner = str(scene.systems["monitoring"])
    changes = await call("log", "metadata", "--system", owner, *model)
    assert {row["system"] for row in changes["rows"]} == {owner}
    assert {row["event"] for row in changes["rows"]} >= {"DevicesRegistered", "FieldsRegistered"}
    assert {row["actor"] for row in changes["rows"]} == {"monitoring@org2.gridledger.local"}
    registered = await call("log", "registration", "--size", 1000, *model)
    assert "SystemApplied" in [row["event"] for row in registered["rows"]]
    allocated = await call("log", "allocation", "--system", owner, *model)
    assert {"allocated", "active"} <= {
        state for row in allocated["rows"] for state in ("allocated", "active") if state in row["after"]
    }
    resolved = await call("log", "resolution", "--owner", owner, *model)
    assert resolved["rows"][0]["user"] == USER

    queries = await call("statistics", "queries", "--owner", owner, *model)
    # Other tests share the scene, and may have asked by other functions.
    assert (str(application), FUNCTION) in [(row["application"], row["function"]) for row in queries]
    by_owner = await call("statistics", "revenue", *model)
    by_field = await call("statistics", "revenue", "--by", "field", *model)
    by_application = await call("statistics", "revenue", "--by", "application", *model)
    earned = {sum(row["amount_milliyuan"] for row in rows) for rows in (by_owner, by_field, by_application)}
    assert len(earned) == 1
    assert earned.pop() > 0
    assert isinstance(await call("statistics", "unused", "--owner", owner, *model), list)
    hours = await call("statistics", "hours", "--offset", 480, *model)
    assert sum(row["resolutions"] for row in hours) == sum(
        1 for _ in (await call("log", "resolution", *model))["rows"]
    )
    told = await call("statistics", "feedback", owner, *model)
    assert any(row["sales"] and row["amount_milliyuan"] for row in told)

    # Tables for people and CSV, from the same values.
    text, lines = (
        await printed("log", "resolution", *model),
        await printed("statistics", "queries", "--csv", *model),
    )
    assert USER in text
    assert FUNCTION in [row["function"] for row in csv.DictReader(io.StringIO(lines))]
    missing = await call("search", "status", "--model", tmp_path / "none.db", code=76)
    assert missing["error"]["code"] == "GL-SRV-036"


async def printed(*words: object) -> str:
    results = io.StringIO()
    assert await asyncio.to_thread(run, [str(word) for word in words], Output(stream=results)) == 0
    return results.getvalue()
