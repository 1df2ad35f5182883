"""The demo's acts in their order, each timed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Final

from gridledger.exchange.demo import mishaps, opening, trading
from gridledger.exchange.demo.scene import Scene
from gridledger.exchange.demo.step import Step

__all__ = ["ACTS", "play"]

ACTS: Final[tuple[Callable[[Scene], Awaitable[Step]], ...]] = (
    opening.establish,
    opening.register_systems,
    opening.register_application,
    opening.register_devices,
    opening.approve_devices,
    opening.associate,
    opening.publish,
    opening.set_rule,
    opening.deposit,
    trading.resolve,
    trading.order,
    trading.fetch,
    trading.settle,
    mishaps.order_in_vain,
    mishaps.count_money,
    mishaps.alter,
)


async def play(scene: Scene) -> AsyncIterator[Step]:
    """Take all steps, one after the other; the time of each counts what is read back, too."""
    for act in ACTS:
        started = time.monotonic()
        await scene.cast.even()
        step = await act(scene)
        yield replace(step, milliseconds=round((time.monotonic() - started) * 1000))
