"""A lake's writers stopped at random bytes, and random changes of its files: a tenth of them in make test."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.lake.conftest import without_fsync
from tests.unit.lake.faults import (
    NO_JOURNAL,
    Change,
    file_changed,
    left_behind,
    leftover_changed,
    pruning_stopped,
    put_stopped,
    whole_lake,
)

STOPS = 200
PRUNINGS = 60
CHANGES = 300
WRITTEN = 130_000
"""What the puts write, roughly; some stops lie behind the end."""
PRUNED = 40_000
FOLDERS = ("packs", "packs", "table", "datasets")


@pytest.fixture(scope="module", autouse=True)
def _unsynced() -> Iterator[None]:
    with without_fsync():
        yield


@pytest.mark.timeout(3600)
def test_puts_stopped_at_random_bytes_lose_nothing_acknowledged(
    tmp_path: Path, share: float, chance: random.Random
) -> None:
    for number in range(math.ceil(STOPS * share)):
        left = chance.randrange(WRITTEN)
        print(f"stopped after {left} bytes")
        put_stopped(tmp_path / str(number), left)


@pytest.mark.timeout(3600)
def test_prunings_stopped_at_random_bytes_leave_a_readable_lake(
    tmp_path: Path, share: float, chance: random.Random
) -> None:
    for number in range(math.ceil(PRUNINGS * share)):
        left = chance.randrange(PRUNED)
        print(f"stopped after {left} bytes")
        pruning_stopped(tmp_path / str(number), left)


@pytest.mark.timeout(3600)
def test_random_changes_are_named_and_the_rest_is_readable(
    tmp_path: Path, share: float, chance: random.Random
) -> None:
    whole = whole_lake(tmp_path / "whole")
    for number in range(math.ceil(CHANGES * share)):
        change = Change.draw(chance, chance.choice(FOLDERS))
        print(change)
        file_changed(whole, tmp_path / str(number), change)


@pytest.mark.timeout(3600)
def test_random_changes_of_what_nobody_reads_touch_nothing(
    tmp_path: Path, share: float, chance: random.Random
) -> None:
    left = left_behind(tmp_path / "left")
    for number in range(math.ceil(CHANGES * share)):
        change = Change.draw(chance, chance.choice(NO_JOURNAL))
        print(change)
        leftover_changed(left, tmp_path / str(number), change)
