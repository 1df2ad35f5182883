"""The embedded network: throughput, evaluate, the CPU of its process, and how long it takes to start.

Where Fabric's binaries are, a real network evaluates the same by turns.

python -m tests.bench.devnet_bench [--record]
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import median

from tests.bench.ground import Ground, options
from tests.bench.load import Load, Measured
from tests.bench.machine import cpu_seconds
from tests.bench.report import Report

from gridledger.host.errors import PrerequisiteMissing
from gridledger.network import World
from gridledger.network.fabric.binaries import Binaries

_EVALUATES = 1000
_CHAINCODE = "put"


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What one load found at the client, and what devnet's process used for it."""

    client: Measured
    devnet_ms: float
    """CPU of a transaction, warm-up included, milliseconds: it depends less on the machine's load."""


@dataclass(frozen=True, kw_only=True)
class _Round:
    """One round: the loads on devnet and, where it is there, the evaluates on Fabric."""

    put: _Found
    asked: _Found
    fabric: Measured | None


async def _measure(load: Load, devnet: int) -> _Found:
    before = cpu_seconds(devnet)
    measured = await load.run()
    used = cpu_seconds(devnet) - before
    return _Found(client=measured, devnet_ms=1e3 * used / (load.transactions + load.warm_up))


async def _run(ground: Ground, fabric: Ground | None, given: argparse.Namespace) -> list[_Round]:
    load = _load(ground, in_flight=given.in_flight, transactions=given.transactions)
    single = replace(load, evaluate=True, in_flight=1, transactions=_EVALUATES)
    devnet = _devnet(ground)
    rounds = []
    for number in range(given.rounds):
        put = await _measure(replace(load, prefix=f"s{number}."), devnet)
        asked = await _measure(replace(single, prefix=f"e{number}."), devnet)
        other = None
        if fabric is not None:
            connection = fabric.network.connection(org="org1", user="user1")
            other = await replace(single, prefix=f"f{number}.", connection=connection).run()
        rounds.append(_Round(put=put, asked=asked, fabric=other))
    return rounds


def _load(ground: Ground, *, in_flight: int, transactions: int) -> Load:
    return Load(
        connection=ground.network.connection(org="org1", user="user1"),
        chaincode=_CHAINCODE,
        function="Put",
        transactions=transactions,
        in_flight=in_flight,
        prefix="",
    )


@contextmanager
def _fabric(given: argparse.Namespace) -> Iterator[Ground | None]:
    """A real network with the same chaincode, None where its binaries are missing."""
    try:
        Binaries.find(given.bin)
    except PrerequisiteMissing:
        yield None
        return
    with Ground.open(argparse.Namespace(**{**vars(given), "world": World.FABRIC})) as ground:
        ground.deploy(_CHAINCODE, "BareBench")
        yield ground


def _devnet(ground: Ground) -> int:
    """Return the process id of the embedded network."""
    (pid,) = (each.pid for each in ground.network.status().components if each.name == "devnet")
    if pid is None:
        raise RuntimeError("devnet does not run")
    return pid


def main() -> None:
    """Measure and report."""
    given = options(__doc__ or "", world=World.DEVNET, transactions=1500, rounds=3)
    with Ground.open(given) as ground:
        ground.network.down()
        started = time.perf_counter()
        ground.network.up()
        up_seconds = time.perf_counter() - started
        ground.deploy(_CHAINCODE, "BareBench")
        with _fabric(given) as fabric:
            found = asyncio.run(_run(ground, fabric, given))
        report = Report(
            target="bench-devnet",
            title=f"Embedded network: one put, two organisations endorse, {given.in_flight} in flight",
            world=ground.world,
            machine=ground.machine,
            headers=(
                "round",
                "tx/s",
                "p50 ms",
                "p95 ms",
                "client CPU ms/tx",
                "devnet CPU ms/tx",
                "evaluate p50 ms, one at a time",
                "devnet CPU ms/evaluate",
                "Fabric's evaluate p50 ms",
            ),
        )
        for number, each in enumerate(found, start=1):
            put, asked = each.put, each.asked
            report.row(
                str(number),
                f"{put.client.rate:.0f}",
                f"{put.client.p50_ms:.0f}",
                f"{put.client.p95_ms:.0f}",
                f"{put.client.cpu_ms:.2f}",
                f"{put.devnet_ms:.2f}",
                f"{asked.client.p50_ms:.2f}",
                f"{asked.devnet_ms:.2f}",
                "-" if each.fabric is None else f"{each.fabric.p50_ms:.2f}",
            )
        report.compare("throughput", median(each.put.client.rate for each in found), ">=", 250, " tx/s")
        evaluate_ms = median(each.asked.client.p50_ms for each in found)
        report.compare("evaluate p50", evaluate_ms, "<=", 2.5, " ms")
        ratios = [each.asked.client.p50_ms / each.fabric.p50_ms for each in found if each.fabric is not None]
        if ratios:
            report.compare("evaluate p50 against Fabric's", median(ratios), "<=", 1.2)
        submit_ms = median(each.put.devnet_ms for each in found)
        report.compare("devnet's CPU of a submit", submit_ms, "<=", 3.0, " ms")
        asked_ms = median(each.asked.devnet_ms for each in found)
        report.compare("devnet's CPU of an evaluate", asked_ms, "<=", 1.3, " ms")
        report.compare("start to ready, without chaincode", up_seconds, "<=", 2.0, " s")
        report.note(f"Transactions that failed: {sum(len(each.put.client.failed) for each in found)}.")
        report.note(f"Medians of {given.rounds} rounds of {given.transactions} transactions.")
        report.finish(record=given.record)


if __name__ == "__main__":
    main()
