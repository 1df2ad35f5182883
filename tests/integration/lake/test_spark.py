"""Datasets in Spark: the same rows, one version for all partitions, and no block unverified."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.errors import PySparkException
from tests.unit.lake.payloads import meter_csv

from gridledger.lake import LakeSettings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.xdist_group("spark"), pytest.mark.timeout(600)]

ROWS = 3000


@pytest.fixture
def config(tmp_path: Path) -> Path:
    settings = LakeSettings.create(tmp_path / "lake.toml", store=str(tmp_path / "store"))
    lake = settings.open()
    written = io.BytesIO()
    table = {"house": [row % 17 for row in range(ROWS)], "kwh": [row / 7 for row in range(ROWS)]}
    pq.write_table(pa.table(table), written, row_group_size=400)
    for name, payload in (
        ("meters.parquet", written.getvalue()),
        ("meters.csv", meter_csv(500)),
        ("meters.jsonl", b'{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n'),
        ("meters.bin", b"1"),
    ):
        lake.put(name, io.BytesIO(payload))
    return settings.source


def test_parquet_is_read_by_row_groups(spark: SparkSession, config: Path) -> None:
    read = spark.read.format("gridledger").option("config", str(config)).option("partitions", "3")
    frame = read.load("gridledger://meters.parquet")
    assert frame.dtypes == [("house", "bigint"), ("kwh", "double")]
    assert frame.rdd.getNumPartitions() == 3
    found = frame.where("house = 3").selectExpr("count(*)", "sum(kwh)").collect()[0]
    wanted = [row / 7 for row in range(ROWS) if row % 17 == 3]
    assert tuple(found) == (len(wanted), pytest.approx(sum(wanted)))


def test_csv_and_json_lines_are_read(spark: SparkSession, config: Path) -> None:
    read = spark.read.format("gridledger").option("config", str(config))
    assert read.load("meters.csv@1").selectExpr("count(*)", "max(house)").collect()[0][:] == (500, 16)
    assert [tuple(row) for row in read.load("meters.jsonl").orderBy("a").collect()] == [(1, "x"), (2, "y")]


def test_changed_block_ends_the_job(spark: SparkSession, config: Path) -> None:
    frame = spark.read.format("gridledger").option("config", str(config)).load("meters.parquet")
    for pack in (config.parent / "store" / "packs").iterdir():
        data = bytearray(pack.read_bytes())
        data[30::100] = bytes(byte ^ 1 for byte in data[30::100])
        pack.write_bytes(data)
    with pytest.raises(PySparkException, match="the frame is another one"):
        frame.collect()


@pytest.mark.parametrize(
    ("path", "options", "said"),
    [
        ("meters.bin", {}, "neither Parquet, CSV nor JSON lines"),
        ("none.csv", {}, "FileNotFoundError"),
        ("meters.csv", {"partitions": "0"}, "is no number from 1"),
        ("meters.csv", {"config": "none"}, "lake init makes one"),
    ],
    ids=["format", "missing", "partitions", "config"],
)
def test_what_cannot_be_read_is_refused(
    spark: SparkSession, config: Path, path: str, options: dict[str, str], said: str
) -> None:
    read = spark.read.format("gridledger").options(**{"config": str(config), **options})
    with pytest.raises(PySparkException, match=said):
        read.load(path).collect()
