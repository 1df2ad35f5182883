"""The kd-tree against looking at every point."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gridledger.lake.index import Floats, KdTree

pytestmark = [pytest.mark.xdist_group("numba"), pytest.mark.timeout(300)]  # the first calls compile


def brute_means(points: Floats, centres: Floats, radius: float) -> tuple[list[Floats], list[int]]:
    """Return means and counts by the definition."""
    means, counts = [], []
    for centre in centres:
        inside = points[np.square(points - centre).sum(axis=1) <= radius * radius]
        means.append(inside.mean(axis=0) if len(inside) else centre)
        counts.append(len(inside))
    return means, counts


@pytest.mark.parametrize("dimensions", [1, 2, 5, 16])
@pytest.mark.parametrize("size", [1, 31, 32, 33, 64, 65, 1000])
def test_balls_and_neighbours_are_those_of_a_full_scan(size: int, dimensions: int, tmp_path: Path) -> None:
    random = np.random.default_rng(size * 100 + dimensions)
    points = random.normal(size=(size, dimensions)).round(1)
    centres = np.concatenate([points[:20], random.normal(size=(20, dimensions)) * 2])
    KdTree.build(points).save(tmp_path)
    tree = KdTree.load(tmp_path)
    assert (tree.size, tree.dimensions) == (size, dimensions)
    for radius in (0.05, 0.77, 2.3, 50.0):
        means, counts = tree.ball_means(centres, radius)
        expected_means, expected_counts = brute_means(points, centres, radius)
        assert counts.tolist() == expected_counts
        assert np.allclose(means, expected_means)
        assert tree.are_near(centres, radius).tolist() == [count > 0 for count in expected_counts]
    apart = np.square(points[None] - centres[:, None]).sum(axis=2)
    assert np.array_equal(tree.nearest(centres), apart.argmin(axis=1))


def test_equal_points_fill_their_leaves() -> None:
    tree = KdTree.build(np.full((500, 3), 2.5))
    means, counts = tree.ball_means(np.array([[2.5, 2.5, 2.5], [9.0, 9.0, 9.0]]), 1.0)
    assert counts.tolist() == [500, 0]
    assert means.tolist() == [[2.5, 2.5, 2.5], [9.0, 9.0, 9.0]]
    assert tree.nearest(np.zeros((1, 3))).tolist() == [0]
