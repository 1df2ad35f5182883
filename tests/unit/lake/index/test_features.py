"""Features of series, stations and documents, from datasets of a lake."""

from __future__ import annotations

import hashlib
import io
import math

import numpy as np
import pytest

from gridledger.lake import Lake, PayloadCorrupt
from gridledger.lake.dataset_source import OwnedSource
from gridledger.lake.index import Feature, FeatureSet, Index, Query, extract, feature_set, planned
from gridledger.lake.index.document_features import label_features
from gridledger.lake.index.series_features import series_features
from gridledger.model.errors import ModelError

pytestmark = [pytest.mark.xdist_group("numba"), pytest.mark.timeout(600)]  # the first calls compile

HOURS = 24


def series(days: int, peak: int, scale: float = 1.0) -> bytes:
    """Return a CSV of hours whose day is highest at an hour."""
    hours = range(days * HOURS)
    lines = ["hour,load", *(f"{hour},{scale * (3.0 if hour % HOURS == peak else 1.0)}" for hour in hours)]
    return ("\n".join(lines) + "\n").encode()


def test_series_features_say_energy_peak_factor_ramp_and_season() -> None:
    day = np.ones(HOURS)
    day[18] = 4.0
    days = np.vstack([day] * 30 + [2 * day] * 30)
    energy, hour, factor, ramp, season = series_features(days)
    assert energy == pytest.approx(27 * 1.5)
    assert hour == 18.5
    assert factor == pytest.approx(27 / 24 / 4)
    assert ramp == pytest.approx(0.75)
    assert season == pytest.approx(27 / 40.5)


def test_series_of_nothing_has_features() -> None:
    assert series_features(np.zeros((2, HOURS))) == (0.0, 0.5, 0.0, 0.0, 0.0)


def test_series_gives_an_entry_a_day_with_its_records(lake: Lake) -> None:
    lake.put("homes/1.csv", io.BytesIO(series(3, 18)))
    plan = planned("days", "series/1", datasets="homes/*", declared={"value": "load", "labels": "load,home"})
    found = extract(lake, plan)
    assert (len(found.entries), found.left_out, found.datasets) == (3, 0, 1)
    assert [entry.location.first for entry in found.entries] == [1, 25, 49]
    assert {entry.labels for entry in found.entries} == {("home", "load", "peak-evening")}
    assert {entry.fixed for entry in found.entries} == {(26_000, 1850, 3611, 6667, 0)}
    index = Index.build(lake, plan, found.entries, 1.0)
    source = OwnedSource(lake)
    answer, data = index.query_data(Query(features=(26.0, 18.5, 0.3611, 0.6667, 0.0)), source)
    assert [len(answer.matches), answer.steps[-1].name] == [3, "data"]
    assert b"".join(data) == series(3, 18).partition(b"\n")[2]


def test_whole_series_is_one_entry_and_a_last_stretch_is_left_out(lake: Lake) -> None:
    lake.put("homes/1.csv", io.BytesIO(series(2, 3)[:-12]))
    whole = extract(
        lake, planned("all", "series/1", datasets="*", declared={"value": "load", "days": "0", "kwh": "2"})
    )
    assert [entry.location.count for entry in whole.entries] == [24]
    assert whole.entries[0].fixed[0] == 52_000
    daily = extract(lake, planned("days", "series/1", datasets="*", declared={"value": "load"}))
    assert (len(daily.entries), daily.left_out) == (1, 1)


def test_days_with_missing_values_are_counted(lake: Lake) -> None:
    lake.put("one.csv", io.BytesIO(series(2, 3).replace(b"\n5,1.0\n", b"\n5,\n")))
    found = extract(lake, planned("days", "series/1", datasets="*", declared={"value": "load"}))
    assert (len(found.entries), found.left_out) == (1, 1)


def test_stations_stand_where_they_are(lake: Lake) -> None:
    register = b'id,lon,lat,n\n1,114.0,22.5,20\n2,114.0,22.6,5\n3,,22.6,5\n4,"114.1",22.5,1\n'
    lake.put("stations.csv", io.BytesIO(register))
    declared = {"longitude": "lon", "latitude": "lat", "parallel": "22.5", "size": "n"}
    plan = planned("stations", "station/1", datasets="stations.csv", declared=declared)
    found = extract(lake, plan)
    assert (len(found.entries), found.left_out) == (3, 1)
    assert [entry.location.first for entry in found.entries] == [1, 2, 4]
    coordinates = plan.features.coordinates(np.array([entry.fixed for entry in found.entries]))
    assert np.hypot(*(coordinates[1] - coordinates[0])[:2]) == pytest.approx(11.12, abs=0.01)
    assert np.hypot(*(coordinates[2] - coordinates[0])[:2]) == pytest.approx(10.27, abs=0.01)
    assert found.entries[0].content == hashlib.sha256(b"1,114.0,22.5,20\n").digest()


