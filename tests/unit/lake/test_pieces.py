"""Numbers, compression, frames, records and orders: round trips, and hostile bytes."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.lake.errors import Malformed
from gridledger.lake.frame import BlockKind, compress, expand, open_frame, seal_frame
from gridledger.lake.hook_index import HookIndex
from gridledger.lake.hooks import hooks_of, sampling_values
from gridledger.lake.order import read_order, write_order
from gridledger.lake.records import record_end, record_ends, split_records
from gridledger.lake.varint import FieldReader, varint

KEY = bytes(range(32))
RECORD_KINDS = [BlockKind.LINES, BlockKind.CSV]
csv_like = st.text(alphabet='a1,"\n\r', max_size=60).map(str.encode)


@given(st.integers(0, 2**63 - 1))
def test_number_is_read_back_in_its_shortest_form(number: int) -> None:
    written = varint(number)
    reader = FieldReader(written)
    assert reader.number() == number
    reader.end()
    assert len(written) == max(1, -(-number.bit_length() // 7))


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80\x00", b"\xff" * 9, b"\xff" * 9 + b"\x01"])
def test_number_without_end_or_too_long_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        FieldReader(data).number()


def test_more_than_remains_is_refused() -> None:
    with pytest.raises(Malformed):
        FieldReader(b"abc").take(4)
    with pytest.raises(Malformed):
        FieldReader(varint(5) + b"abcd").count(each=1)
    with pytest.raises(Malformed):
        FieldReader(b"a").end()


@given(st.binary(max_size=300))
def test_compressed_bytes_are_read_back(data: bytes) -> None:
    packed = compress(data)
    assert len(packed) <= len(data) + 1
    assert expand(packed, limit=len(data)) == data


@pytest.mark.parametrize("data", [b"aaaa" * 1000, b"a"])
def test_more_than_the_limit_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        expand(compress(data), limit=len(data) - 1)


@given(st.binary(max_size=100))
def test_hostile_compressed_bytes_are_refused_or_read(data: bytes) -> None:
    try:
        assert len(expand(data, limit=1000)) <= 1000
    except Malformed:
        return


def test_compressed_bytes_without_a_size_or_with_more_behind_are_refused() -> None:
    import zstandard

    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(b"a" * 100)
    with pytest.raises(Malformed):
        expand(b"\x01" + unsized, limit=1000)
    with pytest.raises(Malformed):
        expand(compress(b"a" * 100) + b"b", limit=1000)


@given(st.binary(max_size=200))
def test_frame_opens_with_its_key_only(block: bytes) -> None:
    frame = seal_frame(block, KEY)
    assert open_frame(frame, KEY) == block
    with pytest.raises(Malformed):
        open_frame(frame, bytes(32))
    with pytest.raises(Malformed):
        open_frame(frame[:-1], KEY)


@pytest.mark.parametrize("kind", RECORD_KINDS)
@given(csv_like)
def test_records_joined_are_the_block(kind: BlockKind, data: bytes) -> None:
    records = split_records(kind, data)
    assert b"".join(records) == data
    assert all(records)
    assert np.cumsum([len(record) for record in records]).tolist() == record_ends(kind, data).tolist()
    if kind is BlockKind.LINES:
        assert all(record.count(b"\n") <= 1 for record in records)
    if (
        records
        and records[0].endswith(b"\n")
        and (kind is BlockKind.LINES or records[0].count(b'"') % 2 == 0)
    ):
        assert record_end(kind, data, quoted=False) == len(records[0])


@given(st.lists(st.lists(st.text(alphabet='a,"\n', max_size=5), min_size=1, max_size=3), max_size=8))
def test_records_of_csv_are_those_of_the_csv_reader(rows: list[list[str]]) -> None:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    records = split_records(BlockKind.CSV, written.getvalue().encode())
    assert [
        next(csv.reader([record.decode()])) if record.count(b"\n") == 1 else None for record in records
    ] == [row if sum(field.count("\n") for field in row) == 0 else None for row in rows]


def second_sampling(key: bytes, record: bytes) -> int:
    """LAYOUT.md, 3.4, word for word."""
    mask = 2**64 - 1
    length = len(record)
    padded = record if length >= 8 else record + bytes(8 - length)
    middle = (length - 8) // 2 if length >= 8 else 0
    head, mid, tail = (
        int.from_bytes(word, "little") for word in (padded[:8], padded[middle : middle + 8], padded[-8:])
    )
    value = (head ^ int.from_bytes(key[:8], "little") ^ length) * 0x9E3779B97F4A7C15 & mask
    value = (value ^ (value >> 32) ^ mid) * 0xC2B2AE3D27D4EB4F & mask
    value = (value ^ (value >> 32) ^ tail) * 0x165667B19E3779F9 & mask
    return value ^ (value >> 32)


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=20))
def test_sampling_values_are_those_of_the_layout(records: list[bytes]) -> None:
    ends = np.cumsum([len(record) for record in records])
    starts = np.concatenate(([0], ends[:-1]))
    values = sampling_values(KEY, b"".join(records), starts, ends)
    assert values.tolist() == [second_sampling(KEY, record) for record in records]


def is_candidate(key: bytes, record: bytes) -> bool:
    return len(record) >= 4 and (167 * record[-2] + 59 * record[-4] + key[8]) % 256 < 32


@pytest.mark.parametrize("start", [0, 1_000_000])
@given(st.lists(st.integers(0, 4000), max_size=1500))
def test_hooks_are_those_of_the_layout(start: int, numbers: list[int]) -> None:
    import hashlib

    records = [b"%d,%d\n" % (start + number, number**2) for number in numbers]
    data = b"".join(records)
    hooks, found = hooks_of(KEY, BlockKind.LINES, data)
    assert found == len(records)
    number = max(16, -(-len(records) // 128))
    distinct = sorted(
        set(records), key=lambda record: (not is_candidate(KEY, record), second_sampling(KEY, record))
    )
    wanted = distinct[:number]
    assert hooks == b"".join(hashlib.blake2b(record, key=KEY, digest_size=8).digest() for record in wanted)


def test_blocks_without_records_have_no_hooks() -> None:
    assert hooks_of(KEY, BlockKind.BYTES, b"a\nb\n") == (b"", 0)
    assert hooks_of(KEY, BlockKind.ORDER, b"a\nb\n") == (b"", 0)
    assert hooks_of(KEY, BlockKind.CSV, b"") == (b"", 0)


def test_hooks_are_found_before_and_after_they_are_sorted() -> None:
    index = HookIndex()
    per_block = 8_000
    blocks = {
        number: np.arange(number * per_block // 2, number * per_block // 2 + per_block, dtype="<u8")
        for number in range(90)
    }
    for number, hooks in blocks.items():
        index.add(hooks.tobytes(), number)
    for number in (0, 7, 44, 89):
        hits = index.hits(blocks[number].tobytes())
        expected = {number: per_block}
        expected |= {near: per_block // 2 for near in (number - 1, number + 1) if near in blocks}
        assert dict(hits) == expected
    assert not index.hits(np.arange(10**9, 10**9 + 50, dtype="<u8").tobytes())


@given(st.data())
def test_order_puts_records_where_they_were(data: st.DataObject) -> None:
    sources = [b"s%d\n" % number for number in range(data.draw(st.integers(0, 1200)))]
    picked = (
        data.draw(st.lists(st.sampled_from(range(len(sources))), unique=True, max_size=40)) if sources else []
    )
    picks: list[int | None] = [*picked, *[None] * data.draw(st.integers(0, 5))]
    data.draw(st.randoms()).shuffle(picks)
    fresh = [b"f%d\n" % number for number in range(picks.count(None))]
    following = iter(fresh)
    expected = [next(following) if pick is None else sources[pick] for pick in picks]
    order = write_order(picks, sources=len(sources))
    assert read_order(order, fresh, sources) == expected


def test_records_in_order_cost_a_byte_each_that_is_always_the_same() -> None:
    assert set(write_order(list(range(1000)), sources=1000)[2:]) == {1}


@given(st.binary(max_size=30))
def test_hostile_order_is_refused_or_read(data: bytes) -> None:
    try:
        records = read_order(data, [b"a", b"b"], [b"c", b"d", b"e"])
    except Malformed:
        return
    assert len(records) <= 5


@pytest.mark.parametrize(
    "data", [b"\x01\x00", b"\x01\x02", b"\x03\x01\x01\x01", b"\x01\x01\x01", b"\x05\x01"]
)
def test_order_of_other_records_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        read_order(data, [], [b"a", b"b"] if data != b"\x01\x02" else [b"a"])
