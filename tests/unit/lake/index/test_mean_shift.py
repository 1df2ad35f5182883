"""Mean shift: as scikit-learn finds it, whatever the order, nothing small missed."""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.cluster import MeanShift
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score
from tests.prerequisites import missing

from gridledger.lake.index import Floats, Seeding, estimate_bandwidth, mean_shift
from gridledger.lake.index import mean_shift as package  # the function hides the module of its name
from gridledger.model.errors import ModelError

pytestmark = [pytest.mark.xdist_group("numba"), pytest.mark.timeout(300)]  # the first calls compile

POINTS = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 80), st.integers(1, 3)),
    elements=st.integers(-40, 40).map(lambda value: value / 8),
)


def blobs(seed: int, *, clusters: int, dimensions: int, spread: float = 6.0) -> Floats:
    """Return clusters of uneven size and width that overlap."""
    random = np.random.default_rng(seed)
    parts = [
        random.normal(
            random.uniform(-spread, spread, dimensions),
            random.uniform(0.3, 1.6),
            (int(random.integers(6, 60)), dimensions),
        )
        for _ in range(clusters)
    ]
    return np.concatenate(parts)


@pytest.mark.parametrize(
    ("seed", "clusters", "dimensions", "bandwidth"),
    [(0, 5, 1, 0.8), (1, 13, 2, 1.2), (2, 9, 2, 1.0), (3, 7, 3, 1.5), (4, 6, 8, 3.0), (5, 3, 16, 5.0)],
)
def test_uneven_and_overlapping_clusters_are_those_of_scikit_learn(
    seed: int, clusters: int, dimensions: int, bandwidth: float
) -> None:
    points = blobs(seed, clusters=clusters, dimensions=dimensions)
    theirs = MeanShift(bandwidth=bandwidth).fit(points)
    ours = mean_shift(points, bandwidth)
    assert len(ours.modes) == len(theirs.cluster_centers_)
    assert adjusted_rand_score(theirs.labels_, ours.labels) >= 0.9999


@pytest.mark.parametrize("dimensions", [1, 3, 8])
def test_points_that_stand_there_many_times_weigh_as_in_scikit_learn(dimensions: int) -> None:
    points, _ = make_blobs(30, n_features=dimensions, centers=3, random_state=8)
    points = np.repeat(points, np.random.default_rng(8).integers(1, 6, len(points)), axis=0)
    bandwidth = 1.5 * dimensions**0.5
    theirs = MeanShift(bandwidth=bandwidth).fit(points)
    ours = mean_shift(points, bandwidth)
    assert len(ours.modes) == len(theirs.cluster_centers_)
    assert adjusted_rand_score(theirs.labels_, ours.labels) >= 0.9999


@pytest.mark.parametrize("dimensions", [1, 2, 3, 4, 6, 9, 12, 16])
def test_blobs_are_those_of_scikit_learn_in_any_number_of_dimensions(dimensions: int) -> None:
    points, _ = make_blobs(60, n_features=dimensions, centers=5, random_state=dimensions)
    bandwidth = 2.0 * dimensions**0.5
    theirs = MeanShift(bandwidth=bandwidth).fit(points)
    ours = mean_shift(points, bandwidth)
    assert len(ours.modes) == len(theirs.cluster_centers_)
    assert adjusted_rand_score(theirs.labels_, ours.labels) >= 0.9999


@pytest.mark.parametrize(("seed", "dimensions", "bandwidth"), [(1, 2, 1.2), (3, 3, 1.5), (4, 4, 2.0)])
def test_cells_send_the_walkers_of_scikit_learns_bin_seeding(
    seed: int, dimensions: int, bandwidth: float
) -> None:
    points = blobs(seed, clusters=13, dimensions=dimensions)
    theirs = MeanShift(bandwidth=bandwidth, bin_seeding=True).fit(points)
    ours = mean_shift(points, bandwidth, seeding=Seeding.CELLS)
    assert len(ours.modes) == len(theirs.cluster_centers_)
    assert adjusted_rand_score(theirs.labels_, ours.labels) >= 0.9999


def test_every_point_is_a_seed_however_many_they_are_where_told(monkeypatch: pytest.MonkeyPatch) -> None:
    points = blobs(1, clusters=13, dimensions=2)
    whole = mean_shift(points, 1.2)
    monkeypatch.setattr(sys.modules[package.__module__], "_ALL_SEEDS", 10)
    monkeypatch.setattr(sys.modules[package.__module__], "_SAMPLE", 40)
    told = mean_shift(points, 1.2, seeding=Seeding.POINTS)
    assert np.array_equal(whole.modes, told.modes)
    sampled = mean_shift(points, 1.2, seeding=Seeding.SAMPLE)
    assert np.array_equal(mean_shift(points, 1.2).modes, sampled.modes)


