"""Mean shift on Spark: the bits of one process, in any number of parts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.unit.lake.index.test_mean_shift import blobs

from gridledger.lake.errors import ClusteringFailed
from gridledger.lake.index import Clustering, Floats, mean_shift
from gridledger.lake.index import mean_shift as package  # the function hides the module of its name
from gridledger.lake.index import spark as module
from gridledger.lake.index.spark import SparkWalkers

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.xdist_group("spark"), pytest.mark.timeout(1800)]


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> Floats:
    """Return points that are enough for the way by a sample."""
    module = sys.modules[package.__module__]
    monkeypatch.setattr(module, "_ALL_SEEDS", 500)
    monkeypatch.setattr(module, "_SAMPLE", 1500)
    return np.concatenate([blobs(seed, clusters=12, dimensions=3) for seed in range(5)])


def bits(found: Clustering) -> tuple[bytes, bytes, bytes]:
    return found.modes.tobytes(), found.counts.tobytes(), found.labels.tobytes()


def test_any_number_of_partitions_finds_the_bits_of_one_process(spark: SparkSession, points: Floats) -> None:
    expected = bits(mean_shift(points, 1.0))
    for partitions in (1, 3):
        with SparkWalkers.open(spark, partitions=partitions) as walkers:
            assert bits(mean_shift(points, 1.0, walkers=walkers)) == expected
        assert not walkers.folder.exists()


def test_task_that_fails_each_time_is_told_with_its_reason(
    spark: SparkSession, points: Floats, monkeypatch: pytest.MonkeyPatch
) -> None:
    def climb(*arguments: object, **named: object) -> None:
        raise ZeroDivisionError("nobody climbs here")

    monkeypatch.setattr(module, "climb_block", climb)
    with (
        SparkWalkers.open(spark, partitions=1) as walkers,
        pytest.raises(ClusteringFailed, match=r"gave up: .*nobody climbs here"),
    ):
        mean_shift(points, 1.0, walkers=walkers)
    assert not walkers.folder.exists()
