"""Puts and gets: round trips, what is shared, what is refused."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.lake.conftest import OWNER, small_lake
from tests.unit.lake.payloads import meter_csv, noise, register
from tests.unit.lake.second_reader import read_version

from gridledger.crypto.secret_key import SecretKey
from gridledger.crypto.wrapping import RecipientSecret
from gridledger.lake import (
    Lake,
    LakeUnknown,
    LocalStore,
    NameTaken,
    NotGranted,
    PayloadFormat,
    PayloadNotFound,
    check,
    granted_reader,
    prune,
)
from gridledger.lake import frame as frames
from gridledger.lake.hash_index_table import HashIndexTable
from gridledger.lake.manifest import Gather
from gridledger.model.digest import Digest

lines = st.lists(
    st.sampled_from([b"1,a\n", b'2,"b\nc"\n', b"3\r\n", b"\n", b'"', b"4,d", b"5,eeeeeeeeeeee\n"])
)


def put(lake: Lake, name: str, payload: bytes, payload_format: PayloadFormat | None = None) -> int:
    """Put a payload; return how many bytes that wrote, of packs and of the manifest."""
    return lake.put(name, io.BytesIO(payload), payload_format=payload_format).written


def assert_reads(lake: Lake, name: str, payload: bytes, version: int | None = None) -> None:
    reader = lake.reader(name, version)
    assert b"".join(reader.stream()) == payload
    assert reader.read() == payload


@pytest.mark.parametrize("payload_format", list(PayloadFormat))
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"a",
        b"\n",
        b'a "quoted\nfield without an end\n' * 300,
        noise(50_000),
        bytes(100_000),
        meter_csv(3000),
        b"PAR1" + noise(2000) + b"PAR1",
        b"x" * 30_000 + b"\n" + b"y,z\n" * 100,
    ],
    ids=["empty", "byte", "line", "quote", "noise", "zeros", "meter", "parquet", "long-line"],
)
def test_payload_is_read_back_whatever_it_is_called(
    lake: Lake, payload: bytes, payload_format: PayloadFormat
) -> None:
    put(lake, "data", payload, payload_format)
    assert_reads(lake, "data", payload)
    assert check(lake, read_data=True).damage == []


@given(
    st.lists(lines, min_size=1, max_size=4), st.sampled_from([PayloadFormat.CSV, PayloadFormat.JSON_LINES])
)
def test_versions_of_records_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, versions: list[list[bytes]], payload_format: PayloadFormat
) -> None:
    folder = tmp_path_factory.mktemp("lake")
    lake = small_lake(folder)
    number = 0
    for version in versions:
        payload = b"".join(version * 30)
        number = lake.put("data", io.BytesIO(payload), payload_format=payload_format).version
        assert_reads(lake, "data", payload)
        assert read_version(folder, bytes(range(32)), "data", number) == payload


def test_second_implementation_reads_gathers_and_runs(lake: Lake, folder: Path) -> None:
    rows = register(500)
    shuffled = [*rows[::-1], *register(40, seed=2, first=9000)]
    random.Random(3).shuffle(shuffled)
    for name, payload in (("a.csv", b"".join(rows)), ("b.csv", b"".join(shuffled)), ("c", noise(30_000))):
        lake.put(name, io.BytesIO(payload))
        assert read_version(folder, bytes(range(32)), name, 1) == payload
    assert any(isinstance(part, Gather) for part in lake.reader("b.csv").manifest.parts)


@pytest.mark.parametrize("seed", range(5))
def test_any_range_is_read(lake: Lake, seed: int) -> None:
    rows = register(800)
    lake.put("first.csv", io.BytesIO(b"".join(rows)))
    random.Random(seed).shuffle(rows)
    payload = b"".join(rows)
    lake.put("second.csv", io.BytesIO(payload))
    draw = random.Random(seed)
    reader = lake.reader("second.csv")
    file = reader.open()
    for _ in range(40):
        offset, length = draw.randrange(len(payload) + 10), draw.randrange(3000)
        assert reader.read(offset, length) == payload[offset : offset + length]
        file.seek(offset)
        assert file.read(length) == payload[offset : offset + length]
        first, count = draw.randrange(810), draw.randrange(1, 30)
        assert reader.rows(first, count) == rows[first : first + count]
    assert file.seek(-5, io.SEEK_END) == len(payload) - 5
    assert file.read() == payload[-5:]
    with pytest.raises(ValueError, match="no place"):
        file.seek(-1)


def test_unchanged_payload_writes_nothing(lake: Lake) -> None:
    payload = meter_csv(2000)
    first = lake.put("m.csv", io.BytesIO(payload))
    again = lake.put("m.csv", io.BytesIO(payload))
    assert (again.unchanged, again.written, again.version, again.root) == (True, 0, 1, first.root)
    changed = lake.put("m.csv", io.BytesIO(payload[:-2] + b"9\n"))
    assert (changed.unchanged, changed.version) == (False, 2)
    assert changed.new_blocks <= 2
    assert_reads(lake, "m.csv", payload, 1)


def test_bytes_inserted_anywhere_cost_a_few_blocks(lake: Lake) -> None:
    payload = noise(200_000)
    put(lake, "noise", payload)
    assert put(lake, "again", payload[:77_777] + b"inserted" + payload[77_777:]) < 30_000


def test_equal_blocks_of_two_datasets_are_stored_once(lake: Lake) -> None:
    payload = noise(60_000)
    first = put(lake, "one", payload)
    assert put(lake, "two", payload) < first / 4
    assert lake.dataset_key("one").secret != lake.dataset_key("two").secret


def test_reordered_records_are_found(lake: Lake) -> None:
    rows = register(1500)
    first = put(lake, "first.csv", b"".join(rows))
    shuffled = rows[:]
    random.Random(5).shuffle(shuffled)
    second = put(lake, "second.csv", b"".join(shuffled))
    # A random order of 1500 records takes 1.9 kB however it is written; the records 40 kB.
    assert second < first / 5
    assert_reads(lake, "second.csv", b"".join(shuffled))


def test_records_that_two_registers_share_are_stored_once_as_json_lines(lake: Lake) -> None:
    rows = [b'{"station": "%s"}\n' % row.strip() for row in register(1000)]
    first = put(lake, "first.jsonl", b"".join(rows))
    other = [b'{"station": "%s"}\n' % row.strip() for row in register(100, seed=9, first=7000)]
    mixed = rows[::-1] + other
    second = put(lake, "second.jsonl", b"".join(mixed))
    assert second < first / 2
    assert_reads(lake, "second.jsonl", b"".join(mixed))


def test_repeated_records_are_each_used_once(lake: Lake) -> None:
    rows = register(300)
    put(lake, "first.csv", b"".join(rows + rows[:50]))
    twice = b"".join(rows[::-1] + rows[:120] + rows[:60])
    put(lake, "second.csv", twice)
    assert_reads(lake, "second.csv", twice)


def test_row_groups_of_parquet_files_are_shared(lake: Lake) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def file(*seeds: int) -> bytes:
        written = io.BytesIO()
        schema = pa.schema([("house", pa.int64()), ("kwh", pa.float64())])
        with pq.ParquetWriter(written, schema) as writer:
            for seed in seeds:
                draw = random.Random(seed)
                columns = [list(range(3000)), [draw.random() for _ in range(3000)]]
                writer.write_table(pa.table(columns, schema=schema))
        return written.getvalue()

    first = put(lake, "a.parquet", file(1, 2, 3))
    payload = file(4, 3, 1, 2)
    assert put(lake, "b.parquet", payload) < first * 0.45
    assert_reads(lake, "b.parquet", payload)


def test_collision_of_look_up_keys_is_told_apart_by_sha256(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "look_up_key", lambda _: bytes(36))
    first, second = noise(20_000, 1), noise(20_000, 2)
    put(lake, "first", first)
    put(lake, "second", second)
    assert_reads(lake, "first", first)
    assert_reads(lake, "second", second)
    table = HashIndexTable.load(lake.store, lake.keys)
    assert len(table) > 10
    assert {row.look_up_key for state in table.packs.values() for row in state.rows} == {bytes(36)}
    assert put(lake, "third", second) < 5_000


def test_look_up_key_of_a_stored_block_is_not_computed_again(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = noise(40_000)
    lake.put("first", io.BytesIO(payload))
    computed: list[bytes] = []
    compute = frames.look_up_key

    def counted(block: bytes) -> bytes:
        computed.append(block)
        return compute(block)

    monkeypatch.setattr(frames, "look_up_key", counted)
    stored = lake.put("second", io.BytesIO(payload + b"new"))
    assert 1 <= stored.new_blocks <= len(computed) <= 3
    assert lake.reader("second").read() == payload + b"new"


def test_look_up_key_is_md5_and_sha1() -> None:
    assert frames.look_up_key(b"abc").hex() == (
        "900150983cd24fb0d6963f7d28e17f72a9993e364706816aba3e25717850c26c9cd0d89d"
    )


def test_table_survives_and_is_read_from_table_files_and_trailers(folder: Path) -> None:
    lake = small_lake(folder)
    payload = noise(220_000)
    lake.put("noise", io.BytesIO(payload))
    lake.put("more", io.BytesIO(noise(30_000, 7)))
    assert len(list((folder / "table").iterdir())) == 1
    table = HashIndexTable.load(lake.store, lake.keys)
    assert {(state.is_known, state.covered) for state in table.packs.values()} == {
        (True, True),
        (True, False),
    }
    opened = Lake.open(LocalStore(folder), OWNER, pack_bytes=20_000)
    assert opened.put("again", io.BytesIO(payload)).new_blocks == 0
    for path in (folder / "table").iterdir():
        path.unlink()
    assert opened.put("once more", io.BytesIO(payload)).new_blocks == 0
    assert_reads(opened, "again", payload)


def test_small_packs_are_merged_when_there_are_many(folder: Path) -> None:
    lake = small_lake(folder)
    payloads = {f"data-{number}": noise(2_000, number) for number in range(9)}
    for number, (name, payload) in enumerate(payloads.items()):
        lake.put(name, io.BytesIO(payload))
        if number == 6:
            assert prune(lake, grace_s=0, now_ms=2**53).moved_blocks == 0
    before = {path.name for path in (folder / "packs").iterdir()}
    assert len(before) == 9
    assert prune(lake).moved_blocks == 0  # Puts that are under way may count on them.
    report = prune(lake, grace_s=0, now_ms=2**53)
    assert (report.retired_packs, report.deleted_packs, report.rewritten_versions) == (9, 9, 9)
    [merged] = (folder / "packs").iterdir()
    assert merged.name not in before
    for name, payload in payloads.items():
        assert_reads(lake, name, payload)
    assert check(lake, read_data=True).damage == []
    assert prune(lake, grace_s=0, now_ms=2**53).moved_blocks == 0


def test_other_owner_shares_nothing_and_reads_nothing(folder: Path, tmp_path: Path) -> None:
    payload = noise(30_000)
    lake = small_lake(folder)
    lake.put("noise", io.BytesIO(payload))
    thief = Lake.open(LocalStore(folder), SecretKey.generate())
    with pytest.raises(PayloadNotFound):
        thief.reader("noise")
    other = Lake.create(LocalStore(tmp_path / "other"), SecretKey.generate(), sizes=lake.sizes)
    other.put("noise", io.BytesIO(payload))
    ours, theirs = ({block.size for block in one.reader("noise").manifest.blocks} for one in (lake, other))
    assert ours != theirs


def test_nothing_of_a_payload_lies_open_in_the_store(folder: Path) -> None:
    lake = small_lake(folder)
    lake.put("secret-name.csv", io.BytesIO(b"".join(b"secret-%d\n" % number for number in range(5000))))
    for path in folder.rglob("*"):
        assert "secret" not in path.name
        if path.is_file():
            assert b"secret" not in path.read_bytes()


def test_granted_reader_reads_until_the_key_is_rotated(folder: Path) -> None:
    lake = small_lake(folder)
    payload = meter_csv(1500)
    stored = lake.put("m.csv", io.BytesIO(payload))
    reader = RecipientSecret.generate()
    subject = Digest.of(b"request 1, granted")
    key = lake.dataset_key("m.csv")
    wrapped = key.wrap(reader.public, subject=subject)
    opened = type(key).unwrap(wrapped, reader, dataset=stored.dataset, epoch=1, subject=subject)
    granted = granted_reader(LocalStore(folder), stored.location, opened)
    assert granted.read() == payload
    assert granted.manifest.root == stored.root
    rotated = lake.rotate("m.csv")
    with pytest.raises(NotGranted):
        granted_reader(LocalStore(folder), stored.location, opened)
    assert granted_reader(LocalStore(folder), stored.location, rotated).read() == payload
    second = lake.put("m.csv", io.BytesIO(payload + b"new\n"))
    with pytest.raises(NotGranted):
        granted_reader(LocalStore(folder), second.location, opened)
    assert lake.dataset_key("m.csv") == rotated


def test_versions_before_a_rotation_stay_under_their_key_unless_all_are_sealed_anew(lake: Lake) -> None:
    for payload in (b"one", b"two"):
        lake.put("a", io.BytesIO(payload))
    lake.rotate("a")
    assert lake.epochs("a") == {1: 1, 2: 2}
    lake.rotate("a", all_versions=True)
    assert lake.epochs("a") == {1: 3, 2: 3}


def test_key_of_another_dataset_opens_nothing(lake: Lake, folder: Path) -> None:
    stored = lake.put("one", io.BytesIO(noise(3000)))
    lake.put("two", io.BytesIO(noise(3000, 2)))
    with pytest.raises((NotGranted, PayloadNotFound)) as refused:
        granted_reader(LocalStore(folder), stored.location, lake.dataset_key("one").rotated())
    assert refused.type is NotGranted


def test_missing_dataset_version_and_lake_are_refused(lake: Lake, folder: Path, tmp_path: Path) -> None:
    lake.put("one", io.BytesIO(b"1"))
    with pytest.raises(PayloadNotFound):
        lake.reader("two")
    with pytest.raises(PayloadNotFound):
        lake.reader("one", 2)
    with pytest.raises(PayloadNotFound):
        lake.forget("one", 2)
    with pytest.raises(LakeUnknown):
        Lake.open(LocalStore(tmp_path / "nowhere"), OWNER)
    with pytest.raises(NameTaken):
        Lake.create(LocalStore(folder), OWNER)


@pytest.mark.parametrize("text", [b"", b"{}", b'{"schema":"lake-format/2"}', b"[1]"])
def test_lake_of_another_format_is_refused(tmp_path: Path, text: bytes) -> None:
    store = LocalStore(tmp_path)
    store.publish("lake.json", text)
    with pytest.raises(LakeUnknown):
        Lake.open(store, OWNER)


def test_two_puts_of_one_dataset_at_once_make_two_versions(folder: Path) -> None:
    lake = small_lake(folder)
    other = Lake.open(LocalStore(folder), OWNER, pack_bytes=20_000)

    class Interrupting(io.BytesIO):
        """Puts the other payload while the first is read."""

        def read(self, size: int | None = -1) -> bytes:
            if not other.versions(other.keys.dataset("data")):
                other.put("data", io.BytesIO(noise(9000, 2)))
            return super().read(size)

        def readinto(self, buffer: object) -> int:
            self.read(0)
            return super().readinto(buffer)  # type: ignore[arg-type]

    stored = lake.put("data", Interrupting(noise(9000, 1)))
    assert stored.version == 2
    assert_reads(lake, "data", noise(9000, 2), 1)
    assert_reads(lake, "data", noise(9000, 1), 2)
    assert check(lake, read_data=True).damage == []


def test_progress_is_told(lake: Lake) -> None:
    told: list[int] = []
    lake.put("data", io.BytesIO(noise(10_000)), progress=told.append)
    assert told[-1] == 10_000


def test_repr_of_a_lakes_keys_and_blocks_shows_no_key(lake: Lake) -> None:
    lake.put("data", io.BytesIO(noise(3000)))
    reader = lake.reader("data")
    shown = repr(lake.keys) + repr(reader.manifest)
    for block in reader.manifest.blocks:
        assert block.key.hex() not in shown
        assert repr(block.key)[2:12] not in shown
