"""Files of a lake that nobody wrote in good faith: what is inside of their seals, and their names."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.unit.lake.conftest import OWNER, small_lake
from tests.unit.lake.payloads import noise, register

from gridledger.crypto.sealing import seal
from gridledger.lake import Lake, LocalStore, check
from gridledger.lake import manifest as manifests
from gridledger.lake.errors import LakeUnknown, Malformed, PayloadCorrupt, PayloadNotFound
from gridledger.lake.frame import BLOCK_LIMIT, BlockKind, compress, expand, open_frame, seal_frame
from gridledger.lake.granted import newest_generation
from gridledger.lake.hash_index_table import HashIndexTable
from gridledger.lake.manifest import Gather, Head, Manifest, ManifestBlock, PayloadFormat, Run
from gridledger.lake.paths import generation_of, named
from gridledger.lake.row import Footer, table_rows, trailer_rows
from gridledger.lake.varint import varint
from gridledger.lake.version_reader import VersionReader
from gridledger.model.digest import Digest

KEY = bytes(range(32))
PACK = bytes(16)
_MAGIC = b"GLMANI01"
CALM = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def parquet() -> bytes:
    written = io.BytesIO()
    pq.write_table(pa.table({"house": list(range(60)), "name": ["a", None, "b"] * 20}), written)
    return written.getvalue()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake whose versions have parts of all kinds."""
    made = small_lake(tmp_path_factory.mktemp("hostile") / "lake")
    lines = register(200)
    made.put("stations.csv", io.BytesIO(b"".join(lines)))
    made.put("stations.csv", io.BytesIO(b"".join([*lines[100:], *lines[:100], *register(9, seed=2)])))
    made.put("rows.parquet", io.BytesIO(parquet()))
    return made


def opened(lake: Lake, name: str, version: int) -> tuple[Head, bytes, bytes]:
    """Return a manifest's head, its dataset's key and its body."""
    head, key, manifest = lake.manifest(lake.keys.dataset(name), version, 1)
    return head, key.secret.reveal(), manifest._body()


def resealed(lake: Lake, name: str, version: int, body: bytes) -> Manifest:
    """Parse a body as if whoever has the dataset's key had sealed it."""
    head, key, manifest = lake.manifest(lake.keys.dataset(name), version, 1)
    assert manifest
    written = head.to_bytes()
    sealed = seal(key.secret.reveal(), compress(body), _MAGIC + written)
    return Manifest.parse(_MAGIC + len(written).to_bytes(4, "big") + written + sealed, key)


