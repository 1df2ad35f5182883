"""The second function: a quality engineer traces the device, by the same rule, with fewer rights.

Source: CN112508707B, [0085] (which roles may see which fields), [0086] (product quality traceability).
"""

from __future__ import annotations

from gridledger.exchange.demo.made import ENGINEER, ENGINEER_ROLE, USER_ROLE
from gridledger.exchange.demo.scene import APPLICATION, Scene
from gridledger.exchange.demo.sharing import TRACING
from gridledger.exchange.demo.step import ChainEntry, Sheet, Step
from gridledger.exchange.demo.trading import FIRST, LAST, resolution_entries, short
from gridledger.model.money import format_yuan
from gridledger.model.resolution import Resolution

__all__ = ["trace"]


async def trace(scene: Scene) -> Step:
    """Ask for another function as another role: the same fields, but those that owners keep from it."""
    application = scene.application
    result = await application.query(
        user=ENGINEER,
        user_role=ENGINEER_ROLE,
        function=TRACING,
        purpose="did the inverter fail, or the grid?",
        device=await scene.scan(),
        first=FIRST,
        last=LAST,
    )
    for one in result.fetched:
        if one.error is not None:
            raise one.error
    await scene.cast.even()
    ledger = scene.cast[APPLICATION].ledger
    stands = await ledger.resolution(result.resolution.id)
    chain = resolution_entries(stands)
    for line in result.settled:
        settlement = await ledger.settlement(result.order.id, line.owner)
        value = f"{settlement.state}: {format_yuan(settlement.amount_milliyuan)} yuan to {settlement.account}"
        chain.append(ChainEntry(key=f"settlement {short(result.order.id)} {line.owner}", value=value))
    seen, more = _fields(stands), _fields(scene.resolution)
    rows = [(name, "yes", "yes" if name in seen else "no") for name in more]
    return Step(
        title="A quality engineer traces the same device",
        text=f"Another function, {TRACING}, by another role: its rule names the same fields, and owners'"
        f" rights leave {len(seen)} of {len(more)}. One call resolves, orders, fetches, proves and settles.",
        chain=chain,
        sheets=[Sheet(title="Who got what", columns=("field", USER_ROLE, ENGINEER_ROLE), rows=rows)],
    )


def _fields(resolution: Resolution) -> list[str]:
    return [
        f"{field.field.system}#{field.field.name}" for target in resolution.targets for field in target.fields
    ]
