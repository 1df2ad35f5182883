"""A put: the paper's cleaning of redundant blocks (Luo and Jin, 4.1), then sealing and packing.

cut -> look-up key and digests -> known?  yes: named again       no: compressed, sealed, appended, a new row
                               -> records that other blocks hold in another order? gathered (LAYOUT.md, 3.7)
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from gridledger.lake import frame as frames
from gridledger.lake.cutter import CutBlock
from gridledger.lake.frame import BLOCK_LIMIT, BlockKind, block_identifier, open_frame, seal_frame
from gridledger.lake.gathering import MOST_RECORDS, Gathering, gathering
from gridledger.lake.hash_index_table import HashIndexTable
from gridledger.lake.hooks import hooks_of
from gridledger.lake.lake_keys import LakeKeys
from gridledger.lake.manifest import Assembly, Gather, ManifestBlock, Part, Run
from gridledger.lake.pack_writer import PackWriter
from gridledger.lake.row import HOOK_BYTES, Row
from gridledger.model.digest import Digest

__all__ = ["Digesting", "Put"]

_BATCH_BYTES = BLOCK_LIMIT
_SLICE_BYTES = 1 << 20
_AHEAD = 4
"""Slices that wait to be appended: what a put holds in memory is a few tens of MiB."""
_GATHER_LEVEL = 12
"""Orders and fresh records are few: they may cost time."""


@dataclass(slots=True)
class _Block:
    """A block with what it is looked up by."""

    data: bytes
    kind: BlockKind
    look_up_key: bytes
    sha256: bytes
    hooks: bytes
    records: int
    level: int | None
    form: bytes | None = None
    """Of a row group that was taken apart, whose records this block holds."""
    payload_bytes: int = 0
    """Length of that row group."""


@dataclass(slots=True)
class _Placed:
    """A block of the version; its row is known as soon as its frame is appended."""

    place: int
    row: Row | None = None


@dataclass(frozen=True, slots=True)
class Digesting:
    """A batch of blocks whose digests are being computed."""

    size: int
    """Bytes of the payload."""
    pieces: list[Future[list[_Block]]]


class Put:
    """One payload on its way into packs.

    Parameters
    ----------
    table, packs, keys
        Of the lake.
    workers : Executor
        Threads: digests, compression and sealing leave the interpreter's lock.
    read_block : callable
        Reads and opens a stored block by its row; None if it cannot be read.
    level : int or None, default 1
        Of compression; None stores blocks as they are.
    progress : callable, optional
        Called with the number of bytes that were cut.
    """

    def __init__(
        self,
        *,
        table: HashIndexTable,
        packs: PackWriter,
        keys: LakeKeys,
        workers: Executor,
        read_block: Callable[[Row], bytes | None],
        level: int | None = frames.LEVEL,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._table = table
        self._packs = packs
        self._keys = keys
        self._workers = workers
        self._read_block = read_block
        self._level = level
        self._progress = progress
        self._payload = hashlib.sha256()
        self._placed: dict[bytes, _Placed] = {}
        self._order: list[_Placed] = []
        self._sealing: deque[tuple[list[tuple[_Block, _Placed]], Future[list[tuple[bytes, bytes]]]]] = deque()
        self._unsealed: list[tuple[_Block, _Placed]] = []
        self._unsealed_bytes = 0
        self.parts: list[Part] = []
        self.size = 0
        self.records = 0
        self.new_blocks = 0

    def digest(self, cut_blocks: Iterable[CutBlock]) -> Iterator[Digesting]:
        """Begin to digest a payload's blocks, batch by batch.

        Notes
        -----
        May be iterated over in another thread than that which stores what comes of it.
        """
        for batch in _batches(cut_blocks):
            pieces = [self._workers.submit(self._digest, piece) for piece in _slices(batch)]
            yield Digesting(sum(len(block.data) for block in batch), pieces)

    def store(self, batch: Digesting) -> None:
        """Store the blocks of the next batch."""
        self.size += batch.size
        if self._progress is not None:
            self._progress(self.size)
        self._resolve(batch.pieces)

    def finish(self) -> None:
        """Append what was stored; it is durable when the pack writer has committed."""
        self._submit()
        while self._sealing:
            self._append()

    def read(self, data: bytes | memoryview) -> None:
        """Take note of the payload's next bytes, for its digest."""
        self._payload.update(data)

    @property
    def sha256(self) -> Digest:
        """Digest of the payload."""
        return Digest(self._payload.digest())

    def blocks(self) -> tuple[ManifestBlock, ...]:
        """Return the version's blocks, all of which were appended."""
        return tuple(self._manifest_block(placed.row) for placed in self._order if placed.row is not None)

    def _manifest_block(self, row: Row) -> ManifestBlock:
        return ManifestBlock(
            row.pack,
            row.offset,
            row.length,
            row.size,
            row.kind,
            row.records,
            row.identifier,
            self._keys.block_key(row.sha256),
        )

    def _digest(self, piece: list[CutBlock]) -> list[_Block]:
        digested = []
        for cut in piece:
            if cut.taken_apart is None:
                digested.append(self._digested(cut.data, cut.kind))
                continue
            block = self._digested(cut.taken_apart.cells, cut.kind)
            block.form, block.payload_bytes = cut.taken_apart.form, len(cut.data)
            digested.append(block)
        return digested

    def _digested(self, data: bytes, kind: BlockKind) -> _Block:
        hooks, records = hooks_of(self._keys.hook, kind, data)
        sha256 = hashlib.sha256(data).digest()
        return _Block(
            data,
            kind,
            self._table.look_up_key(sha256) or frames.look_up_key(data),
            sha256,
            hooks,
            records,
            self._level,
        )

    def _resolve(self, futures: list[Future[list[_Block]]]) -> None:
        window: list[_Block] = []
        records = 0
        for future in futures:
            for block in future.result():
                if block.form is not None:
                    self._flush(window)
                    window, records = [], 0
                    self._assemble(block, block.form)
                    continue
                known = self._known(block)
                if known is None and block.kind.has_records:
                    if records + block.records > MOST_RECORDS:
                        self._flush(window)
                        window, records = [], 0
                    window.append(block)
                    records += block.records
                    continue
                self._flush(window)
                window, records = [], 0
                self._run_of(known or self._store(block))
                self.records += block.records
        self._flush(window)

    def _known(self, block: _Block) -> _Placed | None:
        """Find a block in this version or in the lake."""
        placed = self._placed.get(block.sha256)
        if placed is None:
            row = self._table.find(block.look_up_key, block.sha256)
            if row is not None:
                placed = self._place(row.sha256, row)
        return placed

    def _place(self, sha256: bytes, row: Row | None) -> _Placed:
        placed = _Placed(len(self._order), row)
        self._order.append(placed)
        self._placed[sha256] = placed
        return placed

    def _run_of(self, placed: _Placed) -> None:
        last = self.parts[-1] if self.parts else None
        if isinstance(last, Run) and last.first + last.count == placed.place:
            self.parts[-1] = Run(last.first, last.count + 1)
        else:
            self.parts.append(Run(placed.place, 1))

    def _flush(self, window: list[_Block]) -> None:
        """Store new record-aligned blocks: gathered if the lake has their records, else as they are."""
        if not window:
            return
        self.records += sum(block.records for block in window)
        found = self._gathering(window)
        if found is None:
            for block in window:
                self._run_of(self._known(block) or self._store(block))
            return
        self.parts.append(self._gather(found, window[0].kind))

    def _gather(self, found: Gathering, kind: BlockKind) -> Gather:
        order = self._stored(found.order, BlockKind.ORDER)
        fresh = tuple(self._stored(data, kind).place for data in found.fresh)
        sources = tuple(
            (self._placed.get(row.sha256) or self._place(row.sha256, row)).place for row in found.sources
        )
        return Gather(order.place, fresh, sources, found.size, found.records)

    def _assemble(self, block: _Block, form: bytes) -> None:
        """Store a row group that was taken apart: its records like any others, and its form."""
        known = self._known(block)
        found = self._gathering([block]) if known is None else None
        if found is not None:
            rows: Run | Gather = self._gather(found, block.kind)
        else:
            rows = Run((known or self._store(block)).place, 1)
        self.parts.append(Assembly(self._stored(form, BlockKind.FORM).place, block.payload_bytes, rows))

    def _gathering(self, window: list[_Block]) -> Gathering | None:
        hooks = b"".join(block.hooks for block in window)
        sharing = self._table.sharing(hooks)
        if not sharing:
            return None
        kind = window[0].kind
        return gathering(
            kind, [block.data for block in window], sharing, self._read, hooks=len(hooks) // HOOK_BYTES
        )

    def _read(self, row: Row) -> bytes | None:
        frame = self._packs.frame(row)
        return self._read_block(row) if frame is None else open_frame(frame, self._keys.block_key(row.sha256))

    def _stored(self, data: bytes, kind: BlockKind) -> _Placed:
        block = self._digested(data, kind)
        block.level = _GATHER_LEVEL
        return self._known(block) or self._store(block)

    def _store(self, block: _Block) -> _Placed:
        placed = self._place(block.sha256, None)
        self._unsealed.append((block, placed))
        self._unsealed_bytes += len(block.data)
        if self._unsealed_bytes >= _SLICE_BYTES:
            self._submit()
        return placed

    def _submit(self) -> None:
        if self._unsealed:
            self._sealing.append((self._unsealed, self._workers.submit(self._seal, self._unsealed)))
            self._unsealed, self._unsealed_bytes = [], 0
        while len(self._sealing) > _AHEAD:
            self._append()

    def _seal(self, piece: list[tuple[_Block, _Placed]]) -> list[tuple[bytes, bytes]]:
        sealed = []
        for block, _ in piece:
            frame = seal_frame(block.data, self._keys.block_key(block.sha256), level=block.level)
            sealed.append((frame, block_identifier(frame)))
        return sealed

    def _append(self) -> None:
        piece, future = self._sealing.popleft()
        for (block, placed), (frame, identifier) in zip(piece, future.result(), strict=True):
            pack, offset = self._packs.place()
            placed.row = Row(
                block.look_up_key,
                block.sha256,
                identifier,
                pack,
                offset,
                len(frame),
                len(block.data),
                block.kind,
                block.records,
                block.hooks,
            )
            self._packs.put(frame, placed.row)
            self.new_blocks += 1


def _batches(cut_blocks: Iterable[CutBlock]) -> Iterator[list[CutBlock]]:
    batch: list[CutBlock] = []
    held = 0
    for block in cut_blocks:
        if batch and held + len(block.data) > _BATCH_BYTES:
            yield batch
            batch, held = [], 0
        batch.append(block)
        held += len(block.data)
    if batch:
        yield batch


def _slices(batch: list[CutBlock]) -> Iterator[list[CutBlock]]:
    piece: list[CutBlock] = []
    held = 0
    for block in batch:
        piece.append(block)
        held += len(block.data)
        if held >= _SLICE_BYTES:
            yield piece
            piece, held = [], 0
    if piece:
        yield piece
