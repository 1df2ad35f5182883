"""Queries to an index of a million entries on HDFS, beside full scans of the same entries as Parquet.

Part of `make bench-index`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tests.bench.report import Report

from gridledger.crypto.secret_key import SecretKey
from gridledger.lake import Entry as StoreEntry
from gridledger.lake import HdfsStore, Lake
from gridledger.lake.hdfs import HdfsCluster
from gridledger.lake.index import Answer, Entry, Feature, FeatureSet, Floats, Index, Location, Plan, Query
from gridledger.lake.index.entry import columns, fixed_rows

__all__ = ["measure_queries"]

_DIMENSIONS = 16
_CLUSTERS = 40
_BANDWIDTH = 6.0
_NEAR = 0.5
_SCANS = 5
_ADDS = 20
_FOLLOWER_S = 60.0
FEATURES = FeatureSet(
    name="made/1",
    features=tuple(Feature(name=f"x{axis}", unit="", decimals=6, one=1.0) for axis in range(_DIMENSIONS)),
)


class CountingStore(HdfsStore):
    """HDFS, and how often it was asked."""

    asked = 0

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        self.asked += 1
        return super().read(path, offset, length)

    def entries(self, folder: str) -> list[StoreEntry]:
        self.asked += 1
        return super().entries(folder)


@dataclass(frozen=True)
class Timed:
    """Queries one after the other."""

    answers: list[Answer]
    seconds: float
    cpu_s: float
    each_us: list[float]

    @property
    def rate(self) -> float:
        """Queries a second."""
        return len(self.answers) / self.seconds


def measure_queries(report: Report, folder: Path, *, entries: int, queries: int) -> None:
    """Measure, and add rows and targets to a report with five columns."""
    cluster = HdfsCluster.create(folder / "hdfs", datanodes=1, replication=1)
    cluster.up()
    try:
        with CountingStore(cluster.url, "/index") as store:
            _measure(report, folder, store, entries, queries)
    finally:
        cluster.down()


def _measure(report: Report, folder: Path, store: CountingStore, entries: int, queries: int) -> None:
    draw = np.random.default_rng(11)
    # Clusters overlap: their centres stand some four standard deviations apart, their boxes share most.
    centres = draw.uniform(-2.5, 2.5, (_CLUSTERS, _DIMENSIONS))
    points = centres[draw.integers(0, _CLUSTERS, entries)] + draw.normal(0, 0.6, (entries, _DIMENSIONS))
    fixed = np.rint(points * 1e6).astype(np.int64)
    rows = _rows(fixed)
    plan = Plan(name="made", features=FEATURES, datasets="*", declared={})
    lake = Lake.create(store, SecretKey.generate())
    started = time.perf_counter()
    # Finding modes has rows of its own: here they are given, and entries go to the nearest.
    index = Index.build(lake, plan, rows, _BANDWIDTH, clusterer=lambda *_: centres, cache=folder / "cache")
    report.row("layers written", f"{time.perf_counter() - started:.1f} s", "", "", f"{entries:,} entries")
    _compile(lake, rows.slice(0, 1_000), centres)
    coordinates = FEATURES.coordinates(fixed)
    chosen = draw.integers(0, entries, queries)
    exact = [Query(features=tuple(point)) for point in points[chosen].tolist()]
    shaken = points[chosen] + draw.normal(0, _NEAR / 8, (queries, _DIMENSIONS))
    near = [Query(features=tuple(point), tolerance=_NEAR) for point in shaken.tolist()]
    before = store.asked
    cold = _timed(index, exact[:1])
    report.row(
        "first query of a cluster",
        f"{cold.seconds * 1e3:.1f} ms",
        "",
        str(store.asked - before),
        "one part read",
    )
    _timed(index, near)  # every cluster's parts are read once
    reads = store.asked
    for name, wanted in (("same features", exact), (f"within {_NEAR}", near)):
        _row(report, name, _timed(index, wanted), store.asked - reads)
    found = _timed(index, near)
    recall = _recall(coordinates, near[:200], found.answers[:200])
    report.compare(f"queries a second, one at a time, within {_NEAR}", found.rate, ">=", 1_000, "/s")
    report.compare("recall against a full scan, 200 queries", recall, ">=", 1.0, "")

    far = draw.uniform(-8, 8, (queries, _DIMENSIONS))
    rejected = [
        query
        for query in (Query(features=tuple(point), tolerance=_NEAR) for point in far.tolist())
        if index.query(query).is_rejected
    ]
    reads = store.asked
    told = _timed(index, rejected)
    _row(report, "rejected", told, store.asked - reads)
    report.compare("median of a rejected query", median(told.each_us), "<=", 100, " us")
    report.compare("reads of all rejected queries", store.asked - reads, "<=", 0, "")
    report.compare(
        "recall of rejections, 200 queries", _recall(coordinates, rejected[:200], told.answers), ">=", 1.0, ""
    )

    scanned = _scans(folder, points, near[:_SCANS])
    for name, seconds in scanned.items():
        report.row(f"full scan of Parquet, {name}", f"{1 / seconds:.1f}/s", f"{seconds * 1e3:.0f} ms", "", "")
    best = min(scanned.values())
    report.compare(
        "query within a distance against the faster full scan", best / median(found.each_us) * 1e6, ">=", 100
    )
    others = Index.open(lake, "made", features=FEATURES, cache=folder / "cache")
    _adds(report, index, others, points, draw)


def _compile(lake: Lake, rows: pa.Table, centres: Floats) -> None:
    """Let every compiled part of a query be compiled before anything is timed."""
    plan = Plan(name="compiled", features=FEATURES, datasets="*", declared={})
    index = Index.build(lake, plan, rows, _BANDWIDTH, clusterer=lambda *_: centres)
    for place in (centres[0], FEATURES.coordinates(fixed_rows(rows))[0]):
        for tolerance in (0.0, _NEAR):
            index.query(Query(features=tuple(place.tolist()), tolerance=tolerance))


def _rows(fixed: np.ndarray[tuple[int, int], np.dtype[np.int64]]) -> pa.Table:
    number = len(fixed)
    held = {
        "number": np.arange(number),
        "content": pa.array([place.to_bytes(32, "big") for place in range(number)], pa.binary(32)),
        "dataset": pa.array(["made"]).take(pa.array(np.zeros(number, np.int64))),
        "version": np.ones(number, np.int64),
        "first": np.arange(number),
        "count": np.ones(number, np.int64),
        "labels": pa.ListArray.from_arrays(np.zeros(number + 1, np.int32), pa.array([], pa.string())),
    }
    held |= {f"feature_{axis}": fixed[:, axis] for axis in range(fixed.shape[1])}
    return pa.table(held, schema=columns(fixed.shape[1]))


def _timed(index: Index, queries: Sequence[Query]) -> Timed:
    answers, each = [], []
    cpu, started = time.process_time(), time.perf_counter()
    for query in queries:
        since = time.perf_counter_ns()
        answers.append(index.query(query))
        each.append((time.perf_counter_ns() - since) / 1e3)
    return Timed(answers, time.perf_counter() - started, time.process_time() - cpu, each)


def _row(report: Report, name: str, timed: Timed, reads: int) -> None:
    found = sum(len(answer.matches) for answer in timed.answers) / len(timed.answers)
    each = f"{median(timed.each_us):.0f} us, CPU {timed.cpu_s / len(timed.answers) * 1e6:.0f} us"
    report.row(f"query, {name}", f"{timed.rate:,.0f}/s", each, str(reads), f"{found:.1f} matches each")


def _recall(coordinates: Floats, queries: Sequence[Query], answers: Sequence[Answer]) -> float:
    """Return which share of what a full scan finds was answered; what it does not find counts against it."""
    wanted = right = 0
    for query, answer in zip(queries, answers, strict=False):
        place = FEATURES.coordinates(np.array(FEATURES.fixed(query.features or ())))
        near = np.flatnonzero(np.square(coordinates - place).sum(axis=1) <= query.tolerance**2)
        got = {match.entry.location.first for match in answer.matches}
        wanted += len({*near.tolist()} | got)
        right += len({*near.tolist()} & got)
    return right / wanted if wanted else 1.0


def _scans(folder: Path, points: Floats, queries: Sequence[Query]) -> dict[str, float]:
    """Return the median seconds in which each tool finds a query's matches in a Parquet file."""
    path = folder / "entries.parquet"
    names = [f"x{axis}" for axis in range(_DIMENSIONS)]
    table = {"location": np.arange(len(points))} | {name: points[:, axis] for axis, name in enumerate(names)}
    pq.write_table(pa.table(table), path)

    def by_pyarrow(query: Query) -> int:
        held = pq.read_table(path)
        apart = np.zeros(len(held))
        for name, value in zip(names, query.features or (), strict=True):
            apart += np.square(held[name].to_numpy() - value)
        return len(held["location"].to_numpy()[apart <= query.tolerance**2])

    def by_duckdb(query: Query) -> int:
        pairs = zip(names, query.features or (), strict=True)
        squares = " + ".join(f"({name} - {value!r}) ** 2" for name, value in pairs)
        asked = f"SELECT location FROM '{path}' WHERE {squares} <= {query.tolerance**2!r}"
        return len(duckdb.sql(asked).fetchall())

    scans: dict[str, Callable[[Query], int]] = {"pyarrow and NumPy": by_pyarrow, "DuckDB": by_duckdb}
    taken: dict[str, float] = {}
    for name, scan in scans.items():
        seconds = []
        for query in queries:
            started = time.perf_counter()
            scan(query)
            seconds.append(time.perf_counter() - started)
        taken[name] = median(seconds)
    return taken


