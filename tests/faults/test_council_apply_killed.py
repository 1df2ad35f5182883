"""Real Fabric only: `gridledger council apply` is killed at every step, and called again each time."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from tests.faults.conftest import ROOT as REPOSITORY
from tests.faults.conftest import Gateways
from tests.faults.load import Load
from tests.faults.places import Places
from tests.faults.test_council_elected import ROOT, WAITING, addresses, elected, signed_elsewhere, waiting
from tests.faults.test_orderers_killed import SECONDS, agreed, script
from tests.integration.council.council_world import CouncilWorld

from gridledger.network import Network
from gridledger.network.ordering.channel_configuration import ChannelConfiguration
from gridledger.network.ordering.consenter_journal import ChangeState, ConsenterJournal
from gridledger.network.ordering.live_ordering import LiveOrdering

__all__ = ["waiting"]

_APPLY_SECONDS = 300.0


async def applied(world: CouncilWorld, places: Path, *words: object) -> int:
    """Call `council apply` in a process of its own; return how that ended."""
    directory = world.network.directory
    identity = ("--dir", directory, "--org", "org1", "--user", "council-administrator")
    command = [*map(str, ("council", "apply", "--root", ROOT, *words, *identity, "--json"))]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.council_applier", str(places), *command),
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.DEVNULL,
    )
    return await asyncio.wait_for(process.wait(), _APPLY_SECONDS)


async def configuration(network: Network) -> ChannelConfiguration:
    async with LiveOrdering(network.connection(org="org1", user="admin")) as ordering:
        return await ordering.configuration()


@pytest.mark.timeout(1800)
async def test_apply_killed_at_every_step_goes_on_to_its_end_under_load(
    waiting: Network, gateways: Gateways, tmp_path: Path
) -> None:
    places, journal = Places(tmp_path / "places"), waiting.directory / "consenters.json"
    async with elected(waiting) as world:
        gateway = await gateways.open(waiting)
        load = Load(script(gateway), "k", workers=8)
        signed = [word for copy in await signed_elsewhere(world, tmp_path) for word in ("--signed", copy)]
        before = await configuration(waiting)
        async with load.running():
            async with asyncio.timeout(SECONDS):
                await load.more(20)
            ended = -signal.SIGKILL
            while ended == -signal.SIGKILL:
                # Once there is a journal, it has the signatures.
                words = () if journal.exists() else (*signed, "--sign-as", "org2")
                ended = await applied(world, tmp_path / "places", *words)
            async with asyncio.timeout(SECONDS):
                await load.more(50)
    assert ended == 0
    # It died before and after each line of the journal, and after each update that an orderer took.
    lines = [f"{number} {ChangeState.UNDER_WAY}" for number in range(9)] + [f"8 {ChangeState.DONE}"]
    met = places.met()
    assert {f"{moment} journal {line}" for moment in ("before", "after") for line in lines} <= {*met}
    assert sum(place.startswith("taken ") for place in met) == 8
    # Each update was ordered once all the same, and no call failed or was done twice.
    after = await configuration(waiting)
    assert [*after.addresses] == addresses(waiting, WAITING)
    assert after.sequence == before.sequence + 8
    known = ConsenterJournal.load(journal)
    assert known is not None
    assert known.state is ChangeState.DONE
    assert load.failed == {}
    await agreed(waiting)
    await load.check(gateway)
    await load.check(await gateways.open(waiting, "org2"))
