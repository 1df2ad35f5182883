"""Datasets as files: by Python's own file objects, fsspec, pandas, pyarrow and duckdb."""

from __future__ import annotations

import io
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from tests.unit.lake.payloads import meter_csv, noise

import gridledger.lake
from gridledger.lake import DatasetPath, LakeFileSystem, LakeSettings, PayloadCorrupt, PayloadNotFound
from gridledger.model.errors import ConfigError, ModelError

CSV = meter_csv(4000)


def parquet(rows: int = 20_000) -> bytes:
    written = io.BytesIO()
    columns = {"house": [row % 17 for row in range(rows)], "kwh": [row / 7 for row in range(rows)]}
    pq.write_table(pa.table(columns), written, row_group_size=4000)
    return written.getvalue()


PARQUET = parquet()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return the configuration of a lake with three datasets, one of them in two versions."""
    settings = LakeSettings.create(tmp_path / "lake.toml", store=str(tmp_path / "store"))
    lake = settings.open()
    for name, payload in (
        ("registers/meters.csv", b"time,house,kwh,volt\n"),
        ("registers/meters.csv", CSV),
        ("registers/2026/noise.bin", noise(200_000)),
        ("meters.parquet", PARQUET),
    ):
        lake.put(name, io.BytesIO(payload))
    return settings.source


@pytest.fixture
def files(config: Path) -> LakeFileSystem:
    LakeFileSystem.clear_instance_cache()
    return fsspec.filesystem("gridledger", config=str(config))


def test_open_reads_and_seeks(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    payload = noise(200_000)
    with gridledger.lake.open("gridledger://registers/2026/noise.bin", config=config) as file:
        assert isinstance(file, io.BufferedReader)
        assert file.seek(-100, io.SEEK_END) == 199_900
        assert file.read() == payload[-100:]
        file.seek(70_000)
        assert file.read(90_000) == payload[70_000:160_000]
        assert not file.writable()
    monkeypatch.setenv("GRIDLEDGER_LAKE", str(config))
    with gridledger.lake.open("registers/meters.csv@1") as file:
        assert file.read() == b"time,house,kwh,volt\n"


def test_open_of_what_is_not_there_is_refused(config: Path, tmp_path: Path) -> None:
    with pytest.raises(PayloadNotFound):
        gridledger.lake.open("gridledger://registers/meters.csv@3", config=config)
    with pytest.raises(ModelError):
        gridledger.lake.open("gridledger://", config=config)
    with pytest.raises(ConfigError):
        gridledger.lake.open("gridledger://registers/meters.csv", config=tmp_path / "none.toml")


@pytest.mark.parametrize("text", ["a", "a/b@2", "a@b", "@1", "a@01", "a@2@3", "a\nb@1"])
def test_path_is_read_back(text: str) -> None:
    assert str(DatasetPath.parse(text)) == text
    assert DatasetPath.parse(DatasetPath.parse(text).url) == DatasetPath.parse(text)


def test_entry_point_gives_the_file_system_by_its_scheme(files: LakeFileSystem) -> None:
    assert isinstance(files, LakeFileSystem)
    assert fsspec.get_filesystem_class("gridledger") is LakeFileSystem


def test_names_are_folders_and_files(files: LakeFileSystem) -> None:
    assert files.ls("", detail=False) == ["meters.parquet", "registers"]
    assert files.ls("gridledger://registers", detail=False) == ["registers/2026", "registers/meters.csv"]
    assert files.find("registers") == ["registers/2026/noise.bin", "registers/meters.csv"]
    assert files.glob("registers/*.csv") == ["registers/meters.csv"]
    assert files.isdir("registers")
    assert files.isdir("")
    assert files.isfile("meters.parquet")
    assert not files.exists("registers/other.csv")
    with pytest.raises(FileNotFoundError):
        files.ls("nothing")


def test_description_names_version_size_and_digest(files: LakeFileSystem) -> None:
    info = files.info("gridledger://registers/meters.csv")
    assert (info["version"], info["size"], info["records"]) == (2, len(CSV), 4001)
    assert files.info("registers/meters.csv@1")["size"] == 20
    assert files.checksum("registers/meters.csv") == info["sha256"]
    assert files.modified("registers/meters.csv") == info["modified"]
    with pytest.raises(FileNotFoundError):
        files.info("registers/meters.csv@3")
    with pytest.raises(FileNotFoundError):
        files.modified("registers")


def test_ranges_are_read_as_fsspec_asks(files: LakeFileSystem) -> None:
    assert files.cat_file("registers/meters.csv", 10, 30) == CSV[10:30]
    assert files.cat_file("registers/meters.csv", -30) == CSV[-30:]
    assert files.cat_file("registers/meters.csv", 5, 5) == b""
    assert files.cat_ranges(["meters.parquet"] * 2, [0, 4], [4, 9]) == [PARQUET[:4], PARQUET[4:9]]
    assert files.head("meters.parquet", 4) == b"PAR1"
    with pytest.raises(FileNotFoundError):
        files.cat_file("nothing")
    with pytest.raises(FileNotFoundError):
        files.open("nothing")


def test_nothing_is_written(files: LakeFileSystem) -> None:
    with pytest.raises(PermissionError):
        files.open("registers/meters.csv", "wb")


def test_instance_is_pickled_by_its_options(files: LakeFileSystem) -> None:
    again = pickle.loads(pickle.dumps(files))  # noqa: S301 # our own bytes
    assert again.cat_file("registers/meters.csv") == CSV


def test_pandas_reads_by_url(config: Path) -> None:
    options = {"config": str(config)}
    table = pd.read_csv("gridledger://registers/meters.csv", storage_options=options)
    assert table.equals(pd.read_csv(io.BytesIO(CSV)))
    assert pd.read_csv("gridledger://registers/meters.csv@1", storage_options=options).empty
    table = pd.read_parquet("gridledger://meters.parquet", storage_options=options, columns=["kwh"])
    assert table.equals(pd.read_parquet(io.BytesIO(PARQUET), columns=["kwh"]))


def test_pyarrow_reads_row_groups_and_filters(files: LakeFileSystem) -> None:
    with files.open("meters.parquet") as opened:
        assert (
            pq.ParquetFile(opened)
            .read_row_group(3)
            .equals(pq.ParquetFile(io.BytesIO(PARQUET)).read_row_group(3))
        )
    dataset = pyarrow.dataset.dataset("meters.parquet", filesystem=files, format="parquet")
    found = dataset.to_table(filter=pyarrow.dataset.field("kwh") > 2850)
    assert found.num_rows == sum(row / 7 > 2850 for row in range(20_000))


def test_duckdb_queries_by_url(files: LakeFileSystem) -> None:
    with duckdb.connect() as connection:
        connection.register_filesystem(files)
        query = "SELECT count(*), max(kwh) FROM read_parquet('gridledger://meters.parquet') WHERE house = 3"
        assert connection.execute(query).fetchall() == [(1177, 19_995 / 7)]
        query = "SELECT count(*) FROM read_csv('gridledger://registers/*.csv')"
        assert connection.execute(query).fetchall() == [(4000,)]


def test_threads_that_seek_read_one_file_each_at_its_own_place(files: LakeFileSystem) -> None:
    def read(number: int) -> bool:
        start = number * 613 % len(CSV)
        file.seek(start)
        barrier.wait()  # All have sought before any reads.
        return bool(file.read(500) == CSV[start : start + 500])

    barrier = threading.Barrier(4)
    with files.open("registers/meters.csv") as file, ThreadPoolExecutor(4) as threads:
        assert all(threads.map(read, range(40)))
        assert file.tell() == 0
        assert file.readline() == CSV.splitlines(keepends=True)[0]
        assert file.read1(3) == CSV[20:23]
        assert file.seek(-3, io.SEEK_END) == len(CSV) - 3
        assert file.read() == CSV[-3:]
    with pytest.raises(ValueError, match="closed"):
        file.read()


def test_changed_block_is_refused_by_whoever_reads(config: Path, tmp_path: Path) -> None:
    for pack in (tmp_path / "store" / "packs").iterdir():
        data = bytearray(pack.read_bytes())
        # Each 500th byte: every block is hit.
        data[24::500] = bytes(byte ^ 1 for byte in data[24::500])
        pack.write_bytes(data)
    options = {"config": str(config)}
    LakeFileSystem.clear_instance_cache()
    with pytest.raises(PayloadCorrupt):
        pd.read_csv("gridledger://registers/meters.csv", storage_options=options)
    with gridledger.lake.open("meters.parquet", config=config) as file, pytest.raises(PayloadCorrupt):
        file.read(1000)
