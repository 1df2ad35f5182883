"""An authority whose root is organisation 1's, on the network of the chosen world."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ca.server import CaServer, running_fabric_ca, running_stand_in
from tests.integration.ca.authority import Authority
from tests.integration.commands import Commands

from gridledger.network import Network


@pytest.fixture(scope="session", params=["fabric-ca-server", "stand-in"])
def ca_server(
    request: pytest.FixtureRequest, network: Network, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CaServer]:
    """Return Fabric's own server, which skips where there is none, and the stand-in."""
    run = running_fabric_ca if request.param == "fabric-ca-server" else running_stand_in
    with run(network.organisation("org1"), tmp_path_factory.mktemp("ca") / "server") as server:
        yield server


@pytest.fixture
def commands(network: Network) -> Commands:
    """Return who calls commands."""
    return Commands(network)


@pytest.fixture
async def authority(commands: Commands, ca_server: CaServer, tmp_path: Path) -> Authority:
    """Return the authority, with its registrar enrolled."""
    made = Authority(commands, ca_server, tmp_path)
    secret = tmp_path / "admin.secret"
    secret.write_text(f"{ca_server.secret}\n")
    shown = await made.identity("enrol", ca_server.admin, "--secret-file", secret, "--msp", made.registrar)
    assert (shown["name"], shown["key"]) == (ca_server.admin, "file")
    return made
