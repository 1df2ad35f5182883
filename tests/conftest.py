"""Which world tests run in, and the networks that they run on.

    pytest tests/conformance                    # devnet, the embedded world
    pytest tests/conformance --world fabric     # real Fabric; GRIDLEDGER_WORLD=fabric does the same

A test asks for `network`: a running network of two organisations, one per worker, without chaincodes.

    @pytest.fixture(scope="session")
    def probe(network: Network) -> Network:
        network.deploy("probe", "tests.conformance.probe.script:ScriptProbe", python_path=[ROOT])
        return network

    async def test_something(probe: Network) -> None:
        async with Gateway.connect(probe.connection(org="org1", user="user1")) as gateway: ...

A network that others run is attached to first (network/README.md), and shared by all tests of one process.
They deploy from a folder of their own; neither the network nor DIR is changed but for what is on its chain:

    GRIDLEDGER_NETWORK=DIR pytest -n 0 --world attached tests/conformance
    GRIDLEDGER_NETWORK=DIR pytest -n 0 --world attached -m world tests/integration

Tests that kill, wipe or stop components ask for `make_network`, which gives networks of their own:

    def test_something(make_network: MakeNetwork) -> None:
        network = make_network(organisations=3)

`Network`'s calls block: inside an asynchronous test, `await asyncio.to_thread(network.deploy, …)` keeps the
loop running. Without the binaries tests of Fabric skip; GRIDLEDGER_REQUIRE=fabric makes that a failure.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from tests.hdfs import running_hdfs
from tests.postgres import PostgresServer, running_postgres
from tests.softhsm import SoftHsm
from tests.worlds import ATTACHED_VARIABLE, attached_network, running_network

from gridledger.lake.hdfs import HdfsCluster
from gridledger.network import Network, Settings, World

MakeNetwork = Callable[..., Network]

_LONG_ID = 100

# Machines are shared: how long an example takes says nothing about what is tested.
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--world",
        choices=[world.value for world in World],
        default=os.environ.get("GRIDLEDGER_WORLD", World.DEVNET.value),
        help="world that tests run in: devnet (default), fabric, or attached with GRIDLEDGER_NETWORK=DIR",
    )
    parser.addoption(
        "--record-fabric",
        action="store_true",
        help="with --world fabric: write which conformance tests pass to tests/conformance/FABRIC.md",
    )
    parser.addoption(
        "--faults-share",
        type=float,
        default=float(os.environ.get("GRIDLEDGER_FAULTS_SHARE", "0.1")),
        help="share of the random faults to try, more than 0 and at most 1; a tenth by default",
    )
    parser.addoption(
        "--faults-seed",
        type=int,
        default=int(os.environ.get("GRIDLEDGER_FAULTS_SEED", random.SystemRandom().randrange(2**32))),
        help="seed of the random faults; drawn by default, and printed with a failure",
    )


def pytest_configure(config: pytest.Config) -> None:
    # A terminated run stops what it started, as an interrupted one does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if config.getoption("--world") != World.ATTACHED:
        os.environ.pop(ATTACHED_VARIABLE, None)


def pytest_report_header(config: pytest.Config) -> str:
    chosen = {name: config.getoption(f"--{name}") for name in ("world", "faults-share", "faults-seed")}
    return "gridledger: " + " ".join(f"--{name} {value}" for name, value in chosen.items())


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name long texts by their argument: a key drawn at import differs between the workers of a run."""
    return argname if isinstance(val, str | bytes) and len(val) > _LONG_ID else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"network", "make_network"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("world")


@pytest.fixture(scope="session")
def world(pytestconfig: pytest.Config) -> World:
    """Return the world that tests run in."""
    return World(pytestconfig.getoption("--world"))


@pytest.fixture(scope="session")
def network(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Return a running network of two organisations that tests share and leave running."""
    if world is World.ATTACHED:
        with attached_network(tmp_path_factory.mktemp("attached") / "network") as attached:
            yield attached
        return
    with running_network(world, tmp_path_factory.mktemp("network")) as running:
        yield running


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Return a PostgreSQL server that tests share, each with a database of its own."""
    with running_postgres(tmp_path_factory.mktemp("postgres")) as running:
        yield running


@pytest.fixture(scope="session")
def hdfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HdfsCluster]:
    """Return a running HDFS of three DataNodes that tests share.

    They carry `xdist_group("hdfs")`, or "hdfs-lost" where they wait for what HDFS lost: of two workers each
    has an HDFS of its own, and both wait at the same time.
    """
    with running_hdfs(tmp_path_factory.mktemp("hdfs")) as running:
        yield running


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> SoftHsm:
    """Return PKCS#11 tokens in files: `meters` for all, and one each for tests that lock or lose it.

    Tests carry `xdist_group("softhsm")`.
    """
    return SoftHsm.create(tmp_path_factory.mktemp("softhsm"), ["meters", "locked", "taken-out"])


@pytest.fixture
def make_network(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeNetwork]:
    """Return a function that starts a network for this test alone, with the keywords of `running_network`."""
    numbers = count()
    with ExitStack() as stack:

        def make(
            *,
            organisations: int = 2,
            settings: Settings | None = None,
            world: World = world,
            waiting_orderers: int = 0,
        ) -> Network:
            directory = tmp_path_factory.mktemp(f"own{next(numbers)}")
            running = running_network(
                world,
                directory,
                organisations=organisations,
                settings=settings,
                waiting_orderers=waiting_orderers,
            )
            return stack.enter_context(running)

        yield make
