"""Metrics and logs of a network's own processes: chaincode, devnet, the agent that an organisation runs."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.conftest import MakeNetwork
from tests.integration.commands import scraped
from tests.integration.network.test_network import MODULE, ROOT

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.client import Gateway
from gridledger.host.logs import KEYS
from gridledger.host.ports import free_ports
from gridledger.network import Network, World
from gridledger.network.component import ComponentKind

SECONDS = 120.0


def _lines(text: str) -> list[dict[str, Any]]:
    """Parse every line."""
    lines = [json.loads(line) for line in text.splitlines()]
    assert all(tuple(line) == KEYS for line in lines)
    return lines


async def test_chaincode_devnet_and_agent_log_json_and_count(
    make_network: MakeNetwork, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GRIDLEDGER_LOG_FORMAT", "json")
    network = make_network()
    network.deploy("counter", MODULE, python_path=[ROOT])
    async with Gateway.connect(network.connection(org="org1", user="user1")) as gateway:
        contract = gateway.network().contract("counter")
        for _ in range(3):
            await contract.submit("Count")
    [current] = [one.current for one in network.description.chaincodes]
    assert current is not None
    for port in current.metrics_ports.values():
        read = scraped(port)
        assert read["gridledger_chaincode_transactions_total"] >= 3
        assert read["gridledger_chaincode_transaction_duration_seconds_count"] >= 3
        assert read["gridledger_build_info"] == 1
    ours = {ComponentKind.CHAINCODE, ComponentKind.DEVNET}
    for component in network.status().components:
        if component.kind in ours:
            assert _lines(network.logs(component.name, lines=10_000))
    _scrape(network)
    _agent(network)


def _scrape(network: Network) -> None:
    """Check what Prometheus is told: a job a node of Fabric, and addresses that answer."""
    stream = io.StringIO()
    words = ["network", "scrape", "--dir", str(network.directory), "--process", "127.0.0.1:9464"]
    assert run(words, Output(stream=stream)) == 0
    jobs = {job["job_name"]: job for job in yaml.safe_load(stream.getvalue())["scrape_configs"]}
    nodes = {"peer0.org1", "peer0.org2", *(f"orderer{number}" for number in range(1, 5))}
    assert set(jobs) == {"chaincode", "gridledger"} | (nodes if network.world is World.FABRIC else set())
    for job in jobs.values():
        assert all(Path(path).is_file() for path in job.get("tls_config", {}).values())


def _agent(network: Network) -> None:
    """Run an agent whose chaincode knows no time mark: it says so as a line, and counts it."""
    port = next(free_ports())
    program = "import sys; from gridledger.cli.main import main; sys.exit(main())"
    words = ("agent", "run", "--org", "org1", "--dir", network.directory, "--metrics", port)
    process = subprocess.run(
        [sys.executable, "-c", program, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert process.returncode not in {0, -signal.SIGTERM}
    lines = _lines(process.stderr)
    assert lines[0]["message"] == f"metrics are read at http://127.0.0.1:{port}/metrics"
    assert lines[-1]["level"] == "error"
    assert lines[-1]["error"]["code"].startswith("GL-")
