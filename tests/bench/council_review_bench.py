"""Review rounds of four super nodes, each a process: from a request to the decision, to all receipts.

python -m tests.bench.council_review_bench [--world fabric] [--record]
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass
from statistics import median

from tests.bench.ground import Ground, options
from tests.bench.report import Report
from tests.integration.council.council_world import NODES, CouncilWorld, council_world
from tests.integration.exchange import deployed

from gridledger.model.council_review import ReviewRequest, ReviewState
from gridledger.model.council_round import ReviewLimits
from gridledger.model.dataset import DatasetIdentifier
from gridledger.model.events import Event
from gridledger.model.identifier import SystemIdentifier
from gridledger.network import World

LIMITS = ReviewLimits(
    places=16,
    master_ms=60_000,
    review_ms=120_000,
    receipt_ms=120_000,
    loses_credit_at=1000,
    suspended_at=1000,
    removed_at=1000,
)
CONTENT = b"16 meters of one street, one year, for a forecast of its load"
_ROUND_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Timed:
    """One round, by the events that its user sees; seconds."""

    decided_s: float
    receipts_s: float
    """Until the last super node's deletion receipt stood on the ledger."""
    closed_s: float


async def _measure(world: CouncilWorld, dataset: DatasetIdentifier, number: int) -> Timed:
    await world.until_view(number, lambda view: len(view.entries) == len(NODES))
    marks: dict[str, float] = {}
    receipts = 0
    async with asyncio.timeout(_ROUND_S), world.ledger("system-of-node-1").events() as events:
        began = time.perf_counter()
        filing = asyncio.create_task(world.file("node-1", dataset, CONTENT))
        async for event in events:
            at = time.perf_counter() - began
            if event.name == Event.REVIEW_DECIDED:
                decided = ReviewRequest.from_bytes(event.payload)
                assert decided.state is ReviewState.APPROVED, decided
                marks["decided"] = at
            elif event.name == Event.DELETION_RECEIPT_DEPOSITED:
                receipts += 1
                marks["receipts"] = at
            elif event.name == Event.ROUND_CLOSED and receipts == len(NODES):
                marks["closed"] = at
                break
        await filing
    return Timed(decided_s=marks["decided"], receipts_s=marks["receipts"], closed_s=marks["closed"])


async def _run(ground: Ground, given: argparse.Namespace) -> list[Timed]:
    root = SystemIdentifier("88.9842")
    async with deployed(ground.network), council_world(ground.network, root) as world:
        await world.seat(LIMITS)
        dataset = await world.proposed("node-1")
        async with world.running(ground.folder / "keys"):
            # The first round warms everything up.
            return [await _measure(world, dataset, number) for number in range(1, given.rounds + 2)][1:]


def main() -> None:
    """Measure and report."""
    given = options(__doc__ or "", world=World.FABRIC, transactions=1, rounds=10)
    with Ground.open(given) as ground:
        found = asyncio.run(_run(ground, given))
        report = Report(
            target="bench-council-reviews",
            title="Council: review rounds of four super nodes",
            world=ground.world,
            machine=ground.machine,
            headers=("from the request to", "median s", "slowest s"),
        )
        columns = {
            "the decision": [one.decided_s for one in found],
            "all four deletion receipts": [one.receipts_s for one in found],
            "the round's closing": [one.closed_s for one in found],
        }
        for name, column in columns.items():
            report.row(name, f"{median(column):.2f}", f"{max(column):.2f}")
        report.compare("request to decision", median(columns["the decision"]), "<=", 2, " s")
        report.compare(
            "request to all receipts", median(columns["all four deletion receipts"]), "<=", 4, " s"
        )
        report.note(
            f"{len(found)} rounds of one request, after one to warm up; each super node is a process."
        )
        report.finish(record=given.record)


if __name__ == "__main__":
    main()
