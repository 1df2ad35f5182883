"""Where a Parquet file is cut: at row groups and column chunks (LAYOUT.md, 3.3)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from gridledger.lake.cell_block import CellShape
from gridledger.lake.frame import BLOCK_LIMIT
from gridledger.lake.parquet.form import Codec
from gridledger.lake.parquet.row_group import MOST_ROWS, ColumnChunk

__all__ = ["Piece", "find_pieces"]

_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8, "BYTE_ARRAY": 0}
_BOOLEAN = "BOOLEAN"
_FIXED = "FIXED_LEN_BYTE_ARRAY"
_CODECS = {"UNCOMPRESSED": Codec.NONE, "SNAPPY": Codec.SNAPPY}


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of a Parquet file's bytes."""

    size: int
    columns: tuple[ColumnChunk, ...] = ()
    """Of a row group that may be taken apart; empty for other bytes."""


def find_pieces(payload: BinaryIO) -> list[Piece]:
    """Find the pieces of a Parquet file before its footer.

    Parameters
    ----------
    payload : binary file
        One that can seek, and stands where it stood afterwards.

    Returns
    -------
    list of Piece
        None for what is no Parquet file.
    """
    start = payload.tell()
    try:
        return _pieces(pq.ParquetFile(payload).metadata)
    except (pa.ArrowException, OSError):
        return []
    finally:
        payload.seek(start)


def _pieces(metadata: pq.FileMetaData) -> list[Piece]:
    places = {0}
    groups: dict[int, tuple[int, tuple[ColumnChunk, ...]]] = {}
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        chunks = [_chunk_place(group.column(column)) for column in range(group.num_columns)]
        columns = _columns(metadata, group)
        joined = all(one[1] == two[0] for one, two in itertools.pairwise(chunks))
        if columns and joined and chunks[-1][1] - chunks[0][0] <= BLOCK_LIMIT:
            groups[chunks[0][0]] = chunks[-1][1], columns
            places |= {chunks[0][0], chunks[-1][1]}
        else:
            places |= {place for chunk in chunks for place in chunk}
    pieces = []
    for begin, end in itertools.pairwise(sorted(places)):
        group_end, columns = groups.get(begin, (0, ()))
        pieces.append(Piece(end - begin, columns if group_end == end else ()))
    return pieces


def _chunk_place(chunk: pq.ColumnChunkMetaData) -> tuple[int, int]:
    first = chunk.dictionary_page_offset or chunk.data_page_offset
    return first, first + chunk.total_compressed_size


def _columns(metadata: pq.FileMetaData, group: pq.RowGroupMetaData) -> tuple[ColumnChunk, ...]:
    """Describe a row group's columns; none where one of them is not taken apart."""
    if not 0 < group.num_rows <= MOST_ROWS or group.total_byte_size > BLOCK_LIMIT:
        return ()
    columns = []
    for number in range(group.num_columns):
        chunk, described = group.column(number), metadata.schema.column(number)
        kind = chunk.physical_type
        width = described.length if kind == _FIXED else _WIDTHS.get(kind)
        codec = _CODECS.get(chunk.compression)
        nested = described.max_repetition_level > 0 or described.max_definition_level > 1
        if width is None or codec is None or nested or (kind == _FIXED and not width):
            return ()
        shape = CellShape(width, described.max_definition_level == 1)
        columns.append(ColumnChunk(chunk.total_compressed_size, shape, kind == _BOOLEAN, codec))
    return tuple(columns)
