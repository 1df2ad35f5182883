"""Real stations and households: clusters that are known, and queries against full scans."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import MeanShift
from sklearn.metrics import adjusted_rand_score
from tests.prerequisites import missing
from tests.unit.lake.conftest import OWNER

from gridledger.lake import Lake, LocalStore
from gridledger.lake.dataset_source import OwnedSource
from gridledger.lake.index import Entry, Index, Query, extract, mean_shift, planned

pytestmark = [pytest.mark.xdist_group("numba"), pytest.mark.timeout(600)]  # the first calls compile

DATA = Path(os.environ.get("GRIDLEDGER_DATA", "absent"))
HOUSEHOLDS = Path(__file__).parents[3] / "data" / "households"
HOUSES = 17
LOAD = "Equipment Electric Power [kWh]"
GENERATION = "Solar Generation [W/kW]"
DRAWN = 25


@pytest.fixture
def stations() -> Path:
    folder = DATA / "ev-shenzhen"
    if not folder.is_dir():
        missing("data", "GRIDLEDGER_DATA names no folder with ev-shenzhen")
    return folder


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake.create(LocalStore(tmp_path_factory.mktemp("homes") / "lake"), OWNER)
    for number in range(1, HOUSES + 1):
        payload = gzip.decompress((HOUSEHOLDS / f"Building_{number}.csv.gz").read_bytes())
        lake.put(f"homes/{number}.csv", io.BytesIO(payload))
    return lake


def assert_found(index: Index, held: list[Entry], tolerance: float) -> None:
    """Compare answers with full scans, at entries and between them."""
    features = index.plan.features
    fixed = np.array([entry.fixed for entry in held])
    coordinates = features.coordinates(fixed)
    draw = np.random.default_rng(4)
    for one, two in draw.integers(0, len(held), (DRAWN, 2)):
        place = (fixed[one] + fixed[two]) // 2
        scales = [10.0**feature.decimals for feature in features.features]
        query = Query(features=tuple((place / scales).tolist()), tolerance=tolerance)
        squares = np.square(coordinates - features.coordinates(np.array(features.fixed(query.features)))).sum(
            axis=1
        )
        answer = index.query(query)
        wanted = {held[number].content for number in np.flatnonzero(squares <= tolerance**2)}
        assert {match.entry.content for match in answer.matches} == wanted
        assert not answer.is_rejected or not wanted


def test_stations_of_shenzhen_make_ten_clusters_at_six_and_a_half_kilometres(
    stations: Path, lake: Lake
) -> None:
    lake.put("stations.csv", io.BytesIO((stations / "inf.csv").read_bytes()))
    declared = {"longitude": "longitude", "latitude": "latitude", "parallel": "22.6"}
    plan = planned("stations", "station/1", datasets="*", declared=declared)
    found = extract(lake, plan)
    assert (len(found.entries), found.left_out) == (1362, 0)
    index = Index.build(lake, plan, found.entries, 6.5)
    assert len(index.table.clusters) == 10
    assert_found(index, found.entries, 2.0)

    lake.put("stations.csv", io.BytesIO((stations / "inf_raw.csv").read_bytes()))
    growth = index.add(extract(lake, plan).entries)
    # 1,361 records of both registers are the same, in another order.
    assert (growth.duplicates, growth.added) == (1361, 1587 - 1361)


def test_days_of_households_are_found_by_what_they_are_like(homes: Lake) -> None:
    declared = {"value": LOAD, "first-hour": "23"}
    plan = planned("days", "series/1", datasets="homes/*", declared=declared)
    found = extract(homes, plan)
    assert (len(found.entries), found.left_out) == (HOUSES * 365, 0)
    index = Index.build(homes, plan, found.entries, 1.0)
    assert len(index.table.clusters) > 1
    assert_found(index, found.entries, 0.3)
    scales = [10.0**feature.decimals for feature in plan.features.features]
    asked = tuple((np.array(found.entries[7].fixed) / scales).tolist())
    answer, days = index.query_data(Query(features=asked), OwnedSource(homes))
    assert len(answer.clusters) == 1
    assert all(day.count(b"\n") == 24 for day in days)


@pytest.mark.parametrize(("column", "kwh"), [(LOAD, "1"), (GENERATION, "0.001")], ids=["load", "generation"])
def test_households_gather_where_scikit_learn_says(homes: Lake, column: str, kwh: str) -> None:
    declared = {"value": column, "kwh": kwh, "first-hour": "23", "days": "73"}
    plan = planned("houses", "series/1", datasets="homes/*", declared=declared)
    held = extract(homes, plan).entries
    assert len(held) == HOUSES * 5
    points = plan.features.coordinates(np.array([entry.fixed for entry in held]))
    theirs = MeanShift(bandwidth=1.0).fit(points)
    ours = mean_shift(points, 1.0)
    assert 1 < len(theirs.cluster_centers_) == len(ours.modes)
    assert adjusted_rand_score(theirs.labels_, ours.labels) >= 0.9999
