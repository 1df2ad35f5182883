"""Cell blocks: records of a Parquet row group, written column by column (LAYOUT.md, 3.8)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from gridledger.lake.errors import Malformed
from gridledger.lake.varint import FieldReader, varint

__all__ = [
    "CellShape",
    "join_records",
    "read_records",
    "shapes_of",
    "split_cells",
    "take_shapes",
    "write_block",
]

_LENGTH_BYTES = 4
_NULL = b"\x00"
_PRESENT = b"\x01"
_WIDEST = 1 << 16


@dataclass(frozen=True, slots=True)
class CellShape:
    """What a column's cells are."""

    width: int
    """Bytes of a value; 0 where each value has a length of its own."""
    nullable: bool

    @property
    def is_plain(self) -> bool:
        """Whether every cell is just a value of the same width."""
        return bool(self.width) and not self.nullable

    def to_bytes(self) -> bytes:
        """Write the shape."""
        return varint(self.width * 2 + self.nullable)

    @classmethod
    def take(cls, reader: FieldReader) -> CellShape:
        """Read a shape; raises Malformed."""
        number = reader.number()
        if number // 2 > _WIDEST:
            raise Malformed("a cell is too wide")
        return cls(number // 2, bool(number & 1))


def take_shapes(reader: FieldReader) -> list[CellShape]:
    """Read the shapes of some columns, at least one; raises Malformed."""
    shapes = [CellShape.take(reader) for _ in range(reader.count(each=1))]
    if not shapes:
        raise Malformed("there are no columns")
    return shapes


def shapes_of(block: bytes) -> list[CellShape]:
    """Return the shapes of a cell block; raises Malformed."""
    return take_shapes(FieldReader(block))


def write_block(shapes: Sequence[CellShape], columns: Sequence[Sequence[bytes | None]]) -> bytes:
    """Write a cell block.

    Parameters
    ----------
    shapes : sequence of CellShape
        Of the columns.
    columns : sequence of sequence of bytes or None
        Values of each column, as many in each; None for null.
    """
    written = [varint(len(shapes)), *(shape.to_bytes() for shape in shapes), varint(len(columns[0]))]
    for shape, values in zip(shapes, columns, strict=True):
        if shape.nullable:
            written.append(bytes(value is not None for value in values))
        present = [value for value in values if value is not None] if shape.nullable else values
        if not shape.width:
            written.append(struct.pack(f"<{len(present)}I", *(len(value or b"") for value in present)))
        written += [value for value in present if value is not None]
    return b"".join(written)


def join_records(block: bytes, records: Sequence[bytes]) -> bytes:
    """Write records in a cell block of the same shapes as another one's; raises Malformed."""
    shapes = shapes_of(block)
    return write_block(shapes, split_cells(shapes, records))


def read_records(block: bytes) -> list[bytes]:
    """Return the records of a cell block, each its cells one after the other.

    Raises
    ------
    Malformed
        It is no cell block.
    """
    reader = FieldReader(block)
    shapes = take_shapes(reader)
    rows = reader.number()
    if rows > len(block):
        raise Malformed("more records are announced than the block has bytes")
    columns = [_take_cells(reader, shape, rows) for shape in shapes]
    reader.end()
    return list(map(b"".join, zip(*columns, strict=True)))


def _take_cells(reader: FieldReader, shape: CellShape, rows: int) -> list[bytes]:
    flags = reader.take(rows) if shape.nullable else b""
    if flags.strip(_NULL + _PRESENT):
        raise Malformed("a cell is neither there nor not")
    number = sum(flags) if shape.nullable else rows
    if shape.width:
        width = shape.width
        data = reader.take(number * width)
        cells = [data[place : place + width] for place in range(0, len(data), width)]
    else:
        lengths = struct.unpack(f"<{number}I", reader.take(number * _LENGTH_BYTES))
        cells = [struct.pack("<I", length) + reader.take(length) for length in lengths]
    if not shape.nullable:
        return cells
    following = iter(cells)
    return [_PRESENT + next(following) if flag else _NULL for flag in flags]


def split_cells(shapes: Sequence[CellShape], records: Sequence[bytes]) -> list[list[bytes | None]]:
    """Cut records into the values of each column.

    Raises
    ------
    Malformed
        A record has other shapes.
    """
    if all(shape.is_plain for shape in shapes):
        layout = struct.Struct("".join(f"{shape.width}s" for shape in shapes))
        if any(len(record) != layout.size for record in records):
            raise Malformed("a record has another length")
        if not records:
            return [[] for _ in shapes]
        return [list(values) for values in zip(*map(layout.unpack, records), strict=True)]
    columns: list[list[bytes | None]] = [[] for _ in shapes]
    for record in records:
        place = 0
        for shape, column in zip(shapes, columns, strict=True):
            if shape.nullable:
                flag = record[place : place + 1]
                place += 1
                if flag == _NULL:
                    column.append(None)
                    continue
                if flag != _PRESENT:
                    raise Malformed("a cell is neither there nor not")
            width = shape.width
            if not width:
                width = int.from_bytes(record[place : place + _LENGTH_BYTES], "little")
                place += _LENGTH_BYTES
            column.append(record[place : place + width])
            place += width
        if place != len(record):
            raise Malformed("a record has another length")
    return columns
