"""Parquet's hybrid of runs and bit-packed numbers: taken apart into numbers and run headers.

The format leaves a writer free where runs begin and end, so headers are kept; the numbers follow from the
records.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gridledger.lake.errors import Malformed
from gridledger.lake.varint import FieldReader, varint

__all__ = ["join_hybrid", "split_hybrid"]

_GROUP = 8
_WIDEST = 32


def split_hybrid(data: bytes, width: int, count: int) -> tuple[list[int], list[int]]:
    """Take apart encoded numbers.

    Parameters
    ----------
    data : bytes
        All runs, nothing behind them.
    width : int
        Bits of a number, 0 to 32.
    count : int
        How many numbers there are.

    Returns
    -------
    numbers, headers : list of int

    Raises
    ------
    Malformed
        It is none, or has more or fewer numbers.
    """
    if not 0 <= width <= _WIDEST:
        raise Malformed("numbers have an impossible width")
    reader = FieldReader(data)
    weights = 1 << np.arange(width, dtype=np.uint64)
    numbers: list[int] = []
    headers: list[int] = []
    while len(numbers) < count:
        header = reader.number()
        headers.append(header)
        length = header >> 1
        if header & 1:
            packed = np.frombuffer(reader.take(length * width), np.uint8)
            if not length or length * _GROUP > count - len(numbers) + _GROUP:
                raise Malformed("a run has an impossible length")
            bits = np.unpackbits(packed, bitorder="little").reshape(length * _GROUP, width)
            numbers += (bits.astype(np.uint64) @ weights).tolist()
        else:
            value = int.from_bytes(reader.take(-(-width // 8)), "little")
            if not length or length > count - len(numbers):
                raise Malformed("a run has an impossible length")
            numbers += [value] * length
    reader.end()
    return numbers[:count], headers


def join_hybrid(headers: Sequence[int], width: int, numbers: Sequence[int]) -> bytes:
    """Encode numbers in runs of these headers.

    Raises
    ------
    Malformed
        The runs hold more or fewer numbers.
    """
    if not 0 <= width <= _WIDEST:
        raise Malformed("numbers have an impossible width")
    shifts = np.arange(width, dtype=np.uint64)
    written: list[bytes] = []
    place = 0
    for header in headers:
        left = len(numbers) - place
        length = header >> 1
        written.append(varint(header))
        if header & 1:
            if length * _GROUP >= left + _GROUP:
                raise Malformed("a run holds more numbers than there are")
            values = np.zeros(length * _GROUP, np.uint64)
            taken = numbers[place : place + length * _GROUP]
            values[: len(taken)] = taken
            written.append(_packed(values, shifts))
            place += len(taken)
        else:
            if not 0 < length <= left:
                raise Malformed("a run holds more numbers than there are")
            written.append((numbers[place] & (1 << width) - 1).to_bytes(-(-width // 8), "little"))
            place += length
    if place != len(numbers):
        raise Malformed("the runs hold fewer numbers than there are")
    return b"".join(written)


def _packed(values: npt.NDArray[np.uint64], shifts: npt.NDArray[np.uint64]) -> bytes:
    bits = ((values[:, None] >> shifts) & np.uint64(1)).astype(np.uint8)
    packed: bytes = np.packbits(bits.ravel(), bitorder="little").tobytes()
    return packed
