"""Points as arrays, checked and in one order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gridledger.model.errors import ModelError

__all__ = ["Floats", "Integers", "checked_points", "in_order"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_GREATEST = 1e150
"""Squares of greater coordinates leave the range of a float."""


def checked_points(points: npt.ArrayLike) -> Floats:
    """Return points as an array of shape (n, dimensions).

    Raises
    ------
    ModelError
        If there is none, or a coordinate is not finite or beyond 1e150.
    """
    try:
        array = np.ascontiguousarray(points, dtype=np.float64)
    except (TypeError, ValueError) as exc:
        raise ModelError({"points": f"are no table of numbers: {exc}"}, subject="points") from exc
    if array.ndim != 2 or 0 in array.shape:
        raise ModelError({"points": f"need two dimensions, not the shape {array.shape}"}, subject="points")
    if not (np.abs(array) <= _GREATEST).all():
        raise ModelError({"points": "must be finite and within 1e150"}, subject="points")
    return array


def in_order(points: Floats) -> Floats:
    """Return points in lexicographic order, so that nothing depends on the order in which they came."""
    order = np.argsort(points[:, 0], kind="stable")
    first = points[order, 0]
    same = first[1:] == first[:-1]
    if same.any() and points.shape[1] > 1:
        # Only where the first axis does not tell them apart are the others looked at.
        tied = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
        group = np.insert(np.cumsum(~same), 0, 0)[tied]
        rows = order[tied]
        order[tied] = rows[np.lexsort((*points[rows, 1:].T[::-1], group))]
    return points[order]
