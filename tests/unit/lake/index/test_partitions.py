"""Work in partitions, as Spark's executors do it: whatever they are, the bits are those of one process."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gridledger.lake.index import Clustering, Floats, mean_shift, walkers
from gridledger.lake.index import mean_shift as package  # the function hides the module of its name
from gridledger.lake.index import spark as module
from gridledger.lake.index.spark import SparkWalkers

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.xdist_group("numba"), pytest.mark.timeout(600)]  # the first calls compile

POINTS = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 80), st.integers(1, 3)),
    elements=st.integers(-40, 40).map(lambda value: value / 8),
)
Job = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


class Partitioned:
    """A session whose steps are cut and put in order by chance; nothing of Spark runs."""

    master = "local[2]"

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._rows: list[list[int]] = []
        self._job: Job | None = None
        self.partitions: list[int] = []

    @property
    def sparkContext(self) -> Partitioned:  # noqa: N802 - PySpark's name
        return self

    def setJobGroup(self, *arguments: object, **named: object) -> None:  # noqa: N802 - PySpark's name
        """There are no jobs."""

    def setLocalProperty(self, *arguments: object) -> None:  # noqa: N802 - PySpark's name
        """There are no jobs."""

    def statusTracker(self) -> Partitioned:  # noqa: N802 - PySpark's name
        return self

    def getJobIdsForGroup(self, group: str) -> list[int]:  # noqa: N802 - PySpark's name
        return []

    def range(self, start: int, end: int, step: int, partitions: int) -> Partitioned:
        rows = [list(part) for part in np.array_split(np.arange(start, end, step), partitions)]
        self._chance.shuffle(rows)
        self._rows = rows
        self.partitions.append(partitions)
        return self

    def mapInArrow(self, job: Job, schema: str) -> Partitioned:  # noqa: N802 - PySpark's name
        self._job = job
        return self

    def toArrow(self) -> pa.Table:  # noqa: N802 - PySpark's name
        assert self._job is not None
        job = self._job
        return pa.Table.from_batches([batch for rows in self._rows for batch in job(self._batches(rows))])

    def _batches(self, rows: list[int]) -> Iterator[pa.RecordBatch]:
        place = 0
        while place < len(rows):
            length = self._chance.randint(1, len(rows))
            yield pa.record_batch({"id": pa.array([int(row) for row in rows[place : place + length]])})
            place += length


def bits(found: Clustering) -> tuple[bytes, bytes, bytes]:
    return found.modes.tobytes(), found.counts.tobytes(), found.labels.tobytes()


@settings(deadline=None, max_examples=40)
@given(points=POINTS, partitions=st.integers(1, 9), chance=st.randoms(use_true_random=False))
def test_any_partitions_in_any_order_find_the_bits_of_one_process(
    tmp_path_factory: pytest.TempPathFactory, points: Floats, partitions: int, chance: random.Random
) -> None:
    session = Partitioned(chance)
    of_spark = SparkWalkers(
        session=cast("SparkSession", session),
        folder=tmp_path_factory.mktemp("partitions"),
        partitions=partitions,
        patience_s=60,
    )
    with pytest.MonkeyPatch.context() as patch:
        # So few points are many blocks, and more than enough for the way by a sample.
        patch.setattr(walkers, "SEEDS", 8)
        patch.setattr(module, "SEEDS", 8)
        patch.setattr(module, "_PLACES", 16)
        patch.setattr(sys.modules[package.__module__], "_ALL_SEEDS", 30)
        patch.setattr(sys.modules[package.__module__], "_SAMPLE", 40)
        assert bits(mean_shift(points, 1.0, walkers=of_spark)) == bits(mean_shift(points, 1.0))
    assert all(0 < number <= partitions for number in session.partitions)
