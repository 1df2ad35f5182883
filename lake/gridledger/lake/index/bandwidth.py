"""How large the ball of mean shift should be, where nobody says so."""

from __future__ import annotations

import numpy as np

from gridledger.lake.index.points import Floats, checked_points, in_order
from gridledger.model.errors import ModelError

__all__ = ["estimate_bandwidth"]

_SAMPLE = 1_024


def estimate_bandwidth(points: Floats, *, share: float = 0.3) -> float:
    """Return the mean distance from a point to the farthest of the given share of its nearest points.

    Parameters
    ----------
    points : array of float64, shape (n, dimensions)
    share : float, default 0.3
        Between 0 and 1; a smaller one gives more clusters.

    Returns
    -------
    float
        In the unit of the coordinates; greater than zero.

    Raises
    ------
    ModelError
        If the points are none or not finite, the share is out of its bounds, or most points looked at
        are equal.

    Notes
    -----
    scikit-learn's ``estimate_bandwidth`` takes O(n**2) time. This one looks at no more than 1,024 points,
    taken at equal strides of the lexicographic order, so the answer does not depend on the order of the input
    and takes O(n log n).
    """
    if not 0 < share <= 1:
        raise ModelError({"share": "must be greater than 0 and at most 1"}, subject="bandwidth")
    ordered = in_order(checked_points(points))
    sample = ordered[:: -(-len(ordered) // _SAMPLE)]
    squares = np.square(sample).sum(axis=1)
    apart = np.maximum(squares[:, None] + squares - 2 * sample @ sample.T, 0.0)
    rank = max(int(len(sample) * share), 1) - 1
    bandwidth = float(np.sqrt(np.partition(apart, rank, axis=1)[:, rank]).mean())
    if not bandwidth > 0:
        raise ModelError(
            {"points": "are too much alike to estimate a bandwidth: give one"}, subject="bandwidth"
        )
    return bandwidth
