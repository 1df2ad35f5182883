"""Deposits of envelopes with rings of 11 against plain puts, both end to end, by turns.

17 houses send through three storage nodes, each of which deposits what waits at the same time together.

python -m tests.bench.edge_deposits_bench [--world fabric] [--record]
"""

from __future__ import annotations

import argparse
import asyncio
from functools import partial
from statistics import median

from tests.bench.edge_ground import Timed, edge, timed
from tests.bench.ground import Ground, options
from tests.bench.report import Report
from tests.integration.edge.households import HOUSES

from gridledger.client import Gateway
from gridledger.edge.messages import OfferedEnvelope
from gridledger.edge.sealed_record import publish_address
from gridledger.edge.side_device import sign_envelope
from gridledger.network import World

RING = 11
_RECORD = b'{"hour": 7, "load_kwh": "0.8511666666666671"}'


async def _run(ground: Ground, given: argparse.Namespace) -> list[tuple[Timed, Timed]]:
    ground.deploy("put", "BareBench")
    each = -(-given.transactions * given.rounds // HOUSES)
    async with edge(ground) as world:
        await world.open_period(1, keys_each=each, ring_size=RING)
        await world.enter(1)
        address = publish_address(world.grid_secret.address)
        ledgers = {name: world.ledger(name) for name in world.nodes}
        signed: list[tuple[str, OfferedEnvelope]] = []
        for house in world.houses * each:
            device = house.device
            assert device is not None
            known = device._known[world.issuer, 1]
            node = world.nodes[house.node].node.id
            signed.append((house.node, sign_envelope(device._wallet, known, _RECORD, address, node=node)))
        connection = ground.network.connection(org="org1", user="user1", chaincode="put")
        rounds = []
        async with Gateway.connect(connection) as gateway:
            put = gateway.network().contract("put")
            for number in range(given.rounds):
                puts = [
                    partial(put.submit, "Put", f"{number}.{at}", "value") for at in range(given.transactions)
                ]
                taken = [signed.pop() for _ in range(given.transactions)]
                deposits = [partial(ledgers[name].deposit_envelope, one.signed) for name, one in taken]
                plain = await timed(puts, given.in_flight)
                rounds.append((plain, await timed(deposits, given.in_flight)))
        return rounds


def main() -> None:
    """Measure and report."""
    given = options(__doc__ or "", world=World.FABRIC, transactions=150, rounds=3)
    with Ground.open(given) as ground:
        rounds = asyncio.run(_run(ground, given))
        report = Report(
            target="bench-edge-deposits",
            title=f"Edge: deposits with rings of {RING} against plain puts, {given.in_flight} in flight",
            world=ground.world,
            machine=ground.machine,
            headers=("what", "a second", "median ms", "max ms"),
        )
        for name, column in (("plain put", 0), ("envelope deposit", 1)):
            found = [each[column] for each in rounds]
            report.row(
                name,
                f"{median(one.rate for one in found):.0f}",
                f"{median(one.median_ms for one in found):.0f}",
                f"{max(one.max_ms for one in found):.0f}",
            )
        ratio = median(deposit.rate / put.rate for put, deposit in rounds)
        report.compare("deposits against plain puts", ratio, ">=", 0.4)
        report.note(
            f"Medians of {given.rounds} rounds of {given.transactions} each, by turns; signed beforehand."
        )
        report.finish(record=given.record)


if __name__ == "__main__":
    main()
