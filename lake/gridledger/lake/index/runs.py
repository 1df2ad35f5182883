"""Runs: neighbouring entries of a part, which lie together and share a box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridledger.lake.index.points import Floats, Integers

__all__ = ["RUN_ROWS", "Runs", "run_order"]

RUN_ROWS = 128
"""The most entries of a run: what one more box saves is then worth what it costs."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Runs:
    """The runs of a part, in order.

    Attributes
    ----------
    ends : array of int64, shape (runs,)
        The row behind each run's last.
    low, high : array of int64, shape (runs, dimensions)
        Least and greatest features, in last places.
    """

    ends: Integers
    low: Integers
    high: Integers

    @classmethod
    def of(cls, fixed: Integers, ends: Integers) -> Runs:
        """Return the runs of rows that are in order."""
        starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
        return cls(
            ends=ends,
            low=np.minimum.reduceat(fixed, starts, axis=0),
            high=np.maximum.reduceat(fixed, starts, axis=0),
        )

    @property
    def rows(self) -> int:
        """How many rows they hold."""
        return int(self.ends[-1])


def run_order(coordinates: Floats) -> tuple[Integers, Integers]:
    """Return in which order rows lie, and where each run ends.

    Parameters
    ----------
    coordinates : array of float64, shape (n, dimensions)
        At least one row; the result depends on their order only where they are equal.

    Notes
    -----
    Halves at the median of the widest side until a half is a run: O(n log n).

    References
    ----------
    J. L. Bentley, Multidimensional binary search trees used for associative searching, CACM 18 (1975).
    """
    order = np.arange(len(coordinates))
    ends = []
    waiting = [(0, len(coordinates))]
    while waiting:
        start, stop = waiting.pop()
        if stop - start <= RUN_ROWS:
            ends.append(stop)
            continue
        rows = order[start:stop]
        held = coordinates[rows]
        side = int(np.argmax(held.max(axis=0) - held.min(axis=0)))
        half = (stop - start + 1) // 2
        order[start:stop] = rows[np.argpartition(held[:, side], half)]
        waiting += [(start + half, stop), (start, start + half)]
    return order, np.array(ends, dtype=np.int64)
