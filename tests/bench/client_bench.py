"""Our client against the official Node client, on the same network and chaincode, by turns.

python -m tests.bench.client_bench [--world fabric] [--record]
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from statistics import median

from tests.bench.ground import NODE_FOLDER, Ground, options
from tests.bench.load import Load, Measured
from tests.bench.report import Report
from tests.nodejs import NodeProgram

from gridledger.network import World

_EVALUATES = 300


async def _run(ground: Ground, transactions: int, rounds: int, in_flight: int) -> dict[str, list[Measured]]:
    workspace = ground.folder / "node"
    workspace.mkdir()
    clients = {"gridledger": None, "Node": NodeProgram(NODE_FOLDER, workspace).command("load.mjs")}
    load = Load(
        connection=ground.network.connection(org="org1", user="user1"),
        chaincode="put",
        function="Put",
        transactions=transactions,
        in_flight=in_flight,
        prefix="",
    )
    single = replace(load, evaluate=True, in_flight=1, transactions=_EVALUATES)
    found: dict[str, list[Measured]] = {}
    for number in range(rounds):
        for name, command in clients.items():
            prefix = f"{name}.{number}."
            found.setdefault(name, []).append(await replace(load, prefix=prefix).run(command))
            found.setdefault(f"{name} evaluate", []).append(await replace(single, prefix=prefix).run(command))
    return found


def main() -> None:
    """Measure and report."""
    given = options(__doc__ or "", world=World.FABRIC, transactions=600, rounds=5)
    with Ground.open(given) as ground:
        ground.deploy("put", "BareBench")
        found = asyncio.run(_run(ground, given.transactions, given.rounds, given.in_flight))
        report = Report(
            target="bench-client",
            title=f"Client: one put, two organisations endorse, {given.in_flight} in flight",
            world=ground.world,
            machine=ground.machine,
            headers=(
                "client",
                "tx/s",
                "client CPU ms/tx",
                "p50 ms",
                "p95 ms",
                "failed",
                "evaluate p50 ms, one at a time",
            ),
        )
        for name in ("gridledger", "Node"):
            rounds = found[name]
            report.row(
                name,
                f"{median(each.rate for each in rounds):.0f}",
                f"{median(each.cpu_ms for each in rounds):.2f}",
                f"{median(each.p50_ms for each in rounds):.0f}",
                f"{median(each.p95_ms for each in rounds):.0f}",
                str(sum(len(each.failed) for each in rounds)),
                f"{median(each.p50_ms for each in found[f'{name} evaluate']):.2f}",
            )
        pairs = list(zip(found["gridledger"], found["Node"], strict=True))
        report.compare("throughput", median(ours.rate / node.rate for ours, node in pairs), ">=", 1.3)
        report.compare(
            "client CPU per transaction",
            median(ours.cpu_ms / node.cpu_ms for ours, node in pairs),
            "<=",
            0.35,
        )
        for text in sorted({text.partition(":")[0] for each in found["Node"] for text in each.failed}):
            report.note(f"The Node client failed with {text}; ours settles such outcomes and goes on.")
        report.note(f"Medians of {given.rounds} rounds of {given.transactions} transactions, by turns.")
        report.finish(record=given.record)


if __name__ == "__main__":
    main()