def _adds(report: Report, index: Index, others: Index, points: Floats, draw: np.random.Generator) -> None:
    """Measure from the beginning of an add to queries that find the entry, here and elsewhere."""
    here, there = [], []
    used = 0.0
    with others.following():
        for number in range(_ADDS):
            place = points[draw.integers(0, len(points))] + 0.001
            query = Query(features=tuple(place.tolist()), limit=1)
            entry = Entry(
                fixed=FEATURES.fixed(place.tolist()),
                labels=(),
                location=Location(dataset="new", version=1, first=number, count=1),
                content=(2**255 + number).to_bytes(32, "big"),
            )
            started, cpu = time.perf_counter(), time.process_time()
            growth = index.add([entry])
            _want_one(index, query)
            here.append(time.perf_counter() - started)
            used += time.process_time() - cpu
            while others.table.generation < growth.generation:
                if time.perf_counter() - started > _FOLLOWER_S:
                    raise RuntimeError("an add is not seen by who follows the index") from others.behind
                time.sleep(0.005)
            _want_one(others, query)
            there.append(time.perf_counter() - started)
    each = f"CPU {used / _ADDS * 1e3:.0f} ms"
    report.row("add of one entry, until a query finds it", f"{median(here) * 1e3:.0f} ms", each, "", "")
    report.row("the same, by who follows the index", f"{median(there) * 1e3:.0f} ms", "", "", "")
    report.compare("slowest add of one entry, until a query finds it", max(here), "<=", 1.0, " s")
    report.note(f"slowest until a query of who follows the index finds it: {max(there):.2f} s")


def _want_one(index: Index, query: Query) -> None:
    if len(index.query(query).matches) != 1:
        raise RuntimeError("an entry that was added is not found")
