"""The form of a Parquet row group: what it has beside its records (LAYOUT.md, 3.8)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from gridledger.lake.cell_block import CellShape, split_cells
from gridledger.lake.errors import Malformed
from gridledger.lake.parquet.hybrid import join_hybrid
from gridledger.lake.parquet.snappy import join_elements
from gridledger.lake.varint import FieldReader

__all__ = ["Body", "Codec", "Levels", "put_together"]

_LENGTH_BYTES = 4


class Codec(IntEnum):
    """How pages are compressed."""

    NONE = 0
    SNAPPY = 1


class Body(IntEnum):
    """What a page holds."""

    DICTIONARY = 0
    """The values of pages of indexes, each once, in the order in which they first occur."""
    PLAIN = 1
    BITS = 2
    """Booleans."""
    INDEXES = 3


class Levels(IntEnum):
    """Where a page says which cells are null."""

    NONE = 0
    FIRST = 1
    """In front of the values, with a length."""
    SECOND = 2
    """In front of the page's compressed part (data page v2)."""


@dataclass(frozen=True, slots=True)
class _Page:
    """The form of a page."""

    header: bytes
    body: Body
    values: int
    levels: Levels
    level_runs: list[int]
    width: int
    index_runs: list[int]
    elements: bytes | None


def put_together(form: bytes, records: Sequence[bytes], *, size: int) -> bytes:
    """Put a row group together.

    Parameters
    ----------
    form : bytes
        Its form.
    records : sequence of bytes
        Its records, in order.
    size : int
        Its length.

    Raises
    ------
    Malformed
        The form is none, or not of these records.
    """
    reader = FieldReader(form)
    columns = [_take_column(reader) for _ in range(reader.count(each=2))]
    reader.end()
    cells = split_cells([shape for shape, _ in columns], records)
    written: list[bytes] = []
    held = 0
    for (shape, pages), values in zip(columns, cells, strict=True):
        for page in _write_pages(shape, pages, values):
            written.append(page)
            held += len(page)
            if held > size:
                raise Malformed("the row group becomes longer than it was")
    if held != size:
        raise Malformed("the row group becomes shorter than it was")
    return b"".join(written)


def _take_column(reader: FieldReader) -> tuple[CellShape, list[_Page]]:
    shape = CellShape.take(reader)
    return shape, [_take_page(reader) for _ in range(reader.count(each=3))]


def _take_page(reader: FieldReader) -> _Page:
    header = reader.take(reader.number())
    try:
        body = Body(reader.take(1)[0])
        values, levels = 0, Levels.NONE
        if body is not Body.DICTIONARY:
            values, levels = reader.number(), Levels(reader.take(1)[0])
        level_runs = _take_numbers(reader) if levels is not Levels.NONE else []
        width = reader.take(1)[0] if body is Body.INDEXES else 0
        index_runs = _take_numbers(reader) if body is Body.INDEXES else []
        codec = Codec(reader.take(1)[0])
    except ValueError as error:
        raise Malformed("a page is of an unknown kind") from error
    elements = reader.take(reader.number()) if codec is Codec.SNAPPY else None
    return _Page(header, body, values, levels, level_runs, width, index_runs, elements)


def _take_numbers(reader: FieldReader) -> list[int]:
    return [reader.number() for _ in range(reader.count(each=1))]


def _write_pages(shape: CellShape, pages: Sequence[_Page], values: Sequence[bytes | None]) -> Iterator[bytes]:
    if sum(page.values for page in pages) != len(values):
        raise Malformed("the pages are of another number of records")
    placed: list[tuple[_Page, Sequence[bytes | None]]] = []
    start = 0
    for page in pages:
        placed.append((page, values[start : start + page.values]))
        start += page.values
    indexed = dict.fromkeys(
        value for page, of in placed if page.body is Body.INDEXES for value in of if value is not None
    )
    dictionary = {value: index for index, value in enumerate(indexed)}
    for page, of in placed:
        yield _write_page(shape, page, of, dictionary)


def _write_page(
    shape: CellShape, page: _Page, values: Sequence[bytes | None], dictionary: dict[bytes, int]
) -> bytes:
    present = [value for value in values if value is not None]
    match page.body:
        case Body.DICTIONARY:
            plain = _plain(shape, list(dictionary))
        case Body.PLAIN:
            plain = _plain(shape, present)
        case Body.BITS:
            bits = np.frombuffer(b"".join(present), np.uint8)
            plain = np.packbits(bits, bitorder="little").tobytes()
        case Body.INDEXES:
            indexes = [dictionary[value] for value in present]
            plain = bytes((page.width,)) + join_hybrid(page.index_runs, page.width, indexes)
    levels = b""
    if page.levels is not Levels.NONE:
        levels = join_hybrid(page.level_runs, 1, [value is not None for value in values])
    if page.levels is Levels.FIRST:
        plain, levels = len(levels).to_bytes(_LENGTH_BYTES, "little") + levels + plain, b""
    if page.elements is not None:
        plain = join_elements(page.elements, plain)
    return page.header + levels + plain


def _plain(shape: CellShape, values: Sequence[bytes]) -> bytes:
    if shape.width:
        return b"".join(values)
    return b"".join(len(value).to_bytes(_LENGTH_BYTES, "little") + value for value in values)
