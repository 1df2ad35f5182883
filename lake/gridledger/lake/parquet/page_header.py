"""Headers of Parquet's pages: as much of Thrift's compact protocol as they need."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from gridledger.lake.errors import Malformed

__all__ = ["Encoding", "PageHeader", "PageType"]

_DEPTH = 8
_LONGEST_NUMBER = 10
_LONGEST_LIST = 1 << 16


class PageType(IntEnum):
    """What a page holds."""

    DATA = 0
    DICTIONARY = 2
    DATA_V2 = 3


class Encoding(IntEnum):
    """How values are written; others there are, and row groups that use them stay whole."""

    PLAIN = 0
    PLAIN_DICTIONARY = 2
    RLE = 3
    RLE_DICTIONARY = 8


_FIELDS: dict[int, int] = {PageType.DATA: 5, PageType.DICTIONARY: 7, PageType.DATA_V2: 8}
"""Which field of the header describes a page of a type."""


@dataclass(frozen=True, slots=True)
class PageHeader:
    """What is needed of a header."""

    length: int
    """Of the header itself."""
    type: int
    """A PageType, or another number."""
    plain_size: int
    """Length of the page before compression."""
    size: int
    values: int
    """Nulls included."""
    encoding: int
    """An Encoding, or another number."""
    levels_encoding: int
    """Of the definition levels; RLE in data pages v2."""
    levels_size: int
    """Length of the definition levels of a data page v2."""
    is_compressed: bool

    @classmethod
    def take(cls, data: bytes, place: int, end: int) -> PageHeader:
        """Read the header at a place of a column chunk that ends at `end`; raises Malformed."""
        reader = _Compact(data, place, end)
        fields = reader.struct(0)
        kind = _number(fields, 1)
        plain_size, size = _number(fields, 2), _number(fields, 3)
        of = _FIELDS.get(kind)
        described = fields.get(of) if of is not None else {}
        if not isinstance(described, dict):
            raise Malformed("a page's header lacks its fields")
        second = kind == PageType.DATA_V2
        if second and _number(described, 6):
            raise Malformed("a page has repetition levels")
        return cls(
            length=reader.place - place,
            type=kind,
            plain_size=plain_size,
            size=size,
            values=_number(described, 1) if of is not None else 0,
            encoding=_number(described, 4 if second else 2) if of is not None else -1,
            levels_encoding=_number(described, 3) if kind == PageType.DATA else Encoding.RLE,
            levels_size=_number(described, 5) if second else 0,
            is_compressed=bool(described.get(7, True)) if second else True,
        )


def _number(fields: dict[int, Any], field: int) -> int:
    number = fields.get(field)
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise Malformed(f"field {field} of a page's header is no number")
    return number


class _Compact:
    """Reads Thrift's compact protocol."""

    def __init__(self, data: bytes, place: int, end: int) -> None:
        self._data = data
        self._end = end
        self.place = place

    def _byte(self) -> int:
        if self.place >= self._end:
            raise Malformed("a page's header ends early")
        self.place += 1
        return self._data[self.place - 1]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 7 * _LONGEST_NUMBER, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise Malformed("a number of a page's header does not end")

    def _integer(self) -> int:
        number = self._varint()
        return number >> 1 ^ -(number & 1)

    def struct(self, depth: int) -> dict[int, Any]:
        """Return a struct's fields by number."""
        fields: dict[int, Any] = {}
        field = 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._integer()
            fields[field] = self._value(head & 15, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if depth > _DEPTH:
            raise Malformed("a page's header is too deep")
        match kind:
            case 1 | 2:
                return kind == 1
            case 3:
                return self._byte()
            case 4 | 5 | 6:
                return self._integer()
            case 8:
                length = self._varint()
                if length > self._end - self.place:
                    raise Malformed("a page's header ends early")
                self.place += length
                return None
            case 9 | 10:
                head = self._byte()
                number = head >> 4 if head >> 4 != 15 else self._varint()
                if number > _LONGEST_LIST:
                    raise Malformed("a list of a page's header is too long")
                return [self._value(head & 15, depth + 1) for _ in range(number)]
            case 12:
                return self.struct(depth + 1)
        raise Malformed("a page's header has a field of an unknown kind")
