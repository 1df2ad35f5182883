"""The index's commands on a lake in a folder: what they build, find, say and refuse."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from gridledger.cli.main import run
from gridledger.cli.output import Output

pytestmark = [pytest.mark.xdist_group("numba"), pytest.mark.timeout(600)]  # the first calls compile

REGISTER = "id,lon,lat\n" + "".join(
    f"{number},{114 + (number % 2) + number / 10_000},{22.5 + number / 10_000}\n" for number in range(40)
)
DECLARED = ("--declare", "longitude=lon", "--declare", "latitude=lat", "--declare", "parallel=22.5")
NEAR = ("--at", "east=11711.5", "--at", "north=2501.9", "--at", "size=0")


class Commands:
    """Commands on one lake."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "lake.toml"

    def run(self, *arguments: str | Path) -> tuple[int, str, str]:
        stream, errors = io.StringIO(), io.StringIO()
        called = [*map(str, arguments), "--config", str(self.config)]
        code = run(called, Output(stream=stream, errors=errors))
        return code, stream.getvalue(), errors.getvalue()

    def value(self, *arguments: str | Path) -> Any:
        code, text, errors = self.run(*arguments, "--json")
        assert (code, errors) == (0, "")
        return json.loads(text)

    def values(self, *arguments: str | Path) -> list[Any]:
        code, text, errors = self.run(*arguments, "--json")
        assert (code, errors) == (0, "")
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    commands = Commands(tmp_path)
    commands.value("lake", "init", "--store", tmp_path / "store")
    (tmp_path / "stations.csv").write_text(REGISTER)
    commands.value("lake", "put", tmp_path / "stations.csv")
    return commands


@pytest.fixture
def built(commands: Commands) -> Commands:
    value = commands.value(
        "index", "build", "stations", "--features", "station/1", "--bandwidth", "6.5", *DECLARED
    )
    assert (value["clusters"], value["entries"], value["generation"], value["left_out"]) == (2, 40, 1, 0)
    return commands


def test_nearest_are_found_with_their_data(built: Commands) -> None:
    value = built.value("index", "query", "stations", *NEAR, "--nearest", "--limit", "2", "--data")
    assert [match["count"] for match in value["matches"]] == [1, 1]
    assert value["matches"][0]["text"] in REGISTER
    code, text, _ = built.run("index", "query", "stations", *NEAR, "--nearest", "--limit", "2")
    assert (code, "stations.csv" in text, "east 1" in text) == (0, True, True)


def test_rejected_query_says_so_and_reads_nothing(built: Commands) -> None:
    value = built.value("index", "query", "stations", "--at", "east=0", "--at", "north=0", "--at", "size=0")
    assert (value["rejected"], value["reads"], value["matches"]) == (True, 0, [])
    assert "no cluster can have one" in built.run("index", "query", "stations", "--label", "nobody")[1]


def test_explain_names_each_step(built: Commands) -> None:
    value = built.value("index", "explain", "stations", *NEAR, "--tolerance", "10")
    assert [step["step"] for step in value["steps"]] == ["discriminate", "cluster", "location", "data"]
    assert (value["steps"][0]["considered"], value["steps"][0]["kept"]) == (2, 1)
    text = built.run("index", "explain", "stations", *NEAR, "--tolerance", "10")[1]
    assert "discriminate" in text
    assert "c00001: east" in text or "c00002: east" in text
    assert "rejected" in built.run("index", "explain", "stations", "--label", "nobody")[1]


def test_added_register_is_cleaned_and_seen(built: Commands, tmp_path: Path) -> None:
    (tmp_path / "stations.csv").write_text(REGISTER + "77,114.5,22.6\n")
    built.value("lake", "put", tmp_path / "stations.csv")
    (grown,) = built.values("index", "add", "stations")
    assert (grown["added"], grown["duplicates"], grown["generation"]) == (1, 40, 2)
    assert grown["opened"] == ["c00003"]
    assert built.value("index", "query", "stations", "--label", "c00003")["matches"][0]["first"] == 41
    stat = built.value("index", "stat", "stations")
    assert (stat["entries"], len(stat["rows"]), stat["is_due"]) == (41, 3, False)


def test_drift_clusters_anew_unless_told(built: Commands, tmp_path: Path) -> None:
    far = "id,lon,lat\n" + "".join(f"{number},{100 + number},22.5\n" for number in range(9))
    (tmp_path / "far.csv").write_text(far)
    built.value("lake", "put", tmp_path / "far.csv")
    (grown,) = built.values("index", "add", "stations", "far.csv", "--keep-clusters")
    assert grown["is_due"]
    grown, clustered = built.values("index", "add", "stations", "far.csv")
    assert (grown["added"], clustered["clustering"], clustered["generation"]) == (0, 2, 3)
    assert not built.value("index", "stat", "stations")["is_due"]


