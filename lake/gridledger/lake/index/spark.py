"""Mean shift by Spark: blocks of work go to executors, where points and trees are files mapped into memory.

with running_spark("local[2]") as session, SparkWalkers.open(session) as walkers:
    clustering = mean_shift(points, 6.0, walkers=walkers)

Seeds are partitioned and data never is: merging what parts of the data find would depend on the parts. The
answers are those of threads, bit by bit, for any number of partitions and any master.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import shutil
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gridledger.lake.errors import ClusteringFailed
from gridledger.lake.index.kd_tree import KdTree, mapped
from gridledger.lake.index.points import Floats, Integers
from gridledger.lake.index.walkers import SEEDS, Climb, blocks_of, climb_block

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

__all__ = ["SparkWalkers", "running_spark"]

_PLACES: Final = 65_536
"""Places of a block whose nearest points are looked up."""
_FAILURES: Final = 4
"""How often a task may fail, a killed worker's too; Spark's own default everywhere but in `local[…]`."""
_ANSWER: Final = "block long, answer binary"
_PATIENCE_S = 300.0
"""How long no executor may take a step's tasks before the step is given up."""
_LOOK_S: Final = 2.0
_IN_TRACE: Final = ("at ", "... ", "Driver stacktrace")
"""How lines of a Java trace begin: the last other one is the cause."""
_MOST_TOLD: Final = 500

_Task = Callable[[KdTree, Floats], tuple[npt.NDArray[Any], ...]]


@contextmanager
def running_spark(master: str, *, name: str = "gridledger") -> Iterator[SparkSession]:
    """Start a session of Spark, and stop it at the end.

    Parameters
    ----------
    master : str
        `local[2]`, `spark://host:7077`, …: any that this Spark knows. Its workers need this package and the
        same Python.
    name : str, default "gridledger"
        What Spark's own pages call it.

    Yields
    ------
    SparkSession
        One that was running already is used as it is, and left running.

    Raises
    ------
    ClusteringFailed
        There is no Spark at the address; Spark itself tries for a minute.
    """
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is not None:
        yield running
        return
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PySpark's own
        builder = SparkSession.builder.master(_persistent(master)).appName(name)
        builder = builder.config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
        if master.startswith("local"):
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
            builder = builder.config("spark.driver.bindAddress", "127.0.0.1")
        with _translated(f"Spark at {master} did not start"):
            session = builder.getOrCreate()
        try:
            yield session
        finally:
            session.stop()


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Raise what Spark says as an error of the lake."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError, EOFError, OSError, pa.ArrowException) as error:
        lines = [line.strip() for line in str(error).splitlines()]
        told = [line for line in lines if line and not line.startswith(_IN_TRACE)]
        reason = told[-1] if told else repr(error)
        raise ClusteringFailed(f"{what}: {reason}"[:_MOST_TOLD]) from error


@contextmanager
def _watched(context: SparkContext, patience_s: float) -> Iterator[None]:
    """Cancel the body's jobs, and say so, once no executor does any of their tasks for too long."""
    from py4j.protocol import Py4JError

    group = f"gridledger-{secrets.token_hex(8)}"
    ended, stalled = threading.Event(), threading.Event()

    def look() -> None:
        with suppress(Py4JError):  # Spark itself is gone, which the body is told, too
            look_on()

    def look_on() -> None:
        tracker = context.statusTracker()
        done, since = 0, time.monotonic()
        while not ended.wait(_LOOK_S):
            jobs = [tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup(group)]
            stages = [tracker.getStageInfo(stage) for job in jobs if job for stage in job.stageIds]
            finished = sum(stage.numCompletedTasks for stage in stages if stage)
            is_worked_on = any(stage.numActiveTasks for stage in stages if stage)
            if not stages or finished != done or is_worked_on:
                done, since = finished, time.monotonic()
            elif time.monotonic() - since > patience_s:
                stalled.set()
                context.cancelJobGroup(group)
                return

    context.setJobGroup(group, "mean shift of an index", interruptOnCancel=True)
    watcher = threading.Thread(target=look, name="index-spark", daemon=True)
    watcher.start()
    try:
        yield
    except ClusteringFailed as error:
        if stalled.is_set():
            told = f"Spark at {context.master}: no executor took a task for {patience_s:g} s"
            raise ClusteringFailed(told) from error
        raise
    finally:
        ended.set()
        watcher.join()
        context.setLocalProperty("spark.jobGroup.id", None)  # type: ignore[arg-type]  # None removes it


def _persistent(master: str) -> str:
    """Let a task of `local[n]` be tried again, as on every other master."""
    if master == "local":
        return f"local[1,{_FAILURES}]"
    if master.startswith("local[") and "," not in master:
        return f"{master[:-1]},{_FAILURES}]"
    return master


