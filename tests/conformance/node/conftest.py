"""Node.js with the official client's packages, and users who have it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conformance.node.caller import NodeCaller
from tests.nodejs import NodeProgram

from gridledger.network import Network


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("node")


@pytest.fixture(scope="session")
def node_program(tmp_path_factory: pytest.TempPathFactory) -> NodeProgram:
    """Return the scripts of this folder, ready to run."""
    return NodeProgram(Path(__file__).parent, tmp_path_factory.mktemp("node"))


def _printed_connection(network: Network, org: str) -> dict[str, str | None]:
    command = [Path(sys.executable).with_name("gridledger"), "network", "connection", "--json"]
    command += ["--dir", str(network.directory), "--org", org, "--user", "user1"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert printed.returncode == 0, printed.stderr
    connection: dict[str, str | None] = json.loads(printed.stdout)
    return connection


@pytest.fixture(scope="session")
def node1(node_program: NodeProgram, probes: Network) -> NodeCaller:
    """Return a user of organisation 1 on the chaincode that both have to endorse."""
    return NodeCaller(program=node_program, connection=_printed_connection(probes, "org1"))


@pytest.fixture(scope="session")
def node2(node_program: NodeProgram, probes: Network) -> NodeCaller:
    """Return a user of organisation 2 on the chaincode that both have to endorse."""
    return NodeCaller(program=node_program, connection=_printed_connection(probes, "org2"))


@pytest.fixture(scope="session")
def node_typed(node1: NodeCaller) -> NodeCaller:
    """Return the user of organisation 1 on the chaincode with contracts."""
    return replace(node1, chaincode="typed")
