"""Mean shift beside scikit-learn's, by turns, and on Spark; then queries to an index on HDFS.

python -m tests.bench.index_bench [--record] [--millions N ...] [--entries N] [--queries N]
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
from tests.bench.index_query_bench import measure_queries
from tests.bench.machine import Machine
from tests.bench.report import Report

from gridledger.lake.index import Clustering, Floats, Integers, Seeding, mean_shift
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
    """Measure, and add rows and targets to a report with five columns; no millions, no Spark."""
    _compile()
    wide = {"cluster_std": 1.5, "center_box": (-6.0, 6.0)}
    _pair(report, "100k x 4, apart", made(100_000, 4), 3.0, Seeding.CELLS, wanted=8)
    _pair(report, "100k x 4, overlapping", made(100_000, 4, **wide), 2.0, Seeding.CELLS, wanted=8)
    _pair(
        report, "2k x 4, overlapping", made(2_000, 4, **wide), 2.0, Seeding.POINTS, wanted=100, alike=0.9999
    )
    _pair(report, "10k x 16", made(10_000, 16), 6.0, Seeding.POINTS, wanted=100)
    for seed, dimensions, bandwidth in ((1, 2, 1.2), (3, 3, 1.5), (5, 8, 3.0)):
        _sampled(report, f"40k x {dimensions}, uneven, overlapping", uneven(seed, dimensions), bandwidth)
    if millions:
        _on_spark(report, millions)


def uneven(seed: int, dimensions: int) -> Floats:
    """Return some 40,000 points in 20 clusters of uneven size and width that overlap."""
    draw = np.random.default_rng(seed)
    sizes = np.maximum((draw.dirichlet(np.full(20, 0.5)) * 40_000).astype(int), 5)
    centres = draw.uniform(-6, 6, (20, dimensions))
    widths = draw.uniform(0.3, 1.6, 20)
    parts = [
        draw.normal(centre, width, (size, dimensions))
        for centre, width, size in zip(centres, widths, sizes, strict=True)
    ]
    return np.concatenate(parts)


def _sampled(report: Report, what: str, points: Floats, bandwidth: float) -> None:
    """Show what a sample of the seeds leaves out; scikit-learn takes too long for all of them."""
    every, taken = timed(lambda: mean_shift(points, bandwidth))
    some, needed = timed(lambda: mean_shift(points, bandwidth, seeding=Seeding.SAMPLE))
    _row(report, f"{what}, seeds: {Seeding.POINTS.value}", every, taken, every.labels)
    _row(report, f"{what}, seeds: {Seeding.SAMPLE.value}", some, needed, every.labels)


def _on_spark(report: Report, millions: list[int]) -> None:
    seconds = []
    with running_spark("local[2]") as session:
        with SparkWalkers.open(session) as walkers:  # the first jobs start Python and load what is compiled
            mean_shift(made(40_000, 16), 6.0, seeding=Seeding.SAMPLE, walkers=walkers)
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
    report: Report,
    what: str,
    points: Floats,
    bandwidth: float,
    seeding: Seeding,
    *,
    wanted: float,
    alike: float = 0.999,
) -> None:
    """Compare with scikit-learn from the same seeds, and show what more seeds find."""
    cells = seeding is Seeding.CELLS
    ours, taken = timed(lambda: mean_shift(points, bandwidth, seeding=seeding))
    theirs, needed = timed(lambda: MeanShift(bandwidth=bandwidth, bin_seeding=cells).fit(points))
    _row(report, f"{what}, seeds: {seeding.value}", ours, taken, theirs.labels_)
    report.row(f"scikit-learn, bin_seeding={cells}", str(needed), "", f"{len(theirs.cluster_centers_)}", "")
    report.compare(f"{what}: scikit-learn's time", needed.seconds / taken.seconds, ">=", wanted)
    report.note(f"by CPU time: {needed.cpu_s / taken.cpu_s:.1f}x")
    rand = float(adjusted_rand_score(theirs.labels_, ours.labels))
    report.compare(f"{what}: adjusted Rand", rand, ">=", alike, "")
    if cells:
        more, taken = timed(lambda: mean_shift(points, bandwidth, seeding=Seeding.SAMPLE))
        _row(report, f"{what}, seeds: {Seeding.SAMPLE.value}", more, taken, theirs.labels_)
        apart = np.square(more.modes[:, None] - theirs.cluster_centers_).sum(axis=2).min(axis=1)
        missed = more.counts[apart > bandwidth**2]
        report.note(f"{what}: modes that bin seeding misses have {missed.tolist()} points in their balls")


def _row(report: Report, what: str, found: Clustering, taken: Taken, labels: Integers) -> None:
    alike = adjusted_rand_score(labels, found.labels)
    report.row(
        what, str(taken), f"adjusted Rand {alike:.6f}", f"{len(found.modes)}", f"{(found.counts > 10).sum()}"
    )


def _compile() -> None:
    """Let every compiled part be compiled before anything is timed."""
    draw = np.random.default_rng(0)
    for size in (100, 40_000):
        mean_shift(draw.normal(size=(size, 2)), 2.0, seeding=Seeding.SAMPLE)


def main() -> None:
    """Measure and print; with --record into docs/BENCHMARKS.md."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--millions", type=int, nargs="*", default=[1, 4], help="of points on Spark")
    parser.add_argument("--entries", type=int, default=1_000_000, help="of the index that is asked")
    parser.add_argument("--queries", type=int, default=2_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gridledger-bench-") as name:
        report = Report(
            target="bench-index",
            title=f"Index: mean shift beside scikit-learn's, queries to {options.entries:,} entries",
            world="Spark and HDFS 3.5.0 from PySpark's jars, one DataNode",
            machine=Machine.measure(Path(name)),
            headers=(
                "what",
                "seconds / CPU seconds, or rate",
                "median",
                "modes, or calls of the store",
                "modes with more than 10 points, or matches",
            ),
        )
        measure_mean_shift(report, options.millions)
        measure_queries(report, Path(name), entries=options.entries, queries=options.queries)
        report.note("Starting Spark and compiling are not counted. Pairs start at the same seeds.")
        report.finish(record=options.record)


if __name__ == "__main__":
    main()
