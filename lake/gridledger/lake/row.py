"""Rows of the hash index table, and the files that hold them (LAYOUT.md, 3.4 and 3.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gridledger.crypto.errors import SealBroken
from gridledger.crypto.sealing import SEAL_BYTES, open_seal, seal
from gridledger.lake.errors import Malformed
from gridledger.lake.frame import BLOCK_LIMIT, BlockKind
from gridledger.lake.varint import FieldReader, varint

__all__ = [
    "FOOTER_BYTES",
    "HOOK_BYTES",
    "ID_BYTES",
    "PACK_HEADER_BYTES",
    "Footer",
    "Row",
    "is_identifier",
    "pack_end",
    "pack_header",
    "table_file",
    "table_rows",
    "trailer_rows",
]

ID_BYTES = 16
HOOK_BYTES = 8
_PACK = b"GLPACK01"
_PACK_END = b"GLPEND01"
_TABLE = b"GLTABL01"
PACK_HEADER_BYTES = len(_PACK) + ID_BYTES
FOOTER_BYTES = 16 + len(_PACK_END)
_SHORTEST_ROW = 36 + 32 + 32 + 3 + 1 + 2
_IDENTIFIER = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Row:
    """What the owner knows of a block."""

    look_up_key: bytes
    """MD5 and SHA-1 of the block, 36 bytes."""
    sha256: bytes
    """SHA-256 of the block."""
    identifier: bytes
    """SHA-256 of the frame."""
    pack: bytes
    """Identifier of the pack."""
    offset: int
    """Where the frame begins in the pack."""
    length: int
    """Length of the frame in bytes."""
    size: int
    """Length of the block in bytes."""
    kind: BlockKind
    """What the block holds."""
    records: int
    """Number of records, 0 in a block without."""
    hooks: bytes
    """Hooks of the block, 8 bytes each."""

    @property
    def end(self) -> int:
        """Where the frame ends in the pack."""
        return self.offset + self.length

    def to_bytes(self) -> bytes:
        """Write the row; the pack is known from where it stands."""
        return b"".join(
            (
                self.look_up_key,
                self.sha256,
                self.identifier,
                varint(self.offset),
                varint(self.length),
                varint(self.size),
                varint(self.kind),
                varint(self.records),
                varint(len(self.hooks) // HOOK_BYTES),
                self.hooks,
            )
        )

    @classmethod
    def take(cls, reader: FieldReader, pack: bytes) -> Row:
        """Read a row of a pack; raises Malformed."""
        look_up_key, sha256, identifier = reader.take(36), reader.take(32), reader.take(32)
        offset, length, size = reader.number(), reader.number(), reader.number()
        try:
            kind = BlockKind(reader.number())
        except ValueError as error:
            raise Malformed("a block's kind is unknown") from error
        records = reader.number()
        hooks = reader.take(HOOK_BYTES * reader.count(each=HOOK_BYTES))
        if offset < PACK_HEADER_BYTES or length <= SEAL_BYTES or size > BLOCK_LIMIT or records > size:
            raise Malformed("a row's place or size is impossible")
        return cls(look_up_key, sha256, identifier, pack, offset, length, size, kind, records, hooks)


def _write_rows(rows: Iterable[Row]) -> bytes:
    written = [row.to_bytes() for row in rows]
    return varint(len(written)) + b"".join(written)


def _take_rows(reader: FieldReader, pack: bytes) -> list[Row]:
    return [Row.take(reader, pack) for _ in range(reader.count(each=_SHORTEST_ROW))]


def _open(key: bytes, sealed: bytes, associated: bytes) -> FieldReader:
    try:
        return FieldReader(open_seal(key, sealed, associated))
    except SealBroken as error:
        raise Malformed("the seal does not open") from error


def _open_rows(key: bytes, sealed: bytes, associated: bytes, pack: bytes) -> list[Row]:
    reader = _open(key, sealed, associated)
    rows = _take_rows(reader, pack)
    reader.end()
    return rows


def pack_header(pack: bytes) -> bytes:
    """Return the first bytes of a pack."""
    return _PACK + pack


def pack_end(key: bytes, pack: bytes, rows: Iterable[Row], *, offset: int) -> bytes:
    """Return trailer and footer of a pack whose trailer begins at `offset`."""
    trailer = seal(key, _write_rows(rows), b"gridledger/trailer/1" + pack)
    return trailer + offset.to_bytes(8, "big") + len(trailer).to_bytes(8, "big") + _PACK_END


@dataclass(frozen=True, slots=True)
class Footer:
    """Where a pack's trailer lies."""

    offset: int
    length: int

    @classmethod
    def parse(cls, data: bytes, *, pack_size: int) -> Footer | None:
        """Read the last bytes of a pack; None if they are not the end of one."""
        if len(data) != FOOTER_BYTES or data[16:] != _PACK_END:
            return None
        footer = cls(int.from_bytes(data[:8], "big"), int.from_bytes(data[8:16], "big"))
        if footer.offset < PACK_HEADER_BYTES or footer.offset + footer.length + FOOTER_BYTES != pack_size:
            return None
        return footer


def trailer_rows(key: bytes, pack: bytes, trailer: bytes) -> list[Row]:
    """Read a pack's trailer; raises Malformed."""
    return _open_rows(key, trailer, b"gridledger/trailer/1" + pack, pack)


def table_file(key: bytes, packs: Mapping[bytes, list[Row]]) -> bytes:
    """Return a table file over packs."""
    body = b"".join(pack + _write_rows(rows) for pack, rows in sorted(packs.items()))
    return _TABLE + seal(key, varint(len(packs)) + body, b"gridledger/table/1")


def table_rows(key: bytes, data: bytes) -> dict[bytes, list[Row]]:
    """Read a table file; raises Malformed."""
    if data[: len(_TABLE)] != _TABLE:
        raise Malformed("it is no table")
    reader = _open(key, data[len(_TABLE) :], b"gridledger/table/1")
    packs = {}
    for _ in range(reader.count(each=ID_BYTES + 1)):
        pack = reader.take(ID_BYTES)
        packs[pack] = _take_rows(reader, pack)
    reader.end()
    return packs


def is_identifier(text: str) -> bool:
    """Tell whether a name is 16 bytes in lower-case hexadecimal."""
    return _IDENTIFIER.fullmatch(text) is not None
