"""An index of a lake: found by features or by label, grown while it is asked.

index = Index.open(lake, "households")
answer = index.query(Query(features=(23.0, 18.5, 0.4, 0.2, 0.1), tolerance=0.5))
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter_ns, time

import pyarrow as pa

from gridledger.lake.dataset_path import DatasetPath
from gridledger.lake.dataset_source import DatasetSource
from gridledger.lake.errors import LakeError, LakeUnavailable, NameTaken, PayloadNotFound
from gridledger.lake.index.answer import Answer, Query, Step, StepName
from gridledger.lake.index.draft import Draft, Plan
from gridledger.lake.index.drift import Drift
from gridledger.lake.index.entry import Entry, fixed_rows, rows_of
from gridledger.lake.index.extractor import entry_data
from gridledger.lake.index.feature import FeatureSet
from gridledger.lake.index.feature_sets import feature_set
from gridledger.lake.index.index_files import IndexFiles
from gridledger.lake.index.index_record import MICRO, DiscriminantTable
from gridledger.lake.index.part_cache import PartCache
from gridledger.lake.index.snapshot import Snapshot
from gridledger.lake.index.swapping import (
    ATTEMPTS,
    GRACE_S,
    Clusterer,
    local_modes,
    newest_snapshot,
    swap_in,
    without_copies,
)
from gridledger.lake.lake import Lake
from gridledger.lake.version_reader import VersionReader
from gridledger.model.errors import ModelError

__all__ = ["Growth", "Index"]

_LOOK_S = 0.25
"""How often a follower looks for a newer generation: what is added is seen in under a second."""
_TIDY_EVERY = 32
"""Generations between two looks for files that nothing names any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Growth:
    """What an add did."""

    added: int
    duplicates: int
    """Entries whose data the index has: they make none."""
    opened: tuple[str, ...]
    """Labels of clusters that entries opened."""
    generation: int
    """Sees them."""
    drift: Drift


