"""One generation of an index, open for queries."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter_ns
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa

from gridledger.lake.errors import Malformed, PayloadCorrupt
from gridledger.lake.index.answer import Answer, Match, Query, Step, StepName
from gridledger.lake.index.data_part import read_part
from gridledger.lake.index.discriminant import Discriminant
from gridledger.lake.index.entry import Entry
from gridledger.lake.index.feature import FeatureSet
from gridledger.lake.index.index_files import IndexFiles
from gridledger.lake.index.index_record import ClusterRow, DiscriminantTable, PartRow
from gridledger.lake.index.part_cache import OpenPart, PartCache
from gridledger.lake.index.points import Floats, Integers
from gridledger.lake.index.runs import Runs
from gridledger.lake.index.scans import boxes_near, rows_near

__all__ = ["Snapshot"]


@dataclass(frozen=True, eq=False)
class _PartRuns:
    """A part's runs as coordinates: low and high have the shape (dimensions, runs)."""

    row: PartRow
    starts: Integers
    ends: Integers
    low: Floats
    high: Floats


class _Found(NamedTuple):
    """A match that was not opened yet."""

    square: float
    number: int
    row: int
    part: OpenPart
    cluster: str

    def match(self) -> Match:
        return Match(entry=self.part.entry(self.row), cluster=self.cluster, distance=math.sqrt(self.square))


@dataclass(eq=False)
class _Search:
    """A query on its way."""

    place: Floats | None
    square: float
    query: Query
    found: list[_Found]
    best: Floats
    """The least squared distances, see `rows_near`; none where not every row in reach is a match."""
    runs: int = 0
    kept_runs: int = 0
    rows: int = 0
    cluster_ns: int = 0

    @classmethod
    def of(cls, query: Query, place: Floats | None) -> Self:
        """Begin."""
        every = place is not None and query.label is None and query.datasets is None
        return cls(
            place=place,
            square=math.inf if place is None else query.tolerance * query.tolerance,
            query=query,
            found=[],
            best=np.full(query.limit if every else 0, math.inf),
        )

    @property
    def bound(self) -> float:
        """Squared distance beyond which no entry can be among the matches."""
        if self.place is None or len(self.found) < self.query.limit:
            return self.square
        return self.found[self.query.limit - 1].square

    def take(self, part: OpenPart, cluster: ClusterRow, rows: Integers, squares: Floats) -> None:
        """Add rows that match."""
        label, datasets = self.query.label, self.query.datasets
        if label is not None and label != cluster.label:
            has = part.has_label(rows, label)
            rows, squares = rows[has], squares[has]
        if datasets is not None:
            has = part.is_of(rows, datasets)
            rows, squares = rows[has], squares[has]
        numbers = part.numbers[rows]
        first = np.lexsort((numbers, squares))[: self.query.limit]
        self.found += [
            _Found(square, number, row, part, cluster.label)
            for square, number, row in zip(
                squares[first].tolist(), numbers[first].tolist(), rows[first].tolist(), strict=True
            )
        ]
        self.found.sort(key=lambda found: (found.square, found.number))
        del self.found[self.query.limit :]


