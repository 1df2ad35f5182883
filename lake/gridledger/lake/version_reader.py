"""Reads a version: any range of it, every block verified."""

from __future__ import annotations

import copy
import io
import itertools
from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from gridledger.lake.errors import Malformed, PayloadCorrupt, PayloadNotFound
from gridledger.lake.frame import block_identifier, open_frame
from gridledger.lake.manifest import Assembly, Gather, Manifest, ManifestBlock, Run
from gridledger.lake.order import read_order
from gridledger.lake.paths import pack_path
from gridledger.lake.records import split_records
from gridledger.lake.store import Store
from gridledger.lake.version_file import Closeable, VersionFile

__all__ = ["VersionReader", "open_block"]

_READ_AT_ONCE = 4 << 20
_AHEAD = 4
_WORKERS = 2
_KEPT_BYTES = 16 << 20
_Made = Gather | Assembly
"""What is made of several blocks."""


def open_block(block: ManifestBlock, frame: bytes | memoryview) -> bytes:
    """Verify and open a block.

    Raises
    ------
    PayloadCorrupt
        The frame is not the one that the manifest names.
    """
    path = pack_path(block.pack)
    if len(frame) != block.length:
        raise PayloadCorrupt(
            path,
            "the pack ends early",
            offset=block.offset,
            expected=str(block.length),
            actual=str(len(frame)),
        )
    actual = block_identifier(frame)
    if actual != block.identifier:
        raise PayloadCorrupt(
            path,
            "the frame is another one",
            offset=block.offset,
            expected=block.identifier.hex(),
            actual=actual.hex(),
        )
    try:
        data = open_frame(frame, block.key)
    except Malformed as error:
        raise PayloadCorrupt(path, error.message, offset=block.offset) from error
    if len(data) != block.size:
        raise PayloadCorrupt(
            path,
            "the block has another size",
            offset=block.offset,
            expected=str(block.size),
            actual=str(len(data)),
        )
    return data


