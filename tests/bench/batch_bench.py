"""CPU of chaincode processes for 8 reads and 8 writes, batched and one by one, by turns.

python -m tests.bench.batch_bench [--world fabric] [--record]
"""

from __future__ import annotations

import asyncio
from statistics import median

from tests.bench.ground import Ground, chaincode_ms, options
from tests.bench.load import Load
from tests.bench.report import Report

from gridledger.network import World

_WARM_UP = 300
_KINDS = (("bare stub", "bare", None), ("contract layer", "contract", "bench"))
_FUNCTIONS = ("Batched", "OneByOne")


async def _run(
    ground: Ground, pids: dict[str, list[int]], transactions: int, rounds: int, in_flight: int
) -> dict[tuple[str, str], list[float]]:
    connection = ground.network.connection(org="org1", user="user1", chaincode="bare")
    found: dict[tuple[str, str], list[float]] = {}
    for number in range(-1, rounds):
        for _, chaincode, contract in _KINDS:
            for function in _FUNCTIONS:
                load = Load(
                    connection=connection,
                    chaincode=chaincode,
                    contract=contract,
                    function=function,
                    transactions=_WARM_UP if number < 0 else transactions,
                    warm_up=0,
                    in_flight=in_flight,
                    prefix=f"{function}.{number}.",
                )
                used = await chaincode_ms(pids[chaincode], load)
                if number >= 0:
                    found.setdefault((chaincode, function), []).append(used)
    return found


def main() -> None:
    """Measure and report."""
    given = options(__doc__ or "", world=World.FABRIC, transactions=600, rounds=5)
    with Ground.open(given) as ground:
        pids = {
            "bare": ground.deploy("bare", "BareBench", tls=False),
            "contract": ground.deploy("contract", "ContractBench", tls=False),
        }
        found = asyncio.run(_run(ground, pids, given.transactions, given.rounds, given.in_flight))
        report = Report(
            target="bench-batch",
            title="Batches: chaincode CPU of 8 reads and 8 writes, both organisations, without TLS",
            world=ground.world,
            machine=ground.machine,
            headers=("chaincode", "batched, CPU ms/tx", "one by one, CPU ms/tx"),
        )
        for title, chaincode, _ in _KINDS:
            batched, single = found[chaincode, "Batched"], found[chaincode, "OneByOne"]
            report.row(title, f"{median(batched):.2f}", f"{median(single):.2f}")
            ratios = [one / other for one, other in zip(single, batched, strict=True)]
            report.compare(f"one by one against batched, {title}", median(ratios), ">=", 3.0)
        report.note(f"Medians of {given.rounds} rounds of {given.transactions} transactions, by turns.")
        report.finish(record=given.record)


if __name__ == "__main__":
    main()
