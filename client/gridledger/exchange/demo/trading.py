"""The middle acts: a scan is resolved, ordered, fetched, proven and settled.

Source: CN112508707B, [0083] to [0099], [0104].
"""

from __future__ import annotations

from typing import Final

from gridledger.exchange.demo.made import USER, USER_ROLE
from gridledger.exchange.demo.opening import FUNCTION
from gridledger.exchange.demo.scene import APPLICATION, Scene
from gridledger.exchange.demo.step import ChainEntry, Sheet, Step
from gridledger.exchange.errors import RowsUnproven
from gridledger.model.delivery import Delivery
from gridledger.model.integrity import Verdict
from gridledger.model.money import format_yuan
from gridledger.model.period import Day
from gridledger.model.resolution import Resolution, SignedRequest
from gridledger.model.trade import Order

__all__ = [
    "ACTS",
    "FIRST",
    "LAST",
    "fetch",
    "order",
    "order_entries",
    "request",
    "resolution_entries",
    "resolve",
    "settle",
    "short",
    "verdict_text",
]

FIRST, LAST = Day("2018-09-14"), Day("2018-09-16")
"""From the morning on which the hurricane took the plant off the grid to the evening when it came back."""

SHOWN_ROWS = (
    "2018-09-14T10:00",
    "2018-09-14T10:15",
    "2018-09-14T10:30",
    "2018-09-16T16:30",
    "2018-09-16T16:45",
    "2018-09-16T17:00",
)
"""Readings around both ends of the outage."""

MOST_ROWS = 10
"""A period with more rows is not shown whole."""


async def request(
    scene: Scene,
    purpose: str,
    *,
    user: str = USER,
    user_role: str = USER_ROLE,
    function: str = FUNCTION,
) -> SignedRequest:
    """Make the request of somebody who scans the label on the inverter; the worker by default."""
    return await scene.application.request(
        user=user,
        user_role=user_role,
        function=function,
        purpose=purpose,
        device=await scene.scan(),
        first=FIRST,
        last=LAST,
    )


async def resolve(scene: Scene) -> Step:
    """Scan the label: the contract decides, the owners sign actual roots, the verdict is deposited."""
    signed = await request(scene, "work order 1: hurricane response")
    resolution = await scene.application.resolve(signed)
    scene.resolution = resolution
    await scene.cast.even()
    ledger = scene.cast[APPLICATION].ledger
    stands, verdict = await ledger.resolution(resolution.id), await ledger.verdict(resolution.id)
    return Step(
        title="A maintenance worker scans the label on the inverter",
        text=f"The contract names {len(stands.targets)} target systems and their fields for {FUNCTION},"
        f" {FIRST} to {LAST}. The owners sign their actual roots; the comparison is deposited, and its event"
        " alone makes the aggregation system forward. Charging standards come with it.",
        chain=[
            *resolution_entries(stands),
            ChainEntry(key=f"verdict {short(verdict.resolution)}", value=verdict_text(verdict)),
        ],
        sheets=[
            Sheet(
                title="Scanned",
                columns=("image", "identifier"),
                rows=[(scene.label_image.name, str(signed.request.device))],
            )
        ],
    )


async def order(scene: Scene) -> Step:
    """Order with holds."""
    scene.order = await scene.application.order(scene.resolution)
    ledger = scene.cast[APPLICATION].ledger
    placed = await ledger.order(scene.order.id)
    notes = await scene.application.purse.notes()
    amounts = ", ".join(format_yuan(note.amount_milliyuan) for note in notes)
    return Step(
        title="The application orders",
        text="Notes are spent, change becomes a new note, and each owner's price is held: the committed"
        " hold is the successful trade.",
        chain=[
            *order_entries(placed),
            ChainEntry(key=f"note {placed.application} ×{len(notes)}", value=f"{amounts} yuan"),
        ],
    )


async def fetch(scene: Scene) -> Step:
    """Fetch from the owners' servers, and check every row."""
    scene.fetched = await scene.application.fetch(scene.resolution, scene.order)
    for one in scene.fetched:
        if one.error is not None:
            raise one.error
    periods = [period for one in scene.fetched if one.delivery for period in one.delivery.periods]
    rows = sum(len(period.rows) for period in periods)
    return Step(
        title="Five owners deliver, each from its own database",
        text="Each server checks identity, role, resolution and hold on chain, then answers with rows and"
        f" salts. All {rows} rows of {len(periods)} fields and periods lead to the deposited roots. One paid"
        " query brings production, installation, operation, maintenance and asset together; the outage shows"
        " in power and work orders.",
        sheets=[
            _sheet(one.delivery, scene.title_of(one.owner))
            for one in scene.fetched
            if one.delivery is not None
        ],
    )


