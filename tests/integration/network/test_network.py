"""A network's life: started, deployed to, looked at, hurt, healed, stopped, in both worlds alike."""

from __future__ import annotations

import io
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import MakeNetwork
from tests.prerequisites import meaningless

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.client import Gateway
from gridledger.client.collection import Collection
from gridledger.client.policy import EndorsementPolicy
from gridledger.host.errors import ComponentStopped, NotRunning
from gridledger.host.ports import free_ports
from gridledger.host.process import ManagedProcess
from gridledger.model.errors import ConfigError
from gridledger.network import Network, World
from gridledger.network.description import NetworkDescription
from gridledger.network.errors import DeployError, UnknownComponent
from gridledger.network.release import ReleaseFiles

ROOT = Path(__file__).resolve().parents[3]
MODULE = "tests.integration.network.counter:Counter"
SECONDS = 30.0


def _deploy(network: Network, **options: object) -> None:
    network.deploy("counter", MODULE, python_path=[ROOT], **options)  # type: ignore[arg-type]


async def _count(network: Network, organisation: str = "org1") -> int:
    async with Gateway.connect(network.connection(org=organisation, user="user1")) as gateway:
        return int(await gateway.network().contract("counter").submit("Count"))


async def _read(network: Network, organisation: str) -> int:
    async with Gateway.connect(network.connection(org=organisation, user="user1")) as gateway:
        return int(await gateway.network().contract("counter").evaluate("Read"))


def _wait_agreed(network: Network, height: int = 0) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        status = network.status()
        heights = [peer.height or 0 for peer in status.peers]
        if status.agreed and min(heights) >= height:
            return
        assert time.monotonic() < deadline, f"peers do not agree: {status.peers}"
        time.sleep(0.1)


def _orphans(network: Network) -> list[str]:
    return [
        path.name
        for path in (network.directory / "run").glob("*.json")
        if ManagedProcess(name=path.stem, directory=network.directory).pid() is not None
    ]


async def test_network_stopped_and_started_goes_on_with_its_ledger(make_network: MakeNetwork) -> None:
    network = make_network()
    assert network.status().running
    assert network.status().agreed
    _deploy(network)
    assert await _count(network) == 1
    _wait_agreed(network)
    before = network.status()
    network.down()
    assert _orphans(network) == []
    assert not any(component.pid for component in network.status().components)
    network.up()
    after = network.status()
    assert [peer.block_hash for peer in after.peers] == [peer.block_hash for peer in before.peers]
    assert [entry.port for entry in after.components] == [entry.port for entry in before.components]
    assert await _count(network, "org2") == 2


def test_status_tells_every_orderer_s_height(make_network: MakeNetwork, world: World) -> None:
    network = make_network()
    _wait_agreed(network)
    status = network.status()
    names = ["devnet"] if world is World.DEVNET else [f"orderer{number}" for number in range(1, 5)]
    assert [orderer.name for orderer in status.orderers] == names
    assert {orderer.height for orderer in status.orderers} == {status.peers[0].height}
    assert status.warnings == []
    network.kill(names[-1])
    status = network.status()
    assert status.orderers[-1].height is None
    assert status.warnings == [f"{names[-1]} does not answer"]
    stream = io.StringIO()
    assert run(["network", "status", "--dir", str(network.directory)], Output(stream=stream)) == 0
    assert f"Warning: {names[-1]} does not answer." in stream.getvalue()


async def test_up_twice_starts_nothing_twice(make_network: MakeNetwork) -> None:
    network = make_network()
    _deploy(network)
    before = [component.pid for component in network.status().components]
    network.up()
    assert [component.pid for component in network.status().components] == before


async def test_upgrade_changes_policy_and_collections_and_keeps_the_state(make_network: MakeNetwork) -> None:
    network = make_network()
    _deploy(network)
    assert await _count(network) == 1
    _wait_agreed(network)
    old = [network.chaincode_component("counter", name) for name in ("org1", "org2")]
    anyone = "OR('Org1MSP.peer', 'Org2MSP.peer')"
    collection = Collection(name="secrets", policy=EndorsementPolicy(anyone))
    _deploy(network, policy=anyone, collections=[collection], tls=False)
    [chaincode] = network.status().chaincodes
    assert (chaincode.sequence, chaincode.policy) == (2, anyone)
    for name in old:
        with pytest.raises(UnknownComponent):
            network.logs(name)
        assert ManagedProcess(name=name, directory=network.directory).pid() is None
    network.stop(network.chaincode_component("counter", "org2"))
    assert await _count(network) == 2


async def test_three_organisations_decide_by_majority(make_network: MakeNetwork) -> None:
    network = make_network(organisations=3)
    _deploy(network)
    assert await _count(network) == 1
    _wait_agreed(network)
    assert await _read(network, "org3") == 1


