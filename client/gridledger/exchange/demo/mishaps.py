"""The last acts: a row altered by SQL, an order on which nobody delivers, and the closing statement.

Source: CN112508707B, [0103] to [0105].
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from gridledger.exchange.demo.opening import PAID_IN
from gridledger.exchange.demo.scene import APPLICATION, Scene
from gridledger.exchange.demo.step import ChainEntry, Sheet, Step
from gridledger.exchange.demo.systems import METER
from gridledger.exchange.demo.trading import (
    order_entries,
    request,
    resolution_entries,
    short,
    verdict_text,
)
from gridledger.model.errors import GridLedgerError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.money import add_amounts, format_yuan

__all__ = ["ACTS", "ALTERED_ROW", "alter", "close_accounts", "order_in_vain"]

ALTERED_ROW: Final = "2018-09-14T12:00"
"""At noon of the first day of the outage, when the meter read 0 kW."""

_FORGED_KW: Final = 250.0
_SHORT_HOLD_S: Final = 2


async def order_in_vain(scene: Scene) -> Step:
    """Order with a hold that ends too soon for the owners: nobody delivers, and the money returns."""
    application = scene.application
    resolution = await application.resolve(await request(scene, "a hold that is too short"))
    placed = await application.order(resolution, hold_s=_SHORT_HOLD_S)
    held = order_entries(await application.party.ledger.order(placed.id))
    fetched = await application.fetch(resolution, placed)
    refusals = [(str(one.owner), str(one.error or "delivered")) for one in fetched]
    # The chain's time is what transactions claim, so the deadline is over by this clock first.
    await asyncio.sleep(max(0.0, placed.deadline_ms / 1000 - time.time()) + 0.1)
    owners = [line.system for line in placed.lines]
    await application.return_holds(placed, owners)
    chain = list(held)
    for owner in owners:
        settlement = await application.party.ledger.settlement(placed.id, owner)
        amount = format_yuan(settlement.amount_milliyuan)
        value = f"{settlement.state}: {amount} yuan to {settlement.account}"
        chain.append(ChainEntry(key=f"settlement {short(placed.id)} {owner}", value=value))
    return Step(
        title="An order on which nobody delivers",
        text=f"The hold ends in {_SHORT_HOLD_S} s, less than the owners' margin: they refuse. After the"
        " deadline the money returns.",
        chain=chain,
        sheets=[Sheet(title="The owners' answers", columns=("owner", "answer"), rows=refusals)],
    )


async def alter(scene: Scene) -> Step:
    """Alter one row by SQL behind the owner's back; only its field is withheld, and the others are bought."""
    statement = "UPDATE reading SET ac_power_kw = :value WHERE meter = :meter AND measured_at = :row"
    changed = await scene.stores.alter(
        "monitoring", statement, value=_FORGED_KW, meter=METER, row=ALTERED_ROW
    )
    if changed != 1:
        raise GridLedgerError(f"{changed} rows were altered, not one")
    application = scene.application
    resolution = await application.resolve(await request(scene, "after the alteration"))
    await scene.cast.even()
    ledger = application.party.ledger
    stands, verdict = await ledger.resolution(resolution.id), await ledger.verdict(resolution.id)
    altered = verdict.altered()
    if not altered:
        raise GridLedgerError("the altered row was not found")
    findings: list[tuple[str, str, str]] = []
    for line in altered:
        owner = scene.owners["monitoring"]
        found = await owner.first_alteration(line.field, line.check.period)
        row = f"{found.row} {found.change}" if found else "none"
        findings.append((str(line.field), str(line.check.period), row))
    placed = await application.order(resolution)
    fetched = await application.fetch(resolution, placed)
    settled = await application.settle(fetched)
    amount = format_yuan(add_amounts(line.amount_milliyuan for line in settled))
    return Step(
        title="A row is altered behind the owner's back",
        text=f"SQL sets the AC power of {ALTERED_ROW}, during the outage, from 0 to {_FORGED_KW:g} kW. The"
        " next resolution's verdict names device, field and period; that field is withheld and costs nothing."
        f" The others are forwarded, proven and paid: {amount} yuan. The owner names the row by its kept"
        " leaves.",
        chain=[
            ChainEntry(key=f"verdict {short(verdict.resolution)}", value=verdict_text(verdict)),
            *(
                ChainEntry(
                    key=f"verdict {short(verdict.resolution)}",
                    value=f"{line.check.outcome}: {line.field}, {line.check.period}",
                )
                for line in altered
            ),
            *resolution_entries(stands),
        ],
        sheets=[
            Sheet(
                title="What the owner finds", columns=("field", "period", "first altered row"), rows=findings
            )
        ],
    )


async def close_accounts(scene: Scene) -> Step:
    """Count all money: what was paid in stands in notes and delta rows, to the milli-yuan."""
    rows: list[tuple[str, str, str, str, str]] = []
    total = 0
    for name, system in scene.systems.items():
        notes, deltas = await _money(scene, system)
        total += notes + deltas
        paid_in = add_amounts(PAID_IN) if name == APPLICATION else 0
        stands = notes + deltas
        title = "Life-cycle management" if name == APPLICATION else scene.title_of(system)
        change = f"{'+' if stands >= paid_in else '-'}{format_yuan(abs(stands - paid_in))}"
        rows.append((str(system), title, format_yuan(paid_in), change, format_yuan(stands)))
    paid_in = add_amounts(PAID_IN)
    if total != paid_in:
        raise GridLedgerError(f"{total} milli-yuan stand in accounts, {paid_in} were paid in")
    rows.append(("together", "", format_yuan(paid_in), "0.000", format_yuan(total)))
    columns = ("account", "of", "paid in", "by trade", "stands")
    return Step(
        title="The closing statement",
        text=f"{format_yuan(paid_in)} yuan were paid in. Three queries were settled, one order came back"
        " whole; every yuan that the application spent stands with an owner.",
        sheets=[Sheet(title="Accounts, in yuan", columns=columns, rows=rows)],
    )


async def _money(scene: Scene, system: SystemIdentifier) -> tuple[int, int]:
    """Return what an account has in notes and in delta rows; the demo's accounts fit one page."""
    ledger = scene.cast[APPLICATION].ledger
    notes, deltas = await ledger.notes(system), await ledger.deltas(system)
    return (
        add_amounts(note.amount_milliyuan for note in notes.money),
        add_amounts(delta.amount_milliyuan for delta in deltas.money),
    )


ACTS: Final = (alter, order_in_vain, close_accounts)
