"""Real stations and households: clusters that are known, and queries against full scans."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import numpy as np
import pytest
from tests.prerequisites import missing

from gridledger.lake import Lake
from gridledger.lake.dataset_source import OwnedSource
from gridledger.lake.index import Entry, Index, Query, extract, planned

pytestmark = [pytest.mark.xdist_group("numba"), pytest.mark.timeout(600)]  # the first calls compile

DATA = Path(os.environ.get("GRIDLEDGER_DATA", "absent"))
DRAWN = 25


@pytest.fixture
def data() -> Path:
    if not (DATA / "ev-shenzhen").is_dir():
        missing("data", "GRIDLEDGER_DATA names no folder with ev-shenzhen and households")
    return DATA


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


def test_stations_of_shenzhen_make_ten_clusters_at_six_and_a_half_kilometres(data: Path, lake: Lake) -> None:
    lake.put("stations.csv", io.BytesIO((data / "ev-shenzhen" / "inf.csv").read_bytes()))
    declared = {"longitude": "longitude", "latitude": "latitude", "parallel": "22.6"}
    plan = planned("stations", "station/1", datasets="*", declared=declared)
    found = extract(lake, plan)
    assert (len(found.entries), found.left_out) == (1362, 0)
    index = Index.build(lake, plan, found.entries, 6.5)
    assert len(index.table.clusters) == 10
    assert_found(index, found.entries, 2.0)

    lake.put("stations.csv", io.BytesIO((data / "ev-shenzhen" / "inf_raw.csv").read_bytes()))
    growth = index.add(extract(lake, plan).entries)
    # 1,361 records of both registers are the same, in another order.
    assert (growth.duplicates, growth.added) == (1361, 1587 - 1361)


def test_days_of_households_are_found_by_what_they_are_like(data: Path, lake: Lake) -> None:
    for number in range(1, 18):
        payload = gzip.decompress((data / "households" / f"Building_{number}.csv.gz").read_bytes())
        lake.put(f"homes/{number}.csv", io.BytesIO(payload))
    declared = {"value": "Equipment Electric Power [kWh]", "first-hour": "23"}
    plan = planned("days", "series/1", datasets="homes/*", declared=declared)
    found = extract(lake, plan)
    assert (len(found.entries), found.left_out) == (17 * 365, 0)
    index = Index.build(lake, plan, found.entries, 1.0)
    assert len(index.table.clusters) > 1
    assert_found(index, found.entries, 0.3)
    scales = [10.0**feature.decimals for feature in plan.features.features]
    asked = tuple((np.array(found.entries[7].fixed) / scales).tolist())
    answer, days = index.query_data(Query(features=asked), OwnedSource(lake))
    assert len(answer.clusters) == 1
    assert all(day.count(b"\n") == 24 for day in days)
