"""The hash index table of seed 002, 4.1: which blocks a lake has, and where (LAYOUT.md, 3.4 and 3.5)."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field

from gridledger.lake.errors import Malformed, NameTaken, PayloadNotFound
from gridledger.lake.hook_index import HookIndex
from gridledger.lake.lake_keys import LakeKeys
from gridledger.lake.paths import JOURNAL, PACKS, RETIRED, TABLE, journal_path, named, pack_path, table_path
from gridledger.lake.row import (
    FOOTER_BYTES,
    ID_BYTES,
    Footer,
    Row,
    journal_rows,
    table_file,
    table_rows,
    trailer_rows,
)
from gridledger.lake.store import Store

__all__ = ["Damage", "HashIndexTable", "PackState", "read_state"]

_MERGED_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Damage:
    """Something broken."""

    path: str
    """Which file."""
    problem: str
    """What is wrong with it."""
    offset: int = 0
    """Where in the file."""


@dataclass(kw_only=True, slots=True)
class PackState:
    """What is known of a pack."""

    pack: bytes
    size: int
    """Length of the file in bytes."""
    closed: bool = False
    """Whether a trailer ends it."""
    covered: bool = False
    """Whether a table file holds its rows."""
    retired: bool = False
    rows: list[Row] = field(default_factory=list)
    entries: int = 0
    """Number of entries of its journal."""
    journal_broken: bool = False


class HashIndexTable:
    """All rows of a lake.

    A block is looked up by MD5 and SHA-1, as the paper has it; SHA-256 decides.

    Notes
    -----
    Memory is about 600 bytes a block. Loading reads the table files, and the trailers and journals of the
    packs that none of them covers.
    """

    def __init__(self) -> None:
        self.packs: dict[bytes, PackState] = {}
        self.damage: list[Damage] = []
        """What could not be read; those rows are missing, which costs space and nothing else."""
        self._rows: list[Row] = []
        self._by_key: dict[bytes, list[Row]] = {}
        self._hooks = HookIndex()

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: Row) -> None:
        """Let a block be found."""
        if row.hooks:
            self._hooks.add(row.hooks, len(self._rows))
        self._rows.append(row)
        self._by_key.setdefault(row.look_up_key, []).append(row)

    def find(self, look_up_key: bytes, sha256: bytes) -> Row | None:
        """Return the row of the block with this look-up key and this SHA-256, if there is one."""
        for row in self._by_key.get(look_up_key, ()):
            if row.sha256 == sha256:
                return row
        return None

    def sharing(self, hooks: bytes) -> Counter[Row]:
        """Return the blocks that have some of these hooks, and how many."""
        return Counter({self._rows[number]: hits for number, hits in self._hooks.hits(hooks).items()})

    @classmethod
    def load(cls, store: Store, keys: LakeKeys) -> HashIndexTable:
        """Read the table of a lake; what is broken is left out and named in `damage`."""
        table = cls()
        retired = {name for entry in store.entries(RETIRED) if (name := named(entry.name))}
        merged = table._merged(store, keys)
        journals = {name for entry in store.entries(JOURNAL) if (name := named(entry.name, ".journal"))}
        for entry in store.entries(PACKS):
            pack = named(entry.name, ".pack")
            if pack is None:
                table.damage.append(Damage(path=f"{PACKS}/{entry.name}", problem="no pack has such a name"))
                continue
            state = PackState(pack=pack, size=entry.size, retired=pack in retired)
            table.packs[pack] = state
            if pack in merged:
                state.closed = state.covered = True
                state.rows = merged[pack]
            else:
                read_state(store, keys, state, table.damage, has_journal=pack in journals)
            if not state.retired:
                for row in state.rows:
                    table.add(row)
        return table

    def _merged(self, store: Store, keys: LakeKeys) -> dict[bytes, list[Row]]:
        merged: dict[bytes, list[Row]] = {}
        for entry in store.entries(TABLE):
            path = f"{TABLE}/{entry.name}"
            try:
                merged.update(table_rows(keys.rows, store.read(path)))
            except PayloadNotFound:
                continue  # Merged into another one, which is listed, or whose packs are read one by one.
            except Malformed as error:
                self.damage.append(Damage(path=path, problem=error.message))
        return merged

    def merge(self, store: Store, keys: LakeKeys, *, least: int = _MERGED_AT_ONCE) -> None:
        """Write the rows of closed packs into a table file, if there are `least` packs that none covers."""
        closed = {pack: state.rows for pack, state in self.packs.items() if state.closed}
        waiting = [state for state in self.packs.values() if state.closed and not state.covered]
        if len(waiting) < least:
            return
        older = [entry.name for entry in store.entries(TABLE)]
        try:
            store.publish(table_path(secrets.token_bytes(ID_BYTES)), table_file(keys.rows, closed))
        except NameTaken:
            return  # 128 random bits were drawn twice; the next put merges.
        for state in waiting:
            state.covered = True
        for name in older:
            store.delete(f"{TABLE}/{name}")


def read_state(
    store: Store, keys: LakeKeys, state: PackState, damage: list[Damage], *, has_journal: bool
) -> None:
    """Read a pack's rows from its trailer, or from its journal while it is open; name what is broken."""
    path = pack_path(state.pack)
    footer: Footer | None = None
    try:
        end = store.read(path, max(0, state.size - FOOTER_BYTES), FOOTER_BYTES)
        footer = Footer.parse(end, pack_size=state.size)
        if footer is not None:
            state.closed = True
            trailer = store.read(path, footer.offset, footer.length)
            state.rows = trailer_rows(keys.rows, state.pack, trailer)
            return
    except PayloadNotFound:
        return  # Deleted since it was listed.
    except Malformed as error:
        offset = footer.offset if footer else 0
        damage.append(Damage(path=path, problem=f"trailer: {error.message}", offset=offset))
        return
    if not has_journal:
        return
    try:
        data = store.read(journal_path(state.pack))
    except PayloadNotFound:
        return
    rows, state.entries, broken = journal_rows(keys.rows, state.pack, data)
    state.rows = [row for row in rows if row.end <= state.size]
    if broken is not None:
        state.journal_broken = True
        damage.append(Damage(path=journal_path(state.pack), problem=broken.message))
    if len(state.rows) < len(rows):
        damage.append(
            Damage(path=path, problem="it ends before frames that its journal names", offset=state.size)
        )
