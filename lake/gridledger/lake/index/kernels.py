"""Compiled parts of the kd-tree: plain loops over arrays, for numba.

No call here reassociates a sum (`fastmath` stays off), so a result is the same bits whatever the processor's
vectors; inner loops run over the points of a leaf, which is how they become vectors all the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from gridledger.lake.index.points import Floats, Integers

__all__ = [
    "DEPTH",
    "LEAF_POINTS",
    "Nodes",
    "are_near",
    "ball_mean",
    "ball_means",
    "box_distances",
    "build",
    "distances",
    "nearest",
]

LEAF_POINTS = 32
DEPTH = 64
_FAR = 1e200
"""A coordinate of what fills the last leaf: squared, it is beyond every radius."""


class Nodes(NamedTuple):
    """A tree's arrays; nodes stand in preorder, a node's first child follows it."""

    blocks: Floats
    """Coordinates, leaf by leaf: shape (leaves, dimensions, LEAF_POINTS)."""
    order: Integers
    """Which of the given points stands where, leaf by leaf: shape (n,)."""
    low: Floats
    """The least coordinates of each node's points: shape (nodes, dimensions)."""
    high: Floats
    """Their greatest ones."""
    sums: Floats
    """Their sums."""
    counts: Integers
    """How many they are: shape (nodes,)."""
    right: Integers
    """A node's second child, -1 for a leaf."""
    leaf: Integers
    """A leaf's number among the leaves, -1 for others."""


_compiled = numba.njit(cache=True, nogil=True)
_on_all_cores = numba.njit(cache=True, nogil=True, parallel=True)


