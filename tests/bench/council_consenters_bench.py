"""The consenters while everything changes: a whole set replaced under load, the leader killed, ten minutes.

python -m tests.bench.council_consenters_bench [--in-flight 64] [--soak 600] [--record]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass

from tests.bench.council_load import SteadyLoad
from tests.bench.ground import Ground, options
from tests.bench.report import Report

from gridledger.client.identity import Identity
from gridledger.client.signer import EcdsaSigner
from gridledger.client.signing_identity import SigningIdentity
from gridledger.network import Network, World
from gridledger.network.fabric.orderer_keeper import FolderKeeper, folder_cards
from gridledger.network.ordering.channel_configuration import view_of
from gridledger.network.ordering.consenter_change import ConsenterRunner
from gridledger.network.ordering.consenter_proposal import ConsenterProposal
from gridledger.network.ordering.live_ordering import LiveOrdering

_CHAINCODE = "bare"
_SETTLE_S = 5.0
_STEADY_S = 20.0
_KILLED_S = 20.0
_VIEW = "consensus_smartbft_viewchange_real_view"
_SOAK_IN_FLIGHT = 256
_WAITING = 4


@dataclass(kw_only=True)
class _Moments:
    """When what began, in seconds since 1970."""

    steady: tuple[float, float] = (0, 0)
    change: tuple[float, float] = (0, 0)
    after: tuple[float, float] = (0, 0)
    killed: tuple[float, float] = (0, 0)


async def _change(network: Network) -> None:
    """Replace all consenters by the orderers in wait."""
    async with LiveOrdering(network.connection(org="org1", user="admin")) as ordering:
        cards = folder_cards(network.description, network.directory)
        current = await ordering.configuration()
        wanted = set(cards) - set(current.addresses)
        view = view_of(await ordering.newest_block()) or 0
        proposal = ConsenterProposal.make(current, wanted, cards, view=view)
        organisations = {one.msp_id: one for one in network.description.orderer_material(network.directory)}
        for msp_id, material in organisations.items():
            admin = material.user("admin").msp
            signing = SigningIdentity(
                Identity.from_file(msp_id, admin.certificate), EcdsaSigner.from_file(admin.key)
            )
            proposal = await proposal.signed_by(signing)
        journal = network.directory / "consenters.json"
        runner = ConsenterRunner(channel=ordering, keeper=FolderKeeper(network.directory), journal=journal)
        await runner.run(
            proposal,
            lambda said: print(
                f"{said.number}/{said.steps} {said.change} {said.event} {said.seconds:.1f} s", file=sys.stderr
            ),
        )


async def _leader(network: Network) -> str:
    """Return the component of the orderer that leads."""
    async with LiveOrdering(network.connection(org="org1", user="admin")) as ordering:
        configuration = await ordering.configuration()
        leader = configuration.leader(await ordering.newest_block()) or ""
    port = leader.rpartition(":")[2]
    return next(one.name for one in network.description.orderers if str(one.port) == port)


async def _span(seconds: float) -> tuple[float, float]:
    begun = time.time()
    await asyncio.sleep(seconds)
    return begun, time.time()


async def _disturbed(network: Network, in_flight: int) -> tuple[SteadyLoad, _Moments, str]:
    """Load the network, change all its consenters, and kill the leader."""
    moments = _Moments()
    connection = network.connection(org="org1", user="user1", chaincode=_CHAINCODE)
    async with SteadyLoad.running(connection, _CHAINCODE, in_flight=in_flight, prefix="d") as load:
        await asyncio.sleep(_SETTLE_S)
        moments.steady = await _span(_STEADY_S)
        begun = time.time()
        await _change(network)
        moments.change = (begun, time.time())
        await asyncio.sleep(_SETTLE_S)
        moments.after = await _span(_STEADY_S)
        leader = await _leader(network)
        begun = time.time()
        await asyncio.to_thread(network.kill, leader)
        await asyncio.sleep(_KILLED_S)
        moments.killed = (begun, time.time())
    await asyncio.to_thread(network.restart, leader)
    return load, moments, leader


async def _views(network: Network, names: list[str]) -> dict[str, float]:
    """Return each consenter's view."""
    found = {}
    for name in names:
        metrics = await asyncio.to_thread(network.metrics, name)
        found[name] = next((value for key, value in metrics.items() if key.startswith(_VIEW)), -1.0)
    return found


async def _soaked(network: Network, seconds: float) -> tuple[SteadyLoad, int, tuple[float, float]]:
    """Load the network for long; return how many view changes there were."""
    names = [one.name for one in network.description.orderers if one.is_waiting]
    connection = network.connection(org="org1", user="user1", chaincode=_CHAINCODE)
    async with SteadyLoad.running(connection, _CHAINCODE, in_flight=_SOAK_IN_FLIGHT, prefix="s") as load:
        await asyncio.sleep(_SETTLE_S)
        before = await _views(network, names)
        span = await _span(seconds)
        after = await _views(network, names)
    return load, int(max(after[name] - before[name] for name in names)), span


def main() -> None:
    """Measure, print, and write the section of docs/BENCHMARKS.md if asked."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--soak", type=float, default=600.0)
    own, sys.argv[1:] = parser.parse_known_args()
    given = options(__doc__ or "", world=World.FABRIC, transactions=0, rounds=1)
    with Ground.open(given, waiting_orderers=_WAITING) as ground:
        network = ground.network
        ground.deploy(_CHAINCODE, "BareBench")
        load, moments, leader = asyncio.run(_disturbed(network, given.in_flight))
        soak, views, span = asyncio.run(_soaked(network, own.soak))
        report = Report(
            target="bench-council-consenters",
            title="Consenters replaced, killed, and left alone",
            world=f"{ground.world}, {_WAITING} more in wait",
            machine=ground.machine,
            headers=("part", "seconds", "commits a second", "longest time without a commit", "failed"),
        )
        for name, (since, until) in vars(moments).items():
            gap = load.longest_gap(since, until)
            rate = load.rate(since, until)
            report.row(name, f"{until - since:.1f}", f"{rate:.0f}", f"{gap:.2f} s", str(len(load.failed)))
        rate = soak.rate(*span)
        row = (f"{rate:.0f}", f"{soak.longest_gap(*span):.2f} s", str(len(soak.failed)))
        report.row(f"{_SOAK_IN_FLIGHT} in flight", f"{own.soak:.0f}", *row)
        steady = (load.rate(*moments.steady) + load.rate(*moments.after)) / 2
        ratio = load.rate(*moments.change) / steady
        report.compare("throughput during a full change, of the steady state", ratio, ">=", 0.6)
        resumed = load.longest_gap(*moments.killed)
        report.compare(f"leader ({leader}) killed, until commits resume", resumed, "<=", 4.0, " s")
        report.compare("calls that failed in all parts", len(load.failed + soak.failed), "<=", 0.0, "")
        what = f"view changes in {own.soak:.0f} s with {_SOAK_IN_FLIGHT} in flight"
        report.compare(what, views, "<=", 0.0, "")
        report.note(f"{given.in_flight} calls in flight in the other parts")
        report.note("a full change: four additions by turns with four removals, each removed one restarted")
        report.finish(record=given.record)


if __name__ == "__main__":
    main()