def test_module_that_cannot_be_loaded_leaves_nothing(make_network: MakeNetwork) -> None:
    network = make_network()
    with pytest.raises(ComponentStopped) as caught:
        network.deploy("counter", "tests.integration.network.absent:Counter", python_path=[ROOT])
    assert "absent" in caught.value.log_tail
    assert network.description.chaincodes == []
    assert not [name for name in _orphans(network) if name.startswith("counter")]
    _deploy(network)
    assert network.status().chaincodes[0].sequence == 1


def test_definition_that_the_channel_refuses_leaves_the_old_one(make_network: MakeNetwork) -> None:
    network = make_network()
    anyone = "OR('Org1MSP.peer', 'Org2MSP.peer')"
    collection = Collection(name="secrets", policy=EndorsementPolicy(anyone))
    _deploy(network, collections=[collection])
    before = network.status()
    with pytest.raises(DeployError) as caught:
        _deploy(network)
    assert "previously defined collections" in caught.value.message
    after = network.status()
    assert after.chaincodes == before.chaincodes
    assert [entry.name for entry in after.components] == [entry.name for entry in before.components]
    assert after.running


async def test_deployment_cut_off_after_the_commit_is_current_afterwards(make_network: MakeNetwork) -> None:
    network = make_network()
    _deploy(network)
    description = network.description
    chaincode = description.chaincode("counter")
    _save(network, description, current=None, pending=chaincode.current)
    network.up()
    assert network.description.chaincode("counter").current == chaincode.current
    assert await _count(network) == 1


async def test_deployment_cut_off_before_the_commit_is_dropped(make_network: MakeNetwork) -> None:
    network = make_network()
    _deploy(network)
    description = network.description
    current = description.chaincode("counter").current
    assert current is not None
    # As a crash between the start of the processes and the commit leaves it.
    ports = free_ports()
    begun = replace(
        current,
        sequence=2,
        ports={name: next(ports) for name in current.ports},
        metrics_ports={name: next(ports) for name in current.ports},
        package_ids={},
    )
    files = ReleaseFiles("counter", begun, network.directory)
    begun = files.create()
    for component in files.components():
        component.start()
    _save(network, description, current=current, pending=begun)
    network.up()
    assert network.description.chaincode("counter").pending is None
    assert network.description.chaincode("counter").current == current
    assert not files.path.exists()
    assert not [name for name in _orphans(network) if name.startswith("counter_2")]
    assert await _count(network) == 1


def _save(network: Network, description: NetworkDescription, **values: object) -> None:
    chaincode = replace(description.chaincode("counter"), **values)  # type: ignore[arg-type]
    description.with_chaincode(chaincode).save(network.directory)


async def test_chaincode_killed_and_restarted_answers_again(make_network: MakeNetwork) -> None:
    network = make_network()
    _deploy(network)
    assert await _count(network) == 1
    component = network.chaincode_component("counter", "org1")
    network.kill(component)
    assert not network.status().running
    with pytest.raises(NotRunning):
        network.kill(component)
    network.restart(component)
    assert network.status().running
    assert await _count(network) == 2


async def test_peer_wiped_catches_up_to_the_same_hash(make_network: MakeNetwork, world: World) -> None:
    if world is World.DEVNET:
        meaningless(world, "devnet keeps one copy")
    network = make_network()
    _deploy(network)
    for number in range(3):
        assert await _count(network) == number + 1
    _wait_agreed(network)
    height = network.status().peers[0].height or 0
    network.wipe("peer0.org2")
    assert network.status().peers[1].height is None
    network.restart("peer0.org2")
    _wait_agreed(network, height)
    assert await _read(network, "org2") == 3
    assert await _count(network, "org2") == 4


async def test_orderer_wiped_joins_and_orders_again(make_network: MakeNetwork, world: World) -> None:
    if world is World.DEVNET:
        meaningless(world, "devnet has no orderer process")
    network = make_network()
    _deploy(network)
    assert await _count(network) == 1
    network.wipe("orderer3")
    network.restart("orderer3")
    network.kill("orderer4")
    # Four less one: without the wiped one there would be no quorum.
    assert await _count(network) == 2
    leader = network.metrics("orderer1")['consensus_BFT_leader_id{channel="energy"}']
    assert leader in {1.0, 2.0, 3.0}


def test_wipe_of_what_nobody_could_give_back_is_refused(make_network: MakeNetwork, world: World) -> None:
    network = make_network()
    _deploy(network)
    names = [network.chaincode_component("counter", "org1")] + (["devnet"] if world is World.DEVNET else [])
    for name in names:
        with pytest.raises(ConfigError, match="keeps nothing"):
            network.wipe(name)
    assert network.status().running


def test_network_down_leaves_a_process_that_took_a_pid_alone(make_network: MakeNetwork) -> None:
    network = make_network()
    pid_file = network.directory / "run" / "somebody.json"
    pid_file.write_text(json.dumps({"pid": os.getpid(), "identity": "another boot/1"}))
    network.down()
    assert not any(component.pid for component in network.status().components)
