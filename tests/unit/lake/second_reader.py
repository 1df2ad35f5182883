"""A second implementation of reading, from LAYOUT.md alone: no line of gridledger.lake is used."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["read_version"]


def _open(key: bytes, seal: bytes, associated: bytes) -> bytes:
    return AESGCM(key).decrypt(seal[:12], seal[12:], associated)


def _unpack(packed: bytes) -> bytes:
    return packed[1:] if packed[0] == 0 else zstandard.ZstdDecompressor().decompress(packed[1:])


def _derived(owner: bytes, lake: bytes, use: bytes) -> bytes:
    prk = hmac.digest(lake, owner, "sha256")
    return hmac.digest(prk, b"gridledger/lake/1 " + use + b"\x01", "sha256")


class _Fields:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, length: int) -> bytes:
        taken, self.data = self.data[:length], self.data[length:]
        return taken

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7


def _records(kind: int, block: bytes) -> list[bytes]:
    records, start, quotes = [], 0, 0
    for place, byte in enumerate(block):
        quotes += byte == ord('"')
        if byte == 10 and (kind == 1 or quotes % 2 == 0):
            records.append(block[start : place + 1])
            start = place + 1
    return [*records, block[start:]] if start < len(block) else records


def read_version(root: Path, owner: bytes, name: str, version: int) -> bytes:
    """Read a version of a dataset from a lake's folder."""
    lake = bytes.fromhex(json.loads((root / "lake.json").read_bytes())["lake"])
    dataset = hmac.digest(_derived(owner, lake, b"name"), name.encode(), "sha256")[:16]
    found = (root / "datasets" / dataset.hex()).glob(f"{version}.*.manifest")
    data = max(found, key=lambda path: int(path.name.split(".")[1])).read_bytes()
    length = int.from_bytes(data[8:12], "big")
    head = json.loads(data[12 : 12 + length])
    label = dataset + head["epoch"].to_bytes(8, "big")
    dataset_key = _open(_derived(owner, lake, b"dataset"), bytes.fromhex(head["owner_seal"]), label)
    sealed = data[12 + length :]
    body = _Fields(_unpack(_open(dataset_key, sealed, b"GLMANI01" + data[12 : 12 + length])))
    description = json.loads(body.take(int.from_bytes(body.take(4), "big")))
    packs = [body.take(16) for _ in range(body.number())]
    blocks = []
    for _ in range(body.number()):
        place, offset, size, _, kind, _ = (body.number() for _ in range(6))
        identifier, key = body.take(32), body.take(32)
        frame = (root / "packs" / f"{packs[place].hex()}.pack").read_bytes()[offset : offset + size]
        assert hashlib.sha256(frame).digest() == identifier
        blocks.append((kind, _unpack(_open(key, frame, b"gridledger/block/1"))))
    payload = b""
    for _ in range(body.number()):
        if body.take(1) == b"\x00":
            first, count = body.number(), body.number()
            payload += b"".join(block for _, block in blocks[first : first + count])
            continue
        order = _Fields(blocks[body.number()][1])
        fresh = [record for _ in range(body.number()) for record in _records(*blocks[body.number()])]
        unused = [record for _ in range(body.number()) for record in _records(*blocks[body.number()])]
        body.number(), body.number()
        for _ in range(order.number()):
            symbol = order.number()
            payload += unused.pop(symbol - 1) if symbol else fresh.pop(0)
    assert hashlib.sha256(payload).hexdigest() == description["sha256"]
    return payload