@dataclass(frozen=True, kw_only=True)
class _Array:
    """An array in a file: here, or where Spark put what it shipped."""

    path: str
    shipped: bool

    def open(self) -> npt.NDArray[Any]:
        from pyspark import SparkFiles

        path = SparkFiles.get(Path(self.path).name) if self.shipped else self.path
        return mapped(Path(path))


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What travels to executors: where things lie, and what to do with a block of them."""

    tree: dict[str, _Array]
    places: _Array
    blocks: list[slice]
    task: _Task

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        numba.set_num_threads(1)  # Spark runs a task on each core
        tree = KdTree.of_arrays({name: each.open() for name, each in self.tree.items()})
        places = self.places.open()
        for batch in batches:
            for block in batch.column(0).to_pylist():
                answer = _packed(self.task(tree, places[self.blocks[block]]))
                yield pa.record_batch({"block": pa.array([block]), "answer": pa.array([answer], pa.binary())})


def _packed(arrays: tuple[npt.NDArray[Any], ...]) -> bytes:
    written = io.BytesIO()
    for array in arrays:
        np.save(written, array, allow_pickle=False)
    return written.getvalue()


def _unpacked(data: pa.Buffer) -> tuple[npt.NDArray[Any], ...]:
    stream = io.BytesIO(data)
    arrays = []
    while stream.tell() < data.size:
        arrays.append(np.load(stream, allow_pickle=False))
    return tuple(arrays)


@dataclass(frozen=True, kw_only=True)
class SparkWalkers:
    """Walkers on Spark's executors.

    Notes
    -----
    On a master of this machine (`local…`) executors map the files where they were written; on any other
    Spark ships them (`SparkContext.addFile`), each once a node. A task that fails, or whose executor or
    worker is lost, is done again, with the same bits. A step raises `ClusteringFailed` where a task failed
    four times, or no executor takes tasks for the time that `patience_s` says.
    """

    session: SparkSession = field(repr=False)
    folder: Path
    partitions: int
    patience_s: float
    _written: dict[str, _Array] = field(default_factory=dict, repr=False)

    @classmethod
    @contextmanager
    def open(
        cls, session: SparkSession, *, partitions: int | None = None, patience_s: float | None = None
    ) -> Iterator[Self]:
        """Return walkers whose files are removed at the end.

        Parameters
        ----------
        session : SparkSession
        partitions : int, optional
            Into how many tasks a step is cut at most: four for each core unless given.
        patience_s : float, optional
            How long no executor may take a step's tasks; five minutes unless given.
        """
        folder = Path(tempfile.mkdtemp(prefix="gridledger-index-"))
        try:
            tasks = partitions or 4 * session.sparkContext.defaultParallelism
            patience = _PATIENCE_S if patience_s is None else patience_s
            yield cls(session=session, folder=folder, partitions=tasks, patience_s=patience)
        finally:
            shutil.rmtree(folder)

    def climb(
        self, tree: KdTree, seeds: Floats, bandwidth: float, *, side: float = 0.0, arrival: float = 0.0
    ) -> Climb:
        """Let a walker climb from each seed; see `climb_block`."""

        def task(tree: KdTree, seeds: Floats) -> tuple[npt.NDArray[Any], ...]:
            found = climb_block(tree, seeds, bandwidth, side=side, arrival=arrival)
            return found.modes, found.counts, found.visited

        blocks = [Climb(modes=m, counts=c, visited=v) for m, c, v in self._run(tree, seeds, SEEDS, task)]
        return Climb.of_blocks(blocks)

    def are_near(self, tree: KdTree, places: Floats, radius: float) -> npt.NDArray[np.bool_]:
        """Return for each place whether a point of the tree lies within the radius."""

        def task(tree: KdTree, places: Floats) -> tuple[npt.NDArray[Any], ...]:
            return (tree.are_near(places, radius),)

        return np.concatenate([near for (near,) in self._run(tree, places, _PLACES, task)])

    def nearest(self, tree: KdTree, places: Floats) -> Integers:
        """Return for each place which of the tree's points is nearest."""

        def task(tree: KdTree, places: Floats) -> tuple[npt.NDArray[Any], ...]:
            return (tree.nearest(places),)

        return np.concatenate([found for (found,) in self._run(tree, places, _PLACES, task)])

    def _run(
        self, tree: KdTree, places: Floats, length: int, task: _Task
    ) -> list[tuple[npt.NDArray[Any], ...]]:
        """Do all blocks, and return their answers in the order of the blocks."""
        blocks = blocks_of(len(places), length)
        job = _Job(
            tree={name: self._share(array) for name, array in tree.nodes._asdict().items()},
            places=self._share(places),
            blocks=blocks,
            task=task,
        )
        context = self.session.sparkContext
        with _watched(context, self.patience_s), _translated(f"Spark at {context.master} gave up"):
            rows = self.session.range(0, len(blocks), 1, min(self.partitions, len(blocks)))
            answers = rows.mapInArrow(job, _ANSWER).toArrow()
        order = np.argsort(answers["block"].to_numpy())
        return [_unpacked(answers["answer"][int(row)].as_buffer()) for row in order]

    def _share(self, array: npt.NDArray[Any]) -> _Array:
        """Write an array where executors find it; the same one once."""
        array = np.ascontiguousarray(array)
        digest = hashlib.sha256(array.data).hexdigest()
        key = f"{digest}-{array.dtype.str[1:]}-{'x'.join(map(str, array.shape))}"
        if key not in self._written:
            path = self.folder / f"{key}.npy"
            np.save(path, array)
            context = self.session.sparkContext
            shipped = not str(context.master).startswith("local")
            if shipped:
                with _translated(f"Spark at {context.master} took no file"):
                    context.addFile(str(path))
            self._written[key] = _Array(path=str(path), shipped=shipped)
        return self._written[key]
