"""A second implementation of rows and hooks, from LAYOUT.md alone: no line of gridledger.lake is used."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import NamedTuple

from tests.unit.lake.second_reader import Fields, derived, open_seal, records_of, unpack

__all__ = ["SecondRow", "block_of", "hooks", "read_table"]

_WORD = (1 << 64) - 1


class SecondRow(NamedTuple):
    """A row of the hash index table."""

    md5: bytes
    sha1: bytes
    sha256: bytes
    identifier: bytes
    offset: int
    length: int
    size: int
    kind: int
    records: int
    hooks: bytes


def _rows(fields: Fields) -> list[SecondRow]:
    rows = []
    for _ in range(fields.number()):
        digests = [fields.take(length) for length in (16, 20, 32, 32)]
        offset, length, size, kind, records = (fields.number() for _ in range(5))
        rows.append(
            SecondRow(*digests, offset, length, size, kind, records, fields.take(8 * fields.number()))
        )
    return rows


def read_table(root: Path, owner: bytes) -> dict[str, list[SecondRow]]:
    """Read the rows of every pack from its trailer, and hold the table files against them."""
    key = derived(owner, bytes.fromhex(json.loads((root / "lake.json").read_bytes())["lake"]), b"rows")
    found = {}
    for path in (root / "packs").iterdir():
        data = path.read_bytes()
        assert data[:8] == b"GLPACK01"
        assert data[8:24].hex() == path.stem
        offset, length = int.from_bytes(data[-24:-16], "big"), int.from_bytes(data[-16:-8], "big")
        assert data[-8:] == b"GLPEND01"
        assert offset + length + 24 == len(data)
        sealed = data[offset : offset + length]
        fields = Fields(open_seal(key, sealed, b"gridledger/trailer/1" + data[8:24]))
        found[path.stem] = _rows(fields)
        assert fields.data == b""
    for path in (root / "table").glob("*.table"):
        data = path.read_bytes()
        assert data[:8] == b"GLTABL01"
        fields = Fields(open_seal(key, data[8:], b"gridledger/table/1"))
        for _ in range(fields.number()):
            pack = fields.take(16).hex()
            assert _rows(fields) == found[pack]
        assert fields.data == b""
    return found


def block_of(root: Path, owner: bytes, pack: str, row: SecondRow) -> bytes:
    """Open a block by its row alone, and hold the row against it."""
    lake = bytes.fromhex(json.loads((root / "lake.json").read_bytes())["lake"])
    data = (root / "packs" / f"{pack}.pack").read_bytes()[row.offset : row.offset + row.length]
    assert hashlib.sha256(data).digest() == row.identifier
    key = hmac.digest(derived(owner, lake, b"block"), row.sha256, "sha256")
    block = unpack(open_seal(key, data, b"gridledger/block/1"))
    assert len(block) == row.size
    assert hashlib.sha256(block).digest() == row.sha256
    assert hashlib.md5(block, usedforsecurity=False).digest() == row.md5
    assert hashlib.sha1(block, usedforsecurity=False).digest() == row.sha1
    return block


def hooks(key: bytes, kind: int, block: bytes) -> tuple[bytes, int]:
    """Return the hooks of a block and the number of its records."""
    if kind not in (1, 2, 4):
        return b"", 0
    records = records_of(kind, block)
    joined = b"".join(records)
    among: dict[bool, dict[int, bytes]] = {True: {}, False: {}}
    end = 0
    for record in records:
        end += len(record)
        mixed = 167 * joined[end - 2] + 59 * joined[end - 4] + key[8]
        is_candidate = len(record) >= 4 and mixed % 256 < 32
        among[is_candidate].setdefault(_sampling(key, record), record)
    wanted = max(16, -(-len(records) // 128))
    chosen = [places[value] for places in (among[True], among[False]) for value in sorted(places)][:wanted]
    return b"".join(hashlib.blake2b(each, key=key, digest_size=8).digest() for each in chosen), len(records)


def _sampling(key: bytes, record: bytes) -> int:
    length = len(record)
    middle = max(0, length - 8) // 2
    last = max(0, length - 8)
    head, mid, tail = (int.from_bytes(record[place : place + 8], "little") for place in (0, middle, last))
    value = ((head ^ int.from_bytes(key[:8], "little") ^ length) * 0x9E3779B97F4A7C15) & _WORD
    value = ((value ^ (value >> 32) ^ mid) * 0xC2B2AE3D27D4EB4F) & _WORD
    value = ((value ^ (value >> 32) ^ tail) * 0x165667B19E3779F9) & _WORD
    return value ^ (value >> 32)
