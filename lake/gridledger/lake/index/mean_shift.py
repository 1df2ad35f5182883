"""Mean shift with a flat kernel: clusters whose number follows from the data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from gridledger.lake.index.kd_tree import KdTree
from gridledger.lake.index.points import Floats, Integers, checked_points, in_order
from gridledger.lake.index.walkers import Climb, Threads, Walkers
from gridledger.model.errors import ModelError

__all__ = ["Clustering", "Seeding", "find_modes", "mean_shift"]

_ALL_SEEDS = 65_536
"""Up to so many points all are seeds unless told: above, that takes minutes where clusters overlap."""
_SAMPLE = 32_768
_SEED_CELL = 0.5
"""Side of the cells of which each sends one walker, as a share of the bandwidth."""
_WAY_CELL = 0.05
"""Side of the cells in which two walkers of the sample are on the same way, as a share of the bandwidth."""
_ARRIVAL = 0.1
"""How close to a mode of the sample a walker has as good as arrived there, as a share of the bandwidth."""
_FEW_CELLS = 4_096
"""Where a sample lies in so few cells with the bandwidth as their side, each of all cells sends a walker."""


class Seeding(StrEnum):
    """Where walkers start."""

    POINTS = "points"
    """At every point, as in scikit-learn's default: no mode is missed, however small."""
    SAMPLE = "sample"
    """Where walkers on a sample ended, and wherever none of them came by: the time is nearly linear."""
    CELLS = "cells"
    """At every cell that has a point, with the bandwidth as its side: scikit-learn's `bin_seeding`."""


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


def mean_shift(
    points: Floats, bandwidth: float, *, seeding: Seeding | None = None, walkers: Walkers | None = None
) -> Clustering:
    """Cluster points.

    Parameters
    ----------
    points : array of float64, shape (n, dimensions)
        All finite, at least one.
    bandwidth : float
        Radius of the ball whose mean is the next step; greater than zero.
    seeding : Seeding, optional
        Where walkers start: by default at every point of up to 65,536, and as a sample says of more.
    walkers : Walkers, optional
        Who walks: threads of this process unless given, `SparkWalkers` for Spark's executors.

    Returns
    -------
    Clustering
        The same bits whatever the order of the points and whoever walks.

    Raises
    ------
    ModelError
        If there is no point, a coordinate is not finite, or the bandwidth is not greater than zero.

    Notes
    -----
    With every point a seed this is scikit-learn's ``MeanShift``, in far less than O(n) for a step: it asks a
    tree that knows its nodes' sums, and walkers that come to one place go on as one. With a sample, walkers
    first climb points that are spread over all of the tree, where a step costs the same however many points
    there are; the exact climb starts where those walkers ended, and at every point that is farther than the
    bandwidth from all their ways, so that no mode off them is missed. In few dimensions every cell sends an
    exact walker too, so that no mode of scikit-learn's ``bin_seeding`` is missed either. What can be missed
    then is a mode near a way, where clusters overlap; `make bench-index` shows how many of 40,000 points'.

    Building the tree takes O(n log n), labels O(n log k) for k clusters in few dimensions. A step looks at
    the leaves that the ball's surface cuts: O(n^(1 - 1/d)) of them in d dimensions, all in many.

    References
    ----------
    Y. Cheng, Mean shift, mode seeking, and clustering, IEEE TPAMI 17 (1995); D. Comaniciu, P. Meer, Mean
    shift: a robust approach toward feature space analysis, IEEE TPAMI 24 (2002).
    """
    points = checked_points(points)
    if not 0 < bandwidth < np.inf:
        raise ModelError({"bandwidth": "must be finite and greater than zero"}, subject="mean shift")
    walkers = walkers or Threads()
    ordered = in_order(points)
    modes, counts = find_modes(ordered, KdTree.build(ordered), bandwidth, seeding=seeding, walkers=walkers)
    labels = walkers.nearest(KdTree.build(modes), points)
    return Clustering(modes=modes, counts=counts, labels=labels, bandwidth=bandwidth)


def find_modes(
    points: Floats,
    tree: KdTree,
    bandwidth: float,
    *,
    seeding: Seeding | None = None,
    walkers: Walkers | None = None,
) -> tuple[Floats, Integers]:
    """Return the modes and how many points each one's ball holds, the fullest first.

    Parameters
    ----------
    points : array of float64, shape (n, dimensions)
        In lexicographic order.
    tree : KdTree
        Of the same points.
    bandwidth : float
    seeding : Seeding, optional
        Where walkers start: by default at every point of up to 65,536, and as a sample says of more.
    walkers : Walkers, optional
        Threads of this process unless given.
    """
    walkers = walkers or Threads()
    if seeding is None:
        seeding = Seeding.POINTS if len(points) <= _ALL_SEEDS else Seeding.SAMPLE
    if seeding is Seeding.POINTS:
        climb = walkers.climb(tree, points[tree.nodes.order], bandwidth)
        return _fullest(climb.modes, climb.counts, bandwidth)
    if seeding is Seeding.SAMPLE:
        seeds, visited = _shown_the_way(points, tree, bandwidth, walkers)
    else:
        seeds, visited = _corners(points, bandwidth), points[:0]
    climb = walkers.climb(tree, seeds, bandwidth)
    known = KdTree.build(np.concatenate([visited, climb.visited]))
    missed = points[~walkers.are_near(known, points, bandwidth)]
    if len(missed):
        rest = walkers.climb(tree, _first_of_cells(missed, _SEED_CELL * bandwidth), bandwidth)
        climb = Climb.of_blocks([climb, rest])
    full = climb.counts > 0  # the corner of a cell may have no point near
    return _fullest(climb.modes[full], climb.counts[full], bandwidth)


def _shown_the_way(points: Floats, tree: KdTree, bandwidth: float, walkers: Walkers) -> tuple[Floats, Floats]:
    """Return where a sample's walkers ended, with the corners of cells if they are few, and their ways."""
    sample = points[tree.nodes.order[:: -(-len(points) // _SAMPLE)]]
    ways = walkers.climb(
        KdTree.build(sample),
        _first_of_cells(sample, _SEED_CELL * bandwidth),
        bandwidth,
        side=_WAY_CELL * bandwidth,
        arrival=_ARRIVAL * bandwidth,
    )
    seeds, _ = _fullest(ways.modes, ways.counts, _ARRIVAL * bandwidth)
    if len(_corners(sample, bandwidth)) <= _FEW_CELLS:
        seeds = np.concatenate([seeds, _corners(points, bandwidth)])
    return seeds, ways.visited


def _corners(points: Floats, side: float) -> Floats:
    """Return the corners of cells, each the nearest to one of the points."""
    return _first_of_cells(np.round(points / side), 1.0) * side


def _first_of_cells(places: Floats, side: float) -> Floats:
    """Return of each cell the first place, in the order of places."""
    cells = np.floor(places / side) + 0.0  # -0.0 is 0.0
    whole = cells.view(np.dtype((np.void, cells.shape[1] * cells.itemsize))).ravel()
    _, first = np.unique(whole, return_index=True)
    return places[np.sort(first)]


def _fullest(modes: Floats, counts: Integers, radius: float) -> tuple[Floats, Integers]:
    """Drop each mode that lies within the radius of one with more points."""
    order = np.lexsort((*modes.T[::-1], counts))[::-1]
    modes, counts = modes[order], counts[order]
    leads = KdTree.build(modes).leaders(modes, radius)
    return modes[leads], counts[leads]
