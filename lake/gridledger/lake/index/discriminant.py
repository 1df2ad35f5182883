"""The discriminant layer in memory: which clusters can hold what a query asks for."""

from __future__ import annotations

import numpy as np

from gridledger.lake.index.feature import FeatureSet
from gridledger.lake.index.index_record import MICRO, DiscriminantTable
from gridledger.lake.index.points import Floats, Integers
from gridledger.lake.index.scans import clusters_near, is_left_out

__all__ = ["Discriminant"]


class Discriminant:
    """Decides without reading anything.

    Parameters
    ----------
    table : DiscriminantTable
    features : FeatureSet

    Notes
    -----
    Two bounds, and a cluster is left out where either says so. The first is the box around the cluster's
    entries. Boxes of clusters that overlap share much, so the second is how entries came to their cluster: by
    the nearest of the modes m_1 … m_r that were there (its rivals). An entry x of cluster c within a distance
    t of the query q has |x - m_c| <= |x - m_j| for each rival j, and the difference of those squares changes
    by no more than 2 t |m_c - m_j| from x to q; so where

        |q - m_c|^2 - |q - m_j|^2 > 2 t |m_c - m_j|

    for some rival j, cluster c has no such entry. With t = 0 that leaves the one cluster whose mode is
    nearest. Neither bound leaves out a cluster that has an answer: rejection is exact.
    """

    def __init__(self, table: DiscriminantTable, features: FeatureSet) -> None:
        rows = table.clusters
        dimensions = len(features.features)

        def places(name: str) -> Floats:
            fixed = np.array([getattr(row, name) for row in rows], dtype=np.int64).reshape(-1, dimensions)
            return features.coordinates(fixed)

        self.modes = places("mode")
        self._low = np.ascontiguousarray(places("low").T)
        self._high = np.ascontiguousarray(places("high").T)
        self.reach = np.array([row.reach_micro / MICRO for row in rows])
        self.rivals = np.array([row.rivals for row in rows], dtype=np.int64)
        self.by_label: dict[str, list[int]] = {}
        """Which clusters have entries with a label, or are called so."""
        self._unknown = [number for number, row in enumerate(rows) if not row.all_labels]
        for number, row in enumerate(rows):
            self.by_label.setdefault(row.label, []).append(number)
            for label in row.labels:
                self.by_label.setdefault(label, []).append(number)

    def reaching(self, place: Floats, tolerance: float) -> tuple[Integers, Floats]:
        """Return the clusters that can have an entry within the tolerance of a place, the nearest mode first.

        Parameters
        ----------
        place : array of float64, shape (dimensions,)
        tolerance : float
            May be infinite.

        Returns
        -------
        clusters : array of int64, shape (m,)
        squares : array of float64, shape (m,)
            Squared distances of their boxes.
        """
        found: tuple[Integers, Floats] = clusters_near(
            self._low, self._high, self.modes, self.rivals, place, tolerance
        )
        return found

    def holds(self, cluster: int, place: Floats, tolerance: float) -> bool:
        """Return whether a cluster can have an entry within a finite tolerance, by its rivals alone."""
        return not is_left_out(self.modes, self.rivals, cluster, place, tolerance)

    def labelled(self, label: str) -> list[int]:
        """Return the clusters that are called so, or can have entries with the label."""
        return sorted({*self.by_label.get(label, ()), *self._unknown})

    def nearest(self, places: Floats) -> tuple[Integers, Floats]:
        """Return each place's nearest mode and how far it is."""
        found = np.empty(len(places), np.int64)
        apart = np.empty(len(places))
        for number, place in enumerate(places):
            squares = np.square(self.modes - place).sum(axis=1)
            found[number] = np.argmin(squares)
            apart[number] = np.sqrt(squares[found[number]])
        return found, apart
