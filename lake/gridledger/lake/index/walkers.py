"""Who walks: a climb is cut into blocks of seeds, and whoever climbs them finds the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from gridledger.lake.index.kd_tree import KdTree
from gridledger.lake.index.points import Floats, Integers
from gridledger.lake.index.walks import walk

__all__ = ["SEEDS", "Climb", "Threads", "Walkers", "blocks_of", "climb_block"]

Bools = npt.NDArray[np.bool_]
SEEDS = 1_024
"""Seeds of a block: walkers give way to earlier ones of their block only, so that blocks need not wait."""
_Block = TypeVar("_Block")


@dataclass(frozen=True, kw_only=True, eq=False)
class Climb:
    """Where walkers stood at the end, and where they came by."""

    modes: Floats
    counts: Integers
    visited: Floats

    @classmethod
    def of_blocks(cls, climbs: Sequence[Climb]) -> Climb:
        """Put together what blocks found, in their order."""
        return cls(
            modes=np.concatenate([each.modes for each in climbs]),
            counts=np.concatenate([each.counts for each in climbs]),
            visited=np.concatenate([each.visited for each in climbs]),
        )


class Walkers(Protocol):
    """Does what mean shift has many of, block by block; the answers do not depend on who does it where."""

    def climb(
        self, tree: KdTree, seeds: Floats, bandwidth: float, *, side: float = 0.0, arrival: float = 0.0
    ) -> Climb:
        """Let a walker climb from each seed; see `climb_block`."""

    def are_near(self, tree: KdTree, places: Floats, radius: float) -> Bools:
        """Return for each place whether a point of the tree lies within the radius."""

    def nearest(self, tree: KdTree, places: Floats) -> Integers:
        """Return for each place which of the tree's points is nearest."""


def blocks_of(size: int, length: int) -> list[slice]:
    """Cut a number of things into blocks of a length, the last of what is left."""
    return [slice(start, min(start + length, size)) for start in range(0, size, length)]


def climb_block(
    tree: KdTree, seeds: Floats, bandwidth: float, *, side: float = 0.0, arrival: float = 0.0
) -> Climb:
    """Let walkers climb from a block's seeds, one after the other.

    Parameters
    ----------
    tree : KdTree
    seeds : array of float64, shape (m, dimensions)
    bandwidth : float
    side : float, default 0
        Side of the cells in which a walker is on an earlier one's way, and stops; 0 asks for the same place,
        from where both would go on alike.
    arrival : float, default 0
        How close to where an earlier one stood a walker stops.
    """
    modes, counts, visited = walk(tree.nodes, np.ascontiguousarray(seeds), bandwidth, side, arrival)
    return Climb(modes=modes, counts=counts, visited=visited)


@dataclass(frozen=True, kw_only=True)
class Threads:
    """Walkers in threads of this process, as many as it has cores: compiled walks hold no lock."""

    number: int = 0

    def climb(
        self, tree: KdTree, seeds: Floats, bandwidth: float, *, side: float = 0.0, arrival: float = 0.0
    ) -> Climb:
        """Let a walker climb from each seed; see `climb_block`."""

        def block(part: slice) -> Climb:
            return climb_block(tree, seeds[part], bandwidth, side=side, arrival=arrival)

        return Climb.of_blocks(self._all(block, blocks_of(len(seeds), SEEDS)))

    def are_near(self, tree: KdTree, places: Floats, radius: float) -> Bools:
        """Return for each place whether a point of the tree lies within the radius."""
        return tree.are_near(places, radius)

    def nearest(self, tree: KdTree, places: Floats) -> Integers:
        """Return for each place which of the tree's points is nearest."""
        return tree.nearest(places)

    def _all(self, call: Callable[[slice], _Block], blocks: Iterable[slice]) -> list[_Block]:
        with ThreadPoolExecutor(self.number or len(os.sched_getaffinity(0))) as pool:
            return list(pool.map(call, blocks))
