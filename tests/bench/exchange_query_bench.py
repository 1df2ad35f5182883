"""Whole queries: resolve, order, fetch with proofs, contract and settlement; and repeated under agreements.

python -m tests.bench.exchange_query_bench [--world devnet|fabric] [--transactions 20] [--record]
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median, quantiles

from tests.bench.exchange_ground import at_most, exchange, transactions_between
from tests.bench.ground import Ground, options
from tests.bench.process_groups import ProcessGroups
from tests.bench.query_load import (
    FIVE_SYSTEMS,
    TWO_SYSTEMS,
    Query,
    Question,
    Times,
    ask,
    query,
    query_agreed,
    size_of,
)
from tests.bench.report import Report
from tests.integration.exchange import fund

from gridledger.exchange.agreement_book import propose_terms
from gridledger.exchange.demo.opening import FUNCTION
from gridledger.exchange.demo.scene import APPLICATION, Scene
from gridledger.model.agreement import SignedAgreement
from gridledger.network import World

_CONCURRENT = 40
_CONCURRENT_ROUND = 6 * _CONCURRENT
"""Queries: many begin at once and the last end one by one, which is no part of a rate that holds."""
_NOTES_A_CALL = 200
_HOUR_MS = 3_600_000


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """Queries of one kind."""

    what: str
    times: Times
    rate: float
    """Queries a second."""
    cpu_ms: Mapping[str, float]
    """CPU milliseconds a query, by group of processes."""
    transactions: float
    """Transactions a query on the channel, without those that renew the time mark."""

    def cells(self) -> tuple[str, ...]:
        whole = self.times.whole
        return (
            self.what,
            f"{1e3 * median(whole):.0f}",
            f"{1e3 * quantiles(whole, n=20)[18]:.0f}",
            f"{self.rate:.1f}",
            f"{self.transactions:.1f}",
            *(f"{used:.0f}" for used in self.cpu_ms.values()),
            f"{sum(self.cpu_ms.values()):.0f}",
        )


@dataclass(frozen=True, kw_only=True)
class _Bench:
    """A scene, and what measuring in it needs."""

    scene: Scene
    groups: ProcessGroups

    async def measure(
        self, what: str, ask_by: Query, question: Question, *, count: int, at_once: int
    ) -> _Measured:
        """Query, so many at the same time; the first, which opens connections, is not counted."""
        device = await self.scene.scan()
        channel = self.scene.cast[APPLICATION].network
        times = Times()
        first = await ask_by(self.scene, question, device, Times())
        await self.scene.cast.even()
        height, cpu_before = (await channel.chain_info()).height, self.groups.cpu_s()
        started = time.perf_counter()
        await at_most(at_once, [partial(ask_by, self.scene, question, device, times)] * count)
        seconds, cpu_after = time.perf_counter() - started, self.groups.cpu_s()
        last = (await channel.chain_info()).height - 1
        return _Measured(
            what=f"{what}: {question.name}, {size_of(first)}",
            times=times,
            rate=count / seconds,
            cpu_ms={name: 1e3 * (used - cpu_before[name]) / count for name, used in cpu_after.items()},
            transactions=await transactions_between(channel, height, last) / count,
        )

    async def agree(self, question: Question, queries: int) -> None:
        """Conclude agreements about what a question asks for."""
        scene = self.scene
        ledger = scene.cast[APPLICATION].ledger
        decided = await ledger.decide(await ask(scene, question, await scene.scan()))
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

    async def pay_in(self, queries: int) -> None:
        """Pay in a note for each query, for whatever it costs."""
        ledger = self.scene.cast[APPLICATION].ledger
        decided = await ledger.decide(await ask(self.scene, FIVE_SYSTEMS, await self.scene.scan()))
        price = sum(field.price_milliyuan for target in decided.targets for field in target.fields)
        for start in range(0, queries, _NOTES_A_CALL):
            await fund(self.scene, *[price] * min(_NOTES_A_CALL, queries - start))


async def _run(ground: Ground, queries: int, rounds: int) -> tuple[list[_Measured], list[_Measured]]:
    """Return what was measured one by one, and with many at the same time."""
    async with exchange(ground) as scene:
        bench = _Bench(scene=scene, groups=ProcessGroups.of(ground, scene))
        await bench.pay_in(5 * queries + 2 * rounds * (_CONCURRENT_ROUND + 1))
        single = [
            await bench.measure("one client", query, question, count=queries, at_once=1)
            for question in (TWO_SYSTEMS, FIVE_SYSTEMS)
        ]
        await bench.agree(FIVE_SYSTEMS, 10 * queries)
        single += [
            await bench.measure("repeated under agreements", query_agreed, question, count=queries, at_once=1)
            for question in (TWO_SYSTEMS, FIVE_SYSTEMS)
        ]
        many = [
            await bench.measure(
                f"{_CONCURRENT} at once", query, TWO_SYSTEMS, count=_CONCURRENT_ROUND, at_once=_CONCURRENT
            )
            for _ in range(rounds)
        ]
        return single, many


def main() -> None:
    """Measure and report."""
    given = options(__doc__ or "", world=World.DEVNET, transactions=20, rounds=3)
    with Ground.open(given) as ground:
        single, many = asyncio.run(_run(ground, given.transactions, given.rounds))
        report = Report(
            target="bench-queries",
            title="Queries: resolve, order, fetch with proofs, contract and settlement",
            world=ground.world,
            machine=ground.machine,
            headers=(
                "what",
                "p50 ms",
                "p95 ms",
                "queries/s",
                "transactions a query",
                *(f"CPU ms a query: {name}" for name in single[0].cpu_ms),
                "CPU ms a query",
            ),
        )
        for one in (*single, *many):
            report.row(*one.cells())
        plain, _, agreed, _ = single
        report.compare("a query, median", median(plain.times.whole), "<=", 0.6, " s")
        report.compare(
            "a repeated query under agreements, median", median(agreed.times.whole), "<=", 0.35, " s"
        )
        report.compare(
            f"queries a second, {_CONCURRENT} at the same time",
            median(one.rate for one in many),
            ">=",
            20,
            "/s",
        )
        report.compare("transactions that wait for each other", plain.transactions, "<=", 4, "")
        report.note(f"These are of {TWO_SYSTEMS.name}: the fewest systems that a resolution allows.")
        for one in single[:2]:
            steps = ", ".join(
                f"{name} {1e3 * median(taken):.0f} ms" for name, taken in one.times.steps.items()
            )
            report.note(f"Steps, {one.what}: {steps}.")
        report.note(
            "CPU of `application`: the data application, the aggregation system and the benchmark in one"
            " process; of `network`: peers and orderers, or devnet."
        )
        report.note(f"{given.transactions} queries one by one; {len(many)} rounds of {_CONCURRENT_ROUND}.")
        report.finish(record=given.record)


if __name__ == "__main__":
    main()
