"""An index built on a standalone Spark that loses a worker, then all of them."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.spark import running_spark

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.lake.errors import ClusteringFailed

pytestmark = [pytest.mark.xdist_group("spark"), pytest.mark.timeout(1200)]

REGISTER = "id,lon,lat\n" + "".join(
    f"{number},{114 + number % 3},{22.5 + number / 100_000}\n" for number in range(3_000)
)
"""More than two blocks of seeds: both workers have some to climb."""
DECLARED = ("--declare", "longitude=lon", "--declare", "latitude=lat", "--declare", "parallel=22.5")


def value(folder: Path, *arguments: str | Path) -> Any:
    stream, errors = io.StringIO(), io.StringIO()
    called = [*map(str, arguments), "--config", str(folder / "lake.toml"), "--json"]
    assert run(called, Output(stream=stream, errors=errors)) == 0, errors.getvalue()
    return json.loads(stream.getvalue())


def test_build_outlives_a_worker_and_leaves_the_index_without_any(tmp_path: Path) -> None:
    value(tmp_path, "lake", "init", "--store", tmp_path / "store")
    (tmp_path / "stations.csv").write_text(REGISTER)
    value(tmp_path, "lake", "put", tmp_path / "stations.csv")
    built = ("index", "build", "stations", "--features", "station/1", "--bandwidth", "6.5", *DECLARED)
    value(tmp_path, *built)
    alone = value(tmp_path, "index", "stat", "stations")
    marker = tmp_path / "killed"
    with running_spark(tmp_path, workers=2) as spark:
        build = (*built, "--master", spark.master, "--config", str(tmp_path / "lake.toml"))
        command = [sys.executable, "-m", "tests.faults.index_builder", str(marker), *build]
        with (tmp_path / "build.log").open("wb") as log:
            builder = subprocess.Popen(
                command, env=spark.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
        try:
            assert builder.stdin is not None
            assert builder.stdout is not None
            said = builder.stdout.readline()
            assert (said, marker.exists()) == (b"0\n", True), (tmp_path / "build.log").read_text()
            by_spark = value(tmp_path, "index", "stat", "stations")
            assert by_spark["rows"] == alone["rows"]
            assert (alone["clustering"], by_spark["clustering"]) == (1, 2)

            lost = [worker for worker in spark.workers if worker.poll() is not None]
            assert len(lost) == 1
            for worker in spark.workers:
                worker.kill()
                worker.wait()
            builder.stdin.write(b"\n")
            builder.stdin.flush()
            assert builder.stdout.readline() == b"%d\n" % ClusteringFailed.exit_code
            assert ClusteringFailed.code in (tmp_path / "build.log").read_text()
            assert value(tmp_path, "index", "stat", "stations") == by_spark
        finally:
            builder.kill()
            builder.communicate()
