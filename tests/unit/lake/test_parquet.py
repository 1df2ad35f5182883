"""Parquet by records: files come back byte by byte, reordered rows are found, hostile files are refused."""

from __future__ import annotations

import datetime as dt
import decimal
import io
import os
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.prerequisites import missing
from tests.unit.lake.conftest import small_lake
from tests.unit.lake.payloads import noise, register
from tests.unit.lake.second_reader import read_version

from gridledger.lake import Lake, check, prune, rebuild
from gridledger.lake.cell_block import CellShape, join_records, read_records, split_cells, write_block
from gridledger.lake.errors import Malformed
from gridledger.lake.manifest import Assembly, Gather, Run
from gridledger.lake.parquet import find_pieces, put_together, take_apart
from gridledger.lake.parquet.hybrid import join_hybrid, split_hybrid
from gridledger.lake.parquet.page_header import PageHeader
from gridledger.lake.parquet.snappy import join_elements, split_elements

OWNER = bytes(range(32))
DATA = Path(os.environ.get("GRIDLEDGER_DATA", "absent"))
STATIONS = DATA / "ev-shenzhen"


def written(table: pa.Table, **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def stations(rows: list[bytes]) -> pa.Table:
    names = ["station", "longitude", "latitude", "chargers", "area"]
    return pa.csv.read_csv(io.BytesIO(b"".join(rows)), read_options=pa.csv.ReadOptions(column_names=names))


def every_type(rows: int = 400) -> pa.Table:
    draw = random.Random(4)
    some = [None if draw.random() < 0.2 else draw.randrange(40) for _ in range(rows)]
    return pa.table(
        {
            "number": range(rows),
            "some": pa.array(some, pa.int32()),
            "text": [f"station {draw.randrange(50)}" for _ in range(rows)],
            "bytes": pa.array([None if draw.random() < 0.5 else draw.randbytes(9) for _ in range(rows)]),
            "flag": [draw.random() < 0.3 for _ in range(rows)],
            "perhaps": pa.array([draw.choice([None, True, False]) for _ in range(rows)], pa.bool_()),
            "real": pa.array([draw.random() for _ in range(rows)], pa.float32()),
            "day": [dt.date(2026, 1, 1) + dt.timedelta(draw.randrange(300)) for _ in range(rows)],
            "price": pa.array([decimal.Decimal(row) / 100 for row in range(rows)], pa.decimal128(30, 2)),
            "nothing": pa.nulls(rows, pa.int64()),
            "same": ["a"] * rows,
        }
    )


def put(lake: Lake, name: str, payload: bytes) -> int:
    return lake.put(name, io.BytesIO(payload)).written


def assemblies(lake: Lake, name: str) -> list[Assembly]:
    return [part for part in lake.reader(name).manifest.parts if isinstance(part, Assembly)]


def assert_reads(lake: Lake, folder: Path, name: str, payload: bytes) -> None:
    reader = lake.reader(name)
    assert reader.read() == payload
    assert b"".join(reader.stream()) == payload
    for offset in range(0, len(payload), max(1, len(payload) // 7)):
        assert lake.reader(name).read(offset, 99) == payload[offset : offset + 99]
        assert b"".join(reader.stream(offset)) == payload[offset:]
    assert read_version(folder, OWNER, name, 1) == payload


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "none"},
        {"use_dictionary": False},
        {"data_page_version": "2.0"},
        {"data_page_version": "2.0", "compression": "none", "use_dictionary": ["text"]},
        {"row_group_size": 70},
        {"data_page_size": 200, "write_page_index": True},
        {"dictionary_pagesize_limit": 500},
        {"compression": {"text": "snappy", "real": "none"}},
        {"version": "1.0", "write_statistics": False},
    ],
    ids=["default", "none", "plain", "v2", "v2-none", "groups", "pages", "fallback", "mixed", "old"],
)
def test_row_groups_of_every_type_are_taken_apart_and_read_back(
    lake: Lake, folder: Path, options: dict[str, Any]
) -> None:
    table = every_type()
    if options.get("data_page_version") == "2.0":
        table = table.drop_columns(["flag", "perhaps"])  # Runs of booleans are not taken apart.
    payload = written(table, **options)
    put(lake, "all.parquet", payload)
    groups = pq.ParquetFile(io.BytesIO(payload)).metadata.num_row_groups
    assert len(assemblies(lake, "all.parquet")) == groups
    assert_reads(lake, folder, "all.parquet", payload)
    assert check(lake, read_data=True).damage == []