async def settle(scene: Scene) -> Step:
    """Deposit the contracts that both parties signed; the owners are paid with it."""
    await scene.application.settle(scene.fetched)
    ledger = scene.cast[APPLICATION].ledger
    chain: list[ChainEntry] = []
    for line in scene.order.lines:
        signed = await ledger.contract(scene.order.id, line.system)
        settlement = await ledger.settlement(scene.order.id, line.system)
        contract = signed.contract
        value = (
            f"{contract.application} and {contract.owner}, {len(contract.fields)} fields,"
            f" {contract.rows} rows, content {short(str(contract.content))}, signed by both"
        )
        chain.append(ChainEntry(key=f"transaction-contract {short(contract.order)}", value=value))
        amount = format_yuan(settlement.amount_milliyuan)
        value = f"{settlement.state}: {amount} yuan to {settlement.account}"
        chain.append(ChainEntry(key=f"settlement {short(contract.order)} {line.system}", value=value))
    return Step(
        title="Transaction contracts and settlement",
        text="Parties, time, content by name and digest, amount. One transaction deposits the contracts and"
        " turns the holds into delta rows of the owners.",
        chain=chain,
    )


ACTS: Final = (resolve, order, fetch, settle)


def resolution_entries(resolution: Resolution) -> list[ChainEntry]:
    """Return a resolution, a line for each target system."""
    entries: list[ChainEntry] = []
    for target in resolution.targets:
        forwarded = ", ".join(field.field.name for field in target.forwarded())
        withheld = ", ".join(field.field.name for field in target.fields if field.withheld)
        value = f"{target.system}: {forwarded}; {format_yuan(target.amount_milliyuan())} yuan"
        if withheld:
            value += f"; withheld: {withheld}"
        entries.append(ChainEntry(key=f"resolution {short(resolution.id)}", value=value))
    return entries


def order_entries(placed: Order) -> list[ChainEntry]:
    """Return an order and its holds."""
    head = f"{format_yuan(placed.amount_milliyuan)} yuan by {placed.application}"
    return [
        ChainEntry(key=f"order {short(placed.id)}", value=head),
        *(
            ChainEntry(
                key=f"hold {short(placed.id)} {line.system}",
                value=f"{format_yuan(line.amount_milliyuan)} yuan for {len(line.fields)} fields",
            )
            for line in placed.lines
        ),
    ]


def verdict_text(verdict: Verdict) -> str:
    """Say how many comparisons ended how."""
    counts: dict[str, int] = {}
    for line in verdict.checks:
        outcome = line.check.outcome.value
        counts[outcome] = counts.get(outcome, 0) + 1
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.items())


def short(identifier: str) -> str:
    """Shorten a digest for a person; the JSON output has the same text."""
    return f"{identifier[:12]}…"


def _sheet(delivery: Delivery, title: str) -> Sheet:
    """Draw a delivery: a line a row, a column a field, and whether each value's own proof holds."""
    names = list(dict.fromkeys(period.field.name for period in delivery.periods))
    cells: dict[str, dict[str, str]] = {}
    lengths: dict[str, set[int]] = {}
    for period in delivery.periods:
        root = period.root()
        for index, row in enumerate(period.rows):
            if len(period.rows) > MOST_ROWS and row.key not in SHOWN_ROWS:
                continue
            proof = period.proof(index)
            if not proof.proves(row.leaf(period.field, period.period), root=root.root, size=root.rows):
                raise RowsUnproven("a row's own proof does not hold", field=str(period.field), row=row.key)
            value = "none" if row.value is None else row.value
            cells.setdefault(row.key, {})[period.field.name] = value if len(value) <= 40 else f"{value[:39]}…"
            lengths.setdefault(row.key, set()).add(len(proof.path))
    rows = [
        (key, *(found.get(name, "") for name in names), "/".join(str(one) for one in sorted(lengths[key])))
        for key, found in cells.items()
    ]
    return Sheet(
        title=f"From {delivery.owner}, {title}", columns=("row", *names, "digests of proof"), rows=rows
    )
