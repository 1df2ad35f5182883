"""The demo's acts in their order, each timed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Final

from gridledger.exchange.demo import mishaps, opening, sharing, tracing, trading
from gridledger.exchange.demo.scene import Scene
from gridledger.exchange.demo.step import Step

__all__ = ["ACTS", "play"]

ACTS: Final[tuple[Callable[[Scene], Awaitable[Step]], ...]] = (
    *opening.ACTS,
    *sharing.ACTS,
    *trading.ACTS,
    tracing.trace,
    *mishaps.ACTS,
)


async def play(scene: Scene) -> AsyncIterator[Step]:
    """Take all steps, one after the other; the time of each counts what is read back, too."""
    for act in ACTS:
        started = time.monotonic()
        await scene.cast.even()
        step = await act(scene)
        yield replace(step, milliseconds=round((time.monotonic() - started) * 1000))