@pytest.mark.parametrize(
    ("table", "options"),
    [
        (every_type(), {"compression": "zstd"}),
        (every_type(), {"compression": "gzip"}),
        (pa.table({"list": [[1, 2], [3]]}), {}),
        (pa.table({"struct": [{"a": 1}, {"a": None}]}), {}),
        (
            pa.table({"delta": range(100)}),
            {"use_dictionary": False, "column_encoding": "DELTA_BINARY_PACKED"},
        ),
        (pa.table({"none": pa.array([], pa.int64())}), {}),
        (pa.table({"class": pa.DictionaryArray.from_arrays([2, 0, 2], ["a", "b", "c"])}), {}),
        (pa.table({"many": range(70_000)}), {}),
    ],
    ids=["zstd", "gzip", "list", "struct", "delta", "empty", "categories", "many-rows"],
)
def test_row_groups_written_in_other_ways_are_bytes_and_read_back(
    lake: Lake, folder: Path, table: pa.Table, options: dict[str, Any]
) -> None:
    payload = written(table, **options)
    put(lake, "other.parquet", payload)
    assert assemblies(lake, "other.parquet") == []
    assert_reads(lake, folder, "other.parquet", payload)


@pytest.mark.parametrize("compression", ["snappy", "none"])
def test_rows_in_another_order_are_found(lake: Lake, folder: Path, compression: str) -> None:
    rows = register(3000)
    first = put(lake, "first.parquet", written(stations(rows), compression=compression))
    mixed = [*rows[100:], *register(60, seed=8, first=9000)]
    random.Random(2).shuffle(mixed)
    payload = written(stations(mixed), compression=compression)
    # A random order of 3,000 rows takes 3.9 kB however it is written.
    assert put(lake, "second.parquet", payload) < first / 4
    [assembly] = assemblies(lake, "second.parquet")
    assert isinstance(assembly.rows, Gather)
    assert_reads(lake, folder, "second.parquet", payload)


def test_rows_are_found_whatever_the_file_is_written_like(lake: Lake, folder: Path) -> None:
    rows = register(1000)
    first = put(lake, "first.parquet", written(stations(rows)))
    payload = written(stations(rows), compression="none", use_dictionary=False, row_group_size=500)
    assert put(lake, "second.parquet", payload) < first / 4
    assert_reads(lake, folder, "second.parquet", payload)
    again = written(stations(rows), data_page_version="2.0")
    assert put(lake, "third.parquet", again) < first / 4
    [assembly] = assemblies(lake, "third.parquet")
    assert isinstance(assembly.rows, Run)
    assert_reads(lake, folder, "third.parquet", again)


@pytest.mark.parametrize("payload_format", ["csv", "parquet"])
def test_two_reordered_registers_of_stations_share_their_records(
    lake: Lake, folder: Path, payload_format: str
) -> None:
    if not STATIONS.is_dir():
        missing("data", "GRIDLEDGER_DATA names no folder with ev-shenzhen")
    payloads = [(STATIONS / name).read_bytes() for name in ("inf_raw.csv", "inf.csv")]
    if payload_format == "parquet":
        payloads = [written(pa.csv.read_csv(io.BytesIO(payload))) for payload in payloads]
    # 1,361 of 1,362 records of the second stand in the first, in another order.
    first, second = (
        put(lake, f"{number}.{payload_format}", payload) for number, payload in enumerate(payloads)
    )
    assert second < first / 4
    for number, payload in enumerate(payloads):
        assert_reads(lake, folder, f"{number}.{payload_format}", payload)


