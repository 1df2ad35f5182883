"""Payments of one payer, all in flight at once: orders out of its notes, settlements to one account.

python -m tests.bench.exchange_payments_bench [--world devnet|fabric] [--transactions 200] [--record]
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from tests.bench.exchange_ground import Conflicts, at_most, conflicts_between, exchange, two_fields
from tests.bench.ground import Ground, options
from tests.bench.report import Report
from tests.integration.exchange import fund, signed_request

from gridledger.exchange.data_application import DataApplication
from gridledger.exchange.demo.scene import APPLICATION, Scene
from gridledger.exchange.purse import Purse
from gridledger.model.catalogue import Selector
from gridledger.model.exchange_refusals import NotesInsufficient
from gridledger.model.period import Day
from gridledger.model.resolution import Resolution
from gridledger.model.trade import MoneyKey, Order, OwnedMoney
from gridledger.network import World

_PREPARING = 16
"""Resolutions and deliveries at the same time: what is measured comes after them."""
_NOTES_A_CALL = 200
_COVERED_SHARE = 3 / 5
_DAY = Day("2018-09-14")


class _LaterNotes(Purse):
    """A purse that leaves alone what the account had before."""

    earlier: frozenset[MoneyKey] = frozenset()

    async def notes(self) -> list[OwnedMoney]:
        return [note for note in await super().notes() if note.key not in self.earlier]


@dataclass(frozen=True, kw_only=True)
class _Run:
    """Calls that were all in flight at the same time."""

    what: str
    done: int
    refused: int
    failed: tuple[str, ...]
    seconds: float
    conflicts: Conflicts


async def _payer(scene: Scene) -> DataApplication:
    """Return the application with a purse that holds nothing yet."""
    party, account = scene.cast[APPLICATION], scene.systems[APPLICATION]
    purse = _LaterNotes(party.ledger, account)
    purse.earlier = frozenset(note.key for note in await purse.notes())
    payer = DataApplication(party, account, scene.aggregation)
    payer.purse = purse
    return payer


async def _resolve(scene: Scene, wanted: Sequence[Selector]) -> Resolution:
    signed = await signed_request(scene, wanted=wanted, first=_DAY, last=_DAY)
    return await scene.application.resolve(signed)


async def _fund(scene: Scene, amounts: Sequence[int]) -> None:
    for start in range(0, len(amounts), _NOTES_A_CALL):
        await fund(scene, *amounts[start : start + _NOTES_A_CALL])


async def _in_flight(
    scene: Scene, what: str, calls: Sequence[Callable[[], Awaitable[object]]]
) -> tuple[_Run, list[object]]:
    channel = scene.cast[APPLICATION].network
    await scene.cast.even()
    first = (await channel.chain_info()).height
    started = time.perf_counter()
    results = await asyncio.gather(*(call() for call in calls), return_exceptions=True)
    seconds = time.perf_counter() - started
    last = (await channel.chain_info()).height - 1
    failed = [one for one in results if isinstance(one, BaseException)]
    refused = [one for one in failed if isinstance(one, NotesInsufficient)]
    run = _Run(
        what=what,
        done=len(results) - len(failed),
        refused=len(refused),
        failed=tuple(type(one).__name__ for one in failed if one not in refused),
        seconds=seconds,
        conflicts=await conflicts_between(channel, first, last),
    )
    return run, [one for one in results if not isinstance(one, BaseException)]


async def _run(ground: Ground, payments: int) -> list[_Run]:
    async with exchange(ground) as scene:
        wanted = await two_fields(scene)
        resolve = partial(_resolve, scene, wanted)
        resolutions = await at_most(_PREPARING, [resolve] * payments)
        price = sum(target.amount_milliyuan() for target in resolutions[0].targets)
        payer = await _payer(scene)
        await _fund(scene, [price] * payments)
        ordered, placed = await _in_flight(
            scene, "orders, a note each", [partial(payer.order, one) for one in resolutions]
        )

        orders = [one for one in placed if isinstance(one, Order)]
        by_id = {one.id: one for one in resolutions}
        fetched = await at_most(
            _PREPARING, [partial(payer.fetch, by_id[order.resolution], order) for order in orders]
        )
        owner = wanted[0].system
        contracts = [
            one.contract for lines in fetched for one in lines if one.owner == owner and one.contract
        ]
        deposit = scene.cast[APPLICATION].ledger.deposit_contracts
        settled, _ = await _in_flight(
            scene, "settlements to one account", [partial(deposit, [one]) for one in contracts]
        )

        resolutions = await at_most(_PREPARING, [resolve] * payments)
        payer = await _payer(scene)
        covered = int(payments * _COVERED_SHARE)
        await _fund(scene, [2 * price] * (covered // 2) + [price] * (covered % 2) + [price - 1])
        short, _ = await _in_flight(
            scene,
            f"orders, a balance for {covered}, in notes for two",
            [partial(payer.order, one) for one in resolutions],
        )
        return [ordered, settled, short]


def main() -> None:
    """Measure and report."""
    given = options(__doc__ or "", world=World.DEVNET, transactions=200, rounds=1)
    with Ground.open(given) as ground:
        runs = asyncio.run(_run(ground, given.transactions))
        report = Report(
            target="bench-payments",
            title=f"Payments: one payer, {given.transactions} in flight",
            world=ground.world,
            machine=ground.machine,
            headers=("what", "done", "refused", "failed", "a second", "conflicts", "of the time mark"),
        )
        for run in runs:
            report.row(
                run.what,
                str(run.done),
                str(run.refused),
                str(len(run.failed)),
                f"{run.done / run.seconds:.0f}",
                str(run.conflicts.others),
                str(run.conflicts.of_the_mark),
            )
        others = sum(run.conflicts.others for run in runs)
        report.compare("conflicts but those of a renewed time mark", others, "<=", 0, "")
        covered = int(given.transactions * _COVERED_SHARE)
        report.compare("orders beyond what the balance covers", runs[-1].done - covered, "<=", 0, "")
        report.compare("orders that it covers and that were placed", runs[-1].done, ">=", covered, "")
        for text in sorted({text for run in runs for text in run.failed}):
            report.note(f"Calls failed with {text}.")
        report.finish(record=given.record)


if __name__ == "__main__":
    main()
