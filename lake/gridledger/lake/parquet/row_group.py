"""Takes a Parquet row group apart into records and a form (LAYOUT.md, 3.8).

records   what the rows say: cells, independent of order, pages, dictionaries and compression
form      everything else: page headers as they stand, run headers, Snappy's elements without their literals
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gridledger.lake.cell_block import CellShape, read_records, write_block
from gridledger.lake.errors import Malformed
from gridledger.lake.frame import BLOCK_LIMIT
from gridledger.lake.gathering import MOST_RECORDS
from gridledger.lake.parquet.form import Body, Codec, Levels, put_together
from gridledger.lake.parquet.hybrid import split_hybrid
from gridledger.lake.parquet.page_header import Encoding, PageHeader, PageType
from gridledger.lake.parquet.snappy import split_elements
from gridledger.lake.varint import varint

__all__ = ["MOST_ROWS", "ColumnChunk", "take_apart"]

MOST_ROWS = MOST_RECORDS
"""Row groups with more rows, or more than 8 MiB, are cut as column chunks: their order would cost much."""
_LENGTH_BYTES = 4
_INDEXES = (Encoding.RLE_DICTIONARY, Encoding.PLAIN_DICTIONARY)


@dataclass(frozen=True, slots=True)
class ColumnChunk:
    """A column of a row group."""

    size: int
    """Length in the file."""
    shape: CellShape
    is_boolean: bool
    codec: Codec


def take_apart(data: bytes, columns: Sequence[ColumnChunk]) -> tuple[bytes, bytes]:
    """Take a row group apart.

    Parameters
    ----------
    data : bytes
        The row group: its column chunks, nothing between them.
    columns : sequence of ColumnChunk
        Its columns.

    Returns
    -------
    form, cells : bytes
        The form, and a cell block. Put together they were compared with `data`.

    Raises
    ------
    Malformed
        It is none, or written in a way that is not taken apart.

    Notes
    -----
    Linear; some hundred nanoseconds and some tens of bytes of memory a cell.
    """
    if sum(column.size for column in columns) != len(data) or not columns:
        raise Malformed("the column chunks are not the row group")
    form = [varint(len(columns))]
    values: list[list[bytes | None]] = []
    start = 0
    for column in columns:
        taken = _TakenColumn(column)
        pages = taken.take_pages(data[start : start + column.size])
        form += [column.shape.to_bytes(), varint(len(pages)), *pages]
        values.append(taken.values)
        start += column.size
    if len({len(each) for each in values}) != 1:
        raise Malformed("columns have different numbers of rows")
    described = b"".join(form)
    cells = write_block([column.shape for column in columns], values)
    if len(cells) > BLOCK_LIMIT or len(described) > BLOCK_LIMIT:
        raise Malformed("the row group is too large")
    if put_together(described, read_records(cells), size=len(data)) != data:
        raise Malformed("the row group is written in another way")
    return described, cells


class _TakenColumn:
    """A column chunk that is taken apart."""

    def __init__(self, column: ColumnChunk) -> None:
        self._column = column
        self._dictionary: list[bytes] = []
        self.values: list[bytes | None] = []

    def take_pages(self, data: bytes) -> list[bytes]:
        """Return the form of each page; their values are in `values` then."""
        pages: list[bytes] = []
        place = 0
        while place < len(data):
            header = PageHeader.take(data, place, len(data))
            start = place + header.length
            end = start + header.size
            if end > len(data) or header.plain_size > BLOCK_LIMIT:
                raise Malformed("a page has an impossible size")
            raw = data[place:start]
            pages.append(varint(len(raw)) + raw + self._page(header, data[start:end]))
            place = end
        return pages

    def _page(self, header: PageHeader, body: bytes) -> bytes:
        if header.values > BLOCK_LIMIT:
            raise Malformed("a page has an impossible number of values")
        match header.type:
            case PageType.DICTIONARY:
                plain, elements = self._expand(body, header.plain_size, compressed=True)
                self._dictionary = _plain_values(plain, self._column.shape.width, header.values)
                return bytes((Body.DICTIONARY,)) + elements
            case PageType.DATA:
                return self._data_page(header, body)
            case PageType.DATA_V2:
                return self._data_page_v2(header, body)
        raise Malformed("a page is of another type")

    def _data_page(self, header: PageHeader, body: bytes) -> bytes:
        plain, elements = self._expand(body, header.plain_size, compressed=True)
        levels, present = bytes((Levels.NONE,)), None
        if self._column.shape.nullable:
            if header.levels_encoding != Encoding.RLE:
                raise Malformed("levels are written in another way")
            end = _LENGTH_BYTES + int.from_bytes(plain[:_LENGTH_BYTES], "little")
            present, headers = split_hybrid(plain[_LENGTH_BYTES:end], 1, header.values)
            levels, plain = bytes((Levels.FIRST,)) + _numbers(headers), plain[end:]
        kind, rest = self._values(header, plain, present)
        return bytes((kind,)) + varint(header.values) + levels + rest + elements

    def _data_page_v2(self, header: PageHeader, body: bytes) -> bytes:
        levels, present = bytes((Levels.NONE,)), None
        if self._column.shape.nullable:
            present, headers = split_hybrid(body[: header.levels_size], 1, header.values)
            levels = bytes((Levels.SECOND,)) + _numbers(headers)
        plain_size = header.plain_size - header.levels_size
        plain, elements = self._expand(
            body[header.levels_size :], plain_size, compressed=header.is_compressed
        )
        kind, rest = self._values(header, plain, present)
        return bytes((kind,)) + varint(header.values) + levels + rest + elements

    def _expand(self, body: bytes, plain_size: int, *, compressed: bool) -> tuple[bytes, bytes]:
        """Return the plain bytes, and the form of their compression."""
        if self._column.codec is Codec.NONE or not compressed:
            return body, bytes((Codec.NONE,))
        elements = split_elements(body)
        try:
            plain: bytes = pa.decompress(body, plain_size, codec="snappy", asbytes=True)
        except (pa.ArrowException, OSError) as error:
            raise Malformed("a page is not compressed as it says") from error
        return plain, bytes((Codec.SNAPPY,)) + varint(len(elements)) + elements

    def _values(self, header: PageHeader, data: bytes, present: list[int] | None) -> tuple[Body, bytes]:
        """Read the values of a page; return what it holds, and the form of that."""
        count = header.values if present is None else sum(present)
        kind, rest = Body.PLAIN, b""
        if header.encoding in _INDEXES:
            width = data[0] if data else 0
            indexes, headers = split_hybrid(data[1:], width, count)
            if indexes and max(indexes) >= len(self._dictionary):
                raise Malformed("an index is behind the dictionary")
            found = [self._dictionary[index] for index in indexes]
            kind, rest = Body.INDEXES, bytes((width,)) + _numbers(headers)
        elif header.encoding != Encoding.PLAIN:
            raise Malformed("values are written in another way")
        elif self._column.is_boolean:
            bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[:count]
            found = [bytes((bit,)) for bit in bits.tolist()]
            kind = Body.BITS
        else:
            found = _plain_values(data, self._column.shape.width, count)
        if len(found) != count:
            raise Malformed("a page holds fewer values than it says")
        if present is None:
            self.values += found
        else:
            following = iter(found)
            self.values += [next(following) if one else None for one in present]
        return kind, rest


def _plain_values(data: bytes, width: int, count: int) -> list[bytes]:
    if width:
        if len(data) != count * width:
            raise Malformed("values have another length")
        return [data[place : place + width] for place in range(0, len(data), width)]
    values = []
    place = 0
    for _ in range(count):
        length = int.from_bytes(data[place : place + _LENGTH_BYTES], "little")
        place += _LENGTH_BYTES
        values.append(data[place : place + length])
        place += length
    if place != len(data):
        raise Malformed("values have another length")
    return values


def _numbers(numbers: Sequence[int]) -> bytes:
    return varint(len(numbers)) + b"".join(map(varint, numbers))