def test_index_is_clustered_anew_when_told_or_due(built: Commands) -> None:
    value = built.value("index", "recluster", "stations", "--if-due")
    assert (value["before"]["is_due"], value["generation"], value["clustering"]) == (False, 1, 1)
    value = built.value("index", "recluster", "stations", "--bandwidth", "500")
    assert (value["generation"], value["clustering"], value["clusters"], value["entries"]) == (2, 2, 1, 40)
    code, text, _ = built.run("index", "recluster", "stations")
    assert (code, "500000000" in text) == (0, True)


def test_watcher_clusters_anew_once_data_drifted(built: Commands, tmp_path: Path) -> None:
    far = "id,lon,lat\n" + "".join(f"{number},{100 + number},22.5\n" for number in range(9))
    (tmp_path / "far.csv").write_text(far)
    built.value("lake", "put", tmp_path / "far.csv")
    (grown,) = built.values("index", "add", "stations", "far.csv", "--keep-clusters")
    (watched,) = built.values("index", "watch", "stations", "--once", "--every", "0.1")
    assert (grown["is_due"], watched["before"]["is_due"]) == (True, True)
    assert (watched["generation"], watched["clustering"], watched["entries"]) == (3, 2, 49)
    assert not built.value("index", "stat", "stations")["is_due"]


def test_index_is_built_anew_with_what_it_was_built_with(built: Commands) -> None:
    value = built.value("index", "build", "stations")
    assert (value["generation"], value["clustering"], value["bandwidth_millionths"]) == (2, 2, 6_500_000)


@pytest.mark.parametrize("seeds", ["points", "sample", "cells"])
def test_seeds_are_chosen(commands: Commands, seeds: str) -> None:
    build = ("index", "build", "stations", "--features", "station/1", "--bandwidth", "6.5", *DECLARED)
    assert commands.value(*build, "--seeds", seeds)["clusters"] == 2
    assert commands.value("index", "recluster", "stations", "--seeds", seeds)["clusters"] == 2


def test_bandwidth_is_estimated(commands: Commands) -> None:
    value = commands.value("index", "build", "stations", "--features", "station/1", *DECLARED)
    assert value["bandwidth_millionths"] > 0


def drawn(picture: Path) -> dict[str, int]:
    """Return how many marks each named group of a picture has."""
    space = "{http://www.w3.org/2000/svg}"
    root = ET.fromstring(picture.read_text())  # noqa: S314 - of our own
    return {one.get("id", ""): len(one.findall(f".//{space}use")) for one in root.iter(f"{space}g")}


def test_picture_shows_clusters_and_a_query(built: Commands, tmp_path: Path) -> None:
    built.value("index", "plot", "stations", tmp_path / "all.svg")
    value = built.value("index", "plot", "stations", tmp_path / "way.svg", *NEAR, "--tolerance", "10")
    assert value["matches"]
    clusters, way = drawn(tmp_path / "all.svg"), drawn(tmp_path / "way.svg")
    assert sum(count for name, count in clusters.items() if name.startswith("cluster-")) == 40
    assert way["matches"] == len(value["matches"])
    assert {*way} - {*clusters} >= {"matches", "tolerance"}
    assert "discriminate: 1 of 2" in (tmp_path / "way.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("query", "nowhere", "--label", "x"), 61),
        (("query", "stations", "--at", "east=1"), 2),
        (("query", "stations", "--at", "east"), 2),
        (("query", "stations", *NEAR[:-1], "size=x"), 2),
        (("query", "stations", *NEAR, "--nearest", "--tolerance", "1"), 2),
        (("query", "stations"), 2),
        (("recluster", "stations", "--bandwidth", "0"), 2),
        (("watch", "stations", "--every", "0"), 2),
        (("watch", "nowhere"), 61),
        (("plot", "stations", "x.svg", "--axes", "east,colour"), 2),
        (("build", "other", "--features", "colour/1"), 2),
        (("build", "other", "--features", "document/1", "--datasets", "nothing"), 2),
    ],
    ids=[
        "name",
        "features",
        "pair",
        "number",
        "both",
        "nothing",
        "no ball",
        "no pause",
        "unwatched",
        "axes",
        "set",
        "empty",
    ],
)
def test_wrong_call_is_refused(built: Commands, arguments: tuple[str, ...], wanted: int) -> None:
    code, text, errors = built.run("index", *arguments)
    assert (code, text) == (wanted, "")
    assert errors
