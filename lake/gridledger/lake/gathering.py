"""Finds records of new blocks in stored ones (LAYOUT.md, 3.7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gridledger.lake.frame import BlockKind
from gridledger.lake.order import write_order
from gridledger.lake.records import join_like, split_records
from gridledger.lake.row import Row

__all__ = ["MOST_RECORDS", "Gathering", "gathering"]

MOST_RECORDS = 1 << 16
"""Records of a gather: its order is written and read record by record."""
_SOURCE_BYTES = 32 << 20
_SOURCE_RECORDS = 1 << 18
_LEAST_SHARE = 4
"""A gather is written where one byte of so many is shared."""
_LEAST_HITS = 16
"""...and looked for where one hook of so many was found."""
_FRESH_BYTES = 512 << 10


@dataclass(frozen=True, slots=True)
class Gathering:
    """New records as an order over stored ones."""

    order: bytes
    """The order block."""
    fresh: list[bytes]
    """Blocks of the records that no source has."""
    sources: list[Row]
    size: int
    records: int


def gathering(
    kind: BlockKind,
    blocks: list[bytes],
    sharing: Counter[Row],
    read: Callable[[Row], bytes | None],
    *,
    hooks: int,
) -> Gathering | None:
    """Look for the records of new blocks in the stored blocks that share hooks with them.

    Parameters
    ----------
    kind : BlockKind
        Of the new blocks.
    blocks : list of bytes
        The new blocks, in their order.
    sharing : Counter of Row
        How many hooks each stored block shares with them.
    read : callable
        Returns a stored block; None if it cannot be read.
    hooks : int
        How many hooks the new blocks have.

    Returns
    -------
    Gathering or None
        None where too little is shared to be worth it.

    Notes
    -----
    Records are compared whole. Memory and time are linear in the new and the opened blocks.
    """
    if sum(sharing.values()) * _LEAST_HITS < hooks:
        return None
    new = [record for block in blocks for record in split_records(kind, block)]
    sources, known = _sources(kind, sharing, read)
    unused: dict[bytes, list[int]] = {}
    for place in range(len(known) - 1, -1, -1):
        unused.setdefault(known[place], []).append(place)
    picks: list[int | None] = []
    fresh: list[bytes] = []
    shared = 0
    for record in new:
        places = unused.get(record)
        if places:
            picks.append(places.pop())
            shared += len(record)
        else:
            picks.append(None)
            fresh.append(record)
    size = sum(map(len, new))
    if shared * _LEAST_SHARE < size:
        return None
    order = write_order(picks, sources=len(known))
    return Gathering(order, _joined(kind, blocks[0], fresh), sources, size, len(new))


def _sources(
    kind: BlockKind, sharing: Counter[Row], read: Callable[[Row], bytes | None]
) -> tuple[list[Row], list[bytes]]:
    """Open the best of the blocks that share hooks, in the order in which they lie."""
    chosen: list[Row] = []
    size = records = 0
    for row, _ in sharing.most_common():
        if row.kind is not kind or size + row.size > _SOURCE_BYTES or records + row.records > _SOURCE_RECORDS:
            continue
        chosen.append(row)
        size += row.size
        records += row.records
    sources: list[Row] = []
    known: list[bytes] = []
    for row in sorted(chosen, key=lambda row: (row.pack, row.offset)):
        data = read(row)
        if data is not None:
            sources.append(row)
            known += split_records(kind, data)
    return sources, known


def _joined(kind: BlockKind, like: bytes, records: Iterable[bytes]) -> list[bytes]:
    """Join records into blocks."""
    blocks: list[bytes] = []
    held: list[bytes] = []
    size = 0
    for record in records:
        if size + len(record) > _FRESH_BYTES and held:
            blocks.append(join_like(kind, like, held))
            held, size = [], 0
        held.append(record)
        size += len(record)
    if held:
        blocks.append(join_like(kind, like, held))
    return blocks
