"""Writes frames into packs, and keeps the order of writes (LAYOUT.md, section 4)."""

from __future__ import annotations

import secrets
from collections import deque
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field

from gridledger.lake.hash_index_table import HashIndexTable, PackState
from gridledger.lake.lake_keys import LakeKeys
from gridledger.lake.paths import pack_path
from gridledger.lake.row import ID_BYTES, Row, pack_end, pack_header
from gridledger.lake.store import NewFile, Store

__all__ = ["PACK_BYTES", "PackWriter"]

PACK_BYTES = 64 << 20
"""A pack of this size or more is published."""
_AHEAD_BYTES = 32 << 20
"""How much of a pack is filled at most while the one before is being published."""


@dataclass(slots=True)
class _Pack:
    """A pack that is not published yet."""

    state: PackState
    file: NewFile
    frames: dict[int, bytes] = field(default_factory=dict)
    """By offset: nobody can read them from the store before the pack is published."""


class PackWriter:
    """Writes one pack after the other.

    Parameters
    ----------
    store, keys, table
        Of the lake.
    workers : Executor
        Publishes a pack while the next one is filled.
    pack_bytes : int, default 64 MiB
        At which size a pack is published.

    Notes
    -----
    Frames are durable when `commit` has returned. Memory is a pack and a half.
    """

    def __init__(
        self,
        store: Store,
        keys: LakeKeys,
        table: HashIndexTable,
        workers: Executor,
        *,
        pack_bytes: int = PACK_BYTES,
    ) -> None:
        self._store = store
        self._keys = keys
        self._table = table
        self._workers = workers
        self._pack_bytes = pack_bytes
        self._filling: _Pack | None = None
        self._publishing: deque[tuple[_Pack, Future[None]]] = deque()
        self.written = 0
        """Bytes of packs that were written."""

    def place(self) -> tuple[bytes, int]:
        """Return pack and offset at which the next frame will stand."""
        if self._filling is not None and self._filling.state.size >= self._pack_bytes:
            self.finish()
        state = self._open().state
        return state.pack, state.size

    def put(self, frame: bytes, row: Row) -> None:
        """Append a frame where `place` said, and let its block be found."""
        pack = self._open()
        self._write(pack, frame)
        pack.frames[row.offset] = frame
        pack.state.rows.append(row)
        self._table.add(row)
        # A pack that is published is not held any longer than that.
        while self._publishing and self._publishing[0][1].done():
            self._wait()
        if pack.state.size >= min(_AHEAD_BYTES, self._pack_bytes):
            self._wait_for_all()

    def frame(self, row: Row) -> bytes | None:
        """Return a frame that is not published yet; None for one to be read from the store."""
        for pack in (self._filling, *(publishing for publishing, _ in self._publishing)):
            if pack and pack.state.pack == row.pack:
                return pack.frames.get(row.offset)
        return None

    def commit(self) -> None:
        """Publish what was written."""
        self.finish()
        self._wait_for_all()

    def abandon(self) -> None:
        """Drop what is not published yet. Never raises."""
        while self._publishing:
            self._publishing.popleft()[1].exception()
        if self._filling is not None:
            self._filling.file.abandon()
            self._filling = None

    def _write(self, pack: _Pack, data: bytes) -> None:
        pack.file.write(data)
        pack.state.size += len(data)
        self.written += len(data)

    def finish(self) -> None:
        """End the pack, and begin to publish it; `commit` waits for that."""
        pack = self._filling
        if pack is None:
            return
        state = pack.state
        self._write(pack, pack_end(self._keys.rows, state.pack, state.rows, offset=state.size))
        self._filling = None
        self._publishing.append((pack, self._workers.submit(self._publish, pack)))

    def _publish(self, pack: _Pack) -> None:
        pack.file.commit()
        self._table.packs[pack.state.pack] = pack.state

    def _wait_for_all(self) -> None:
        while self._publishing:
            self._wait()

    def _wait(self) -> None:
        self._publishing[0][1].result()
        self._publishing.popleft()

    def _open(self) -> _Pack:
        if self._filling is None:
            pack = secrets.token_bytes(ID_BYTES)
            state = PackState(pack=pack, size=0, is_known=True)
            self._filling = _Pack(state, self._store.begin(pack_path(pack)))
            self._write(self._filling, pack_header(pack))
        return self._filling
