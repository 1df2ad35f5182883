"""Mean shift beside scikit-learn's, by turns; then on Spark, 1 and 4 million points.

python -m tests.bench.index_bench [--record] [--millions N ...]
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from sklearn.cluster import MeanShift
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score
from tests.bench.machine import Machine
from tests.bench.report import Report

from gridledger.lake.index import Clustering, Floats, Seeding, mean_shift
from gridledger.lake.index.spark import SparkWalkers, running_spark

__all__ = ["measure_mean_shift"]

_Found = TypeVar("_Found")


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a call took of this process."""

    seconds: float
    cpu_s: float

    def __str__(self) -> str:
        return f"{self.seconds:.2f} / {self.cpu_s:.2f}"


def timed(call: Callable[[], _Found]) -> tuple[_Found, Taken]:
    """Return what a call returns, and what it took."""
    started, used = time.perf_counter(), _cpu()
    found = call()
    return found, Taken(seconds=time.perf_counter() - started, cpu_s=_cpu() - used)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def made(size: int, dimensions: int, **shape: object) -> Floats:
    """Return blobs around 20 centres."""
    points, _ = make_blobs(size, n_features=dimensions, centers=20, random_state=3, **shape)
    return np.asarray(points, np.float64)


def measure_mean_shift(report: Report, millions: list[int]) -> None:
    """Measure, and add rows and targets to a report with five columns."""
    _compile()
    wide = {"cluster_std": 1.5, "center_box": (-6.0, 6.0)}
    _pair(report, "100k x 4, apart", made(100_000, 4), 3.0, Seeding.CELLS, wanted=8)
    _pair(report, "100k x 4, overlapping", made(100_000, 4, **wide), 2.0, Seeding.CELLS, wanted=8)
    _pair(report, "10k x 16", made(10_000, 16), 6.0, Seeding.POINTS, wanted=100)
    seconds = []
    with running_spark("local[2]") as session:
        with SparkWalkers.open(session) as walkers:  # the first jobs start Python and load what is compiled
            mean_shift(made(40_000, 16), 6.0, walkers=walkers)
        for number in millions:
            points = made(number * 1_000_000, 16)
            with SparkWalkers.open(session) as walkers:
                found, taken = timed(lambda p=points, w=walkers: mean_shift(p, 6.0, walkers=w))
            seconds.append(taken.seconds)
            report.row(
                f"{number}M x 16, Spark local[2]", f"{taken.seconds:.1f}", "", f"{len(found.modes)}", ""
            )
    report.compare("1M x 16 on Spark local[2]", seconds[0], "<=", 90, " s")
    if len(seconds) > 1:
        report.compare(f"from {millions[0]}M to {millions[-1]}M", seconds[-1] / seconds[0], "<=", 5)


def _pair(
    report: Report, what: str, points: Floats, bandwidth: float, seeding: Seeding, *, wanted: float
) -> None:
    """Compare with scikit-learn from the same seeds, and show what more seeds find."""
    cells = seeding is Seeding.CELLS
    ours, taken = timed(lambda: mean_shift(points, bandwidth, seeding=seeding))
    theirs, needed = timed(lambda: MeanShift(bandwidth=bandwidth, bin_seeding=cells).fit(points))
    _row(report, f"{what}, seeds: {seeding.value}", ours, taken, theirs.labels_)
    report.row(f"scikit-learn, bin_seeding={cells}", str(needed), "", f"{len(theirs.cluster_centers_)}", "")
    report.compare(f"{what}: scikit-learn's time", needed.seconds / taken.seconds, ">=", wanted)
    report.note(f"by CPU time: {needed.cpu_s / taken.cpu_s:.1f}x")
    alike = adjusted_rand_score(theirs.labels_, ours.labels)
    report.compare(f"{what}: adjusted Rand", float(alike), ">=", 0.999, "")
    if cells:
        more, taken = timed(lambda: mean_shift(points, bandwidth))
        _row(report, f"{what}, seeds: {Seeding.POINTS.value}", more, taken, theirs.labels_)


def _row(report: Report, what: str, found: Clustering, taken: Taken, labels: Floats) -> None:
    alike = adjusted_rand_score(labels, found.labels)
    report.row(what, str(taken), f"{alike:.6f}", f"{len(found.modes)}", f"{(found.counts > 10).sum()}")


def _compile() -> None:
    """Let every compiled part be compiled before anything is timed."""
    draw = np.random.default_rng(0)
    for size in (100, 40_000):
        mean_shift(draw.normal(size=(size, 2)), 2.0)


def main() -> None:
    """Measure and print; with --record into docs/BENCHMARKS.md."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--millions", type=int, nargs="+", default=[1, 4], help="of points on Spark")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gridledger-bench-") as name:
        report = Report(
            target="bench-index",
            title="Index: mean shift beside scikit-learn's, seconds / CPU seconds",
            world="Spark from PySpark's jars",
            machine=Machine.measure(Path(name)),
            headers=("what", "seconds", "adjusted Rand", "modes", "with more than 10 points"),
        )
        measure_mean_shift(report, options.millions)
        report.note("Starting Spark and compiling are not counted. Pairs start at the same seeds.")
        report.finish(record=options.record)


if __name__ == "__main__":
    main()
