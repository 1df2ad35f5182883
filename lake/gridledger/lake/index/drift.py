"""How far an index's data went from what its clusters were made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridledger.lake.index.feature import FeatureSet
from gridledger.lake.index.index_record import DiscriminantTable

__all__ = ["DRIFT_BOUND", "Drift"]

DRIFT_BOUND = 0.1
"""From this drift on, clustering anew is worth its while."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """Two ways in which clusters age.

    Attributes
    ----------
    moved : float
        How far the clusters' means went since they were clustered, in bandwidths, weighed by entries.
    strayed : float
        Which share of all entries came since and lies farther than the bandwidth from its mode, or in a
        cluster that one of them opened.
    """

    moved: float
    strayed: float

    @property
    def value(self) -> float:
        """The greater of both."""
        return max(self.moved, self.strayed)

    @property
    def is_due(self) -> bool:
        """Whether the data are to be clustered anew."""
        return self.value >= DRIFT_BOUND

    @classmethod
    def of(cls, table: DiscriminantTable, features: FeatureSet) -> Drift:
        """Measure it from the statistics alone: nothing is read."""
        rows = table.clusters
        counts = np.array([row.count for row in rows])
        means, built = (
            features.coordinates(np.array([getattr(row, name) for row in rows]))
            for name in ("mean", "built_mean")
        )
        went = np.sqrt(np.square(means - built).sum(axis=1))
        strayed = sum(row.far - row.built_far if row.built_count else row.count for row in rows)
        total = int(counts.sum())
        return cls(moved=float((went * counts).sum() / total / table.bandwidth), strayed=strayed / total)
