"""Real Fabric only: a council's orderers become the consenters under load, and lose some of them again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.conftest import MakeNetwork
from tests.faults.conftest import Gateways, with_probe
from tests.faults.load import Load
from tests.faults.test_orderers_killed import LEADER, SECONDS, agreed, script, submit_once
from tests.integration.council.council_world import NODES, CouncilWorld, council_world
from tests.integration.exchange import CHAINCODE, enrol
from tests.prerequisites import meaningless

from gridledger.client import Gateway, SubmitError
from gridledger.client.time_mark import TimeMarkAgent
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.roles import Role
from gridledger.network import Network, World
from gridledger.network.ordering.live_ordering import LiveOrdering

ROOT = SystemIdentifier("88.9742")
WAITING = [f"orderer{number}" for number in range(5, 9)]
FIRST = [f"orderer{number}" for number in range(1, 5)]


def addresses(network: Network, names: list[str]) -> list[str]:
    """Return where orderers listen, sorted."""
    return sorted(f"127.0.0.1:{one.port}" for one in network.description.orderers if one.name in names)


@pytest.fixture
def waiting(world: World, make_network: MakeNetwork) -> Network:
    """Return a network in which four orderers wait to be elected; skip in the embedded world."""
    if world is not World.FABRIC:
        meaningless(world, "ordering by several nodes of one's own is --world fabric")
    return with_probe(make_network(waiting_orderers=4))


@asynccontextmanager
async def elected(network: Network) -> AsyncIterator[CouncilWorld]:
    """Elect four candidates who name the orderers in wait."""
    await asyncio.to_thread(network.deploy, CHAINCODE, "gridledger.chaincode:GridLedger")
    connection = await asyncio.to_thread(enrol, network, "org1", "agent", Role.AGENT)
    async with (
        Gateway.connect(connection) as gateway,
        TimeMarkAgent(gateway.network()),
        council_world(network, ROOT) as world,
    ):
        below = ("--root", ROOT)
        ids = []
        orderers = dict(zip(NODES, addresses(network, WAITING), strict=True))
        for name, orderer in orderers.items():
            system = ("--system", world.systems[name], "--orderer", orderer)
            registered = await world(name, "candidates", "register", name, *below, *system)
            await world(f"system-of-{name}", "candidates", "back", registered["id"])
            ids.append(registered["id"])
        law = ("--seats", 4, "--per-organisation", 2, "--term", "1d", "--elector", "Org1MSP=1")
        await world("administrator", "elect", "rules", *below, *law)
        vote = ("administrator", ("cast", *(word for one in ids for word in ("--for", one))))
        number, counted = 0, None
        while counted is None:
            number += 1
            counted = await world.elected(number, 12 * 4 ** (number - 1), vote)
        assert counted["state"] == "decided"
        yield world


async def signed_elsewhere(world: CouncilWorld, folder: Path) -> list[Path]:
    """Export the change unsigned, have each organisation's administrator sign a copy, return the copies."""
    proposal, card = folder / "proposal", folder / "card"
    newcomer = addresses(world.network, WAITING)[0]
    here = ("--dir", world.network.directory)
    await world.commands("council", "card", newcomer, "--out", card, *here)
    await world("administrator", "plan", "--root", ROOT, "--out", proposal, "--card", card)
    copies = []
    for organisation in FIRST[:3]:
        copy = folder / f"{organisation}.proposal"
        copy.write_bytes(proposal.read_bytes())
        shown = await world.commands("council", "sign", copy, "--as", organisation, *here)
        assert shown["wanted"] == addresses(world.network, WAITING)
        copies.append(copy)
    # Two of four are no majority, and nothing is done.
    lacking = [word for copy in copies[:2] for word in ("--signed", copy)]
    refused = await world("administrator", "apply", "--root", ROOT, *lacking, code=86)
    assert refused["error"]["code"] == "GL-NET-045"
    # An administrator without a network's folder names files. Later steps are the newcomers' to sign, too.
    material = world.network.organisation("org1").user("admin")
    copy = folder / "org1.proposal"
    copy.write_bytes(proposal.read_bytes())
    files = ("--certificate", material.msp.certificate, "--key", material.msp.key)
    await world.commands("council", "sign", copy, "--msp-id", "Org1MSP", *files)
    return [*copies, copy]


