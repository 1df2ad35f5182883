"""Compiled walks: many walkers uphill, one block of them after another, and what is left of their ends."""

from __future__ import annotations

import numba
import numpy as np

from gridledger.lake.index.kernels import DEPTH, LEAF_POINTS, ball_mean, box_distances, distances

__all__ = ["leaders", "walk"]

MOST_STEPS = 300
STOP = 1e-3
"""A walker stands once a step is shorter than this share of the bandwidth, as in scikit-learn."""

_compiled = numba.njit(cache=True, nogil=True)


@_compiled
def _cell(place, side, cell):
    """Write a place's cell, the place itself if cells have no side; return its hash."""
    for k in range(place.size):
        cell[k] = (np.floor(place[k] / side) if side else place[k]) + 0.0  # -0.0 is 0.0
    mixed = np.uint64(0x9E3779B97F4A7C15)
    for bits in cell.view(np.uint64):
        mixed = (mixed ^ bits) * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(29)
    return mixed


@_compiled
def _slot(table, cells, cell, mixed):
    """Return where a cell stands in the table, or where it has to."""
    slot = np.int64(mixed & np.uint64(table.size - 1))
    while table[slot] >= 0:
        if np.array_equal(cells[table[slot]], cell):
            return slot
        slot = (slot + 1) & (table.size - 1)
    return slot


@_compiled
def _grown(rows, size):
    grown = np.empty((size, rows.shape[1]), rows.dtype)
    grown[: len(rows)] = rows
    return grown


@_compiled
def _with_room(table, cells, hashes, used):
    """Return a table of twice the size with the same cells."""
    grown = np.full(2 * table.size, -1)
    for number in range(used):
        grown[_slot(grown, cells, cells[number], hashes[number])] = number
    return grown


@_compiled
def _is_close(modes, used, place, square):
    for number in range(used):
        apart = 0.0
        for k in range(place.size):
            apart += (modes[number, k] - place[k]) ** 2
        if apart <= square:
            return True
    return False


@_compiled
def walk(nodes, seeds, bandwidth, side, arrival):
    """Let walkers climb one after the other, until each stands or comes upon what an earlier one found.

    Parameters
    ----------
    nodes : Nodes
    seeds : array of float64, shape (m, dimensions)
    bandwidth, side, arrival : float
        Radius of the ball; side of the cells in which a walker counts as on an earlier one's way, 0 for the
        same place; how close to an earlier one's mode it counts as arrived.

    Returns
    -------
    modes, counts, visited
        Where walkers stood, how many points their last balls held, and where all walkers came by.
    """
    dimensions = seeds.shape[1]
    modes = np.empty((16, dimensions))
    counts = np.empty(len(seeds), np.int64)
    visited = np.empty((256, dimensions))
    cells = np.empty((256, dimensions))
    hashes = np.empty((256, 1), np.uint64)
    owners = np.empty((256, 1), np.int64)
    table = np.full(1024, -1)
    stood = used = 0
    cell, mean, place = np.empty(dimensions), np.empty(dimensions), np.empty(dimensions)
    for walker in range(len(seeds)):
        place[:] = seeds[walker]
        for step in range(MOST_STEPS):
            mixed = _cell(place, side, cell)
            slot = _slot(table, cells, cell, mixed)
            if table[slot] < 0:
                if used == len(cells):
                    cells, visited = _grown(cells, 2 * used), _grown(visited, 2 * used)
                    hashes, owners = _grown(hashes, 2 * used), _grown(owners, 2 * used)
                cells[used], visited[used], hashes[used], owners[used] = cell, place, mixed, walker
                table[slot] = used
                used += 1
                if 4 * used > table.size:
                    table = _with_room(table, cells, hashes[:, 0], used)
            elif owners[table[slot], 0] != walker:
                break
            count = ball_mean(nodes, place, bandwidth * bandwidth, mean)
            moved = 0.0
            for k in range(dimensions):
                moved += (mean[k] - place[k]) ** 2
            if moved <= (STOP * bandwidth) ** 2 or step == MOST_STEPS - 1:
                if stood == len(modes):
                    modes = _grown(modes, 2 * stood)
                modes[stood], counts[stood] = mean, count
                stood += 1
                break
            place[:] = mean
            if arrival and _is_close(modes, stood, place, arrival * arrival):
                break
    return modes[:stood], counts[:stood], visited[:used]


@_compiled
def leaders(nodes, places, square):
    """Return which places, taken in their order, no earlier one that is taken has within a radius.

    Parameters
    ----------
    nodes : Nodes
        Of the same places.
    places : array of float64, shape (m, dimensions)
    square : float
        The radius, squared.
    """
    leads = np.ones(len(places), np.bool_)
    found = np.empty(LEAF_POINTS)
    stack = np.empty(DEPTH, np.int64)
    for number in range(len(places)):
        if not leads[number]:
            continue
        stack[0] = 0
        depth = 1
        while depth:
            depth -= 1
            node = stack[depth]
            near, _ = box_distances(nodes, node, places[number])
            if near > square:
                continue
            if nodes.right[node] < 0:
                first = nodes.leaf[node] * LEAF_POINTS
                distances(nodes.blocks[nodes.leaf[node]], places[number], found)
                for j in range(min(LEAF_POINTS, nodes.order.size - first)):
                    if found[j] <= square and nodes.order[first + j] > number:
                        leads[nodes.order[first + j]] = False
            else:
                stack[depth] = nodes.right[node]
                stack[depth + 1] = node + 1
                depth += 2
    return leads
