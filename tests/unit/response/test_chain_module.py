"""Chain modules meet what should not be: databases rolled back, sides that differ, a side that is silent."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.unit.response.fakes import TERMINAL
from tests.unit.response.world import World

from gridledger.model.digest import Digest
from gridledger.model.errors import ConfigError
from gridledger.model.response import AnchorSide
from gridledger.response.chain_module import ChainSettings
from gridledger.response.errors import AnchoredOtherwise
from gridledger.response.state import Side


async def test_mismatch_is_opened_by_both_sides(tmp_path: Path) -> None:
    world = World(tmp_path)
    for _ in range(3):
        world.accept()
    await world.business.step()
    world.server.complete()
    changed = Digest.of(b"another reading").raw
    with world.server._database.transaction():
        world.server._database.run("UPDATE record SET leaf = ? WHERE number = 2", (changed,))

    world.clock.now_ms += 1_000_000
    for _ in range(4):
        await world.once()

    assert {side for _, _, side in world.ledger.opened} == set(AnchorSide)
    assert world.terminal.comparisons() == world.server.comparisons() == {"mismatch": 1}
    own, theirs = (world.ledger.opened[str(TERMINAL), 1, side] for side in AnchorSide)
    assert [place for place in range(3) if own[place] != theirs[place]] == [1]
    world.stop()


async def test_silent_server_leaves_an_absence_that_is_asked_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.accept()
    await world.business.step()
    world.clock.now_ms += 1_000_000
    for _ in range(3):
        await world.business.step()
        await world.chains[Side.TERMINAL].step()
    assert world.terminal.comparisons() == {"anchored": 1}
    await world.settle()
    world.check()
    world.stop()


async def test_absence_is_asked_ever_more_seldom(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.accept()
    await world.business.step()
    world.terminal.close_runs()
    chain = world.chains[Side.TERMINAL]
    asked = []
    for _ in range(40):  # Every 10 minutes, for hours.
        await chain.step()
        asked.append(world.ledger.asked)
        world.clock.now_ms += 600_000
    # At once, after 10, 20 and 40 minutes, then every hour.
    assert asked[-1] == 3 + len(range(8, 40, 6)) + 1
    world.clock.now_ms -= 10**9
    await chain.step()
    assert world.ledger.asked > asked[-1], "a clock that went back keeps it from being asked"
    await world.settle()
    world.check()
    world.stop()


async def test_runs_of_a_terminal_without_a_key_are_asked_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.ledger.keyless.add(TERMINAL)
    world.accept()
    await world.business.step()
    world.terminal.close_runs()
    await world.business.step()
    world.server.complete()
    for _ in range(3):
        await world.chains[Side.SERVER].step()
        world.clock.now_ms += 10**7
    assert world.server.comparisons() == {"server-alone": 1}
    assert world.ledger.asked == 1
    world.stop()


async def _rolled_back(tmp_path: Path) -> World:
    """Anchor a run, and bring back the terminal's database of before."""
    world = World(tmp_path)
    for _ in range(3):
        world.accept()
    await world.business.step()
    world.terminal.close_runs()
    world.terminal.close()
    shutil.copy(tmp_path / "terminal.db", tmp_path / "backup.db")
    world.server.close()
    world.start()
    await world.settle()
    world.stop()
    _bring_back(tmp_path)
    world.start()
    return world


def _bring_back(folder: Path) -> None:
    for file in folder.glob("terminal.db*"):
        file.unlink()
    shutil.move(folder / "backup.db", folder / "terminal.db")


async def test_database_brought_back_learns_what_is_anchored(tmp_path: Path) -> None:
    world = await _rolled_back(tmp_path)
    await world.settle()
    world.check()
    assert world.ledger.made == 2, "a second transaction was made for a record"
    world.stop()


async def test_database_that_differs_from_the_ledger_is_told(tmp_path: Path) -> None:
    world = await _rolled_back(tmp_path)
    with world.terminal._database.transaction():
        world.terminal._database.run("UPDATE record SET leaf = ? WHERE number = 1", (bytes(32),))
    with pytest.raises(AnchoredOtherwise):
        await world.chains[Side.TERMINAL].step()
    world.stop()


@pytest.mark.parametrize("values", [{"runs": 0}, {"runs": 257}, {"pause_s": 0}, {"keep_s": -1}])
def test_settings_out_of_range_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        ChainSettings(**values)  # type: ignore[arg-type]
