"""The hash index table of Luo and Jin, 4.1: which blocks a lake has, and where (LAYOUT.md, 3.4 and 3.5)."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field

from gridledger.lake.errors import Malformed, NameTaken, PayloadNotFound
from gridledger.lake.hook_index import HookIndex
from gridledger.lake.lake_keys import LakeKeys
from gridledger.lake.paths import PACKS, RETIRED, TABLE, named, pack_path, table_path
from gridledger.lake.row import (
    FOOTER_BYTES,
    ID_BYTES,
    Footer,
    Row,
    table_file,
    table_rows,
    trailer_rows,
)
from gridledger.lake.store import Store

__all__ = ["Damage", "HashIndexTable", "PackState", "read_state"]

_MERGED_AT_ONCE = 8
_END_BYTES = 128 << 10
"""Holds the trailer of most packs, so that one read brings it."""


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
    is_known: bool = False
    """Whether its rows are known: from its trailer, a table file, or its blocks."""
    covered: bool = False
    """Whether a table file holds its rows."""
    retired: bool = False
    rows: list[Row] = field(default_factory=list)


class HashIndexTable:
    """All rows of a lake.

    A block is looked up by MD5 and SHA-1, as the paper has it; SHA-256 decides.

    Notes
    -----
    Memory is about 700 bytes a block. Loading reads the table files, and the trailers of the packs that none
    of them covers.
    """

    def __init__(self) -> None:
        self.packs: dict[bytes, PackState] = {}
        self.damage: list[Damage] = []
        """What could not be read; those rows are missing, which costs space and nothing else."""
        self._rows: list[Row] = []
        self._by_key: dict[bytes, list[Row]] = {}
        self._by_sha256: dict[bytes, Row] = {}
        self._hooks = HookIndex()

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: Row) -> None:
        """Let a block be found."""
        if row.hooks:
            self._hooks.add(row.hooks, len(self._rows))
        self._rows.append(row)
        self._by_key.setdefault(row.look_up_key, []).append(row)
        self._by_sha256[row.sha256] = row

    def look_up_key(self, sha256: bytes) -> bytes | None:
        """Return the look-up key of a block that is stored already: that spares its MD5 and SHA-1."""
        row = self._by_sha256.get(sha256)
        return None if row is None else row.look_up_key

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
        for entry in store.entries(PACKS):
            pack = named(entry.name, ".pack")
            if pack is None:
                table.damage.append(Damage(path=f"{PACKS}/{entry.name}", problem="no pack has such a name"))
                continue
            state = PackState(pack=pack, size=entry.size, retired=pack in retired)
            table.packs[pack] = state
            if pack in merged:
                state.is_known = state.covered = True
                state.rows = merged[pack]
            else:
                read_state(store, keys, state, table.damage)
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
        """Write all rows into a table file, if there are `least` packs that none covers."""
        # A copy: a put adds packs meanwhile.
        states = [state for state in list(self.packs.values()) if state.is_known]
        known = {state.pack: state.rows for state in states}
        waiting = [state for state in states if not state.covered]
        if len(waiting) < least:
            return
        older = [entry.name for entry in store.entries(TABLE)]
        try:
            store.publish(table_path(secrets.token_bytes(ID_BYTES)), table_file(keys.rows, known))
        except NameTaken:
            return  # 128 random bits were drawn twice; the next put merges.
        for state in waiting:
            state.covered = True
        for name in older:
            store.delete(f"{TABLE}/{name}")


def read_state(store: Store, keys: LakeKeys, state: PackState, damage: list[Damage]) -> None:
    """Read a pack's rows from its trailer; name what is broken."""
    path = pack_path(state.pack)
    start = max(0, state.size - _END_BYTES)
    try:
        end = store.read(path, start, _END_BYTES)
        footer = Footer.parse(end[-FOOTER_BYTES:], pack_size=state.size)
        if footer is None:
            damage.append(Damage(path=path, problem="it does not end as a pack", offset=state.size))
            return
        if footer.offset >= start:
            trailer = end[footer.offset - start :][: footer.length]
        else:
            trailer = store.read(path, footer.offset, footer.length)
    except PayloadNotFound:
        return  # Deleted since it was listed.
    try:
        state.rows = trailer_rows(keys.rows, state.pack, trailer)
        state.is_known = True
    except Malformed as error:
        damage.append(Damage(path=path, problem=f"trailer: {error.message}", offset=footer.offset))