class Snapshot:
    """A generation: its discriminant and cluster index layers in memory, its parts as they are asked for.

    Parameters
    ----------
    files : IndexFiles
    table : DiscriminantTable
    features : FeatureSet
    cache : PartCache
    runs : mapping of str to Runs, optional
        The cluster index layer, where it is at hand; it is read unless given.

    Notes
    -----
    Never changes: a query that began on it ends on it, whatever is published meanwhile. From several threads.
    """

    def __init__(
        self,
        files: IndexFiles,
        table: DiscriminantTable,
        features: FeatureSet,
        cache: PartCache,
        *,
        runs: Mapping[str, Runs] | None = None,
    ) -> None:
        self.table = table
        self.features = features
        self.discriminant = Discriminant(table, features)
        self.runs = files.layer(table) if runs is None else runs
        self._files = files
        self._cache = cache
        self._parts = [[self._part_runs(part) for part in row.parts] for row in table.clusters]

    def _part_runs(self, part: PartRow) -> _PartRuns:
        runs = self.runs[part.file.name]
        return _PartRuns(
            row=part,
            starts=np.concatenate([np.zeros(1, np.int64), runs.ends[:-1]]),
            ends=runs.ends,
            low=np.ascontiguousarray(self.features.coordinates(runs.low).T),
            high=np.ascontiguousarray(self.features.coordinates(runs.high).T),
        )

    def part(self, cluster: int, part: PartRow) -> OpenPart:
        """Open a part; it is read from the store once.

        Raises
        ------
        PayloadNotFound
            It is gone: a newer generation stands there.
        PayloadCorrupt
            It does not open.
        """

        def fetch() -> pa.Table:
            label = self.table.clusters[cluster].label
            data = self._files.part(self.table.clustering, label, part)
            try:
                return read_part(data, dimensions=len(self.features.features), count=part.count)
            except Malformed as error:
                raise PayloadCorrupt(part.file.name, error.message) from error

        return self._cache.part(part.file.name, fetch)

    def parts(self) -> Iterator[tuple[int, PartRow]]:
        """Yield all parts with their clusters' numbers."""
        for cluster, row in enumerate(self.table.clusters):
            for part in row.parts:
                yield cluster, part

    def holds(self, entry: Entry) -> bool:
        """Return whether the index has an entry of the same features and data."""
        place = self.features.coordinates(np.array(entry.fixed, dtype=np.int64))
        for cluster in self.discriminant.reaching(place, 0.0)[0].tolist():
            for held in self._parts[cluster]:
                near, _ = boxes_near(held.low, held.high, place, 0.0)
                if len(near):
                    part = self.part(cluster, held.row)
                    for start, end in zip(held.starts[near].tolist(), held.ends[near].tolist(), strict=True):
                        same = np.flatnonzero((part.coordinates[start:end] == place).all(axis=1))
                        if any(part.contents[start + row].as_py() == entry.content for row in same.tolist()):
                            return True
        return False

    def answer(self, query: Query) -> Answer:
        """Answer a query.

        Raises
        ------
        ModelError
            The query makes no sense for these features.
        PayloadNotFound, PayloadCorrupt
            As `part`.

        Notes
        -----
        A query that the discriminant layer rejects reads nothing and looks at no entry: O(clusters). Any
        other costs the boxes of its clusters' runs and the entries of those runs that can hold a match.
        """
        started = perf_counter_ns()
        query.check(self.features)
        if query.features is None:
            search = _Search.of(query, None)
            clusters = np.array(self.discriminant.labelled(query.label or ""), dtype=np.int64)
            squares = np.zeros(len(clusters))
        else:
            fixed = np.array(self.features.fixed(query.features), dtype=np.int64)
            place = self.features.coordinates(fixed)
            search = _Search.of(query, place)
            clusters, squares = self.discriminant.reaching(place, query.tolerance)
            if query.label is not None and len(clusters):
                kept = np.isin(clusters, self.discriminant.labelled(query.label))
                clusters, squares = clusters[kept], squares[kept]
        decided = perf_counter_ns()
        total = len(self.table.clusters)
        steps = [
            Step(
                name=StepName.DISCRIMINATE,
                nanoseconds=decided - started,
                considered=total,
                kept=len(clusters),
                reads=0,
            )
        ]
        if not len(clusters):
            return Answer(matches=(), steps=tuple(steps), clusters=(), generation=self.table.generation)
        before = self._cache.fetched
        for cluster, square in zip(clusters.tolist(), squares.tolist(), strict=True):
            if square <= search.bound and self._can_have(cluster, search):
                self._look(cluster, search)
        matches = tuple(found.match() for found in search.found)
        ended = perf_counter_ns()
        steps += [
            Step(
                name=StepName.CLUSTER,
                nanoseconds=search.cluster_ns,
                considered=search.runs,
                kept=search.kept_runs,
                reads=0,
            ),
            Step(
                name=StepName.LOCATION,
                nanoseconds=ended - decided - search.cluster_ns,
                considered=search.rows,
                kept=len(matches),
                reads=self._cache.fetched - before,
            ),
        ]
        return Answer(
            matches=matches,
            steps=tuple(steps),
            clusters=tuple(self.table.clusters[cluster].label for cluster in clusters.tolist()),
            generation=self.table.generation,
        )

    def _can_have(self, cluster: int, search: _Search) -> bool:
        """Return whether a cluster can have what is nearer than the matches so far."""
        if search.place is None or search.bound >= search.square:
            return True
        return self.discriminant.holds(cluster, search.place, math.sqrt(search.bound))

    def _look(self, cluster: int, search: _Search) -> None:
        """Find a cluster's matches."""
        for held in self._parts[cluster]:
            if search.place is None:
                self._look_at_all(cluster, held, search)
            else:
                self._look_near(cluster, held, search, search.place)

    def _look_near(self, cluster: int, held: _PartRuns, search: _Search, place: Floats) -> None:
        started = perf_counter_ns()
        near, squares = boxes_near(held.low, held.high, place, search.bound)
        if len(near) > 1:
            order = np.argsort(squares, kind="stable")
            near, squares = near[order], squares[order]
        search.runs += len(held.ends)
        search.kept_runs += len(near)
        search.cluster_ns += perf_counter_ns() - started
        if not len(near):
            return
        part = self.part(cluster, held.row)
        first, length = 0, len(near) if len(search.best) else 1
        while first < len(near) and squares[first] <= search.bound:
            # Where not every row is a match, the nearest runs first: their matches tell which others matter.
            chosen = slice(first, first + length)
            rows, apart, looked = rows_near(
                part.coordinates.T,
                held.starts,
                held.ends,
                near[chosen],
                squares[chosen],
                place,
                search.bound,
                search.best,
            )
            search.rows += looked
            if len(rows):
                search.take(part, self.table.clusters[cluster], rows, apart)
            first, length = first + length, 2 * length

    def _look_at_all(self, cluster: int, held: _PartRuns, search: _Search) -> None:
        """Find a part's entries with a label; all of them where it is the cluster's own."""
        part = self.part(cluster, held.row)
        rows = np.arange(len(part.coordinates))
        search.rows += len(rows)
        search.runs += len(held.ends)
        search.kept_runs += len(held.ends)
        search.take(part, self.table.clusters[cluster], rows, np.zeros(len(rows)))
