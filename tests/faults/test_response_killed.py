"""kill -9 of demand response's programs at random: nothing accepted is lost, nothing stands twice."""

from __future__ import annotations

import asyncio
import math
import random
from pathlib import Path

import pytest
from tests.faults.response_writer import KeptLedger, ResponseWriter
from tests.unit.response.world import World

KILLS = 500


@pytest.mark.faults
@pytest.mark.timeout(3600)
async def test_programs_killed_at_random_lose_and_double_nothing(
    tmp_path: Path, share: float, chance: random.Random
) -> None:
    accepted: list[int] = []
    for _ in range(math.ceil(KILLS * share)):
        writer = ResponseWriter(tmp_path, chance.randrange(2**32))
        writer.wait()
        # Some records in: the kill falls anywhere between two steps.
        await asyncio.sleep(chance.uniform(0, 0.25))
        accepted += writer.kill()

    world = World(tmp_path)
    world.use(KeptLedger(tmp_path))
    world.accepted = accepted
    await world.settle(steps=5_000)  # a backlog grows while programs are killed
    world.check()
    world.stop()