@st.composite
def changed(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes with some flipped, cut out, put in, or cut off."""
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(0, len(data) - 1)))
        length = draw(st.integers(0, 12))
        piece = draw(st.binary(max_size=12) | st.just(b"\xff" * 8 + b"\x7f"))
        data = data[:place] + piece + (b"" if draw(st.booleans()) else data[place + length :])
    return data


@pytest.mark.parametrize("what", ["run", "gather", "assembly"])
@CALM
@given(data=st.data())
def test_changed_body_is_refused_or_read_without_harm(lake: Lake, what: str, data: st.DataObject) -> None:
    name, version = {"run": ("stations.csv", 1), "gather": ("stations.csv", 2)}.get(what, ("rows.parquet", 1))
    _, _, body = opened(lake, name, version)
    try:
        manifest = resealed(lake, name, version, data.draw(changed(body)))
        reader = VersionReader(lake.store, manifest)
        if manifest.size <= 1 << 20:
            assert len(reader.read()) == manifest.size
            reader.rows(0, 10)
    except (Malformed, PayloadCorrupt, PayloadNotFound):
        return


@CALM
@given(body=st.binary(max_size=200))
def test_any_body_is_refused(lake: Lake, body: bytes) -> None:
    with pytest.raises(Malformed):
        resealed(lake, "stations.csv", 1, body)


@CALM
@given(data=st.data())
def test_changed_head_is_refused(lake: Lake, data: st.DataObject) -> None:
    head, _, _ = opened(lake, "stations.csv", 1)
    written = data.draw(changed(head.to_bytes()))
    try:
        assert Head.parse(written).to_bytes() == written
    except Malformed:
        return


@CALM
@given(data=st.binary(max_size=60), size=st.integers(0, 2**40))
def test_any_bytes_are_no_manifest_head_or_footer(data: bytes, size: int) -> None:
    with pytest.raises(Malformed):
        Head.of(data, path="datasets/x/1.1.manifest")
    with pytest.raises(Malformed):
        Head.of(_MAGIC + data, path="datasets/x/1.1.manifest")
    footer = Footer.parse(data[:16].ljust(16, b"\x00") + b"GLPEND01", pack_size=size)
    assert footer is None or footer.offset + footer.length + 24 == size


@CALM
@given(body=st.binary(max_size=400))
@example(body=varint(2**62))
@example(body=varint(1) + bytes(100) + b"\xff" * 8 + b"\x7f")
def test_any_rows_are_refused_or_read(body: bytes) -> None:
    for label, read in (
        (b"gridledger/trailer/1" + PACK, lambda sealed: trailer_rows(KEY, PACK, sealed)),
        (b"gridledger/table/1", lambda sealed: table_rows(KEY, b"GLTABL01" + sealed)),
    ):
        try:
            assert isinstance(read(seal(KEY, body, label)), (list, dict))
        except Malformed:
            continue


@CALM
@given(data=st.data())
def test_changed_rows_of_a_lake_are_refused_or_read(lake: Lake, data: st.DataObject) -> None:
    rows = next(state.rows for state in HashIndexTable.load(lake.store, lake.keys).packs.values())
    written = varint(1) + PACK + varint(len(rows)) + b"".join(row.to_bytes() for row in rows)
    sealed = seal(KEY, data.draw(changed(written)), b"gridledger/table/1")
    try:
        found = table_rows(KEY, b"GLTABL01" + sealed)
    except Malformed:
        return
    assert all(row.size <= BLOCK_LIMIT for each in found.values() for row in each)


def test_bombs_are_refused_by_what_they_say() -> None:
    # A frame that says to hold a tebibyte; one that does not say how much; one that says less than it holds.
    said = b"\x01" + b"\x28\xb5\x2f\xfd\xe0" + (1 << 40).to_bytes(8, "little") + b"\x01\x00\x00"
    unsaid = b"\x01" + zstandard.ZstdCompressor(write_content_size=False).compress(bytes(1 << 20))
    honest = zstandard.ZstdCompressor().compress(bytes(100_000))
    frame = zstandard.get_frame_parameters(honest)
    assert frame.content_size == 100_000
    lying = b"\x01" + honest.replace((100_000).to_bytes(4, "little"), (1000).to_bytes(4, "little"), 1)
    most = compress(bytes(BLOCK_LIMIT + 1))
    for packed in (said, unsaid, lying, most):
        with pytest.raises(Malformed):
            expand(packed, limit=BLOCK_LIMIT)
    with pytest.raises(Malformed):
        open_frame(seal(KEY, most, b"gridledger/block/1"), KEY)
    assert open_frame(seal_frame(bytes(BLOCK_LIMIT), KEY), KEY) == bytes(BLOCK_LIMIT)


def test_part_that_opens_one_block_without_end_is_refused(lake: Lake) -> None:
    # Some hundred bytes that would make a reader open gigabytes.
    order = ManifestBlock(PACK, 24, 40, 10, BlockKind.ORDER, 0, bytes(32), KEY)
    records = ManifestBlock(PACK, 99, 40, BLOCK_LIMIT, BlockKind.CSV, 1000, bytes(32), KEY)
    for sources in ((1,) * 1000, (1,) * 9):
        gather = Gather(0, (), sources, 1000, 1000)
        manifest = Manifest("a", PayloadFormat.CSV, 1000, Digest.of(b""), 1000, (order, records), (gather,))
        with pytest.raises(Malformed, match="more than a reader opens at once"):
            resealed(lake, "stations.csv", 1, manifest._body())


def test_parts_that_repeat_blocks_without_end_are_refused(lake: Lake) -> None:
    # Some 100 KB that would make a reader hold the places of 20 million blocks.
    block = ManifestBlock(PACK, 24, 40, 10, BlockKind.BYTES, 0, bytes(32), KEY)
    blocks, parts = (block,) * 1000, (Run(0, 1000),) * 20_000
    manifest = Manifest("a", PayloadFormat.BYTES, 10**8 * 2, Digest.of(b""), 0, blocks, parts)
    with pytest.raises(Malformed, match="too many blocks"):
        resealed(lake, "stations.csv", 1, manifest._body())


def test_put_that_no_reader_would_take_is_refused(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "_MOST_UNITS", 2)
    with pytest.raises(Malformed, match="too many blocks"):
        lake.put("long", io.BytesIO(noise(2 << 20)))
    monkeypatch.undo()
    with pytest.raises(PayloadNotFound):
        lake.reader("long")
    assert check(lake, read_data=True).damage == []


def test_parts_that_do_not_make_the_payload_are_refused(lake: Lake) -> None:
    block = ManifestBlock(PACK, 24, 40, 10, BlockKind.BYTES, 0, bytes(32), KEY)
    for parts, size in (((Run(0, 2),), 20), ((Run(0, 1),), 2**60), ((Run(2**60, 2**62),), 10)):
        manifest = Manifest("a", PayloadFormat.BYTES, 10, Digest.of(b""), 0, (block,), (Run(0, 1),))
        body = manifest._body().replace(b'"size":10', b'"size":%d' % size)
        body = (
            body[:-4]
            + varint(len(parts))
            + b"".join(b"\x00" + varint(part.first) + varint(part.count) for part in parts)
        )
        with pytest.raises(Malformed):
            resealed(lake, "stations.csv", 1, body)


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "../../etc/passwd",
        "1.1.manifest/..",
        "01.1.manifest",
        "1.1.manifest.",
        "1.1.manifest\n",
        "1.-1.manifest",
        "1." + "9" * 19 + ".manifest",
        "1.1.MANIFEST",
        "١.1.manifest",
    ],
    ids=repr,
)
def test_name_that_is_none_is_read_by_nobody(tmp_path: Path, name: str) -> None:
    assert generation_of(name) is None
    assert named(name) is None
    assert named(f"{name}.pack", ".pack") is None


def test_files_with_other_names_are_named_and_change_nothing(tmp_path: Path) -> None:
    made = small_lake(tmp_path / "lake")
    stored = made.put("a", io.BytesIO(b"payload"))
    folder = (tmp_path / "lake" / stored.location).parent
    for name in ("1.2.manifest.bak", "x", "1.0.manifest"):
        (folder / name).write_bytes(b"x")
    (tmp_path / "lake" / "packs" / "x.pack").write_bytes(b"x")
    assert made.reader("a").read() == b"payload"
    assert newest_generation(made.store, stored.location) == f"{stored.location}.1.manifest"
    assert [one.path for one in check(made).damage] == ["packs/x.pack"]


@CALM
@given(
    minimum=st.integers(-1, 2**53 - 1) | st.integers(0, 5000),
    average=st.integers(-1, 2**53 - 1) | st.integers(0, 5000),
    maximum=st.integers(-1, 2**53 - 1) | st.integers(0, 5000),
)
@example(minimum=0, average=0, maximum=0)
@example(minimum=64, average=64, maximum=2**40)
def test_sizes_of_a_changed_format_are_refused_or_work(
    tmp_path_factory: pytest.TempPathFactory, minimum: int, average: int, maximum: int
) -> None:
    folder = tmp_path_factory.mktemp("lake")
    described = {"average": average, "lake": "0" * 32, "maximum": maximum, "minimum": minimum}
    text = json.dumps({**described, "schema": "lake-format/1"}, sort_keys=True, separators=(",", ":"))
    (folder / "lake.json").write_text(text)
    try:
        lake = Lake.open(LocalStore(folder), OWNER)
    except LakeUnknown:
        return
    payload = b"1,2,3\n" * 2000
    lake.put("a.csv", io.BytesIO(payload))
    assert lake.reader("a.csv").read() == payload
