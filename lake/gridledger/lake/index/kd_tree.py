"""A kd-tree whose nodes know their sums, for means over balls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt

from gridledger.lake.index import kernels
from gridledger.lake.index.kernels import Nodes
from gridledger.lake.index.points import Floats, Integers, checked_points
from gridledger.lake.index.walks import leaders

__all__ = ["KdTree", "mapped"]


@dataclass(frozen=True, kw_only=True, eq=False)
class KdTree:
    """Points, split at medians of the widest side until a leaf holds `LEAF_POINTS`.

    A ball's mean takes a node whole where its box lies within the ball, and leaves it out where it lies
    outside; only leaves that the ball's surface may cut are looked at point by point. Sums are added in the
    tree's order without reassociation, so that a mean is the same bits on every machine.

    References
    ----------
    J. L. Bentley, Multidimensional binary search trees used for associative searching, CACM 18 (1975); A. W.
    Moore, The anchors hierarchy: using the triangle inequality to survive high dimensional data, UAI 2000
    (cached sums).
    """

    nodes: Nodes

    @classmethod
    def build(cls, points: Floats) -> Self:
        """Build a tree in O(n log n) time for a fixed number of dimensions.

        Parameters
        ----------
        points : array of float64, shape (n, dimensions)
            At least one point, all finite.
        """
        return cls(nodes=kernels.build(checked_points(points)))

    @property
    def dimensions(self) -> int:
        """How many coordinates a point has."""
        return int(self.nodes.blocks.shape[1])

    @property
    def size(self) -> int:
        """How many points it holds."""
        return int(self.nodes.counts[0])

    def ball_means(self, centres: Floats, radius: float) -> tuple[Floats, Integers]:
        """Return mean and number of the points within `radius` of each centre, on all cores.

        Parameters
        ----------
        centres : array of float64, shape (m, dimensions)
        radius : float
            In the unit of the coordinates; the surface belongs to the ball.

        Returns
        -------
        means : array of float64, shape (m, dimensions)
            The centre itself where no point is near.
        counts : array of int64, shape (m,)
        """
        means, counts = kernels.ball_means(self.nodes, np.ascontiguousarray(centres), radius)
        return cast("Floats", means), cast("Integers", counts)

    def are_near(self, places: Floats, radius: float) -> npt.NDArray[np.bool_]:
        """Return for each place whether a point lies within `radius`."""
        near = kernels.are_near(self.nodes, np.ascontiguousarray(places), radius)
        return cast("npt.NDArray[np.bool_]", near)

    def nearest(self, places: Floats) -> Integers:
        """Return for each place which of the given points is nearest; the first of several."""
        return cast("Integers", kernels.nearest(self.nodes, np.ascontiguousarray(places)))

    def leaders(self, places: Floats, radius: float) -> npt.NDArray[np.bool_]:
        """Return which of its points, taken in their order, lie within `radius` of no earlier one taken.

        Parameters
        ----------
        places : array of float64, shape (n, dimensions)
            The points that it was built of.
        radius : float
        """
        return cast("npt.NDArray[np.bool_]", leaders(self.nodes, places, radius * radius))

    def save(self, folder: Path) -> None:
        """Write its arrays as files, which `load` maps into memory."""
        for name, array in self.nodes._asdict().items():
            np.save(folder / f"{name}.npy", array)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Map a saved tree into memory: processes of one machine share it."""
        return cls.of_arrays({name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in Nodes._fields})

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Return a tree of its nodes' arrays, wherever they lie."""
        return cls(nodes=Nodes(**arrays))


def mapped(path: Path) -> npt.NDArray[Any]:
    """Map an array's file into memory, copied on writing: compiled code takes it for any other array."""
    return np.asarray(np.load(path, mmap_mode="c", allow_pickle=False))
