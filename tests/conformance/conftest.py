"""One network a worker, the probes deployed once, users of two organisations."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conformance.caller import CHANNEL, Caller
from tests.conformance.collection import COLLECTIONS
from tests.conformance.fabric_record import FabricRecord, fabric_version
from tests.conformance.wire import Signer, Wire

from gridledger.client import Connection, Deadlines, Gateway
from gridledger.model.roles import CertificateAttribute, Role
from gridledger.network import Network
from gridledger.network.authority import CertificateAuthority, NodeRole, Validity
from gridledger.network.fabric.binaries import Binaries

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = "tests.conformance.probe.script:ScriptProbe"
TYPED = "tests.conformance.probe.typed:TypedProbe"
BOTH = "AND('Org1MSP.peer','Org2MSP.peer')"
ANYONE = "OR('Org1MSP.peer','Org2MSP.peer')"

# Two cores share a network, its chaincodes and other workers; nothing here measures time. A peer that lacks
# private data of its own, be it of an invalid transaction, looks for it before it commits the block: 60 s as
# Fabric is released (`pullRetryThreshold`), and an outcome that follows is known later still.
PATIENT = Deadlines(evaluate=30, endorse=30, submit=30, commit_status=240)

_SESSION = os.urandom(4).hex()
_numbers = itertools.count()


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("--record-fabric") or hasattr(config, "workerinput"):
        return
    if config.getoption("--world") != "fabric":
        raise pytest.UsageError("--record-fabric goes with --world fabric")
    version = fabric_version(Binaries.find().peer)
    config.pluginmanager.register(FabricRecord(Path(__file__).parent, version), "fabric-record")


@pytest.fixture
def key() -> str:
    """Return the beginning of keys that no other test has."""
    return f"k{_SESSION}.{next(_numbers):04}."


@pytest.fixture(scope="session")
def probes(network: Network) -> Network:
    """Return the network with the probes on it.

    `script` wants both organisations and has the collections, `either` is the same code and wants anyone,
    `typed` has contracts.
    """
    deployed = {chaincode.name for chaincode in network.status().chaincodes}
    if "script" not in deployed:
        network.deploy("script", SCRIPT, policy=BOTH, collections=COLLECTIONS, python_path=[ROOT])
    if "either" not in deployed:
        network.deploy("either", SCRIPT, policy=ANYONE, python_path=[ROOT])
    if "typed" not in deployed:
        network.deploy("typed", TYPED, policy=BOTH, python_path=[ROOT])
    return network


class Users:
    """Opens gateways for users, and closes them at the end."""

    def __init__(self, network: Network, stack: AsyncExitStack) -> None:
        self._network = network
        self._stack = stack

    async def caller(self, org: str, user: str, attributes: Mapping[str, str] | None = None) -> Caller:
        connection = self._connection(org, user, attributes)
        gateway = await self._stack.enter_async_context(Gateway.connect(connection, deadlines=PATIENT))
        tls_root = connection.read("tls_root_cert")
        assert tls_root is not None
        wire = Wire(connection.endpoint, tls_root, connection.tls_host_override)
        self._stack.push_async_callback(wire.close)
        return Caller(
            msp_id=connection.msp_id,
            gateway=gateway,
            signer=signer_of(connection),
            wire=wire,
            contract=gateway.network(CHANNEL).contract("script"),
        )

    def _connection(self, org: str, user: str, attributes: Mapping[str, str] | None) -> Connection:
        [material] = [each for each in self._network.organisations if each.name == org]
        if user in material.users():
            return self._network.connection(org=org, user=user)
        return self._network.enrol(org=org, user=user, attributes=attributes)


def signer_of(connection: Connection) -> Signer:
    certificate, private_key = connection.read("certificate"), connection.read("private_key")
    assert certificate is not None
    assert private_key is not None
    return Signer.of_pem(msp_id=connection.msp_id, certificate=certificate, private_key=private_key)


@pytest.fixture(scope="session")
async def users(probes: Network) -> AsyncIterator[Users]:
    async with AsyncExitStack() as stack:
        yield Users(probes, stack)


@pytest.fixture(scope="session")
async def parties(users: Users) -> tuple[Caller, Caller]:
    """Return a user of each organisation, each of whom waits for the other's peer."""
    one, two = await users.caller("org1", "user1"), await users.caller("org2", "user1")
    return replace(one, others=[two]), replace(two, others=[one])


@pytest.fixture(scope="session")
def org1(parties: tuple[Caller, Caller]) -> Caller:
    """Return a user of organisation 1 on the chaincode that both have to endorse."""
    return parties[0]


@pytest.fixture(scope="session")
def org2(parties: tuple[Caller, Caller]) -> Caller:
    """Return a user of organisation 2 on the chaincode that both have to endorse."""
    return parties[1]


@pytest.fixture(scope="session")
def either(org1: Caller) -> Caller:
    """Return a user of organisation 1 on the chaincode that anyone may endorse."""
    return org1.on("either")


@pytest.fixture(scope="session")
async def admin(users: Users, org2: Caller) -> Caller:
    """Return the administrator of organisation 1."""
    return replace(await users.caller("org1", "admin"), others=[org2])


@pytest.fixture(scope="session")
async def admin2(users: Users, org1: Caller) -> Caller:
    """Return the administrator of organisation 2."""
    return replace(await users.caller("org2", "admin"), others=[org1])


@pytest.fixture(scope="session")
async def auditor(users: Users, org2: Caller) -> Caller:
    """Return a user of organisation 1 with the role auditor in the certificate."""
    attributes = {CertificateAttribute.ROLE.value: Role.AUDITOR.value}
    return replace(await users.caller("org1", "auditor", attributes), others=[org2])


@pytest.fixture(scope="session")
async def agents(users: Users) -> tuple[Caller, Caller]:
    """Return the agents of both organisations."""
    attributes = {CertificateAttribute.ROLE.value: Role.AGENT.value}
    one = await users.caller("org1", "renewer", attributes)
    two = await users.caller("org2", "renewer", attributes)
    return replace(one, others=[two]), replace(two, others=[one])


@pytest.fixture(scope="session")
def foreigner() -> Signer:
    """Return who has a certificate for organisation 1 from an authority that is not its own."""
    authority = CertificateAuthority.create("ca.org1.gridledger.local", "org1.gridledger.local")
    credential = authority.issue("user1", "org1.gridledger.local", role=NodeRole.CLIENT)
    return Signer(msp_id="Org1MSP", certificate=credential.certificate_pem, key=credential.key)


@pytest.fixture(scope="session")
def expired(network: Network) -> Signer:
    """Return who has a certificate of organisation 1 that has expired."""
    authority = network.organisations[0].signing_authority()
    credential = authority.issue(
        "late", "org1.gridledger.local", role=NodeRole.CLIENT, validity=Validity.expired()
    )
    return Signer(msp_id="Org1MSP", certificate=credential.certificate_pem, key=credential.key)
