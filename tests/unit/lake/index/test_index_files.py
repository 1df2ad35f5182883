"""Bytes of an index's files: changed, moved, cut, and made by somebody who has the key."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.unit.lake.conftest import OWNER
from tests.unit.lake.index.made_index import DIMENSIONS, FEATURES, blobs, built, entries, opened

from gridledger.lake import Lake, LocalStore, PayloadCorrupt, PayloadNotFound
from gridledger.lake.errors import Malformed
from gridledger.lake.index import DiscriminantTable, Index, Query
from gridledger.lake.index.cluster_layer import read_layer, write_layer
from gridledger.lake.index.data_part import read_part, write_part
from gridledger.lake.index.entry import columns, rows_of
from gridledger.lake.index.index_files import IndexFiles
from gridledger.lake.index.runs import Runs
from gridledger.model.errors import ModelError

pytestmark = [pytest.mark.xdist_group("numba"), pytest.mark.timeout(600)]  # the first calls compile

POINTS = blobs(60)
ROWS = rows_of(entries(POINTS), FEATURES)
EVERYWHERE = Query(features=(0.0, 0.0, 0.0), tolerance=1_000.0)
LAYER = write_layer(
    {
        name * 32: Runs(
            ends=np.array([3, 7]),
            low=np.array([[0, 1, 2], [3, 4, 5]]),
            high=np.array([[0, 1, 9], [8, 8, 8]]),
        )
        for name in "ab"
    },
    DIMENSIONS,
)
PART = write_part(ROWS)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return built(tmp_path_factory.mktemp("table") / "lake", POINTS).table.to_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "lake"
    built(folder, POINTS).add(entries(blobs(5, draw=9), first=500))
    return folder


def files(folder: Path, suffix: str) -> list[Path]:
    return sorted((folder / "index").rglob(f"*.{suffix}"))


@pytest.mark.parametrize("suffix", ["table", "layer", "part"])
@pytest.mark.parametrize("change", ["flip", "cut", "empty", "head"])
def test_changed_file_is_refused(folder: Path, suffix: str, change: str) -> None:
    for path in files(folder, suffix):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        changed = {
            "flip": bytes(data),
            "cut": path.read_bytes()[:-1],
            "empty": b"",
            "head": b"GLXXXX01" + path.read_bytes()[8:],
        }
        path.chmod(0o600)
        path.write_bytes(changed[change])
    with pytest.raises(PayloadCorrupt):
        opened(folder)[0].query(EVERYWHERE)


@pytest.mark.parametrize("suffix", ["table", "layer", "part"])
def test_file_in_the_place_of_another_is_refused(folder: Path, suffix: str) -> None:
    paths = files(folder, suffix)
    assert len(paths) > 1
    held = [path.read_bytes() for path in paths]
    for path, data in zip(paths, held[1:] + held[:1], strict=True):
        path.write_bytes(data)
    with pytest.raises(PayloadCorrupt):
        opened(folder)[0].query(EVERYWHERE)


@pytest.mark.parametrize("suffix", ["layer", "part"])
def test_missing_file_is_named(folder: Path, suffix: str) -> None:
    for path in files(folder, suffix):
        path.unlink()
    with pytest.raises(PayloadNotFound):
        opened(folder)[0].query(EVERYWHERE)


def test_index_of_another_name_or_features_is_not_opened(folder: Path) -> None:
    lake = Lake.open(LocalStore(folder), OWNER)
    with pytest.raises(PayloadNotFound):
        Index.open(lake, "other", features=FEATURES)
    with pytest.raises(ModelError):
        Index.open(lake, "made")


def test_names_in_the_store_are_labels_and_places_and_tell_no_name(folder: Path) -> None:
    table = opened(folder)[0].table
    lake = Lake.open(LocalStore(folder), OWNER)
    found = {str(path.relative_to(folder)) for path in files(folder, "part")}
    for row in table.clusters:
        for part in row.parts:
            path = IndexFiles(lake, "made").part_path(
                table.clustering, row.label, part.start, part.end, part.file.name
            )
            assert path in found
            assert f"/{row.label}/{part.start}-{part.end}." in path
    everything = b"".join(path.read_bytes() for path in (folder / "index").rglob("*") if path.is_file())
    assert not any(word in everything for word in (b"axis_", b"set-0", b"group-1", b"PAR1"))
    assert not any("made" in path for path in found)


# --- parsers, whoever made the bytes


@settings(deadline=None)
@given(data=st.binary(max_size=400))
@example(data=b"")
@example(data=b"\x03\x01" + bytes(16) + b"\xff\xff\xff\x7f")
@example(data=b"\x03\xff\xff\xff\xff\xff\xff\xff\xff\x7f")
def test_layer_of_any_bytes_is_read_or_malformed(data: bytes) -> None:
    try:
        read_layer(data)
    except Malformed:
        return


@settings(deadline=None)
@given(place=st.integers(0, len(LAYER) - 1), byte=st.integers(0, 255), cut=st.integers(0, len(LAYER)))
def test_layer_that_was_changed_is_sound_or_malformed(place: int, byte: int, cut: int) -> None:
    changed = bytearray(LAYER)
    changed[place] = byte
    for data in (bytes(changed), LAYER[:cut]):
        try:
            found = read_layer(data)
        except Malformed:
            continue
        for runs in found.values():
            assert (runs.low <= runs.high).all()
            assert (np.diff(runs.ends, prepend=0) > 0).all()


def test_layer_is_read_as_it_was_written() -> None:
    found = read_layer(LAYER)
    assert list(found) == ["a" * 32, "b" * 32]
    assert found["a" * 32].high.tolist() == [[0, 1, 9], [8, 8, 8]]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (struct.pack("<q", 7), struct.pack("<q", 3)),
        (struct.pack("<q", 9), struct.pack("<q", 1)),
        (b"b" * 4, b"a" * 4),
        (b"\x03\x02", b"\x00\x02"),
    ],
    ids=["ends", "box", "twice", "dimensions"],
)
def test_layer_that_contradicts_itself_is_malformed(old: bytes, new: bytes) -> None:
    hexed = bytes.fromhex("b" * 32), bytes.fromhex("a" * 32)
    data = LAYER.replace(*hexed) if old == b"bbbb" else LAYER.replace(old, new, 1)
    assert data != LAYER
    with pytest.raises(Malformed):
        read_layer(data)


@settings(deadline=None, max_examples=200)
@given(place=st.integers(0, len(PART) - 1), byte=st.integers(0, 255), cut=st.integers(0, len(PART)))
def test_part_that_was_changed_is_sound_or_malformed(place: int, byte: int, cut: int) -> None:
    changed = bytearray(PART)
    changed[place] = byte
    for data in (bytes(changed), PART[:cut]):
        try:
            rows = read_part(data, dimensions=DIMENSIONS, count=len(ROWS))
        except Malformed:
            continue
        assert len(rows) == len(ROWS)
        assert rows.schema == columns(DIMENSIONS)


@pytest.mark.parametrize(
    "rows",
    [
        ROWS.drop_columns(["labels"]),
        ROWS.set_column(0, "number", pa.array([None] * len(ROWS), pa.int64())),
        ROWS.set_column(0, "number", pa.array([-1] * len(ROWS), pa.int64())),
        ROWS.set_column(6, "labels", pa.array([[None]] * len(ROWS), pa.list_(pa.string()))),
        ROWS.set_column(7, "feature_0", pa.array(["x"] * len(ROWS))),
        ROWS.slice(1),
    ],
    ids=["column", "null", "negative", "null-label", "text", "fewer"],
)
def test_part_with_other_rows_is_malformed(rows: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink)
    with pytest.raises(Malformed):
        read_part(sink.getvalue().to_pybytes(), dimensions=DIMENSIONS, count=len(ROWS))


def test_part_is_read_as_it_was_written() -> None:
    assert read_part(PART, dimensions=DIMENSIONS, count=len(ROWS)).equals(ROWS)


@settings(deadline=None)
@given(data=st.data())
def test_table_that_was_changed_is_sound_or_refused(table: bytes, data: st.DataObject) -> None:
    changed = bytearray(table)
    changed[data.draw(st.integers(0, len(table) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = DiscriminantTable.from_bytes(bytes(changed))
    except ModelError:
        return
    assert found.entries == sum(row.count for row in found.clusters)
    for row in found.clusters:
        assert all(low <= high for low, high in zip(row.low, row.high, strict=True))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"rivals":', b'"rivals":9'),
        (b'"start":0', b'"start":1'),
        (b'"next_entry":60', b'"next_entry":9'),
        (b'"label":"c00002"', b'"label":"c00001"'),
    ],
    ids=["rivals", "start", "numbers", "labels"],
)
def test_table_that_contradicts_itself_is_refused(table: bytes, old: bytes, new: bytes) -> None:
    assert old in table
    with pytest.raises(ModelError):
        DiscriminantTable.from_bytes(table.replace(old, new, 1))
