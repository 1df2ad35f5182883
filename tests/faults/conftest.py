"""How many of the random faults a run has, and the networks that it breaks."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.conftest import MakeNetwork
from tests.faults.load import PATIENT
from tests.prerequisites import meaningless

from gridledger.client import Gateway, RetryPolicy
from gridledger.network import Network, World

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = "tests.conformance.probe.script:ScriptProbe"
TYPED = "tests.conformance.probe.typed:TypedProbe"
BOTH = "AND('Org1MSP.peer','Org2MSP.peer')"
EAGER = RetryPolicy(silence=1.0)
"""What is killed loses envelopes that it has acknowledged: they are sent again soon."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "faults" in item.path.parts:
            item.add_marker("faults")


@pytest.fixture
def share(pytestconfig: pytest.Config) -> float:
    """Return which share of the random faults to try."""
    value = float(pytestconfig.getoption("--faults-share"))
    assert 0 < value <= 1, "--faults-share is more than 0 and at most 1"
    return value


@pytest.fixture
def chance(pytestconfig: pytest.Config) -> random.Random:
    """Return the source of chance; what it was seeded with is printed with a failure."""
    seed = pytestconfig.getoption("--faults-seed")
    print(f"--faults-seed {seed}")
    return random.Random(seed)


@pytest.fixture
def own(make_network: MakeNetwork) -> Network:
    """Return a network for this test alone, with the script probe that both organisations endorse."""
    return with_probe(make_network())


@pytest.fixture
def fabric(world: World, make_network: MakeNetwork) -> Network:
    """Return a real Fabric network for this test alone, with the script probe; skip in the embedded world."""
    if world is not World.FABRIC:
        meaningless(world, "ordering by several nodes of one's own is --world fabric")
    return with_probe(make_network())


@pytest.fixture
def devnet(world: World, make_network: MakeNetwork) -> Network:
    """Return an embedded network for this test alone, with the script probe; skip on Fabric."""
    if world is not World.DEVNET:
        meaningless(world, "the embedded network's own process is --world devnet")
    return with_probe(make_network())


def with_probe(network: Network) -> Network:
    network.deploy("script", SCRIPT, policy=BOTH, python_path=[ROOT])
    return network


@pytest.fixture
async def gateways() -> AsyncIterator[Gateways]:
    """Return what opens gateways that are closed at the end of the test."""
    async with AsyncExitStack() as stack:
        yield Gateways(stack)


class Gateways:
    """Opens gateways of a network's users."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def open(self, network: Network, org: str = "org1", user: str = "user1") -> Gateway:
        connection = network.connection(org=org, user=user)
        gateway = Gateway.connect(connection, deadlines=PATIENT, retry=EAGER)
        return await self._stack.enter_async_context(gateway)
