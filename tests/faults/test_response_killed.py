"""kill -9 of demand response's programs: nothing accepted is lost, nothing stands twice.

At every boundary between two steps, and at random; `test_response_field` does it to database and peer, too.
"""

from __future__ import annotations

import asyncio
import math
import random
from pathlib import Path

import pytest
from tests.faults.response_writer import KeptLedger, ResponseVictim, ResponseWriter
from tests.unit.response.boundaries import BOUNDARIES, BOUNDARY_IDS, check, keep_s, provoke, work
from tests.unit.response.world import World

from gridledger.response.record_store import Moment
from gridledger.response.state import Happening, Side

KILLS = 450
"""With those of `test_response_field`, 500."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("records", [1, 3])
@pytest.mark.parametrize(("side", "happening", "moment"), BOUNDARIES, ids=BOUNDARY_IDS)
async def test_programs_killed_at_a_boundary_lose_and_double_nothing(
    tmp_path: Path, side: Side, happening: Happening, moment: Moment, records: int
) -> None:
    victim = ResponseVictim(tmp_path, side, happening, moment, records=records)
    accepted = await asyncio.to_thread(victim.meet)

    world = World(tmp_path, records=records, keep_s=keep_s(happening))
    world.use(KeptLedger(tmp_path))
    if happening is Happening.REFUSED:
        provoke(world, happening)
    world.accepted = accepted
    await work(world, 10)
    await world.settle()
    check(world, happening)
    world.stop()


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