def test_json_lines_are_stations_too(lake: Lake) -> None:
    lake.put("stations.jsonl", io.BytesIO(b'{"x": 1.5, "y": 2}\n{"x": 3, "y": 4}\n'))
    declared = {"longitude": "x", "latitude": "y", "parallel": "0"}
    found = extract(lake, planned("s", "station/1", datasets="*", declared=declared))
    assert [entry.location.first for entry in found.entries] == [0, 1]


def test_documents_with_the_same_labels_lie_together(lake: Lake) -> None:
    for name in ("contracts/a-1.pdf", "contracts/b-1.pdf", "notes/x.txt"):
        lake.put(name, io.BytesIO(name.encode() * 50))
    plan = planned("papers", "document/1", datasets="*", declared={"labels": "paper"})
    entries = extract(lake, plan).entries
    index = Index.build(lake, plan, entries, 1.0)
    answer, data = index.query_data(Query(label="contracts"), OwnedSource(lake))
    assert {match.entry.location.dataset for match in answer.matches} == {
        "contracts/a-1.pdf",
        "contracts/b-1.pdf",
    }
    assert all(one.startswith(b"contracts/") for one in data)
    assert index.query(Query(label="paper")).matches
    assert index.query(Query(label="invoice")).is_rejected


def test_label_features_have_length_one() -> None:
    assert math.hypot(*label_features(("a", "b", "c"))) == pytest.approx(1)
    assert label_features(()) == (0.0,) * 8


def test_data_that_changed_are_refused(lake: Lake) -> None:
    lake.put("one.csv", io.BytesIO(series(1, 3)))
    plan = planned("days", "series/1", datasets="*", declared={"value": "load"})
    index = Index.build(lake, plan, extract(lake, plan).entries, 1.0)
    lake.forget("one.csv", 1)
    lake.put("one.csv", io.BytesIO(series(1, 4)))
    with pytest.raises(PayloadCorrupt):
        index.query_data(Query(label="peak-night"), OwnedSource(lake))


@pytest.mark.parametrize(
    ("features", "declared", "problem"),
    [
        ("series/9", {}, "features"),
        ("series/1", {}, "value"),
        ("series/1", {"value": "load", "colour": "red"}, "colour"),
        ("series/1", {"value": "load", "labels": "Two Words"}, "labels"),
        ("station/1", {"longitude": "x", "latitude": "y"}, "parallel"),
    ],
    ids=["unknown", "missing", "surplus", "label", "parallel"],
)
def test_declaration_that_does_not_fit_is_refused(
    features: str, declared: dict[str, str], problem: str
) -> None:
    with pytest.raises(ModelError) as raised:
        planned("any", features, datasets="*", declared=declared)
    assert problem in raised.value.problems


@pytest.mark.parametrize(
    ("payload", "declared", "problem"),
    [
        (b"a,b\n1,2\n", {"value": "load"}, "load"),
        (b"load\n1\n", {"value": "load", "per-day": "x"}, "per-day"),
        (b"load\n1\n", {"value": "load", "per-day": "0"}, "per-day"),
        (b"load\n\xff\n", {"value": "load"}, "record 1"),
    ],
    ids=["column", "number", "zero", "text"],
)
def test_dataset_that_does_not_fit_is_refused(
    lake: Lake, payload: bytes, declared: dict[str, str], problem: str
) -> None:
    lake.put("one.csv", io.BytesIO(payload))
    with pytest.raises(ModelError) as raised:
        extract(lake, planned("any", "series/1", datasets="*", declared=declared))
    assert problem in raised.value.problems


def test_fixed_point_is_exact_and_bounded() -> None:
    features = FeatureSet(
        name="x/1",
        features=(
            Feature(name="a", unit="", decimals=3, one=10.0),
            Feature(name="b", unit="", decimals=0, one=1.0),
        ),
    )
    assert features.fixed((1.2345, -7.0)) in ((1234, -7), (1235, -7))
    with pytest.raises(ModelError) as raised:
        features.fixed((math.inf, 1e17))
    assert sorted(raised.value.problems) == ["a", "b"]
    fixed = np.random.default_rng(1).integers(-(2**51), 2**51, (1_000, 2))
    assert (features.fixed_of(features.coordinates(fixed)) == fixed).all()


def test_feature_sets_are_found_by_name_and_version() -> None:
    assert feature_set("station/1").names == ("east", "north", "size")
    with pytest.raises(ModelError):
        feature_set("station/2")