@settings(deadline=None)
@given(st.data())
def test_hostile_row_groups_are_refused_or_put_together(data: st.DataObject) -> None:
    compression = data.draw(st.sampled_from(["none", "snappy"]))
    payload = written(every_type(40).select(["some", "text", "flag"]), compression=compression)
    start = 0
    for piece in find_pieces(io.BytesIO(payload)):
        if piece.columns:
            break
        start += piece.size
    group = bytearray(payload[start : start + piece.size])
    for _ in range(data.draw(st.integers(1, 4))):
        group[data.draw(st.integers(0, len(group) - 1))] = data.draw(st.integers(0, 255))
    try:
        form, cells = take_apart(bytes(group), piece.columns)
    except Malformed:
        return
    assert put_together(form, read_records(cells), size=len(group)) == group


@given(st.data())
def test_hostile_forms_and_cells_are_refused_or_read(data: st.DataObject) -> None:
    payload = written(every_type(40).select(["some", "text"]))
    pieces = find_pieces(io.BytesIO(payload))
    form, cells = take_apart(payload[4 : 4 + pieces[1].size], pieces[1].columns)
    hostile = [bytearray(form), bytearray(cells)]
    one = data.draw(st.sampled_from(hostile))
    one[data.draw(st.integers(0, len(one) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        put_together(bytes(hostile[0]), read_records(bytes(hostile[1])), size=pieces[1].size)
    except Malformed:
        return


@given(st.binary(max_size=200))
def test_hostile_bytes_are_no_headers_elements_or_runs(data: bytes) -> None:
    for read in (
        lambda: PageHeader.take(data, 0, len(data)),
        lambda: split_elements(data),
        lambda: join_elements(data, b"abcd"),
        lambda: split_hybrid(data, 3, 20),
        lambda: read_records(data),
    ):
        try:
            read()
        except Malformed:
            continue


@given(st.binary(max_size=3000))
def test_elements_get_their_literals_back(data: bytes) -> None:
    repeated = data * 3 + noise(50) + data
    compressed = pa.compress(repeated, codec="snappy", asbytes=True)
    assert join_elements(split_elements(compressed), repeated) == compressed
    with pytest.raises(Malformed):
        join_elements(split_elements(compressed), repeated + b"a")


@pytest.mark.parametrize("width", [0, 1, 3, 8, 13, 32])
def test_runs_are_read_back(width: int) -> None:
    draw = random.Random(width)
    numbers = [draw.getrandbits(width) if width else 0 for _ in range(21)] + [(1 << width) - 1] * 50
    encoded = join_hybrid([3 << 1 | 1, 47 << 1], width, numbers)
    assert split_hybrid(encoded, width, 71) == (numbers, [7, 94]) or numbers[21:24] != numbers[24:27]
    with pytest.raises(Malformed):
        split_hybrid(encoded, width, 70)
    with pytest.raises(Malformed):
        join_hybrid([3 << 1 | 1], width, numbers)
    with pytest.raises(Malformed):
        join_hybrid([80 << 1], width, numbers)


@pytest.mark.parametrize(
    ("shapes", "columns"),
    [
        ([CellShape(4, False)], [[b"abcd", b"efgh"]]),
        ([CellShape(0, True), CellShape(1, False)], [[b"", None, b"xyz"], [b"a", b"b", b"c"]]),
        ([CellShape(2, True)], [[None, None]]),
        ([CellShape(0, False)], [[]]),
    ],
)
def test_cells_are_read_back(shapes: list[CellShape], columns: list[list[bytes | None]]) -> None:
    block = write_block(shapes, columns)
    records = read_records(block)
    assert split_cells(shapes, records) == columns
    assert join_records(block, records) == block
    if records:
        with pytest.raises(Malformed):
            split_cells(shapes, [records[0] + b"a"])


def test_parquet_lake_is_pruned_and_rebuilt(folder: Path) -> None:
    lake = small_lake(folder)
    rows = register(800)
    lake.put("a.parquet", io.BytesIO(written(stations(rows))))
    payload = written(stations(rows[::-1]))
    lake.put("b.parquet", io.BytesIO(payload))
    lake.forget("a.parquet", 1)
    for _ in range(2):
        prune(lake, grace_s=0)
    assert_reads(lake, folder, "b.parquet", payload)
    for path in (folder / "table").glob("*"):
        path.unlink()
    rebuild(lake)
    assert lake.put("again.parquet", io.BytesIO(payload)).new_blocks == 0
    assert check(lake, read_data=True).damage == []
