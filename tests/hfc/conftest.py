"""An interpreter that has fabric-sdk-py, our network as that describes it, and a chaincode for both."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from tests.prerequisites import meaningless, missing

from gridledger.host.ports import LOOPBACK
from gridledger.network import Network, World

_VARIABLE: Final = "HFC_PYTHON"
_SECONDS: Final = 300
ROOT: Final = Path(__file__).resolve().parents[2]
CHAINCODE: Final = "greeter"


@dataclass(frozen=True, kw_only=True)
class Hfc:
    """hfc as a user of organisation 1, in a process of its own for each call."""

    python: str
    profile: Path
    folder: Path
    request: Mapping[str, Any]

    async def __call__(self, call: str, **request: Any) -> Any:
        given = json.dumps({**self.request, "call": call, **request}).encode()
        process = await asyncio.create_subprocess_exec(
            self.python,
            str(Path(__file__).with_name("program.py")),
            cwd=self.folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_SECONDS):
                output, errors = await process.communicate(given)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, errors.decode()[-4000:]
        return json.loads(output)


@pytest.fixture(scope="session")
def hfc_python() -> str:
    """Return the interpreter; the tests skip where none is given."""
    python = os.environ.get(_VARIABLE)
    if not python:
        missing("hfc", f"{_VARIABLE} names no interpreter that has fabric-sdk-py 0.9")
    found = subprocess.run(
        [python, "-c", "import hfc.fabric"], capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if found.returncode:
        missing("hfc", f"{python} cannot import hfc: {found.stderr[-500:]}")
    return python


@pytest.fixture(scope="session")
def greeter(hfc_python: str, world: World, network: Network) -> Network:
    """Return the network with the chaincode on it; devnet lacks what hfc sends to orderers."""
    if world is not World.FABRIC:
        meaningless(world, "hfc sends to orderers itself: --world fabric")
    network.deploy(CHAINCODE, "tests.hfc.greeter:GreeterChaincode", python_path=[ROOT])
    return network


@pytest.fixture(scope="session")
def hfc(hfc_python: str, greeter: Network, tmp_path_factory: pytest.TempPathFactory) -> Hfc:
    """Return hfc on the network."""
    folder = tmp_path_factory.mktemp("hfc")
    profile = folder / "network.json"
    profile.write_text(json.dumps(_profile(greeter, folder), indent=1))
    organisations = greeter.organisations
    request = {
        "profile": str(profile),
        "channel": greeter.channel,
        "chaincode": CHAINCODE,
        "organization": organisations[0].domain,
        "user": "user1",
        "peers": [one.node("peer0").name for one in organisations],
    }
    return Hfc(python=hfc_python, profile=profile, folder=folder, request=request)


def _profile(network: Network, folder: Path) -> dict[str, Any]:
    """Describe a network as hfc wants it."""
    description = network.description
    organizations: dict[str, Any] = {}
    peers: dict[str, Any] = {}
    orderers: dict[str, Any] = {}
    for described, material in zip(
        description.organisations, description.peer_material(network.directory), strict=True
    ):
        peer = material.node("peer0").name
        users = {name: material.user(name).msp for name in material.users()}
        organizations[material.domain] = {
            "mspid": material.msp_id,
            "peers": [peer],
            "certificateAuthorities": [],
            "users": {
                name: {"cert": str(msp.certificate), "private_key": str(msp.key)}
                for name, msp in users.items()
            },
        }
        peers[peer] = _node(peer, described.port, material.tls_root)
    for orderer, material in zip(
        description.orderers, description.orderer_material(network.directory), strict=True
    ):
        name = material.orderer(orderer.member_name).name
        organizations[material.domain] = {
            "mspid": material.msp_id,
            "orderers": [name],
            "certificateAuthorities": [],
        }
        orderers[name] = _node(name, orderer.port, material.tls_root)
    return {
        "name": "ours",
        "version": "0.1",
        "client": {
            "organization": next(iter(organizations)),
            "credentialStore": {"path": str(folder / "kvs"), "cryptoStore": {"path": str(folder / "cvs")}},
        },
        "organizations": organizations,
        "orderers": orderers,
        "peers": peers,
        "certificateAuthorities": {},
    }


def _node(name: str, port: int | None, root: Path) -> dict[str, Any]:
    return {
        "url": f"{LOOPBACK}:{port}",
        "grpcOptions": {"grpc.ssl_target_name_override": name},
        "tlsCACerts": {"path": str(root)},
    }
