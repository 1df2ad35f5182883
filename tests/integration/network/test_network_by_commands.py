"""A network's life by commands alone, and the agents that organisations run beside it, in both worlds."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.prerequisites import missing
from tests.worlds import attached_network

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.client.sync import Gateway
from gridledger.host.errors import PrerequisiteMissing
from gridledger.model.time_mark import TimeMark
from gridledger.network import Network, World
from gridledger.network.fabric.binaries import Binaries

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 120.0
NAME = f"typed-{os.urandom(4).hex()}"
"""On a network of others, what an earlier run deployed is still there."""
POLICY = "OR('Org1MSP.peer','Org2MSP.peer')"
COLLECTIONS = [
    {
        "name": "shared",
        "policy": "OR('Org1MSP.member','Org2MSP.member')",
        "requiredPeerCount": 0,
        "maxPeerCount": 1,
        "blockToLive": 0,
    }
]


class Commands:
    """Calls `gridledger network` and reads its JSON."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __call__(self, *words: object) -> Any:
        results, errors = io.StringIO(), io.StringIO()
        arguments = ["network", *map(str, words), "--dir", str(self.directory), "--json"]
        assert run(arguments, Output(stream=results, errors=errors)) == 0, errors.getvalue()
        return json.loads(results.getvalue())


@pytest.fixture
def command(world: World, tmp_path: Path) -> Iterator[Commands]:
    """Return what calls commands on a network that they make or attach, and that is stopped at the end."""
    if world is World.ATTACHED:
        with attached_network(tmp_path / "net") as network:
            yield Commands(network.directory)
        return
    if world is World.FABRIC:
        try:
            Binaries.find(None)
        except PrerequisiteMissing as error:
            missing("fabric", error.message)
    called = Commands(tmp_path / "net")
    called("up", "--world", world.value)
    try:
        yield called
    finally:
        if called.directory.exists():
            Network.open(called.directory).down()


@contextmanager
def agent(directory: Path, organisation: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run an organisation's agent; hand over its process, and the mark that it has set first."""
    arguments = ["agent", "run", "--org", organisation, "--dir", str(directory), "--json"]
    program = "import sys; from gridledger.cli.main import main; sys.exit(main())"
    process = subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait(SECONDS)
        process.stdout.close()


@pytest.mark.world
def test_network_lives_by_commands_alone(command: Commands, world: World, tmp_path: Path) -> None:
    collections = tmp_path / "collections.json"
    collections.write_text(json.dumps(COLLECTIONS))
    started = command("status")
    assert started["world"] == world.value
    assert all(component["pid"] for component in started["components"])
    assert {peer["organisation"] for peer in started["peers"]} == {"org1", "org2"}

    module = "tests.conformance.probe.typed:TypedProbe"
    deployed = command(
        *("deploy", NAME, module, "--path", ROOT, "--policy", POLICY, "--collections", collections)
    )
    assert (deployed["sequence"], deployed["policy"]) == (1, POLICY)

    # Each organisation's agent sets the mark, and goes on until it is told to end.
    before = 1
    for organisation in ("org1", "org2"):
        with agent(command.directory, organisation) as (process, mark):
            if world is not World.DEVNET:  # devnet renews the mark as well
                assert mark["msp_id"] == f"{organisation.capitalize()}MSP"
            assert mark["time_ms"] >= before
            before = mark["time_ms"]
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS) == 0

    shown = command("connection", "--org", "org2", "--user", "user1")
    assert (shown["msp_id"], shown["chaincode"]) == ("Org2MSP", NAME)
    connection = Network.open(command.directory).connection(org="org2", user="user1")
    with Gateway.connect(connection) as gateway:
        read = gateway.network().contract(NAME, "ledger").evaluate("ReadTimeMark")
        assert TimeMark.from_bytes(read).time_ms >= before

    named = {component["name"] for component in command("status")["components"]}
    assert set(command("logs", "--lines", 3)) == named
    component = Network.open(command.directory).chaincode_component(NAME, "org1")
    [(name, lines)] = command("logs", component, "--lines", 5).items()
    assert name == component
    assert 0 < len(lines) <= 5

    pids = {one["name"]: one["pid"] for one in command("status")["components"]}
    again = {one["name"]: one["pid"] for one in command("restart", component)["components"]}
    assert again.pop(component) != pids.pop(component)
    assert again == pids

    assert command("down") == {"directory": str(command.directory), "removed": False}
    assert not any(one["pid"] for one in command("status")["components"])
    up = command("up")
    assert [one["name"] for one in up["chaincodes"]] == [NAME]
    assert command("down", "--wipe")["removed"] is True
    assert not command.directory.exists()