@_compiled
def _select(points, order, start, stop, middle, dimension):
    """Hoare's selection: order[start:middle] not above order[middle:stop] along a dimension."""
    low, high = start, stop - 1
    while low < high:
        pivot = points[order[(low + high) // 2], dimension]
        left, right = low, high
        while left <= right:
            while points[order[left], dimension] < pivot:
                left += 1
            while points[order[right], dimension] > pivot:
                right -= 1
            if left <= right:
                order[left], order[right] = order[right], order[left]
                left += 1
                right -= 1
        if middle <= right:
            high = right
        elif middle >= left:
            low = left
        else:
            return


@_compiled
def build(points):
    size, dimensions = points.shape
    leaves = (size + LEAF_POINTS - 1) // LEAF_POINTS
    nodes = 2 * leaves - 1
    order = np.arange(size)
    blocks = np.full((leaves, dimensions, LEAF_POINTS), _FAR)
    low = np.empty((nodes, dimensions))
    high = np.empty((nodes, dimensions))
    sums = np.zeros((nodes, dimensions))
    counts = np.empty(nodes, np.int64)
    right = np.full(nodes, -1)
    leaf = np.full(nodes, -1)
    stack = np.empty((DEPTH, 3), np.int64)
    stack[0] = 0, 0, leaves
    depth = 1
    while depth:
        depth -= 1
        node, first, last = stack[depth]
        start, stop = first * LEAF_POINTS, min(size, last * LEAF_POINTS)
        counts[node] = stop - start
        low[node] = points[order[start]]
        high[node] = low[node]
        for index in order[start:stop]:
            for k in range(dimensions):
                value = points[index, k]
                sums[node, k] += value
                low[node, k] = min(low[node, k], value)
                high[node, k] = max(high[node, k], value)
        if last - first == 1:
            leaf[node] = first
            for j in range(start, stop):
                for k in range(dimensions):
                    blocks[first, k, j - start] = points[order[j], k]
            continue
        half = (last - first + 1) // 2
        middle = (first + half) * LEAF_POINTS
        _select(points, order, start, stop, middle, np.argmax(high[node] - low[node]))
        right[node] = node + 2 * half
        stack[depth] = right[node], first + half, last
        stack[depth + 1] = node + 1, first, first + half
        depth += 2
    return Nodes(blocks, order, low, high, sums, counts, right, leaf)


@_compiled
def box_distances(nodes, node, place):
    """Return the squares of the least and the greatest distance to a node's box."""
    near = far = 0.0
    for k in range(place.size):
        below = nodes.low[node, k] - place[k]
        above = place[k] - nodes.high[node, k]
        outside = max(below, above, 0.0)
        near += outside * outside
        inside = max(-below, -above)
        far += inside * inside
    return near, far


@_compiled
def distances(block, place, found):
    """Write the squared distances of a leaf's points; the inner loop runs over points, as vectors do."""
    found[:] = 0.0
    for k in range(place.size):
        coordinate = place[k]
        for j in range(LEAF_POINTS):
            apart = block[k, j] - coordinate
            found[j] += apart * apart


@_compiled
def ball_mean(nodes, place, square, mean):
    """Write the mean of a ball's points, or its centre if there is none; return how many they are.

    What leaves give is added lane by lane: a sum of its own for each of a leaf's `LEAF_POINTS` places.
    """
    dimensions = place.size
    count = 0
    mean[:] = 0.0
    found = np.empty(LEAF_POINTS)
    lanes = np.zeros((dimensions, LEAF_POINTS))
    counts = np.zeros(LEAF_POINTS, np.int64)
    stack = np.empty(DEPTH, np.int64)
    stack[0] = 0
    depth = 1
    while depth:
        depth -= 1
        node = stack[depth]
        near, far = box_distances(nodes, node, place)
        if near > square:
            continue
        if far <= square:
            count += nodes.counts[node]
            for k in range(dimensions):
                mean[k] += nodes.sums[node, k]
        elif nodes.right[node] < 0:
            block = nodes.blocks[nodes.leaf[node]]
            distances(block, place, found)
            for j in range(LEAF_POINTS):
                counts[j] += found[j] <= square
            for k in range(dimensions):
                for j in range(LEAF_POINTS):
                    lanes[k, j] += block[k, j] if found[j] <= square else 0.0
        else:
            stack[depth] = nodes.right[node]
            stack[depth + 1] = node + 1
            depth += 2
    for j in range(LEAF_POINTS):
        count += counts[j]
    for k in range(dimensions):
        for j in range(LEAF_POINTS):
            mean[k] += lanes[k, j]
        mean[k] = mean[k] / count if count else place[k]
    return count


@_on_all_cores
def ball_means(nodes, centres, radius):
    means = np.empty_like(centres)
    found = np.empty(len(centres), np.int64)
    for i in numba.prange(len(centres)):
        found[i] = ball_mean(nodes, centres[i], radius * radius, means[i])
    return means, found


@_compiled
def _is_near(nodes, place, square):
    found = np.empty(LEAF_POINTS)
    stack = np.empty(DEPTH, np.int64)
    stack[0] = 0
    depth = 1
    while depth:
        depth -= 1
        node = stack[depth]
        near, far = box_distances(nodes, node, place)
        if near > square:
            continue
        if far <= square:
            return True
        if nodes.right[node] < 0:
            distances(nodes.blocks[nodes.leaf[node]], place, found)
            if found.min() <= square:
                return True
        else:
            stack[depth] = nodes.right[node]
            stack[depth + 1] = node + 1
            depth += 2
    return False


@_on_all_cores
def are_near(nodes, places, radius):
    near = np.empty(len(places), np.bool_)
    for i in numba.prange(len(places)):
        near[i] = _is_near(nodes, places[i], radius * radius)
    return near


@_compiled
def _nearest_one(nodes, place):
    best = -1
    least = np.inf
    found = np.empty(LEAF_POINTS)
    stack = np.empty(DEPTH, np.int64)
    bounds = np.empty(DEPTH)
    stack[0] = 0
    bounds[0] = 0.0
    depth = 1
    while depth:
        depth -= 1
        node = stack[depth]
        if bounds[depth] > least:
            continue
        if nodes.right[node] < 0:
            number = nodes.leaf[node]
            distances(nodes.blocks[number], place, found)
            first = number * LEAF_POINTS
            for j in range(min(LEAF_POINTS, nodes.order.size - first)):
                if found[j] < least or (found[j] == least and nodes.order[first + j] < best):
                    least = found[j]
                    best = nodes.order[first + j]
            continue
        near, _ = box_distances(nodes, node + 1, place)
        other, _ = box_distances(nodes, nodes.right[node], place)
        nearer, farther = node + 1, nodes.right[node]
        if other < near:
            nearer, farther, near, other = farther, nearer, other, near
        stack[depth], bounds[depth] = farther, other
        stack[depth + 1], bounds[depth + 1] = nearer, near
        depth += 2
    return best


@_on_all_cores
def nearest(nodes, places):
    found = np.empty(len(places), np.int64)
    for i in numba.prange(len(places)):
        found[i] = _nearest_one(nodes, places[i])
    return found
