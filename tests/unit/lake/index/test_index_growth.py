"""Indexes that grow: cleaned of redundancy, seen at once, clustered anew while they are asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.lake.conftest import OWNER
from tests.unit.lake.index.made_index import (
    BANDWIDTH,
    CENTRES,
    FEATURES,
    PLAN,
    blobs,
    built,
    contents,
    entries,
    opened,
    scanned,
)
from tests.unit.lake.stopping_store import Stopped, StoppingStore

from gridledger.lake import Lake, LocalStore
from gridledger.lake.index import Floats, Index, Query, reclustering

pytestmark = [pytest.mark.xdist_group("numba"), pytest.mark.timeout(600)]  # the first calls compile

POINTS = blobs(120)
HELD = entries(POINTS)
MORE = np.array([[0.1, 0.2, 0.3], [60.0, 60.0, 60.0], [60.5, 60.0, 60.0], [20.0, 1.0, 0.0]])
COMING = entries(MORE, first=1_000)
EVERYWHERE = Query(features=(0.0, 0.0, 0.0), tolerance=1_000.0)
DEADLINE_S = 300


def modes_of_centres(points: Floats, bandwidth: float) -> Floats:
    """Stand in for mean shift where a test is about something else."""
    return CENTRES


def answers(index: Index) -> list[bytes]:
    return sorted(contents(index.query(EVERYWHERE).matches))


def wanted(*held: list) -> list[bytes]:  # type: ignore[type-arg]
    return sorted(entry.content for some in held for entry in some)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "lake"
    built(folder, POINTS)
    return folder


def test_added_entries_go_to_their_cluster_or_open_one(folder: Path) -> None:
    index, _ = opened(folder)
    before = {row.label: row.count for row in index.table.clusters}
    growth = index.add(COMING)
    assert (growth.added, growth.duplicates, growth.generation) == (4, 0, 2)
    assert len(growth.opened) == 1
    rows = {row.label: row for row in index.table.clusters}
    assert rows[growth.opened[0]].count == 2
    assert sum(row.count for row in rows.values()) == 124
    assert {
        label: row.count - before.get(label, 0)
        for label, row in rows.items()
        if row.count != before.get(label)
    } == {
        growth.opened[0]: 2,
        index.query(Query(features=(0.1, 0.2, 0.3))).matches[0].cluster: 1,
        index.query(Query(features=(20.0, 1.0, 0.0))).matches[0].cluster: 1,
    }
    assert answers(index) == wanted(HELD, COMING)


def test_what_was_added_is_found_without_reading_it_back(folder: Path) -> None:
    index, store = opened(folder)
    index.add(COMING)
    store.reads.clear()
    answer = index.query(Query(features=tuple(MORE[1].tolist())))
    assert (contents(answer.matches), answer.reads, store.reads) == ([COMING[1].content], 0, [])


def test_duplicate_makes_no_entry(folder: Path) -> None:
    index, _ = opened(folder)
    growth = index.add([*HELD, COMING[0], COMING[0]])
    assert (growth.added, growth.duplicates) == (1, 121)
    growth = index.add([COMING[0], *HELD[:5]])
    assert (growth.added, growth.duplicates, growth.generation) == (0, 6, 2)
    assert answers(index) == wanted(HELD, COMING[:1])


def test_same_features_of_other_data_are_an_entry(folder: Path) -> None:
    index, _ = opened(folder)
    again = entries(POINTS[:1], first=5_000)
    assert index.add(again).added == 1
    assert len(index.query(Query(features=tuple(POINTS[0].tolist()))).matches) == 2


def test_others_see_what_was_added_when_they_look(folder: Path) -> None:
    index, _ = opened(folder)
    other, _ = opened(folder)
    index.add(COMING)
    assert answers(other) == wanted(HELD)
    assert (other.refresh(), other.refresh()) == (True, False)
    assert answers(other) == wanted(HELD, COMING)


def test_follower_sees_what_was_added(folder: Path) -> None:
    index, _ = opened(folder)
    other, _ = opened(folder)
    with other.following(0.01):
        index.add(COMING)
        seen = threading.Event()
        for _ in range(DEADLINE_S * 100):
            if other.table.generation == 2:
                break
            seen.wait(0.01)
    assert other.behind is None
    assert answers(other) == wanted(HELD, COMING)


@settings(deadline=None, max_examples=10)
@given(
    batches=st.lists(
        st.lists(st.tuples(*[st.integers(-40, 40) for _ in range(3)]), min_size=1, max_size=12),
        min_size=1,
        max_size=8,
    ),
    place=st.tuples(*[st.integers(-40, 40) for _ in range(3)]),
    tolerance=st.sampled_from([0.0, 1.5, 9.0, 100.0]),
)
def test_grown_index_finds_what_a_full_scan_finds(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[tuple[int, ...]]],
    place: tuple[int, ...],
    tolerance: float,
) -> None:
    index = built(tmp_path_factory.mktemp("grown") / "lake", POINTS[:20])
    held = entries(POINTS[:20])
    for batch in batches:
        coming = entries(np.array(batch, dtype=np.float64), first=len(held))
        index.add(coming)
        held += coming
    query = Query(features=tuple(map(float, place)), tolerance=tolerance)
    found = index.query(query)
    assert sorted(contents(found.matches)) == sorted(scanned(held, query))
    spots = [query.features for query in [Query(features=tuple(map(float, one))) for one in batches[-1]]]
    for spot in spots:
        assert contents(index.query(Query(features=spot)).matches)
    assert index.table.entries == len(held)
    for row in index.table.clusters:
        assert len(row.parts) <= 1 + row.count.bit_length()


def test_writers_at_once_lose_nothing(folder: Path) -> None:
    batches = [entries(blobs(5, draw=number), first=10_000 + 100 * number) for number in range(6)]
    indexes = [opened(folder)[0] for _ in batches]
    threads = [
        threading.Thread(target=index.add, args=(batch,))
        for index, batch in zip(indexes, batches, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    index, _ = opened(folder)
    assert answers(index) == wanted(HELD, *batches)
    assert index.table.generation == 7


def test_drift_is_none_at_first_and_grows_with_what_strays(folder: Path) -> None:
    index, _ = opened(folder)
    assert (index.drift.value, index.drift.is_due) == (0.0, False)
    far = np.random.default_rng(2).uniform(40, 90, (60, 3))
    growth = index.add(entries(far, first=2_000))
    assert growth.drift.strayed == pytest.approx(60 / 180)
    assert growth.drift.is_due
    index.recluster()
    assert (index.drift.value, index.table.clustering) == (0.0, 2)
    assert answers(index) == wanted(HELD, entries(far, first=2_000))


def test_drift_shows_means_that_move(folder: Path) -> None:
    index, _ = opened(folder)
    drift = index.add(entries(np.tile(CENTRES[1] + [1.9, 0, 0], (60, 1)), first=3_000)).drift
    assert drift.strayed < 0.1 < drift.moved


def test_queries_and_adds_go_on_while_data_are_clustered_anew(folder: Path) -> None:
    index, _ = opened(folder)
    other, _ = opened(folder)
    asked: list[int] = []

    def clusterer(points: Floats, bandwidth: float) -> Floats:
        assert len(points) == len(HELD)
        other.add(COMING)
        asked.append(len(answers(index)))
        return CENTRES

    table = index.recluster(clusterer=clusterer)
    assert (table.generation, table.clustering, asked) == (3, 2, [len(HELD)])
    assert answers(index) == wanted(HELD, COMING)
    other.refresh()
    assert answers(other) == wanted(HELD, COMING)


def test_drift_clusters_anew_in_the_background(folder: Path) -> None:
    index, _ = opened(folder)
    far = entries(np.random.default_rng(2).uniform(40, 90, (60, 3)), first=2_000)
    swapped = threading.Event()

    def clusterer(points: Floats, bandwidth: float) -> Floats:
        assert answers(index) == wanted(HELD, far)
        swapped.set()
        return points

    with reclustering(index, clusterer=clusterer, every_s=0.01) as told:
        assert not told.swaps
        index.add(far)
        assert swapped.wait(DEADLINE_S)
    assert (told.swaps, told.problem, index.table.clustering) == (1, None, 2)
    assert not index.drift.is_due
    assert answers(index) == wanted(HELD, far)


def test_clusterer_that_fails_in_the_background_is_told(folder: Path) -> None:
    index, _ = opened(folder)
    asked = threading.Event()

    def clusterer(points: Floats, bandwidth: float) -> Floats:
        asked.set()
        raise ZeroDivisionError

    def grown() -> None:
        with reclustering(index, clusterer=clusterer, every_s=0.01):
            index.add(entries(np.random.default_rng(2).uniform(40, 90, (60, 3)), first=2_000))
            assert asked.wait(DEADLINE_S)

    with pytest.raises(ZeroDivisionError):
        grown()


def test_of_two_reclusterings_the_first_is_taken(folder: Path) -> None:
    index, _ = opened(folder)
    other, _ = opened(folder)

    def clusterer(points: Floats, bandwidth: float) -> Floats:
        other.recluster(clusterer=modes_of_centres)
        return CENTRES

    assert index.recluster(clusterer=clusterer).generation == 2
    assert (index.table.generation, index.table.clustering) == (2, 2)


def test_rebuilt_index_takes_the_place_of_the_one_before(folder: Path) -> None:
    other, _ = opened(folder)
    index = Index.build(Lake.open(LocalStore(folder), OWNER), PLAN, HELD[:50], BANDWIDTH)
    assert (index.table.generation, index.table.clustering) == (2, 2)
    assert other.refresh()
    assert answers(other) == wanted(HELD[:50])


def test_query_that_began_on_an_older_generation_ends(folder: Path) -> None:
    index, _ = opened(folder)
    other, _ = opened(folder)
    other.recluster(clusterer=modes_of_centres)
    assert other.tidy(grace_s=0, now_ms=2**52) > 0
    # Its parts are gone: the query is answered by the newest generation.
    assert answers(index) == wanted(HELD)
    assert index.table.generation == 2


def test_tidying_deletes_what_nothing_names_and_nothing_else(folder: Path) -> None:
    index, _ = opened(folder)
    for number in range(3):
        index.add(entries(blobs(9, draw=number), first=4_000 + 10 * number))
    index.recluster(clusterer=modes_of_centres)
    before = answers(index)
    assert index.tidy(grace_s=3600) == 0
    assert index.tidy(grace_s=0, now_ms=2**52) > 0
    index, _ = opened(folder)
    assert answers(index) == before
    files = [path for path in (folder / "index").rglob("*") if path.is_file()]
    assert len(files) == 2 + sum(len(row.parts) for row in index.table.clusters)


@pytest.mark.parametrize(
    "left", [0, 200, 700, 1_500, 2_600, 4_000, 6_000, 8_000, 10_000, 14_000, 20_000, 40_000]
)
@pytest.mark.parametrize("change", ["add", "recluster", "build"])
def test_change_stopped_at_any_byte_leaves_the_old_or_the_new(folder: Path, change: str, left: int) -> None:
    stopping = Lake.open(StoppingStore(folder, left=left), OWNER)
    ended = False
    with suppress(Stopped):
        if change == "build":
            Index.build(stopping, PLAN, [*HELD, *COMING], BANDWIDTH, clusterer=modes_of_centres)
        else:
            index = Index.open(stopping, "made", features=FEATURES)
            if change == "add":
                index.add(COMING)
            else:
                index.recluster(clusterer=modes_of_centres)
        ended = True
    index, _ = opened(folder)
    new = wanted(HELD) if change == "recluster" else wanted(HELD, COMING)
    assert (index.table.generation, answers(index)) in [(1, wanted(HELD)), (2, new)]
    assert not ended or index.table.generation == 2
    index.add(COMING)
    index.recluster(clusterer=modes_of_centres)
    assert answers(index) == wanted(HELD, COMING)


_KILLED = """
import os, shutil, sys
from pathlib import Path
from gridledger.lake import Lake
from gridledger.lake.index import Index
from tests.unit.lake.conftest import OWNER
from tests.unit.lake.index.made_index import FEATURES
from tests.unit.lake.index.test_index_growth import COMING, modes_of_centres
from tests.unit.lake.stopping_store import KilledStore

