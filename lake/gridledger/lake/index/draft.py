"""A generation that is being made: entries go to their clusters, then everything is written at once."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gridledger.lake.index.data_part import PART_ROWS, write_part
from gridledger.lake.index.entry import fixed_rows
from gridledger.lake.index.feature import FeatureSet
from gridledger.lake.index.index_files import IndexFiles
from gridledger.lake.index.index_record import MICRO, ClusterRow, DiscriminantTable, FileRow, PartRow
from gridledger.lake.index.kd_tree import KdTree
from gridledger.lake.index.part_cache import PartCache
from gridledger.lake.index.points import Floats, Integers
from gridledger.lake.index.runs import Runs, run_order
from gridledger.lake.index.snapshot import Snapshot

__all__ = ["Draft", "Plan"]

_WRITERS = 4
_MOST_LABELS = 1_024
"""Labels that a cluster's row keeps; with more, it rejects none."""
_DESCRIBED_LABELS = 5
_HALF_BITS = 26


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an index is about, whatever its generation.

    Attributes
    ----------
    name : str
        Of the index.
    features : FeatureSet
    datasets : str
        Pattern of the names of datasets.
    declared : dict of str to str
        How their features are extracted.
    """

    name: str
    features: FeatureSet
    datasets: str
    declared: dict[str, str]


@dataclass(kw_only=True, eq=False)
class _Cluster:
    """A cluster and what comes to it."""

    row: ClusterRow | None
    """None for a cluster that is new."""
    label: str
    mode: Integers
    rivals: int
    reach: float
    parts: list[PartRow] = field(default_factory=list)
    taken: list[pa.Table] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Piece:
    """Rows that make a part, in the order of their runs."""

    name: str
    start: int
    rows: pa.Table
    runs: Runs


class Draft:
    """The next generation of an index.

    Parameters
    ----------
    plan : Plan
    clustering : int
    bandwidth : float
    next_entry : int
    """

    def __init__(self, plan: Plan, *, clustering: int, bandwidth: float, next_entry: int) -> None:
        self._plan = plan
        self._features = plan.features
        self._clustering = clustering
        self._bandwidth = bandwidth
        self._next_entry = next_entry
        self._clusters: list[_Cluster] = []
        self._base: Snapshot | None = None
        self._built = False
        self.opened: list[str] = []
        """Labels of the clusters that entries opened."""
        self.runs: dict[str, Runs] = {}
        """What was written of the cluster index layer."""

    @classmethod
    def of_clustering(
        cls, plan: Plan, rows: pa.Table, modes: Floats, bandwidth: float, clustering: int
    ) -> Self:
        """Begin with all entries and the modes of their clusters."""
        draft = cls(plan, clustering=clustering, bandwidth=bandwidth, next_entry=len(rows))
        draft._built = True
        rows = _numbered(rows, 0)
        fixed = plan.features.fixed_of(modes)
        fixed = fixed[np.sort(np.unique(fixed, axis=0, return_index=True)[1])]
        places = plan.features.coordinates(fixed)
        coordinates = plan.features.coordinates(fixed_rows(rows))
        nearest = KdTree.build(places).nearest(coordinates)
        apart = np.sqrt(np.square(coordinates - places[nearest]).sum(axis=1))
        held = [int(number) for number in np.unique(nearest)]
        for number in held:
            members = np.flatnonzero(nearest == number)
            draft._clusters.append(
                _Cluster(
                    row=None,
                    label=f"c{len(draft._clusters) + 1:05}",
                    mode=fixed[number],
                    rivals=len(held),
                    reach=max(bandwidth, float(apart[members].max())),
                    taken=[rows.take(pa.array(members))],
                )
            )
        return draft

    @classmethod
    def after(cls, snapshot: Snapshot, plan: Plan) -> Self:
        """Begin with what a generation has."""
        table = snapshot.table
        draft = cls(plan, clustering=table.clustering, bandwidth=table.bandwidth, next_entry=table.next_entry)
        draft._base = snapshot
        draft._clusters = [
            _Cluster(
                row=row,
                label=row.label,
                mode=np.array(row.mode, dtype=np.int64),
                rivals=row.rivals,
                reach=row.reach_micro / MICRO,
                parts=list(row.parts),
            )
            for row in table.clusters
        ]
        return draft

    def take(self, rows: pa.Table) -> None:
        """Give entries numbers and bring each to its cluster, or to a new one where it is too far from all.

        Notes
        -----
        Those that open clusters do so in lexicographic order: the outcome does not depend on the order of the
        rows.
        """
        if not len(rows):
            return
        rows = _numbered(rows, self._next_entry)
        self._next_entry += len(rows)
        coordinates = self._features.coordinates(fixed_rows(rows))
        modes = self._features.coordinates(np.array([cluster.mode for cluster in self._clusters]))
        went: dict[int, list[int]] = {}
        for row in np.lexsort(coordinates.T[::-1]).tolist():
            apart = np.sqrt(np.square(modes - coordinates[row]).sum(axis=1))
            nearest = int(np.argmin(apart))
            if apart[nearest] > self._clusters[nearest].reach:
                nearest = len(self._clusters)
                self._open(fixed_rows(rows.slice(row, 1))[0])
                modes = np.vstack([modes, coordinates[row]])
            went.setdefault(nearest, []).append(row)
        for number, members in went.items():
            self._clusters[number].taken.append(rows.take(pa.array(sorted(members))))

    def _open(self, mode: Integers) -> None:
        number = len(self._clusters) + 1
        label = f"c{number:05}"
        self._clusters.append(
            _Cluster(row=None, label=label, mode=mode, rivals=number, reach=self._bandwidth)
        )
        self.opened.append(label)

    def publish(
        self, files: IndexFiles, generation: int, *, cache: PartCache | None = None
    ) -> DiscriminantTable:
        """Write parts, cluster index layer and table, and let queries see them.

        Parameters
        ----------
        files : IndexFiles
        generation : int
        cache : PartCache, optional
            Gets the parts that are new, so that nobody here reads them back.

        Raises
        ------
        NameTaken
            Another writer published the generation.

        Notes
        -----
        All files are on their way at once: what a table says of a file is known as soon as that is sealed.
        Only the table's name waits until the store has all the others.
        """
        with ThreadPoolExecutor(_WRITERS, thread_name_prefix="index-write") as workers:
            pieces = [list(workers.map(self._piece, self._cut(cluster))) for cluster in self._clusters]
            self.runs = runs = {piece.name: piece.runs for of_one in pieces for piece in of_one}
            for cluster in self._clusters:
                if self._base is not None:
                    runs |= {part.file.name: self._base.runs[part.file.name] for part in self._kept(cluster)}
            new: list[list[Future[PartRow]]] = []
            writing = []
            for cluster, of_one in zip(self._clusters, pieces, strict=True):
                new.append([Future() for _ in of_one])
                writing += [
                    workers.submit(self._write_piece, files, cluster.label, piece, sealed, cache)
                    for piece, sealed in zip(of_one, new[-1], strict=True)
                ]
            layer = files.sealed_layer(runs, len(self._features.features))
            writing.append(workers.submit(files.publish, layer))
            rows = [
                self._row(cluster, (*self._kept(cluster), *(sealed.result() for sealed in parts)), runs)
                for cluster, parts in zip(self._clusters, new, strict=True)
            ]
            table = self._table(generation, layer.row, rows)
            with files.begin(table) as file:
                writing.append(workers.submit(file.finish))
                wait(writing)
                for one in writing:
                    one.result()
        return table

    def _table(self, generation: int, layer: FileRow, rows: list[ClusterRow]) -> DiscriminantTable:
        return DiscriminantTable(
            index=self._plan.name,
            features=self._features.name,
            datasets=self._plan.datasets,
            declared=self._plan.declared,
            generation=generation,
            clustering=self._clustering,
            bandwidth_micro=round(self._bandwidth * MICRO),
            next_entry=self._next_entry,
            layer=layer,
            clusters=tuple(rows),
        )

    # --- parts

    @staticmethod
    def _merged(cluster: _Cluster) -> int:
        """Return from which of its parts on a cluster is written again.

        Notes
        -----
        A part is joined by what comes behind it once that is half as much: an entry is written again
        O(log n) times, and a cluster has O(log n) parts.
        """
        coming = sum(map(len, cluster.taken))
        first = len(cluster.parts)
        while coming and first and cluster.parts[first - 1].count <= 2 * coming:
            first -= 1
            coming += cluster.parts[first].count
        return first

    def _kept(self, cluster: _Cluster) -> tuple[PartRow, ...]:
        return tuple(cluster.parts[: self._merged(cluster)])

    def _cut(self, cluster: _Cluster) -> Iterator[tuple[int, pa.Table]]:
        """Yield what is written of a cluster, each with its place in it."""
        if not cluster.taken:
            return
        first = self._merged(cluster)
        tables = [self._read(cluster, part) for part in cluster.parts[first:]] + cluster.taken
        rows = pa.concat_tables(tables).combine_chunks()
        start = cluster.parts[first - 1].end if first else 0
        if len(rows) > PART_ROWS:
            order, _ = run_order(self._features.coordinates(fixed_rows(rows)))
            rows = rows.take(pa.array(order))
        for place in range(0, len(rows), PART_ROWS):
            yield start + place, rows.slice(place, PART_ROWS)

    def _read(self, cluster: _Cluster, part: PartRow) -> pa.Table:
        if self._base is None:
            raise RuntimeError("a part without a generation")
        return self._base.part(self._clusters.index(cluster), part).whole()

    def _piece(self, cut: tuple[int, pa.Table]) -> _Piece:
        start, rows = cut
        order, ends = run_order(self._features.coordinates(fixed_rows(rows)))
        rows = rows.take(pa.array(order)).combine_chunks()
        return _Piece(
            name=secrets.token_hex(16), start=start, rows=rows, runs=Runs.of(fixed_rows(rows), ends)
        )

    def _write_piece(
        self,
        files: IndexFiles,
        label: str,
        piece: _Piece,
        sealed: Future[PartRow],
        cache: PartCache | None,
    ) -> None:
        """Write a part; `sealed` gets its row before the store has it."""
        try:
            end = piece.start + len(piece.rows)
            data = write_part(piece.rows)
            file = files.sealed_part(self._clustering, label, piece.start, end, piece.name, data)
            newest = pc.max(piece.rows["number"]).as_py()
            row = PartRow(start=piece.start, end=end, newest=newest, file=file.row)
        except BaseException as error:
            sealed.set_exception(error)
            raise
        sealed.set_result(row)
        if cache is not None:
            cache.put(piece.name, piece.rows)
        files.publish(file)

    # --- statistics

    def _row(self, cluster: _Cluster, parts: tuple[PartRow, ...], runs: dict[str, Runs]) -> ClusterRow:
        if not cluster.taken and cluster.row is not None:
            return cluster.row
        taken = pa.concat_tables(cluster.taken)
        fixed = fixed_rows(taken)
        apart = np.sqrt(
            np.square(
                self._features.coordinates(fixed) - self._features.coordinates(cluster.mode[np.newaxis])
            ).sum(axis=1)
        )
        before = cluster.row
        count = len(fixed) + (before.count if before else 0)
        sums = _sums(fixed)
        if before is not None:
            sums = [total + mean * before.count for total, mean in zip(sums, before.mean, strict=True)]
        mean = tuple(total // count for total in sums)
        far = int((apart > self._bandwidth).sum()) + (before.far if before else 0)
        labels = Counter(pc.list_flatten(taken["labels"]).to_pylist())
        labels.update(before.labels if before else {})
        all_labels = len(labels) <= _MOST_LABELS and (before is None or before.all_labels)
        mode = tuple(cluster.mode.tolist())
        return ClusterRow(
            label=cluster.label,
            description=before.description if before else self._described(mode, labels),
            mode=mode,
            rivals=cluster.rivals,
            low=tuple(np.min([runs[part.file.name].low.min(axis=0) for part in parts], axis=0).tolist()),
            high=tuple(np.max([runs[part.file.name].high.max(axis=0) for part in parts], axis=0).tolist()),
            mean=mean,
            built_mean=before.built_mean if before else mean,
            built_count=before.built_count if before else count if self._built else 0,
            reach_micro=before.reach_micro if before else -int(-cluster.reach * MICRO // 1),
            far=far,
            built_far=before.built_far if before else far if self._built else 0,
            labels=dict(sorted(labels.most_common(_MOST_LABELS))),
            all_labels=all_labels,
            parts=parts,
        )

    def _described(self, mode: tuple[int, ...], labels: Counter[str]) -> str:
        common = sorted(labels.items(), key=lambda pair: (-pair[1], pair[0]))[:_DESCRIBED_LABELS]
        text = self._features.text(mode)
        return (f"{text}; {', '.join(label for label, _ in common)}" if common else text)[:2_000]


def _sums(fixed: Integers) -> list[int]:
    """Add the features of entries up: halves of numbers, whose sums stay within 64 bits."""
    high, low = (fixed >> _HALF_BITS).sum(axis=0), (fixed & (1 << _HALF_BITS) - 1).sum(axis=0)
    return [(upper << _HALF_BITS) + lower for upper, lower in zip(high.tolist(), low.tolist(), strict=True)]


def _numbered(rows: pa.Table, first: int) -> pa.Table:
    numbers = pa.array(np.arange(first, first + len(rows)), pa.int64())
    return rows.set_column(rows.schema.get_field_index("number"), "number", numbers)
