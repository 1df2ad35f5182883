"""Putting a generation in the place of the one before."""

from __future__ import annotations

from collections.abc import Callable
from time import time

import numpy as np
import pyarrow as pa

from gridledger.lake.errors import LakeUnavailable, NameTaken, PayloadNotFound
from gridledger.lake.index.draft import Draft, Plan
from gridledger.lake.index.index_files import IndexFiles
from gridledger.lake.index.index_record import DiscriminantTable
from gridledger.lake.index.mean_shift import mean_shift
from gridledger.lake.index.part_cache import PartCache
from gridledger.lake.index.points import Floats
from gridledger.lake.index.snapshot import Snapshot

__all__ = ["ATTEMPTS", "GRACE_S", "Clusterer", "local_modes", "newest_snapshot", "swap_in", "without_copies"]

GRACE_S = 24 * 3600.0
"""How long what no table names is kept: writers and readers that began before end within it."""
ATTEMPTS = 64
"""Tries of a change while other writers publish theirs."""

Clusterer = Callable[[Floats, float], Floats]
"""Finds modes of shape (clusters, dimensions), for points of shape (n, dimensions) and a bandwidth."""


def local_modes(points: Floats, bandwidth: float) -> Floats:
    """Find modes in this process."""
    return mean_shift(points, bandwidth).modes


def without_copies(rows: pa.Table) -> pa.Table:
    """Return rows without those whose data came before."""
    contents = rows["content"].to_pylist()
    first: dict[bytes, int] = {}
    for number, content in enumerate(contents):
        first.setdefault(content, number)
    return rows if len(first) == len(rows) else rows.take(pa.array(first.values(), pa.int64()))


def newest_snapshot(files: IndexFiles, plan: Plan, cache: PartCache) -> Snapshot:
    """Open the newest generation; its layer may go while it is read, when a newer one came."""
    for _ in range(ATTEMPTS):
        table = files.newest()
        try:
            return Snapshot(files, table, plan.features, cache)
        except PayloadNotFound:
            if files.generations()[-1] == table.generation:
                raise
    raise LakeUnavailable(f"index {plan.name}: it changes faster than it is read", path=files.folder)


def swap_in(
    files: IndexFiles,
    plan: Plan,
    cache: PartCache,
    rows: pa.Table,
    modes: Floats,
    bandwidth: float,
    clustering: int,
    before: DiscriminantTable | None,
) -> DiscriminantTable:
    """Publish a new clustering, with the entries that were added since `before`."""
    for _ in range(ATTEMPTS):
        draft = Draft.of_clustering(plan, rows, modes, bandwidth, clustering)
        generations = files.generations()
        if generations and before is not None:
            current = newest_snapshot(files, plan, cache)
            if current.table.clustering != before.clustering:
                return current.table
            draft.take(_since(current, before.next_entry, rows))
        try:
            table = draft.publish(files, (generations[-1] if generations else 0) + 1)
        except NameTaken:
            continue
        files.tidy(grace_s=GRACE_S, now_ms=int(time() * 1000))
        return table
    raise LakeUnavailable(f"index {plan.name}: other writers were first", path=files.folder)


def _since(snapshot: Snapshot, first: int, known: pa.Table) -> pa.Table:
    """Return the entries from a number on that are not known."""
    tables = [known.slice(0, 0)]
    contents = None
    for place in snapshot.parts():
        if place[1].newest >= first:
            rows = snapshot.part(*place).whole()
            rows = rows.filter(pa.array(rows["number"].to_numpy() >= first))
            if contents is None:
                contents = set(known["content"].to_pylist())
            fresh = np.array([content not in contents for content in rows["content"].to_pylist()], np.bool_)
            tables.append(rows.filter(pa.array(fresh)))
    return pa.concat_tables(tables)
