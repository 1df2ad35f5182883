"""The embedded network: throughput, evaluate, the CPU of its process, and how long it takes to start.

python -m tests.bench.devnet_bench [--record]
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from statistics import median

from tests.bench.ground import Ground, options
from tests.bench.load import Load, Measured
from tests.bench.machine import cpu_seconds
from tests.bench.report import Report

from gridledger.network import World

_EVALUATES = 1000


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What one load found at the client, and what devnet's process used for it."""

    client: Measured
    devnet_ms: float
    """CPU of a transaction, warm-up included, milliseconds: it depends less on the machine's load."""


async def _measure(load: Load, devnet: int) -> _Found:
    before = cpu_seconds(devnet)
    measured = await load.run()
    used = cpu_seconds(devnet) - before
    return _Found(client=measured, devnet_ms=1e3 * used / (load.transactions + load.warm_up))


async def _run(
    ground: Ground, devnet: int, transactions: int, rounds: int, in_flight: int
) -> list[tuple[_Found, _Found]]:
    load = Load(
        connection=ground.network.connection(org="org1", user="user1"),
        chaincode="put",
        function="Put",
        transactions=transactions,
        in_flight=in_flight,
        prefix="",
    )
    single = replace(load, evaluate=True, in_flight=1, transactions=_EVALUATES)
    submitted = [await _measure(replace(load, prefix=f"s{number}."), devnet) for number in range(rounds)]
    evaluated = [await _measure(replace(single, prefix=f"e{number}."), devnet) for number in range(rounds)]
    return list(zip(submitted, evaluated, strict=True))


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
        ground.deploy("put", "BareBench")
        found = asyncio.run(_run(ground, _devnet(ground), given.transactions, given.rounds, given.in_flight))
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
            ),
        )
        for number, (put, asked) in enumerate(found, start=1):
            report.row(
                str(number),
                f"{put.client.rate:.0f}",
                f"{put.client.p50_ms:.0f}",
                f"{put.client.p95_ms:.0f}",
                f"{put.client.cpu_ms:.2f}",
                f"{put.devnet_ms:.2f}",
                f"{asked.client.p50_ms:.2f}",
                f"{asked.devnet_ms:.2f}",
            )
        report.compare("throughput", median(put.client.rate for put, _ in found), ">=", 250, " tx/s")
        report.compare("evaluate p50", median(asked.client.p50_ms for _, asked in found), "<=", 2.5, " ms")
        report.compare(
            "devnet's CPU of a submit", median(put.devnet_ms for put, _ in found), "<=", 3.0, " ms"
        )
        report.compare(
            "devnet's CPU of an evaluate", median(asked.devnet_ms for _, asked in found), "<=", 1.3, " ms"
        )
        report.compare("start to ready, without chaincode", up_seconds, "<=", 2.0, " s")
        report.note(f"Transactions that failed: {sum(len(put.client.failed) for put, _ in found)}.")
        report.note(f"Medians of {given.rounds} rounds of {given.transactions} transactions.")
        report.finish(record=given.record)


if __name__ == "__main__":
    main()
