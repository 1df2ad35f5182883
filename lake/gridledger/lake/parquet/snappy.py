"""Snappy's elements without their literals: what is left of compressed bytes when the plain are known.

A compressor is free in what it copies, and releases differ: with its choices kept, no compressor is needed to
get the same bytes again.
"""

from __future__ import annotations

from gridledger.lake.errors import Malformed

__all__ = ["join_elements", "split_elements"]

_LONG = 60
"""Literals of this tag or above say their length in the bytes that follow."""


def split_elements(compressed: bytes) -> bytes:
    """Leave the literals out.

    Raises
    ------
    Malformed
        It ends in the middle of an element.
    """
    kept = bytearray()
    place = _preamble_end(compressed)
    kept += compressed[:place]
    size = len(compressed)
    while place < size:
        head, length, is_literal = _element(compressed, place)
        kept += compressed[place : place + head]
        place += head + (length if is_literal else 0)
    if place != size:
        raise Malformed("compressed bytes end early")
    return bytes(kept)


def join_elements(elements: bytes, plain: bytes) -> bytes:
    """Put the literals in again; raises Malformed where they are of other bytes."""
    written: list[bytes] = []
    place = _preamble_end(elements)
    written.append(elements[:place])
    start = 0
    size = len(elements)
    while place < size:
        head, length, is_literal = _element(elements, place)
        written.append(elements[place : place + head])
        if is_literal:
            written.append(plain[start : start + length])
        place += head
        start += length
        if start > len(plain):
            raise Malformed("elements are of more bytes")
    if start != len(plain) or place != size:
        raise Malformed("elements are of fewer bytes")
    return b"".join(written)


def _preamble_end(data: bytes) -> int:
    for place, byte in enumerate(data[:5]):
        if byte < 0x80:
            return place + 1
    raise Malformed("compressed bytes have no length")


def _element(data: bytes, place: int) -> tuple[int, int, bool]:
    """Return the length of an element's head, of the plain bytes it stands for, and whether as a literal."""
    tag = data[place]
    kind = tag & 3
    if kind == 1:
        return 2, (tag >> 2 & 7) + 4, False
    if kind:
        return (3 if kind == 2 else 5), (tag >> 2) + 1, False
    length = tag >> 2
    if length < _LONG:
        return 1, length + 1, True
    more = length - _LONG + 1
    return 1 + more, int.from_bytes(data[place + 1 : place + 1 + more], "little") + 1, True
