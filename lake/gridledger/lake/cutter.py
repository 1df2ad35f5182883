"""Cuts a payload into blocks: by content, and on record ends where there are records (LAYOUT.md, 3.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

from pyfastcdc import FastCDC

from gridledger.lake.chunk_stream import ChunkStream
from gridledger.lake.errors import Malformed
from gridledger.lake.frame import BLOCK_LIMIT, BlockKind
from gridledger.lake.manifest import PayloadFormat
from gridledger.lake.records import record_end

__all__ = ["ChunkSizes", "CutBlock", "TakenApart", "cut", "format_of"]

_RECORD_KINDS = {PayloadFormat.CSV: BlockKind.CSV, PayloadFormat.JSON_LINES: BlockKind.LINES}
_SUFFIXES = {
    ".csv": PayloadFormat.CSV,
    ".jsonl": PayloadFormat.JSON_LINES,
    ".ndjson": PayloadFormat.JSON_LINES,
    ".parquet": PayloadFormat.PARQUET,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkSizes:
    """Sizes of chunks in bytes.

    Raises
    ------
    Malformed
        They are not in order, or nothing that a chunker cuts by.
    """

    minimum: int = 32 << 10
    average: int = 128 << 10
    """Small enough that reading one block from a pack stays around a millisecond."""
    maximum: int = 512 << 10

    def __post_init__(self) -> None:
        in_order = self.minimum <= self.average <= self.maximum
        if not (in_order and 64 <= self.minimum <= 1 << 20):
            raise Malformed("the sizes of chunks are impossible")
        if not (self.average >= 256 and 1024 <= self.maximum <= 4 << 20):
            raise Malformed("the sizes of chunks are impossible")


@dataclass(frozen=True, slots=True)
class TakenApart:
    """A Parquet row group as form and records."""

    form: bytes
    cells: bytes
    """A cell block."""


@dataclass(frozen=True, slots=True)
class CutBlock:
    """A block as it was cut."""

    data: bytes
    """The payload's bytes."""
    kind: BlockKind
    """Of the block, or of its records where it was taken apart."""
    taken_apart: TakenApart | None = None


def format_of(name: str) -> PayloadFormat:
    """Guess from a file's name how it is cut."""
    return _SUFFIXES.get(Path(name).suffix.lower(), PayloadFormat.BYTES)


def cut(
    payload: BinaryIO,
    payload_format: PayloadFormat,
    *,
    sizes: ChunkSizes,
    seed: int,
    seen: Callable[[bytes | memoryview], object] | None = None,
) -> Iterator[CutBlock]:
    """Cut a payload into blocks that joined are the payload.

    Parameters
    ----------
    payload : binary file
        Read from where it stands to its end; Parquet is only cut as such where it can seek.
    payload_format : PayloadFormat
        Where records end. A payload that is not what it is called is cut all the same.
    sizes : ChunkSizes
        Of the lake.
    seed : int
        K_cut's, so that sizes tell nothing to others.
    seen : callable, optional
        Called with the payload's bytes in their order, before the blocks that hold them come.

    Notes
    -----
    Linear; memory is a few maximum sizes.
    """
    chunker = FastCDC(
        sizes.average, min_size=sizes.minimum, max_size=sizes.maximum, normalized_chunking=1, seed=seed
    )
    kind = _RECORD_KINDS.get(payload_format)
    if kind is not None:
        yield from _cut_records(ChunkStream(chunker, payload, seen), kind, sizes)
        return
    if payload_format is PayloadFormat.PARQUET:
        yield from _cut_parquet(chunker, payload, seen)
    stream = ChunkStream(chunker, payload, seen)
    while stream.next_chunk():
        yield CutBlock(stream.take(), BlockKind.BYTES)


def _cut_records(stream: ChunkStream, kind: BlockKind, sizes: ChunkSizes) -> Iterator[CutBlock]:
    """Move each cut on to the end of its record."""
    longest = min(3 * sizes.maximum, BLOCK_LIMIT - sizes.maximum)
    while stream.next_chunk():
        memory = stream.memory
        if kind is not BlockKind.BYTES and stream.begin < stream.start:
            # The chunk before ended within a record.
            quoted = kind is BlockKind.CSV and _opens_quotes(memory, stream.begin, stream.start)
            end = record_end(kind, memory, stream.start, stream.end, quoted=quoted)
            if end >= 0:
                yield CutBlock(stream.take(end), kind)
            elif stream.end - stream.begin <= longest:
                continue
            else:
                kind = BlockKind.BYTES
                yield from _pieces(stream.take(), kind)
        if stream.begin < stream.end and _ends_record(kind, memory, stream.begin, stream.end):
            yield CutBlock(stream.take(), kind)
    if stream.begin < stream.end:
        yield from _pieces(stream.take(), kind)


def _ends_record(kind: BlockKind, memory: bytearray, start: int, end: int) -> bool:
    """Tell whether a block may end where a chunk does."""
    if kind is BlockKind.BYTES:
        return True
    return memory.endswith(b"\n", start, end) and not (
        kind is BlockKind.CSV and _opens_quotes(memory, start, end)
    )


def _opens_quotes(memory: bytearray, start: int, end: int) -> bool:
    # Most data have none, and to find none is quicker than to count none.
    return memory.find(b'"', start, end) >= 0 and bool(memory.count(b'"', start, end) & 1)


def _pieces(data: bytes, kind: BlockKind) -> Iterator[CutBlock]:
    for start in range(0, len(data), BLOCK_LIMIT):
        yield CutBlock(data[start : start + BLOCK_LIMIT], kind)


def _cut_parquet(
    chunker: FastCDC, payload: BinaryIO, seen: Callable[[bytes | memoryview], object] | None
) -> Iterator[CutBlock]:
    """Cut a Parquet file before its footer: small row groups taken apart, the rest at column chunks."""
    if not payload.seekable():
        return
    # Imported here: pyarrow takes longer to import than most commands take.
    from gridledger.lake.parquet import find_pieces, take_apart

    for piece in find_pieces(payload):
        data = payload.read(piece.size)
        if seen is not None:
            seen(data)
        if piece.columns:
            try:
                yield CutBlock(data, BlockKind.CELLS, TakenApart(*take_apart(data, piece.columns)))
            except Malformed:
                pass  # Written in a way that is not taken apart: cut as bytes.
            else:
                continue
        ends = accumulate(column.size for column in piece.columns)
        start = 0
        for end in (*ends,) or (len(data),):
            for chunk in chunker.cut_buf(data[start:end]):
                yield CutBlock(bytes(chunk.data), BlockKind.BYTES)
            start = end
