"""An index whose clusters Spark finds, by command: the same as in one process."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from gridledger.cli.main import run
from gridledger.cli.output import Output

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