class Index:
    """An index that is open.

    Parameters
    ----------
    files : IndexFiles
    plan : Plan
    cache : PartCache
    snapshot : Snapshot
        The generation that answers.

    Notes
    -----
    See `open` and `build`. Queries come from any number of threads; a newer generation takes the place of the
    one before by one assignment, between two queries.
    """

    def __init__(self, files: IndexFiles, plan: Plan, cache: PartCache, snapshot: Snapshot) -> None:
        self.plan = plan
        self.behind: LakeError | None = None
        """Why a follower could not look for a newer generation, until it can again."""
        self.files = files
        self._cache = cache
        self._snapshot = snapshot
        self._changing = threading.Lock()

    # --- opening and building

    @classmethod
    def open(
        cls,
        lake: Lake,
        name: str,
        *,
        features: FeatureSet | None = None,
        cache: Path | None = None,
    ) -> Index:
        """Open the newest generation of an index.

        Parameters
        ----------
        lake : Lake
            The owner's: an index is sealed with a key of the lake's owner.
        name : str
        features : FeatureSet, optional
            By default the one that this release has under the name in the index.
        cache : Path, optional
            Folder for parts in the clear, see `PartCache`.

        Raises
        ------
        PayloadNotFound
            There is no such index.
        PayloadCorrupt
            It does not open.
        ModelError
            Its features are not known here.
        """
        files = IndexFiles(lake, name)
        table = files.newest()
        chosen = features or feature_set(table.features)
        if chosen.name != table.features:
            raise ModelError({"features": f"the index has {table.features}"}, subject=name)
        plan = Plan(name=name, features=chosen, datasets=table.datasets, declared=dict(table.declared))
        parts = PartCache(chosen, cache)
        return cls(files, plan, parts, newest_snapshot(files, plan, parts))

    @classmethod
    def build(
        cls,
        lake: Lake,
        plan: Plan,
        entries: Sequence[Entry] | pa.Table,
        bandwidth: float,
        *,
        clusterer: Clusterer = local_modes,
        cache: Path | None = None,
    ) -> Index:
        """Cluster entries and write all layers; queries see the old index until they see the new one.

        Parameters
        ----------
        lake : Lake
        plan : Plan
        entries : sequence of Entry, or their columns
            At least one; those with the same data make one.
        bandwidth : float
            Of mean shift, in the distance of the features.
        clusterer : callable
            Finds the modes: in this process, or on Spark.
        cache : Path, optional

        Raises
        ------
        ModelError
            There is no entry, or the bandwidth is not above 0.
        """
        files = IndexFiles(lake, plan.name)
        generations = files.generations()
        before = files.table(generations[-1]) if generations else None
        rows = entries if isinstance(entries, pa.Table) else rows_of(entries, plan.features)
        rows = without_copies(rows)
        parts = PartCache(plan.features, cache)
        chosen = max(round(bandwidth * MICRO), 1) / MICRO if bandwidth > 0 else bandwidth
        modes = clusterer(plan.features.coordinates(fixed_rows(rows)), chosen)
        clustering = before.clustering + 1 if before else 1
        table = swap_in(files, plan, parts, rows, modes, chosen, clustering, before)
        return cls(files, plan, parts, Snapshot(files, table, plan.features, parts))

    # --- asking

    @property
    def table(self) -> DiscriminantTable:
        """The discriminant layer of the generation that answers."""
        return self._snapshot.table

    @property
    def snapshot(self) -> Snapshot:
        """The generation that answers."""
        return self._snapshot

    @property
    def drift(self) -> Drift:
        """How far the data went from the clustering."""
        return Drift.of(self.table, self.plan.features)

    def query(self, query: Query) -> Answer:
        """Answer a query: discriminant layer, cluster, location.

        Raises
        ------
        ModelError
            The query makes no sense for these features.
        PayloadCorrupt
            A part does not open.
        """
        try:
            return self._snapshot.answer(query)
        except PayloadNotFound:
            # What it read was merged or clustered again, and its grace period is over.
            self.refresh()
            return self._snapshot.answer(query)

    def query_data(self, query: Query, source: DatasetSource) -> tuple[Answer, list[bytes]]:
        """Answer a query with the data of each match; see `query` and `entry_data`.

        Parameters
        ----------
        query : Query
        source : DatasetSource
            Where the data are read: its access rights decide.

        Raises
        ------
        PayloadCorrupt
            Data are not those that were indexed.
        NotGranted
            They are another's, and no grant of them holds.
        """
        answer = self.query(query)
        if not answer.matches:
            return answer, []
        started = perf_counter_ns()
        data = []
        readers: dict[DatasetPath, VersionReader] = {}
        for match in answer.matches:
            at = match.entry.location
            named = DatasetPath(at.dataset, at.version)
            reader = readers.get(named) or readers.setdefault(named, source.reader(named))
            data.append(entry_data(reader, match.entry))
        step = Step(
            name=StepName.DATA,
            nanoseconds=perf_counter_ns() - started,
            considered=len(answer.matches),
            kept=len(data),
            reads=len(data),
        )
        return replace(answer, steps=(*answer.steps, step)), data

    # --- keeping up

    def refresh(self) -> bool:
        """Open a newer generation if there is one; tell whether there was."""
        generations = self.files.generations()
        if not generations or generations[-1] <= self.table.generation:
            return False
        snapshot = newest_snapshot(self.files, self.plan, self._cache)
        self._take(snapshot)
        return True

    def _take(self, snapshot: Snapshot) -> None:
        with self._changing:
            if snapshot.table.generation > self.table.generation:
                self._snapshot = snapshot
                self._cache.keep({part.file.name for _, part in snapshot.parts()})

    @contextmanager
    def following(self, every_s: float = _LOOK_S) -> Iterator[None]:
        """Look for newer generations in the background while the body runs."""
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(every_s):
                try:
                    self.refresh()
                    self.behind = None
                except LakeError as error:
                    self.behind = error

        thread = threading.Thread(target=look, name="index-follow", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    # --- growing

    def add(self, entries: Sequence[Entry]) -> Growth:
        """Add entries: queries of this process see them when this returns, others when they look next.

        Raises
        ------
        LakeUnavailable
            Other writers were first again and again.

        Notes
        -----
        Redundancy is cleaned first: an entry whose data the index has, told by features and SHA-256, makes
        none. The others go to the cluster of the nearest mode, or open one where that is too far. What is
        written is their parts (and parts that are merged with them), the cluster index layer and the table.
        """
        for _ in range(ATTEMPTS):
            self.refresh()
            snapshot = self._snapshot
            fresh = self._fresh(snapshot, entries)
            if not fresh:
                return Growth(
                    added=0,
                    duplicates=len(entries),
                    opened=(),
                    generation=snapshot.table.generation,
                    drift=self.drift,
                )
            draft = Draft.after(snapshot, self.plan)
            draft.take(rows_of(fresh, self.plan.features))
            try:
                table = draft.publish(self.files, snapshot.table.generation + 1, cache=self._cache)
            except NameTaken:
                continue
            self._take(Snapshot(self.files, table, self.plan.features, self._cache, runs=draft.runs))
            if table.generation % _TIDY_EVERY == 0:
                self.tidy()
            return Growth(
                added=len(fresh),
                duplicates=len(entries) - len(fresh),
                opened=tuple(draft.opened),
                generation=table.generation,
                drift=self.drift,
            )
        raise LakeUnavailable(f"index {self.plan.name}: other writers were first", path=self.files.folder)

    def _fresh(self, snapshot: Snapshot, entries: Sequence[Entry]) -> list[Entry]:
        """Return the entries whose data the index does not have, each once."""
        fresh: dict[bytes, Entry] = {}
        for entry in entries:
            if entry.content not in fresh and not snapshot.holds(entry):
                fresh[entry.content] = entry
        return list(fresh.values())

    def recluster(
        self, *, clusterer: Clusterer = local_modes, bandwidth: float | None = None
    ) -> DiscriminantTable:
        """Cluster all entries again, and swap the new layers in; queries and adds go on meanwhile.

        Returns
        -------
        DiscriminantTable
            Of the generation with the new clusters; that of another re-clustering if it was first.
        """
        self.refresh()
        snapshot = self._snapshot
        before = snapshot.table
        rows = pa.concat_tables([snapshot.part(*place).whole() for place in snapshot.parts()])
        chosen = before.bandwidth if bandwidth is None else bandwidth
        modes = clusterer(self.plan.features.coordinates(fixed_rows(rows)), chosen)
        table = swap_in(
            self.files, self.plan, self._cache, rows, modes, chosen, before.clustering + 1, before
        )
        self._take(Snapshot(self.files, table, self.plan.features, self._cache))
        return table

    def tidy(self, *, grace_s: float = GRACE_S, now_ms: int | None = None) -> int:
        """Delete files that no generation needs any more; return how many."""
        return self.files.tidy(grace_s=grace_s, now_ms=int(time() * 1000) if now_ms is None else now_ms)
