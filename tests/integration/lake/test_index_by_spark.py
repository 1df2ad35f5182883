"""An index whose clusters Spark finds, as one process does, and finds anew while queries run."""

from __future__ import annotations

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.unit.lake.index.made_index import blobs, built, contents, entries

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.lake.index import Floats, Query, mean_shift, reclustering
from gridledger.lake.index.spark import SparkWalkers

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DEADLINE_S = 600
pytestmark = [pytest.mark.xdist_group("spark"), pytest.mark.timeout(900)]

REGISTER = "id,lon,lat\n" + "".join(
    f"{number},{114 + number % 3},{22.5 + number / 10_000}\n" for number in range(60)
)


def value(folder: Path, *arguments: str | Path) -> Any:
    stream, errors = io.StringIO(), io.StringIO()
    called = [*map(str, arguments), "--config", str(folder / "lake.toml"), "--json"]
    assert run(called, Output(stream=stream, errors=errors)) == 0, errors.getvalue()
    return json.loads(stream.getvalue())


@pytest.mark.usefixtures("spark")  # which the command finds running
def test_spark_finds_the_clusters_that_one_process_finds(tmp_path: Path) -> None:
    value(tmp_path, "lake", "init", "--store", tmp_path / "store")
    (tmp_path / "stations.csv").write_text(REGISTER)
    value(tmp_path, "lake", "put", tmp_path / "stations.csv")
    declared = ("--declare", "longitude=lon", "--declare", "latitude=lat", "--declare", "parallel=22.5")
    built = ("index", "build", "stations", "--features", "station/1", "--bandwidth", "6.5", *declared)
    value(tmp_path, *built)
    alone = value(tmp_path, "index", "stat", "stations")
    value(tmp_path, *built, "--master", "local[2]")
    by_spark = value(tmp_path, "index", "stat", "stations")
    assert by_spark["rows"] == alone["rows"]
    assert (alone["clustering"], by_spark["clustering"], by_spark["clusters"]) == (1, 2, 3)


@pytest.mark.usefixtures("spark")  # which the command finds running
def test_watcher_clusters_anew_by_spark(tmp_path: Path) -> None:
    value(tmp_path, "lake", "init", "--store", tmp_path / "store")
    for name, east in (("near", 114), ("far", 100)):
        lines = [f"{number},{east + number},22.5\n" for number in range(9)]
        (tmp_path / f"{name}.csv").write_text("id,lon,lat\n" + "".join(lines))
        value(tmp_path, "lake", "put", tmp_path / f"{name}.csv")
    declared = ("--declare", "longitude=lon", "--declare", "latitude=lat", "--declare", "parallel=22.5")
    built = ("--features", "station/1", "--datasets", "near.csv", "--bandwidth", "6.5", *declared)
    value(tmp_path, "index", "build", "stations", *built)
    assert value(tmp_path, "index", "add", "stations", "far.csv", "--keep-clusters")["is_due"]
    watched = value(tmp_path, "index", "watch", "stations", "--once", "--master", "local[2]")
    assert (watched["clustering"], watched["entries"], watched["clusters"]) == (2, 18, 18)


def test_spark_clusters_anew_in_the_background_while_queries_run(spark: SparkSession, tmp_path: Path) -> None:
    points = blobs(120)
    index = built(tmp_path / "lake", points)
    held, far = entries(points), entries(np.random.default_rng(2).uniform(40, 90, (60, 3)), first=2_000)
    every = Query(features=(0.0, 0.0, 0.0), tolerance=1_000.0)
    sought = sorted(entry.content for entry in (*held, *far))
    ended, clustered = threading.Event(), threading.Event()

    def ask() -> list[int]:
        generations = []
        while not ended.is_set():
            answer = index.query(every)
            if answer.generation > 1:
                assert sorted(contents(answer.matches)) == sought
            generations.append(answer.generation)
        return generations

    def clusterer(points: Floats, bandwidth: float) -> Floats:
        assert sorted(contents(index.query(every).matches)) == sought
        modes = mean_shift(points, bandwidth, walkers=walkers).modes
        clustered.set()
        return modes

    with ThreadPoolExecutor(1) as asking, SparkWalkers.open(spark) as walkers:
        asked = asking.submit(ask)
        try:
            with reclustering(index, clusterer=clusterer, every_s=0.01) as told:
                index.add(far)
                assert clustered.wait(DEADLINE_S)
        finally:
            ended.set()
    generations = asked.result()
    assert (told.swaps, told.problem, index.table.clustering, index.table.generation) == (1, None, 2, 3)
    assert generations == sorted(generations)
    assert sorted(contents(index.query(every).matches)) == sought
