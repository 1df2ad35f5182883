"""Appends frames to packs, and keeps the order of writes (LAYOUT.md, section 4)."""

from __future__ import annotations

import secrets

from gridledger.lake.errors import StoreBusy
from gridledger.lake.hash_index_table import HashIndexTable, PackState, read_state
from gridledger.lake.lake_keys import LakeKeys
from gridledger.lake.paths import journal_path, pack_path
from gridledger.lake.row import (
    ID_BYTES,
    PACK_HEADER_BYTES,
    Row,
    journal_entry,
    journal_header,
    pack_end,
    pack_header,
)
from gridledger.lake.store import Appender, Store

__all__ = ["PACK_BYTES", "PackWriter"]

PACK_BYTES = 64 << 20
"""A pack of this size or more is closed."""


class PackWriter:
    """Writes into one open pack after the other.

    Parameters
    ----------
    store, keys, table
        Of the lake.
    pack_bytes : int, default 64 MiB
        At which size a pack is closed.

    Notes
    -----
    Frames are durable when `commit` has returned. `abandon` leaves what was appended as dead bytes.
    """

    def __init__(
        self, store: Store, keys: LakeKeys, table: HashIndexTable, *, pack_bytes: int = PACK_BYTES
    ) -> None:
        self._store = store
        self._keys = keys
        self._table = table
        self._pack_bytes = pack_bytes
        self._state: PackState | None = None
        self._appender: Appender | None = None
        self._fresh: list[Row] = []
        self._synced = 0
        self.written = 0
        """Bytes of frames, trailers and journal entries that were appended."""

    def place(self) -> tuple[bytes, int]:
        """Return pack and offset at which the next frame will stand."""
        if self._appender is not None and self._appender.position >= self._pack_bytes:
            self._close_pack()
        state, appender = self._open()
        return state.pack, appender.position

    def put(self, frame: bytes, row: Row) -> None:
        """Append a frame where `place` said, and let its block be found."""
        state, appender = self._open()
        appender.write(frame)
        self.written += len(frame)
        state.size = appender.position
        state.rows.append(row)
        self._fresh.append(row)
        self._table.add(row)

    def make_readable(self, row: Row) -> None:
        """Return when a block's frame can be read."""
        if self._appender is None or self._state is None or row.pack != self._state.pack:
            return
        if row.end > self._synced:
            self._appender.sync()
            self._synced = self._appender.position

    def commit(self) -> None:
        """Make durable what was appended, then its rows."""
        if self._appender is None or self._state is None:
            return
        if self._appender.position >= self._pack_bytes:
            self._close_pack()
            return
        self._appender.sync()
        if self._fresh:
            entry = journal_entry(self._keys.rows, self._state.pack, self._state.entries, self._fresh)
            with self._store.append(journal_path(self._state.pack)) as journal:
                if journal.position == 0:
                    entry = journal_header(self._state.pack) + entry
                journal.write(entry)
            self.written += len(entry)
            self._state.entries += 1
        # Only now may another writer have the pack: the number of the next entry depends on it.
        self._appender.close()
        self._forget()

    def abandon(self) -> None:
        """Leave what was appended since the last commit as dead bytes. Never raises."""
        if self._appender is not None:
            self._appender.abandon()
        self._forget()

    def _forget(self) -> None:
        self._state = self._appender = None
        self._fresh = []
        self._synced = 0

    def _close_pack(self) -> None:
        state, appender = self._open()
        # The frames first: a trailer must never name what is not there.
        appender.sync()
        end = pack_end(self._keys.rows, state.pack, state.rows, offset=appender.position)
        appender.write(end)
        appender.close()
        self.written += len(end)
        state.size = appender.position
        state.closed = True
        self._store.delete(journal_path(state.pack))
        self._forget()

    def _open(self) -> tuple[PackState, Appender]:
        if self._state is None or self._appender is None:
            self._state, self._appender = self._old_pack() or self._new_pack()
        return self._state, self._appender

    def _old_pack(self) -> tuple[PackState, Appender] | None:
        """Go on with an open pack that no other writer has."""
        for state in list(self._table.packs.values()):
            if state.closed or state.retired or state.size < PACK_HEADER_BYTES or not state.entries:
                continue
            try:
                appender = self._store.append(pack_path(state.pack))
            except StoreBusy:
                continue
            # Another writer may have been here since the table was read.
            now = PackState(pack=state.pack, size=appender.position)
            read_state(self._store, self._keys, now, self._table.damage, has_journal=True)
            known = {row.identifier for row in state.rows}
            for row in now.rows:
                if row.identifier not in known:
                    self._table.add(row)
            self._table.packs[state.pack] = now
            if now.closed or appender.position < PACK_HEADER_BYTES:
                appender.abandon()
                continue
            if not now.journal_broken and appender.position < self._pack_bytes:
                return now, appender
            # What is behind a torn entry could not be read: end the pack with the rows that can.
            self._state, self._appender = now, appender
            self._close_pack()
        return None

    def _new_pack(self) -> tuple[PackState, Appender]:
        pack = secrets.token_bytes(ID_BYTES)
        appender = self._store.append(pack_path(pack))
        appender.write(pack_header(pack))
        self.written += PACK_HEADER_BYTES
        state = PackState(pack=pack, size=PACK_HEADER_BYTES)
        self._table.packs[pack] = state
        return state, appender
