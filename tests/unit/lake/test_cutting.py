"""Cutting: the same blocks however a payload is read, and cuts where LAYOUT.md, 3.3, has them."""

from __future__ import annotations

import io
import random
from bisect import bisect_left
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyfastcdc import FastCDC
from tests.unit.lake.payloads import meter_csv, noise

from gridledger.lake import ChunkSizes, PayloadFormat
from gridledger.lake.chunk_stream import ChunkStream
from gridledger.lake.cutter import cut
from gridledger.lake.frame import BLOCK_LIMIT, BlockKind
from gridledger.lake.records import record_ends

SIZES = ChunkSizes(minimum=64, average=256, maximum=1024)
KINDS = {PayloadFormat.CSV: BlockKind.CSV, PayloadFormat.JSON_LINES: BlockKind.LINES}
records = st.lists(
    st.sampled_from([b"1,a\n", b'2,"b\nc"\n', b"3\r\n", b"\n", b'"', b"4,d", b"e" * 70 + b"\n"])
)


def chunker(sizes: ChunkSizes) -> FastCDC:
    return FastCDC(
        sizes.average, min_size=sizes.minimum, max_size=sizes.maximum, normalized_chunking=1, seed=7
    )


def blocks(payload: bytes, payload_format: PayloadFormat, sizes: ChunkSizes = SIZES) -> list[bytes]:
    found = list(cut(io.BytesIO(payload), payload_format, sizes=sizes, seed=7))
    assert b"".join(block.data for block in found) == payload
    return [block.data for block in found]


class Dribble(io.RawIOBase):
    """Gives a payload in pieces of any length."""

    def __init__(self, payload: bytes, seed: int) -> None:
        super().__init__()
        self._file = io.BytesIO(payload)
        self._draw = random.Random(seed)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._file.readinto(buffer[: self._draw.randrange(1, 5000)])


class ReadOnly:
    """A payload that can only be read, without a buffer of the reader's."""

    def __init__(self, payload: bytes) -> None:
        self._file = io.BytesIO(payload)

    def read(self, size: int) -> bytes:
        return self._file.read(size)


@pytest.mark.parametrize("size", [0, 1, 63, 1024, 300_000, (2 << 20) + 2048, 5_000_000])
def test_chunks_are_those_of_the_whole_payload(size: int) -> None:
    payload = noise(size)
    wanted = [bytes(chunk.data) for chunk in chunker(SIZES).cut_buf(payload)]
    for file in (io.BytesIO(payload), Dribble(payload, size), ReadOnly(payload)):
        stream = ChunkStream(chunker(SIZES), cast("BinaryIO", file))
        found = []
        while stream.next_chunk():
            found.append(stream.take())
        assert found == wanted
        assert not stream.next_chunk()


def test_what_is_not_taken_is_held_over_any_number_of_chunks() -> None:
    payload = noise(6_000_000)
    stream = ChunkStream(chunker(SIZES), io.BytesIO(payload))
    while stream.next_chunk():
        pass
    half = stream.take((stream.begin + stream.end) // 2)
    assert half + stream.take() == payload


@pytest.mark.parametrize("payload_format", list(KINDS))
@settings(max_examples=40)
@given(written=records, times=st.integers(1, 60))
def test_each_cut_is_moved_on_to_the_end_of_its_record(
    payload_format: PayloadFormat, written: list[bytes], times: int
) -> None:
    payload = b"".join(written * times) + b"\n"
    ends = record_ends(KINDS[payload_format], payload).tolist()
    # Where a quote stays open, records may be too long to be cut at.
    if max(end - start for start, end in zip([0, *ends], ends, strict=False)) > SIZES.maximum:
        return
    chunks = [chunk.offset + chunk.length for chunk in chunker(SIZES).cut_buf(payload)]
    places = sorted({ends[bisect_left(ends, end)] for end in chunks})
    wanted = [payload[start:end] for start, end in zip([0, *places], places, strict=False)]
    assert blocks(payload, payload_format) == wanted


@pytest.mark.parametrize("sizes", [SIZES, ChunkSizes(maximum=4 << 20)])
def test_record_without_end_ends_the_attempt_and_no_block_is_too_long(sizes: ChunkSizes) -> None:
    head = meter_csv(40)
    payload = head + noise(5 * sizes.maximum).replace(b"\n", b" ") + b"\n" + meter_csv(200)
    found = list(cut(io.BytesIO(payload), PayloadFormat.CSV, sizes=sizes, seed=7))
    assert b"".join(block.data for block in found) == payload
    assert found[-1].kind is BlockKind.BYTES
    assert max(len(block.data) for block in found) <= BLOCK_LIMIT