class VersionReader:
    """A version of a dataset.

    Parameters
    ----------
    store : Store
        Where the lake lies.
    manifest : Manifest
        What is read.
    renew : callable, optional
        Returns the newest generation of the manifest; asked when a pack is gone, since pruning moves blocks.
        What it returns is read from then on, if it is the same payload.

    Notes
    -----
    A range costs the blocks that it touches, a range of a gather or an assembly all blocks that it takes
    records from. One reader is for one thread.
    """

    def __init__(
        self, store: Store, manifest: Manifest, *, renew: Callable[[], Manifest] | None = None
    ) -> None:
        self._store = store
        self._renew = renew
        self._kept: OrderedDict[int, bytes]
        self._made: tuple[_Made, bytes] | None
        self.drop_blocks()
        self._take(manifest)

    def _take(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self._units: list[int | _Made] = []
        self._starts: list[int] = []
        start = 0
        for part in manifest.parts:
            units = range(part.first, part.first + part.count) if isinstance(part, Run) else (part,)
            for unit in units:
                self._units.append(unit)
                self._starts.append(start)
                start += manifest.blocks[unit].size if isinstance(unit, int) else unit.size

    @property
    def size(self) -> int:
        """Length of the payload in bytes."""
        return self.manifest.size

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """Read a range of the payload; shorter where the payload ends first.

        Raises
        ------
        PayloadCorrupt
            A block is not the one that was stored; other ranges can still be read.
        PayloadNotFound
            A pack is gone.
        """
        end = self.size if length is None else min(self.size, offset + length)
        if offset >= end:
            return b""
        first = bisect_right(self._starts, offset) - 1
        pieces = []
        for place in range(first, len(self._units)):
            start = self._starts[place]
            if start >= end:
                break
            data = self._unit(place)
            pieces.append(data[max(0, offset - start) : end - start])
        return b"".join(pieces)

    def rows(self, first: int, count: int) -> list[bytes]:
        """Return records of a CSV or JSON lines payload by number, from 0.

        Notes
        -----
        Blocks before the first wanted record are skipped by their number of records.
        """
        records: list[bytes] = []
        place = 0
        for unit in self._units:
            if isinstance(unit, Assembly):
                continue  # Its records are none of the payload's own bytes.
            held = self.manifest.blocks[unit].records if isinstance(unit, int) else unit.records
            if place + held > first:
                found = self._records((unit,)) if isinstance(unit, int) else self._gathered_records(unit)
                records += found[max(0, first - place) : first + count - place]
            place += held
            if place >= first + count:
                break
        return records

    def stream(self, offset: int = 0) -> Iterator[bytes]:
        """Yield the payload from a place to its end in pieces, reading ahead.

        Notes
        -----
        Neighbouring frames are read at once; memory is some 20 MiB.
        """
        first = max(0, bisect_right(self._starts, offset) - 1)
        skipped = offset - self._starts[first] if self._starts else 0
        for piece in self._stream_units(self._units[first:]):
            if skipped < len(piece):
                yield piece[skipped:] if skipped else piece
            skipped = max(0, skipped - len(piece))

    def _stream_units(self, units: Sequence[int | _Made]) -> Iterator[bytes]:
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="lake-read") as workers:
            waiting: deque[Future[list[bytes]] | _Made] = deque()
            for group in self._groups(units):
                waiting.append(workers.submit(self._fetch, group) if isinstance(group, list) else group)
                if len(waiting) > _AHEAD:
                    yield from self._taken(waiting.popleft())
            while waiting:
                yield from self._taken(waiting.popleft())

    def again(self) -> VersionReader:
        """Return another reader of the same version, for another thread; it holds no block yet."""
        other = copy.copy(self)
        other.drop_blocks()
        return other

    def drop_blocks(self) -> None:
        """Hold no block any more."""
        self._kept, self._made = OrderedDict(), None

    def open(self, *, closing: Closeable | None = None) -> io.BufferedReader:
        """Return a file object that reads and seeks; with `closing`, what is closed with it."""
        return io.BufferedReader(VersionFile(self, closing), buffer_size=1 << 16)

    def _taken(self, waiting: Future[list[bytes]] | _Made) -> Iterator[bytes]:
        if isinstance(waiting, _Made):
            yield self._make(waiting)
        else:
            yield from waiting.result()

    def _groups(self, units: Sequence[int | _Made]) -> Iterator[list[int] | _Made]:
        """Group units whose frames are neighbours."""
        group: list[int] = []
        length = 0
        blocks = self.manifest.blocks
        for unit in units:
            if not isinstance(unit, int):
                if group:
                    yield group
                    group = []
                yield unit
                continue
            if group:
                before, block = blocks[group[-1]], blocks[unit]
                neighbours = before.pack == block.pack and before.offset + before.length == block.offset
                if not neighbours or length + block.length > _READ_AT_ONCE:
                    yield group
                    group = []
            if not group:
                length = 0
            group.append(unit)
            length += blocks[unit].length
        if group:
            yield group

    def _fetch(self, group: list[int]) -> list[bytes]:
        try:
            return self._fetch_from(self.manifest, group)
        except PayloadNotFound:
            if self._renew is None:
                raise
            renewed = self._renew()
            # Whoever forgot this version may have stored another payload under its number.
            if renewed.content != self.manifest.content:
                raise
            self.manifest = renewed
            return self._fetch_from(renewed, group)

    def _fetch_from(self, manifest: Manifest, group: list[int]) -> list[bytes]:
        blocks = [manifest.blocks[place] for place in group]
        first, last = blocks[0], blocks[-1]
        contiguous = all(
            one.pack == two.pack and one.offset + one.length == two.offset
            for one, two in itertools.pairwise(blocks)
        )
        if not contiguous:
            return [
                open_block(block, self._store.read(pack_path(block.pack), block.offset, block.length))
                for block in blocks
            ]
        length = last.offset + last.length - first.offset
        starts = [block.offset - first.offset for block in blocks]
        with self._store.lend(pack_path(first.pack), first.offset, length) as data:
            return [
                open_block(block, data[start : start + block.length])
                for block, start in zip(blocks, starts, strict=True)
            ]

    def _unit(self, place: int) -> bytes:
        unit = self._units[place]
        return self.block(unit) if isinstance(unit, int) else self._make(unit)

    def block(self, place: int) -> bytes:
        """Return a block of the manifest's list; the last few are kept."""
        kept = self._kept.get(place)
        if kept is not None:
            self._kept.move_to_end(place)
            return kept
        [data] = self._fetch([place])
        self._kept[place] = data
        held = sum(map(len, self._kept.values()))
        while held > _KEPT_BYTES:
            _, dropped = self._kept.popitem(last=False)
            held -= len(dropped)
        return data

    def _make(self, made: _Made) -> bytes:
        """Return what a gather or an assembly puts out; the last one is kept."""
        if self._made is None or self._made[0] is not made:
            data = self._assemble(made) if isinstance(made, Assembly) else self._gather(made)
            self._made = made, data
        return self._made[1]

    def _gather(self, gather: Gather) -> bytes:
        data = b"".join(self._gathered_records(gather))
        if len(data) != gather.size:
            block = self.manifest.blocks[gather.order]
            raise PayloadCorrupt(
                pack_path(block.pack),
                "the order puts out another size",
                offset=block.offset,
                expected=str(gather.size),
                actual=str(len(data)),
            )
        return data

    def _assemble(self, assembly: Assembly) -> bytes:
        form, rows = self.manifest.blocks[assembly.form], assembly.rows
        # Imported here: only Parquet needs it.
        from gridledger.lake.parquet.form import put_together

        try:
            if isinstance(rows, Gather):
                records = self._gathered_records(rows)
            else:
                records = self._records(range(rows.first, rows.first + rows.count))
            return put_together(self.block(assembly.form), records, size=assembly.size)
        except Malformed as error:
            raise PayloadCorrupt(pack_path(form.pack), error.message, offset=form.offset) from error

    def _gathered_records(self, gather: Gather) -> list[bytes]:
        order = self.manifest.blocks[gather.order]
        try:
            return read_order(
                self.block(gather.order), self._records(gather.fresh), self._records(gather.sources)
            )
        except Malformed as error:
            raise PayloadCorrupt(pack_path(order.pack), error.message, offset=order.offset) from error

    def _records(self, places: Iterable[int]) -> list[bytes]:
        return [
            record
            for place in places
            for record in split_records(self.manifest.blocks[place].kind, self.block(place))
        ]
