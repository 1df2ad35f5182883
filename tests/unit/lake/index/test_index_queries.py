"""Queries against what a full scan finds, and against what the store was asked for."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.lake.conftest import small_lake
from tests.unit.lake.index.made_index import (
    BANDWIDTH,
    CENTRES,
    DIMENSIONS,
    PLAN,
    blobs,
    built,
    contents,
    entries,
    opened,
    scanned,
)

from gridledger.lake.index import Entry, Index, Query, StepName
from gridledger.model.errors import ModelError

pytestmark = [pytest.mark.xdist_group("numba"), pytest.mark.timeout(600)]  # the first calls compile

POINTS = blobs(900)
HELD = entries(POINTS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("queries") / "lake"
    built(folder, POINTS)
    return folder


@pytest.fixture(scope="module")
def index(folder: Path) -> Index:
    return opened(folder)[0]


coordinates = st.one_of(
    st.tuples(*[st.floats(-25, 25) for _ in range(DIMENSIONS)]),
    st.sampled_from([tuple(point) for point in POINTS.tolist()]),
    st.sampled_from([tuple(((one + two) / 2).tolist()) for one in CENTRES for two in CENTRES]),
)
queries = st.builds(
    Query,
    features=coordinates,
    tolerance=st.one_of(st.sampled_from([0.0, 0.01, math.inf]), st.floats(0, 30)),
    label=st.sampled_from([None, None, "group-1", "nobody"]),
    limit=st.integers(1, 1000),
    datasets=st.sampled_from([None, None, frozenset({"set-1"}), frozenset[str]()]),
)


@settings(deadline=None, max_examples=150)
@given(query=queries)
def test_answer_is_what_a_full_scan_finds(index: Index, query: Query) -> None:
    answer = index.query(query)
    assert contents(answer.matches) == scanned(HELD, query)
    if answer.is_rejected:
        assert (answer.reads, len(answer.steps)) == (0, 1)


@settings(deadline=None, max_examples=25)
@given(
    points=st.lists(st.tuples(*[st.integers(-30, 30) for _ in range(DIMENSIONS)]), min_size=1, max_size=60),
    place=st.tuples(*[st.integers(-30, 30) for _ in range(DIMENSIONS)]),
    tolerance=st.floats(0, 20),
)
def test_any_points_are_found_by_what_a_full_scan_finds(
    tmp_path_factory: pytest.TempPathFactory,
    points: list[tuple[int, ...]],
    place: tuple[int, ...],
    tolerance: float,
) -> None:
    index = built(tmp_path_factory.mktemp("any") / "lake", np.array(points, dtype=np.float64))
    query = Query(features=tuple(map(float, place)), tolerance=tolerance)
    held = entries(np.array(points, dtype=np.float64))
    assert contents(index.query(query).matches) == scanned(held, query)


def test_rejected_query_touches_nothing(folder: Path) -> None:
    index, store = opened(folder)
    answer = index.query(Query(features=(10.0, 10.0, 10.0), tolerance=2.0))
    assert (answer.is_rejected, answer.matches, store.reads) == (True, (), [])
    assert index.query(Query(label="nobody")).is_rejected
    assert store.reads == []


@pytest.mark.parametrize("point", range(0, 900, 90))
def test_hit_reads_the_one_cluster_of_its_mode_though_clusters_overlap(folder: Path, point: int) -> None:
    index, store = opened(folder)
    answer = index.query(Query(features=tuple(POINTS[point].tolist())))
    assert contents(answer.matches) == scanned(HELD, Query(features=tuple(POINTS[point].tolist())))
    assert len(answer.clusters) == 1
    assert {path.split("/")[3] for path in store.reads} == {answer.clusters[0]}
    assert answer.reads == len(store.reads) == 1
    index.query(Query(features=tuple(POINTS[point].tolist())))
    assert len(store.reads) == 1


def test_place_between_entries_of_a_cluster_is_told_by_the_cluster_index_layer(folder: Path) -> None:
    index, store = opened(folder)
    row = max(index.table.clusters, key=lambda one: one.count)
    runs = list(index.snapshot.runs.values())
    random = np.random.default_rng(1)
    places = random.integers(row.low, np.array(row.high) + 1, (2_000, DIMENSIONS))
    inside = [
        any(((one.low <= place) & (place <= one.high)).all(axis=1).any() for one in runs) for place in places
    ]
    between = places[~np.array(inside)]
    asked = [index.query(Query(features=tuple((place / 100).tolist()))) for place in between]
    entered = [answer for answer in asked if not answer.is_rejected]
    assert len(entered) > 0
    assert {len(answer.matches) for answer in entered} == {0}
    assert store.reads == []


def test_query_by_label_finds_all_that_have_it(index: Index) -> None:
    answer = index.query(Query(label="group-2"))
    assert contents(answer.matches) == scanned(HELD, Query(label="group-2"))
    assert len(answer.matches) == 300


def test_query_by_cluster_finds_its_entries(index: Index) -> None:
    row = index.table.clusters[0]
    answer = index.query(Query(label=row.label))
    assert len(answer.matches) == row.count
    assert {match.cluster for match in answer.matches} == {row.label}


def test_steps_are_timed_and_counted(index: Index) -> None:
    answer = index.query(Query(features=tuple(POINTS[0].tolist()), tolerance=1.0))
    assert [step.name for step in answer.steps] == [
        StepName.DISCRIMINATE,
        StepName.CLUSTER,
        StepName.LOCATION,
    ]
    assert all(step.considered >= step.kept and step.nanoseconds >= 0 for step in answer.steps)
    assert answer.steps[0].considered == len(index.table.clusters)
    assert answer.steps[-1].kept == len(answer.matches)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        (Query(), "features"),
        (Query(features=(1.0,)), "features"),
        (Query(features=(1.0, math.nan, 0.0)), "features"),
        (Query(label="x", tolerance=-1.0), "tolerance"),
        (Query(label="x", tolerance=math.nan), "tolerance"),
        (Query(label="x", limit=0), "limit"),
        (Query(label="x", limit=1001), "limit"),
    ],
    ids=["empty", "dimensions", "nan", "negative", "nan-tolerance", "none", "many"],
)
def test_query_that_makes_no_sense_is_refused(index: Index, query: Query, problem: str) -> None:
    with pytest.raises(ModelError) as raised:
        index.query(query)
    assert problem in raised.value.problems


def test_cache_serves_who_opens_the_index_next(folder: Path, tmp_path: Path) -> None:
    query = Query(features=tuple(POINTS[3].tolist()), tolerance=1.0)
    index, store = opened(folder, cache=tmp_path / "cache")
    first = index.query(query)
    assert (first.reads, len(store.reads)) == (1, 1)
    assert {path.stat().st_mode & 0o77 for path in (tmp_path / "cache").iterdir()} == {0}
    index, store = opened(folder, cache=tmp_path / "cache")
    assert index.query(query).matches == first.matches
    assert store.reads == []


@pytest.mark.parametrize("suffix", ["npy", "arrow"])
def test_cache_that_was_cut_short_is_fetched_again(folder: Path, tmp_path: Path, suffix: str) -> None:
    query = Query(features=tuple(POINTS[3].tolist()), tolerance=1.0)
    index, _ = opened(folder, cache=tmp_path / "cache")
    first = index.query(query)
    for path in (tmp_path / "cache").glob(f"*.{suffix}"):
        path.write_bytes(path.read_bytes()[:50])
    index, store = opened(folder, cache=tmp_path / "cache")
    assert index.query(query).matches == first.matches
    assert len(store.reads) == 1


def test_equal_data_make_one_entry(tmp_path: Path) -> None:
    held: list[Entry] = entries(POINTS[:10])
    index = Index.build(small_lake(tmp_path / "lake"), PLAN, [*held, *held], BANDWIDTH)
    assert index.table.entries == 10
