"""Compiled scans of boxes and rows around a place, for queries: plain loops over arrays, for numba.

Coordinates come axis by axis, and inner loops run over boxes and rows, which is how they become vectors.
Squares of distances are added up axis after axis for rows and for boxes alike, and nothing is reassociated:
each step is monotonic, so a box is never farther than a row in it, rounding included.
"""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["boxes_near", "clusters_near", "is_left_out", "rows_near"]

_compiled = numba.njit(cache=True, nogil=True)
_ROUNDING = 1e-9
"""Relative room for the rounding of distances, which are right to some 1e-14."""

_AXES = 4
"""After so many axes each, a scan of rows looks whether any can still be near."""


@_compiled
def _square(one, other):
    square = 0.0
    for k in range(one.size):
        apart = one[k] - other[k]
        square += apart * apart
    return square


@_compiled
def boxes_near(low, high, place, bound):
    """Return which boxes are within a squared distance of a place, and their squared distances.

    Parameters
    ----------
    low, high : array of float64, shape (dimensions, boxes)
    place : array of float64, shape (dimensions,)
    bound : float
    """
    size = low.shape[1]
    squares = np.zeros(size)
    for k in range(place.size):
        coordinate = place[k]
        below, above = low[k], high[k]
        for number in range(size):
            outside = max(below[number] - coordinate, coordinate - above[number], 0.0)
            squares[number] += outside * outside
    numbers = np.empty(size, np.int64)
    found = 0
    for number in range(size):
        if squares[number] <= bound:
            numbers[found], squares[found] = number, squares[number]
            found += 1
    return numbers[:found], squares[:found]


@_compiled
def is_left_out(modes, rivals, cluster, place, tolerance):
    """Return whether a rival's mode shows that a cluster has nothing within a tolerance of a place.

    Parameters
    ----------
    modes : array of float64, shape (clusters, dimensions)
    rivals : array of int64, shape (clusters,)
        How many modes, from the first, were there when the cluster's first entry came.
    cluster : int
    place : array of float64, shape (dimensions,)
    tolerance : float
        Finite.

    Notes
    -----
    See `gridledger.lake.index.discriminant.Discriminant`.
    """
    own = _square(modes[cluster], place)
    for rival in range(rivals[cluster]):
        other = _square(modes[rival], place)
        if own > other:
            room = 2 * tolerance * np.sqrt(_square(modes[rival], modes[cluster]))
            if own - other > room + _ROUNDING * (own + other + room):
                return True
    return False


@_compiled
def clusters_near(low, high, modes, rivals, place, tolerance):
    """Return the clusters that can have an entry within a tolerance of a place, the nearest mode first.

    Parameters
    ----------
    low, high : array of float64, shape (dimensions, clusters)
    modes, rivals, place, tolerance
        As `is_left_out` has them; the tolerance may be infinite.

    Returns
    -------
    numbers : array of int64, shape (m,)
    squares : array of float64, shape (m,)
        Squared distances of their boxes.
    """
    numbers, squares = boxes_near(low, high, place, tolerance * tolerance)
    found = 0
    to_modes = np.empty(len(numbers))
    for index in range(len(numbers)):
        number = numbers[index]
        if tolerance == np.inf or not is_left_out(modes, rivals, number, place, tolerance):
            numbers[found], squares[found] = number, squares[index]
            to_modes[found] = _square(modes[number], place)
            found += 1
    order = np.argsort(to_modes[:found])
    return numbers[:found][order], squares[:found][order]


@_compiled
def _squares(axes, start, size, place, bound, found):
    """Write the squared distances of rows that follow one another; return how many are within the bound.

    Distances only grow with each axis: where none is within the bound any more, the other axes are not read.
    """
    found[:] = 0.0
    within = size
    for k in range(place.size):
        coordinate = place[k]
        axis = axes[k, start : start + size]
        for row in range(size):
            away = axis[row] - coordinate
            found[row] += away * away
        if k % _AXES == _AXES - 1 or k == place.size - 1:
            within = 0
            for row in range(size):
                within += found[row] <= bound
            if not within:
                break
    return within


@_compiled
def _replace_greatest(heap, value):
    """Put a value in the place of the greatest, which stands first; children of i stand at 2i + 1, 2i + 2."""
    place = 0
    while True:
        child = 2 * place + 1
        if child >= heap.size:
            break
        if child + 1 < heap.size and heap[child + 1] > heap[child]:
            child += 1
        if heap[child] <= value:
            break
        heap[place] = heap[child]
        place = child
    heap[place] = value


@_compiled
def rows_near(axes, starts, ends, runs, squares, place, bound, best):
    """Return the rows of runs that are within a squared distance of a place.

    Parameters
    ----------
    axes : array of float64, shape (dimensions, n)
        Coordinates of the part's rows.
    starts, ends : array of int64, shape (runs of the part,)
        Rows of each run.
    runs, squares : array, shape (m,)
        The runs to look at, that with the nearest box first, and those boxes' squared distances.
    place : array of float64, shape (dimensions,)
    bound : float
    best : array of float64, shape (limit,)
        The least squared distances so far, as a heap with the greatest first; infinite where there are fewer.
        What is found goes in and moves the bound. Of shape (0,) if the bound is to stay.

    Returns
    -------
    rows : array of int64, shape (found,)
    apart : array of float64, shape (found,)
        Their squared distances; some may be above what the heap has at the end.
    looked : int
        How many rows were looked at.
    """
    found = looked = longest = most = 0
    for run in runs:
        longest = max(longest, ends[run] - starts[run])
        most += ends[run] - starts[run]
    rows, apart, held = np.empty(most, np.int64), np.empty(most), np.empty(longest)
    if best.size:
        bound = min(bound, best[0])
    for index in range(len(runs)):
        if squares[index] > bound:
            break
        start = starts[runs[index]]
        size = ends[runs[index]] - start
        looked += size
        if not _squares(axes, start, size, place, bound, held):
            continue
        for row in range(size):
            if held[row] <= bound:
                rows[found], apart[found] = start + row, held[row]
                found += 1
                if best.size:
                    _replace_greatest(best, held[row])
                    bound = min(bound, best[0])
    return rows[:found], apart[:found], looked
