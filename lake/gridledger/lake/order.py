"""The order of a gather: which record comes next, in few bytes (LAYOUT.md, 3.7)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from gridledger.lake.errors import Malformed
from gridledger.lake.varint import FieldReader, varint

__all__ = ["read_order", "write_order"]

_BUCKET = 512


class _Unused:
    """The records that were not taken yet, by rank.

    Buckets of fixed ranges: taking one costs a shift within a bucket and a sum over the buckets before it,
    which for the sizes of a gather is less than a tree would cost.
    """

    def __init__(self, size: int) -> None:
        self._buckets = [list(range(start, min(start + _BUCKET, size))) for start in range(0, size, _BUCKET)]
        self._lengths = [len(bucket) for bucket in self._buckets]

    def take_record(self, record: int) -> int:
        """Take a record; return its rank."""
        number = record // _BUCKET
        bucket = self._buckets[number]
        place = bisect_left(bucket, record)
        del bucket[place]
        self._lengths[number] -= 1
        return sum(self._lengths[:number]) + place

    def take_rank(self, rank: int) -> int:
        """Take the record of a rank; return it."""
        for number, length in enumerate(self._lengths):
            if rank < length:
                self._lengths[number] -= 1
                return self._buckets[number].pop(rank)
            rank -= length
        raise Malformed("an order takes more records than there are")


def write_order(picks: Sequence[int | None], *, sources: int) -> bytes:
    """Write the order block of a gather.

    Parameters
    ----------
    picks : sequence of int or None
        For each record that is put out: which source record it is, each at most once; None for the next fresh
        one.
    sources : int
        How many source records there are.
    """
    unused = _Unused(sources)
    symbols = (0 if pick is None else unused.take_record(pick) + 1 for pick in picks)
    return varint(len(picks)) + b"".join(map(varint, symbols))


def read_order(data: bytes, fresh: Sequence[bytes], sources: Sequence[bytes]) -> list[bytes]:
    """Put records into the order of an order block.

    Parameters
    ----------
    data : bytes
        The order block.
    fresh, sources : sequence of bytes
        Records of the gather's blocks.

    Raises
    ------
    Malformed
        The order is not one of these records.
    """
    reader = FieldReader(data)
    unused = _Unused(len(sources))
    following = iter(fresh)
    records = []
    for _ in range(reader.count(each=1)):
        symbol = reader.number()
        if symbol:
            records.append(sources[unused.take_rank(symbol - 1)])
            continue
        record = next(following, None)
        if record is None:
            raise Malformed("an order takes more fresh records than there are")
        records.append(record)
    reader.end()
    return records
