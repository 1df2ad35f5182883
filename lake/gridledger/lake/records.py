"""Where records end (LAYOUT.md, 3.3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gridledger.lake.cell_block import join_records, read_records
from gridledger.lake.frame import BlockKind

__all__ = ["join_like", "record_end", "record_ends", "split_records"]

_LINE_FEED = 0x0A
_QUOTE = b'"'


def record_end(
    kind: BlockKind, data: bytes | bytearray, start: int = 0, end: int | None = None, *, quoted: bool
) -> int:
    """Find where the first record of data ends.

    Parameters
    ----------
    kind : BlockKind
        One with records.
    data : bytes
        Where to look.
    start, end : int
        From where to where; all of it unless told.
    quoted : bool
        Whether an odd number of quotes stands in the record before `start`; only CSV asks.

    Returns
    -------
    int
        The place behind its line end; -1 if the record does not end before `end`.
    """
    stop = len(data) if end is None else end
    place = start
    while True:
        found = data.find(b"\n", place, stop)
        if found < 0:
            return -1
        if kind is BlockKind.CSV:
            quoted ^= bool(data.count(_QUOTE, place, found) & 1)
        if not quoted or kind is not BlockKind.CSV:
            return found + 1
        place = found + 1


def record_ends(kind: BlockKind, data: bytes) -> npt.NDArray[np.int64]:
    """Return the place behind each record of a block of lines; the last is the length of the block.

    Notes
    -----
    Linear; a byte of data is compared once, once more in CSV with quotes.
    """
    octets = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(octets == _LINE_FEED)
    if kind is BlockKind.CSV and _QUOTE in data:
        quotes = np.flatnonzero(octets == _QUOTE[0])
        ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
    ends += 1
    if len(data) and (not len(ends) or ends[-1] != len(data)):
        ends = np.append(ends, len(data))
    return ends.astype(np.int64, copy=False)


def split_records(kind: BlockKind, data: bytes) -> list[bytes]:
    """Cut a block into its records: lines with their ends, or cells one after the other.

    Raises
    ------
    Malformed
        It is no cell block.

    Examples
    --------
    >>> split_records(BlockKind.CSV, b'1,"a\\nb"\\n2,c\\n')
    [b'1,"a\\nb"\\n', b'2,c\\n']
    """
    if kind is BlockKind.CELLS:
        return read_records(data)
    if kind is BlockKind.CSV and _QUOTE in data:
        ends = record_ends(kind, data).tolist()
        return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    lines = data.split(b"\n")
    last = lines.pop()
    records = [line + b"\n" for line in lines]
    if last:
        records.append(last)
    return records


def join_like(kind: BlockKind, block: bytes, records: Sequence[bytes]) -> bytes:
    """Write records as a block of the same kind, and the same columns, as another one."""
    return join_records(block, records) if kind is BlockKind.CELLS else b"".join(records)