def test_real_stations_gather_where_scikit_learn_says() -> None:
    file = Path(os.environ.get("GRIDLEDGER_DATA", "absent")) / "ev-shenzhen" / "inf.csv"
    if not file.is_file():
        missing("data", "GRIDLEDGER_DATA names no folder with ev-shenzhen")
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = list(csv.DictReader(lines))
    degrees = np.array([[float(row["longitude"]), float(row["latitude"])] for row in rows])
    points = np.radians(degrees) * 6371.0 * np.array([np.cos(np.radians(degrees[:, 1].mean())), 1.0])
    theirs = MeanShift(bandwidth=6.5).fit(points)
    ours = mean_shift(points, 6.5)
    assert len(ours.modes) == len(theirs.cluster_centers_) == 10
    assert adjusted_rand_score(theirs.labels_, ours.labels) >= 0.9999


def test_one_point_is_one_cluster() -> None:
    found = mean_shift(np.array([[3.0, 4.0]]), 1.0)
    assert found.modes.tolist() == [[3.0, 4.0]]
    assert found.labels.tolist() == [0]
    assert found.counts.tolist() == [1]


def test_equal_points_are_one_cluster() -> None:
    found = mean_shift(np.full((1000, 5), 0.1), 0.5)
    assert len(found.modes) == 1
    assert np.allclose(found.modes, 0.1)
    assert found.counts.tolist() == [1000]


@settings(max_examples=40)
@given(POINTS, st.randoms(use_true_random=False))
def test_order_of_points_changes_nothing(points: Floats, random: object) -> None:
    order = np.random.default_rng(0).permutation(len(points))
    first, second = mean_shift(points, 1.0), mean_shift(points[order], 1.0)
    assert np.array_equal(first.modes, second.modes)
    assert np.array_equal(first.labels[order], second.labels)


@settings(max_examples=40)
@given(POINTS, st.integers(-64, 64))
def test_moved_points_have_moved_modes(points: Floats, offset: int) -> None:
    first, second = mean_shift(points, 1.0625), mean_shift(points + offset, 1.0625)
    assert np.allclose(first.modes + offset, second.modes)
    # A point half-way between two modes belongs to either: moved modes are rounded otherwise.
    ours, theirs = (np.linalg.norm(points - first.modes[found.labels], axis=1) for found in (first, second))
    assert np.allclose(ours, theirs)


def test_with_a_sample_of_the_seeds_no_small_group_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(7)
    large = [random.normal(centre, 0.5, (4000, 3)) for centre in ((0, 0, 0), (6, 0, 0), (0, 7, 0))]
    small = [random.normal(centre, 0.1, (3, 3)) for centre in ((20, 20, 20), (-9, 3, 3))]
    points = np.concatenate([*large, *small])
    whole = mean_shift(points, 1.5)
    module = sys.modules[package.__module__]
    monkeypatch.setattr(module, "_ALL_SEEDS", 100)
    monkeypatch.setattr(module, "_SAMPLE", 1000)
    sampled = mean_shift(points, 1.5)
    assert len(sampled.modes) == 5
    assert sorted(sampled.counts.tolist())[:2] == [3, 3]
    assert adjusted_rand_score(whole.labels, sampled.labels) >= 0.9999


@pytest.mark.parametrize(
    "points",
    [[], [[]], [1.0, 2.0], [[float("nan")]], [[float("inf")]], [[1e160]], [["a"]], [[1.0], [1.0, 2.0]]],
    ids=["none", "no dimension", "one axis", "nan", "infinite", "too far", "text", "ragged"],
)
def test_what_is_no_table_of_numbers_is_refused(points: object) -> None:
    with pytest.raises(ModelError):
        mean_shift(points, 1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("bandwidth", [0.0, -1.0, float("nan"), float("inf")])
def test_a_bandwidth_that_is_no_length_is_refused(bandwidth: float) -> None:
    with pytest.raises(ModelError, match="bandwidth"):
        mean_shift(np.zeros((3, 2)), bandwidth)


def test_an_estimated_bandwidth_separates_blobs_whatever_their_order() -> None:
    random = np.random.default_rng(3)
    centres = [(0, 0), (10, 0), (0, 10), (10, 10)]
    points = np.concatenate([random.normal(centre, 0.5, (1000, 2)) for centre in centres])
    bandwidth = estimate_bandwidth(points, share=0.2)
    assert bandwidth == estimate_bandwidth(points[::-1], share=0.2)
    assert len(mean_shift(points, bandwidth).modes) == 4


def test_a_bandwidth_of_equal_points_is_not_estimated() -> None:
    with pytest.raises(ModelError, match="too much alike"):
        estimate_bandwidth(np.zeros((10, 2)))