async def leader_of(network: Network, names: list[str]) -> str:
    """Return the component of the consenter that leads, by what the living say."""
    ports = {str(one.port): one.name for one in network.description.orderers}
    async with LiveOrdering(network.connection(org="org1", user="admin")) as ordering:
        known = (await ordering.configuration()).consenters
    components = {one.number: ports[one.address.rpartition(":")[2]] for one in known}
    async with asyncio.timeout(SECONDS):
        while True:
            said = [int((await asyncio.to_thread(network.metrics, name)).get(LEADER, 0)) for name in names]
            number, count = Counter(said).most_common(1)[0]
            if number in components and count >= len(names) - 1:
                return components[number]
            await asyncio.sleep(0.2)


@pytest.mark.timeout(900)
async def test_election_moves_all_consenters_under_load_and_the_new_ones_lose_some(
    waiting: Network, gateways: Gateways, tmp_path: Path
) -> None:
    async with elected(waiting) as world:
        gateway = await gateways.open(waiting)
        load = Load(script(gateway), "k", workers=16)
        before = await world("administrator", "watch", "--root", ROOT, "--times", 1)
        assert sorted(one["address"] for one in before["consenters"]) == addresses(waiting, FIRST)
        assert sum(one["leads"] for one in before["consenters"]) == 1

        # All four change while calls go on: none fails, and none is done twice.
        signed = [word for copy in await signed_elsewhere(world, tmp_path) for word in ("--signed", copy)]
        async with load.running():
            async with asyncio.timeout(SECONDS):
                await load.more(50)
            done = await world("administrator", "apply", "--root", ROOT, *signed, "--sign-as", "org2")
            async with asyncio.timeout(SECONDS):
                await load.more(100)
        assert (done["applied"], done["current"]) == (True, addresses(waiting, WAITING))
        assert [one["quorum"] for one in done["steps"]] == [4, 3] * 4
        assert load.failed == {}
        # Those that were removed are needed no more, and a second call finds nothing to do.
        for name in FIRST:
            await asyncio.to_thread(waiting.stop, name)
        again = await world("administrator", "apply", "--root", ROOT, *signed)
        assert again["current"] == done["current"]
        seen = await world("administrator", "watch", "--root", ROOT, "--times", 1)
        assert sorted(one["address"] for one in seen["consenters"]) == done["current"]
        assert {one["organisation"] for one in seen["consenters"]} == {"Org1MSP", "Org2MSP"}

        # The leader is killed, and comes back.
        leader = await leader_of(waiting, WAITING)
        async with load.running():
            async with asyncio.timeout(SECONDS):
                await load.more(30)
            await asyncio.to_thread(waiting.kill, leader)
            async with asyncio.timeout(SECONDS):
                await load.more(60)
        assert load.failed == {}
        assert await leader_of(waiting, [one for one in WAITING if one != leader]) != leader
        await asyncio.to_thread(waiting.restart, leader)

        # Two of four are killed: nothing is ordered, and what was sent is settled once they are back.
        async with load.running():
            async with asyncio.timeout(SECONDS):
                await load.more(20)
            for name in WAITING[:2]:
                await asyncio.to_thread(waiting.kill, name)
            with pytest.raises(SubmitError):
                await submit_once(script(gateway), "while-down")
            for name in WAITING[:2]:
                await asyncio.to_thread(waiting.restart, name)
            async with asyncio.timeout(SECONDS):
                await load.more(20)
        assert load.failed == {}
        await agreed(waiting)
        await load.check(gateway)
        await load.check(await gateways.open(waiting, "org2"))
