"""CPU of chaincode processes for 8 reads and 8 writes, batched and one by one, by turns.

Measured twice: one call at a time, and many in flight.

python -m tests.bench.batch_bench [--world fabric] [--record]
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.ground import Ground, chaincode_ms, options
from tests.bench.load import Load
from tests.bench.report import Report

from gridledger.network import World

_WARM_UP = 300
_KINDS = (("bare stub", "bare", None), ("contract layer", "contract", "bench"))
_FUNCTIONS = ("Batched", "OneByOne")


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """A way to call: a chaincode does the same for an evaluated call as for a submitted one."""

    name: str
    evaluate: bool
    alone: bool
    """One call at a time."""
    share: float
    """How many calls for each of the rounds' transactions: what takes longer is called less often."""


_READINGS = (
    _Reading(name="submitted, one at a time", evaluate=False, alone=True, share=0.1),
    _Reading(name="evaluated, one at a time", evaluate=True, alone=True, share=0.5),
    _Reading(name="submitted", evaluate=False, alone=False, share=1),
    _Reading(name="evaluated", evaluate=True, alone=False, share=3),
)


@dataclass(frozen=True, kw_only=True)
class _Used:
    """What the chaincode's processes used for one call."""

    cpu_ms: float
    switches: float
    """How often they were switched to, after waiting or after another process."""


async def _run(
    ground: Ground, pids: dict[str, list[int]], transactions: int, rounds: int, in_flight: int
) -> dict[tuple[str, str, str], list[_Used]]:
    connection = ground.network.connection(org="org1", user="user1", chaincode="bare")
    found: dict[tuple[str, str, str], list[_Used]] = {}
    for number in range(-1, rounds):
        for reading in _READINGS if number >= 0 else _READINGS[-1:]:
            for _, chaincode, contract in _KINDS:
                for function in _FUNCTIONS:
                    load = Load(
                        connection=connection,
                        chaincode=chaincode,
                        contract=contract,
                        function=function,
                        transactions=_WARM_UP if number < 0 else round(transactions * reading.share),
                        warm_up=0,
                        in_flight=1 if reading.alone else in_flight,
                        prefix=f"{function}.{reading.alone}.{number}.",
                        evaluate=reading.evaluate,
                    )
                    used = await _measure(pids[chaincode], load)
                    if number >= 0:
                        found.setdefault((reading.name, chaincode, function), []).append(used)
    return found


async def _measure(pids: Sequence[int], load: Load) -> _Used:
    before = _switches(pids)
    used = await chaincode_ms(pids, load)
    return _Used(cpu_ms=used, switches=(_switches(pids) - before) / load.transactions)


def _switches(pids: Sequence[int]) -> int:
    """Return how often processes of one thread were switched to."""
    texts = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
    return sum(int(count) for text in texts for count in re.findall(r"ctxt_switches:\s+(\d+)", text))


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
            title="Batches: chaincode CPU of 8 reads and 8 writes, without TLS",
            world=ground.world,
            machine=ground.machine,
            headers=(
                "call",
                "chaincode",
                "batched, CPU ms",
                "one by one, CPU ms",
                "batched, switches",
                "one by one, switches",
            ),
        )
        for reading in _READINGS:
            for title, chaincode, _ in _KINDS:
                batched, single = (found[reading.name, chaincode, function] for function in _FUNCTIONS)
                report.row(
                    reading.name,
                    title,
                    *(f"{median(one.cpu_ms for one in each):.3f}" for each in (batched, single)),
                    *(f"{median(one.switches for one in each):.2f}" for each in (batched, single)),
                )
                ratios = [one.cpu_ms / other.cpu_ms for one, other in zip(single, batched, strict=True)]
                report.compare(
                    f"one by one against batched, {reading.name}, {title}", median(ratios), ">=", 3.0
                )
        report.note(
            "A submitted call runs at both organisations, and its figures are their sums; an evaluated one"
            " runs at one. The chaincode does the same for each. Where a row does not say one at a time,"
            f" {given.in_flight} calls were in flight."
        )
        report.note(
            "Orderers, peers and the client share the cores: when the chaincode is switched to, the caches"
            " hold what they left there, and the fewer messages it then takes, the more each of them costs."
        )
        report.note(
            f"Medians of {given.rounds} rounds of {given.transactions} transactions, by turns; three times as"
            " many where they are evaluated, half as many where they go one at a time, a tenth where they are"
            " also submitted."
        )
        report.finish(record=given.record)


if __name__ == "__main__":
    main()