def change(folder, name, step):
    index = Index.open(Lake.open(KilledStore(folder, step=step), OWNER), "made", features=FEATURES)
    if name == "add":
        index.add(COMING)
    else:
        index.recluster(clusterer=modes_of_centres)

folder, copies = Path(sys.argv[1]), Path(sys.argv[2])
shutil.copytree(folder, copies / "warm")
change(copies / "warm", "add", -1)  # loads what is compiled, before processes part
for name in ("add", "recluster"):
    status, step = -1, 0
    while status:
        copy = copies / f"{name}-{step}"
        shutil.copytree(folder, copy)
        child = os.fork()
        if not child:
            try:
                change(copy, name, step)
                os._exit(0)
            finally:
                os._exit(1)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(name, step, status, flush=True)
        step += 1
"""


def test_process_killed_at_each_step_of_a_swap_leaves_the_old_or_the_new(
    folder: Path, tmp_path: Path
) -> None:
    copies = tmp_path / "copies"
    command = [sys.executable, "-c", _KILLED, str(folder), str(copies)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "NUMBA_NUM_THREADS": "1"}
    done = subprocess.run(
        command, capture_output=True, env=environment, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    said = [line.split() for line in done.stdout.splitlines()]
    for change, new in (("add", wanted(HELD, COMING)), ("recluster", wanted(HELD))):
        ended = [int(status) for name, _, status in said if name == change]
        # Before each file was published: some parts, the layer, the table.
        assert ended == [-signal.SIGKILL] * (len(ended) - 1) + [0]
        assert len(ended) > 3
        generations = []
        for step in range(len(ended)):
            index, _ = opened(copies / f"{change}-{step}")
            generations.append(index.table.generation)
            assert answers(index) == (wanted(HELD) if index.table.generation == 1 else new)
        assert generations == [1] * (len(ended) - 1) + [2]
