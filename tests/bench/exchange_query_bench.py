"""Whole queries: resolve, order, fetch with proofs, contract and settlement; and repeated under agreements.

python -m tests.bench.exchange_query_bench [--world devnet|fabric] [--transactions 20] [--record]
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from statistics import median, quantiles

from tests.bench.exchange_ground import at_most, exchange
from tests.bench.ground import Ground, options
from tests.bench.report import Report
from tests.integration.exchange import fund, signed_request

from gridledger.exchange.agreement_book import propose_terms
from gridledger.exchange.demo.opening import FUNCTION
from gridledger.exchange.demo.scene import APPLICATION, Scene
from gridledger.model.agreement import SignedAgreement
from gridledger.network import World

_CONCURRENT = 40
_HOUR_MS = 3_600_000


@dataclass
class _Times:
    """Seconds of the steps of queries."""

    steps: dict[str, list[float]] = field(default_factory=dict)
    whole: list[float] = field(default_factory=list)

    def add(self, marks: list[tuple[str, float]]) -> None:
        """Take the moments at which a query's steps ended, its start first."""
        for (_, start), (name, end) in pairwise(marks):
            self.steps.setdefault(name, []).append(end - start)
        self.whole.append(marks[-1][1] - marks[0][1])


async def _query(scene: Scene, times: _Times) -> None:
    application = scene.application
    marks = [("start", time.perf_counter())]
    resolution = await application.resolve(await signed_request(scene))
    marks.append(("resolve", time.perf_counter()))
    order = await application.order(resolution)
    marks.append(("order", time.perf_counter()))
    fetched = await application.fetch(resolution, order)
    marks.append(("fetch", time.perf_counter()))
    settled = await application.settle(fetched)
    marks.append(("settle", time.perf_counter()))
    if len(settled) != len(resolution.targets):
        raise RuntimeError(f"a query was not settled whole: {[str(one.error) for one in fetched]}")
    times.add(marks)


async def _agreed_query(scene: Scene, times: _Times) -> None:
    marks = [("start", time.perf_counter())]
    result = await scene.application.query_agreed(await signed_request(scene))
    marks.append(("agreed", time.perf_counter()))
    if len(result.settled) != len(result.resolution.targets):
        raise RuntimeError("an agreed query was not settled whole")
    times.add(marks)


async def _agree(scene: Scene, queries: int) -> None:
    ledger = scene.cast[APPLICATION].ledger
    decided = await ledger.decide(await signed_request(scene))
    now_ms = int(time.time() * 1000)
    names = {system: name for name, system in scene.systems.items()}
    for target in decided.targets:
        terms = await propose_terms(
            ledger,
            scene.systems[APPLICATION],
            FUNCTION,
            [one.field for one in target.fields],
            valid_from_ms=now_ms - 1_000,
            valid_until_ms=now_ms + _HOUR_MS,
            limit_queries=queries,
        )
        signed = SignedAgreement(
            terms=terms,
            application_signature=await scene.cast[APPLICATION].sign(terms),
            owner_signature=await scene.cast[names[target.system]].sign(terms),
        )
        await ledger.conclude_agreement(signed)
    await scene.cast.even()


async def _one_by_one(scene: Scene, query: Callable[[Scene, _Times], Awaitable[None]], count: int) -> _Times:
    """Query one after the other; the first, which opens connections, is not counted."""
    await query(scene, _Times())
    times = _Times()
    for _ in range(count):
        await query(scene, times)
    return times


async def _run(ground: Ground, queries: int, rounds: int) -> tuple[_Times, _Times, list[float]]:
    async with exchange(ground) as scene:
        decided = await scene.cast[APPLICATION].ledger.decide(await signed_request(scene))
        price = sum(field.price_milliyuan for target in decided.targets for field in target.fields)
        for _ in range(rounds + 1):
            await fund(scene, *[price] * (2 * _CONCURRENT + queries))
        await _agree(scene, 10 * queries)
        single = await _one_by_one(scene, _query, queries)
        agreed = await _one_by_one(scene, _agreed_query, queries)
        rates: list[float] = []
        for _ in range(rounds):
            started = time.perf_counter()
            await at_most(_CONCURRENT, [partial(_query, scene, _Times())] * (2 * _CONCURRENT))
            rates.append(2 * _CONCURRENT / (time.perf_counter() - started))
        return single, agreed, rates


def main() -> None:
    """Measure and report."""
    given = options(__doc__ or "", world=World.DEVNET, transactions=20, rounds=2)
    with Ground.open(given) as ground:
        single, agreed, rates = asyncio.run(_run(ground, given.transactions, given.rounds))
        report = Report(
            target="bench-queries",
            title="Queries: resolve, order, fetch with proofs, contract and settlement",
            world=ground.world,
            machine=ground.machine,
            headers=("what", "p50 ms", "p95 ms"),
        )
        for what, taken in (
            ("a query, one client", single.whole),
            *((f"its step {name}", steps) for name, steps in single.steps.items()),
            ("a repeated query under agreements, one client", agreed.whole),
        ):
            report.row(what, f"{1e3 * median(taken):.0f}", f"{1e3 * quantiles(taken, n=20)[18]:.0f}")
        report.compare("a query, median", median(single.whole), "<=", 0.6, " s")
        report.compare("a repeated query under agreements, median", median(agreed.whole), "<=", 0.35, " s")
        report.compare(f"queries a second, {_CONCURRENT} at the same time", median(rates), ">=", 20, "/s")
        report.note(
            "A query is three transactions that wait for each other, a repeated one under agreements two."
        )
        report.note(f"{given.transactions} queries one by one; {len(rates)} rounds of {2 * _CONCURRENT}.")
        report.finish(record=given.record)


if __name__ == "__main__":
    main()
