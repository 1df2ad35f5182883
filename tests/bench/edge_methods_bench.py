"""Figure 7 of the power data lake: delay and throughput of five ways to store a record, over its size.

local file, HDFS, chain (the record itself), chain + lake (the record on HDFS, its digest on the chain),
edge + chain (sealed, signed by a ring, deposited, kept by one or more storage nodes).

python -m tests.bench.edge_methods_bench [--world fabric] [--record] [--raw FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from tests.bench.edge_ground import Timed, edge, timed
from tests.bench.edge_plot import write_plot
from tests.bench.ground import Ground, options
from tests.bench.report import Report
from tests.hdfs import running_hdfs
from tests.integration.edge.edge_world import EdgeWorld
from tests.integration.edge.households import HOUSES

from gridledger.client import Contract, Gateway
from gridledger.edge.sealed_record import publish_address, room
from gridledger.host.durable_file import write_file
from gridledger.lake.store import Store
from gridledger.lake.store_address import open_store
from gridledger.network import World

SIZES = (256, 4096, 16_384)
"""Bytes of an envelope; records of the other ways have as many as fit into it."""
COPIES = (1, 2, 3)
"""Storage nodes that keep an envelope."""

_Call = Callable[[], Awaitable[object]]


def _write(store: Store, path: str, record: bytes) -> None:
    with store.begin(path) as file:
        file.write(record)


async def _put_with_lake(store: Store, chain: Contract, name: str, record: bytes) -> None:
    await asyncio.to_thread(_write, store, name, record)
    await chain.submit("Put", name, hashlib.sha256(record).hexdigest())


async def _edge_calls(world: EdgeWorld, period: int, record: bytes, count: int) -> list[_Call]:
    await world.enter(period)
    address = publish_address(world.grid_secret.address)
    devices = [house.device for house in world.houses if house.device is not None]
    return [
        partial(device.send, record, address, issuer=world.issuer, period=period)
        for device in (devices * count)[:count]
    ]


async def _run(ground: Ground, given: argparse.Namespace) -> dict[tuple[str, int], Timed]:
    ground.deploy("put", "BareBench")
    count, found = given.transactions, dict[tuple[str, int], Timed]()
    folder = ground.folder / "files"
    connection = ground.network.connection(org="org1", user="user1", chaincode="put")
    with (
        running_hdfs(ground.folder / "hdfs") as cluster,
        open_store(f"{cluster.url}/bench", source="bench") as hdfs,
    ):
        async with edge(ground) as world, Gateway.connect(connection) as gateway:
            chain = gateway.network().contract("put")
            for place, size in enumerate((SIZES[0], *SIZES)):  # the first round warms up
                record = os.urandom(room(size) // 2).hex().encode()
                ways: dict[str, list[_Call]] = {
                    "local file": [
                        partial(asyncio.to_thread, write_file, folder / f"{place}.{at}", record)
                        for at in range(count)
                    ],
                    "HDFS": [
                        partial(asyncio.to_thread, _write, hdfs, f"h.{place}.{at}", record)
                        for at in range(count)
                    ],
                    "chain": [
                        partial(chain.submit, "Put", f"c.{place}.{at}", record.decode())
                        for at in range(count)
                    ],
                    "chain + lake": [
                        partial(_put_with_lake, hdfs, chain, f"l.{place}.{at}", record) for at in range(count)
                    ],
                }
                for name, calls in ways.items():
                    found[name, size] = await timed(calls, given.in_flight)
                for copies in COPIES:
                    period = 1 + place * len(COPIES) + COPIES.index(copies)
                    each = -(-count // HOUSES)
                    await world.open_period(period, keys_each=each, envelope_bytes=size)
                    for node in world.nodes.values():
                        node.server._factor = copies
                    calls = await _edge_calls(world, period, record, count)
                    name = f"edge + chain, {copies} node{'s' * (copies > 1)}"
                    found[name, size] = await timed(calls, given.in_flight)
    return found


def main() -> None:
    """Measure, report, keep the raw delays, and plot."""
    given = options(__doc__ or "", world=World.FABRIC, transactions=51, rounds=1, in_flight=8)
    with Ground.open(given) as ground:
        found = asyncio.run(_run(ground, given))
        report = Report(
            target="bench-edge-methods",
            title=f"Edge: five ways to store a record (figure 7), {given.in_flight} in flight",
            world=ground.world,
            machine=ground.machine,
            headers=("way", "bytes", "median ms", "max ms", "a second"),
        )
        for (way, size), one in found.items():
            report.row(way, str(size), f"{one.median_ms:.1f}", f"{one.max_ms:.1f}", f"{one.rate:.0f}")
        report.note(f"{given.transactions} records each; HDFS with three DataNodes, replication 3.")
        if given.record:
            kept = Path(__file__).resolve().parents[2] / "docs" / "figures"
            raw = {
                f"{way}, {size} bytes": [round(1e3 * delay, 3) for delay in one.delays_s]
                for (way, size), one in found.items()
            }
            write_file(kept / "edge-methods.json", json.dumps(raw, indent=1).encode())
            write_file(kept / "edge-methods.svg", write_plot(found).encode())
            report.note("Raw delays: docs/figures/edge-methods.json; plot: docs/figures/edge-methods.svg.")
        report.finish(record=given.record)


if __name__ == "__main__":
    main()
