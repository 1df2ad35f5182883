"""The embedded network: throughput, evaluate, and how long it takes to start.

python -m tests.bench.devnet_bench [--record]
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from statistics import median

from tests.bench.ground import Ground, options
from tests.bench.load import Load, Measured
from tests.bench.report import Report

from gridledger.network import World

_EVALUATES = 1000


async def _run(
    ground: Ground, transactions: int, rounds: int, in_flight: int
) -> tuple[list[Measured], list[Measured]]:
    load = Load(
        connection=ground.network.connection(org="org1", user="user1"),
        chaincode="put",
        function="Put",
        transactions=transactions,
        in_flight=in_flight,
        prefix="",
    )
    single = replace(load, evaluate=True, in_flight=1, transactions=_EVALUATES)
    submitted = [await replace(load, prefix=f"s{number}.").run() for number in range(rounds)]
    evaluated = [await replace(single, prefix=f"e{number}.").run() for number in range(rounds)]
    return submitted, evaluated


def main() -> None:
    """Measure and report."""
    given = options(__doc__ or "", world=World.DEVNET, transactions=1500, rounds=3)
    with Ground.open(given) as ground:
        ground.network.down()
        started = time.perf_counter()
        ground.network.up()
        up_seconds = time.perf_counter() - started
        ground.deploy("put", "BareBench")
        submitted, evaluated = asyncio.run(_run(ground, given.transactions, given.rounds, given.in_flight))
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
                "evaluate p50 ms, one at a time",
            ),
        )
        for number, (put, asked) in enumerate(zip(submitted, evaluated, strict=True), start=1):
            report.row(
                str(number),
                f"{put.rate:.0f}",
                f"{put.p50_ms:.0f}",
                f"{put.p95_ms:.0f}",
                f"{put.cpu_ms:.2f}",
                f"{asked.p50_ms:.2f}",
            )
        report.compare("throughput", median(each.rate for each in submitted), ">=", 250, " tx/s")
        report.compare("evaluate p50", median(each.p50_ms for each in evaluated), "<=", 2.5, " ms")
        report.compare("start to ready, without chaincode", up_seconds, "<=", 2.0, " s")
        report.note(f"Transactions that failed: {sum(len(each.failed) for each in submitted)}.")
        report.note(f"Medians of {given.rounds} rounds of {given.transactions} transactions.")
        report.finish(record=given.record)


if __name__ == "__main__":
    main()
