"""Mean shift with a flat kernel: clusters whose number follows from the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridledger.lake.index.kd_tree import KdTree
from gridledger.lake.index.points import Floats, Integers, checked_points, in_order
from gridledger.model.errors import ModelError

__all__ = ["BallMeans", "Clustering", "climb", "find_modes", "mean_shift"]

_STOP = 1e-3
"""A walker stands once a step is shorter than this share of the bandwidth, as in scikit-learn."""
_MAX_STEPS = 300
_SEED_CELL = 0.25
"""Side of the cells of which each sends one walker, as a share of the bandwidth."""
_PATH_CELL = 0.02
"""Side of the cells in which two walkers are on the same way, as a share of the bandwidth."""
_ALL_SEEDS = 32_768
"""Up to so many points all are seeds and every step is exact; above, a sample shows the walkers the way."""
_SAMPLE = 32_768

BallMeans = Callable[[Floats, float], tuple[Floats, Integers]]
"""Means and numbers of the points within a radius of each centre, such as `KdTree.ball_means`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Clustering:
    """Where points gather.

    Attributes
    ----------
    modes : array of float64, shape (clusters, dimensions)
        The clusters' modes, that with most points in its ball first.
    counts : array of int64, shape (clusters,)
        How many points each mode's ball holds.
    labels : array of int64, shape (n,)
        The nearest mode of each point.
    bandwidth : float
        The ball's radius.
    """

    modes: Floats
    counts: Integers
    labels: Integers
    bandwidth: float


def mean_shift(points: Floats, bandwidth: float) -> Clustering:
    """Cluster points in one process, on all cores.

    Parameters
    ----------
    points : array of float64, shape (n, dimensions)
        All finite, at least one.
    bandwidth : float
        Radius of the ball whose mean is the next step; greater than zero.

    Returns
    -------
    Clustering
        The same whatever the order of the points.

    Raises
    ------
    ModelError
        If there is no point, a coordinate is not finite, or the bandwidth is not greater than zero.

    Notes
    -----
    Up to `_ALL_SEEDS` points this is scikit-learn's ``MeanShift`` with every point a seed, in far less than
    O(n) for a step: it asks a tree that knows its nodes' sums, and walkers that stand at one place go on as
    one. With more points, walkers first climb a sample that is spread over all of the tree, where a step
    costs the same however many points there are; the exact climb starts where those walkers ended, and at
    every point that is farther than the bandwidth from all their ways, so that no mode off them is missed.
    What can be missed then is a mode near a way that so few points share that the sample has none of its
    ball: some n / `_SAMPLE` of them.

    References
    ----------
    Y. Cheng, Mean shift, mode seeking, and clustering, IEEE TPAMI 17 (1995); D. Comaniciu, P. Meer, Mean
    shift: a robust approach toward feature space analysis, IEEE TPAMI 24 (2002).
    """
    points = checked_points(points)
    if not 0 < bandwidth < np.inf:
        raise ModelError({"bandwidth": "must be finite and greater than zero"}, subject="mean shift")
    ordered = in_order(points)
    tree = KdTree.build(ordered)
    modes, counts = find_modes(ordered, tree, bandwidth)
    labels = KdTree.build(modes).nearest(points)
    return Clustering(modes=modes, counts=counts, labels=labels, bandwidth=bandwidth)


def find_modes(points: Floats, tree: KdTree, bandwidth: float) -> tuple[Floats, Integers]:
    """Return the modes and how many points each one's ball holds, the fullest first.

    Parameters
    ----------
    points : array of float64, shape (n, dimensions)
        In lexicographic order.
    tree : KdTree
        Of the same points.
    bandwidth : float
    """
    if len(points) <= _ALL_SEEDS:
        seeds = np.unique(points, axis=0)
    else:
        stride = -(-len(points) // _SAMPLE)
        sample = points[np.sort(tree.nodes.order[::stride])]
        seeds = _first_of_cells(sample, _SEED_CELL * bandwidth)
        ways = climb(KdTree.build(sample).ball_means, seeds, bandwidth, way=_PATH_CELL * bandwidth)
        missed = points[~KdTree.build(ways.visited).are_near(points, bandwidth)]
        seeds = np.concatenate([ways.modes, _first_of_cells(missed, _SEED_CELL * bandwidth)])
    found = climb(tree.ball_means, seeds, bandwidth)
    return _fullest(found.modes, found.counts, bandwidth)


@dataclass(frozen=True, kw_only=True, eq=False)
class Climb:
    """Where walkers stood at the end, and where they came by."""

    modes: Floats
    counts: Integers
    visited: Floats


def climb(ball_means: BallMeans, seeds: Floats, bandwidth: float, *, way: float = 0.0) -> Climb:
    """Let a walker climb from each seed until it stands or comes upon an earlier one's way.

    Parameters
    ----------
    ball_means : callable
        Steps of all walkers at once.
    seeds : array of float64, shape (m, dimensions)
        A seed gives way to those before it only, so that no two can wait for each other.
    bandwidth : float
    way : float, default 0
        Side of the cells in which two walkers count as on the same way; 0 asks for the same place.
    """
    walkers = np.arange(len(seeds))
    places = seeds
    claims: dict[bytes, int] = {}
    modes, counts, visited = [], [], []
    for step in range(_MAX_STEPS):
        means, found = ball_means(places, bandwidth)
        visited.append(places)
        stands = np.square(means - places).sum(axis=1) <= (_STOP * bandwidth) ** 2
        if step == _MAX_STEPS - 1:
            stands[:] = True
        modes.append(means[stands])
        counts.append(found[stands])
        goes = ~stands & _claim(claims, means, walkers, way)
        places, walkers = means[goes], walkers[goes]
        if not len(walkers):
            break
    return Climb(modes=np.concatenate(modes), counts=np.concatenate(counts), visited=np.concatenate(visited))


def _claim(claims: dict[bytes, int], places: Floats, walkers: Integers, side: float) -> npt.NDArray[np.bool_]:
    """Return which walkers are the first in their cells."""
    first = np.ones(len(places), np.bool_)
    for number, (cell, walker) in enumerate(zip(_cells(places, side), walkers.tolist(), strict=True)):
        if claims.setdefault(cell, walker) < walker:
            first[number] = False
        else:
            claims[cell] = walker
    return first


def _cells(places: Floats, side: float) -> list[bytes]:
    cells = np.floor(places / side).astype(np.int64) if side else places
    width = cells.shape[1] * cells.itemsize
    data = cells.tobytes()
    return [data[start : start + width] for start in range(0, len(data), width)]


def _first_of_cells(places: Floats, side: float) -> Floats:
    cells = np.ascontiguousarray(np.floor(places / side).astype(np.int64))
    whole = cells.view(np.dtype((np.void, cells.shape[1] * cells.itemsize))).ravel()
    _, first = np.unique(whole, return_index=True)
    return places[np.sort(first)]


def _fullest(modes: Floats, counts: Integers, bandwidth: float) -> tuple[Floats, Integers]:
    """Drop each mode that lies within the bandwidth of one with more points."""
    order = np.lexsort((*modes.T[::-1], counts))[::-1]
    modes, counts = modes[order], counts[order]
    left = np.ones(len(modes), np.bool_)
    for number in range(len(modes)):
        if left[number]:
            apart = np.square(modes[number + 1 :] - modes[number]).sum(axis=1)
            left[number + 1 :] &= apart > bandwidth * bandwidth
    return modes[left], counts[left]
