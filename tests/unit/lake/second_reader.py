"""A second implementation of reading, from LAYOUT.md alone: no line of gridledger.lake is used."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["Fields", "derived", "open_seal", "read_version", "records_of", "unpack"]


def open_seal(key: bytes, seal: bytes, associated: bytes) -> bytes:
    return AESGCM(key).decrypt(seal[:12], seal[12:], associated)


def unpack(packed: bytes) -> bytes:
    return packed[1:] if packed[0] == 0 else zstandard.ZstdDecompressor().decompress(packed[1:])


def derived(owner: bytes, lake: bytes, use: bytes) -> bytes:
    prk = hmac.digest(lake, owner, "sha256")
    return hmac.digest(prk, b"gridledger/lake/1 " + use + b"\x01", "sha256")


class Fields:
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


def records_of(kind: int, block: bytes) -> list[bytes]:
    if kind == 4:
        return _cells(block)
    if kind not in (1, 2):
        return [block]
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
    dataset = hmac.digest(derived(owner, lake, b"name"), name.encode(), "sha256")[:16]
    found = (root / "datasets" / dataset.hex()).glob(f"{version}.*.manifest")
    data = max(found, key=lambda path: int(path.name.split(".")[1])).read_bytes()
    length = int.from_bytes(data[8:12], "big")
    head = json.loads(data[12 : 12 + length])
    label = dataset + head["epoch"].to_bytes(8, "big") + version.to_bytes(8, "big")
    owned = open_seal(derived(owner, lake, b"dataset"), bytes.fromhex(head["owner_seal"]), label)
    dataset_key, content = owned[:32], owned[32:]
    sealed = data[12 + length :]
    body = Fields(unpack(open_seal(dataset_key, sealed, b"GLMANI01" + data[12 : 12 + length])))
    length = int.from_bytes(body.data[:4], "big")
    covered = [b"gridledger/content/1\x00", body.take(4 + length)]
    description = json.loads(covered[1][4:])
    packs = [body.take(16) for _ in range(body.number())]
    blocks = []
    before = body.data
    number = body.number()
    covered.append(before[: len(before) - len(body.data)])
    for _ in range(number):
        place, offset, before = body.number(), body.number(), body.data
        size, _, kind, _ = (body.number() for _ in range(4))
        identifier, key = body.take(32), body.take(32)
        covered.append(before[: len(before) - len(body.data)])
        frame = (root / "packs" / f"{packs[place].hex()}.pack").read_bytes()[offset : offset + size]
        assert hashlib.sha256(frame).digest() == identifier
        blocks.append((kind, unpack(open_seal(key, frame, b"gridledger/block/1"))))
    assert hashlib.sha256(b"".join([*covered, body.data])).digest() == content
    payload = b""
    for _ in range(body.number()):
        kind = body.take(1)
        if kind == b"\x02":
            form, size = blocks[body.number()][1], body.number()
            made = _put_together(Fields(form), _part(body, body.take(1), blocks))
            assert len(made) == size
            payload += made
        else:
            payload += b"".join(_part(body, kind, blocks))
    assert hashlib.sha256(payload).hexdigest() == description["sha256"]
    return payload


def _part(body: Fields, kind: bytes, blocks: list[tuple[int, bytes]]) -> list[bytes]:
    """Return the records of a run or gather; of a run of blocks without records the blocks."""
    if kind == b"\x00":
        first, count = body.number(), body.number()
        return [record for block in blocks[first : first + count] for record in records_of(*block)]
    order = Fields(blocks[body.number()][1])
    fresh = [record for _ in range(body.number()) for record in records_of(*blocks[body.number()])]
    unused = [record for _ in range(body.number()) for record in records_of(*blocks[body.number()])]
    body.number(), body.number()
    return [
        unused.pop(symbol - 1) if (symbol := order.number()) else fresh.pop(0) for _ in range(order.number())
    ]


def _cells(block: bytes) -> list[bytes]:
    fields = Fields(block)
    shapes = [fields.number() for _ in range(fields.number())]
    rows = fields.number()
    records = [b""] * rows
    for shape in shapes:
        flags = list(fields.take(rows)) if shape & 1 else [1] * rows
        lengths = [shape >> 1] * rows
        if not shape >> 1:
            lengths = [int.from_bytes(fields.take(4), "little") if flag else 0 for flag in flags]
        for row, flag in enumerate(flags):
            cell = b"" if shape >> 1 or not flag else lengths[row].to_bytes(4, "little")
            cell += fields.take(lengths[row]) if flag else b""
            records[row] += bytes([flag]) + cell if shape & 1 else cell
    return records


def _put_together(form: Fields, records: list[bytes]) -> bytes:
    written = b""
    left = [Fields(record) for record in records]
    for _ in range(form.number()):
        shape = form.number()
        values: list[bytes | None] = []
        for record in left:
            if shape & 1 and record.take(1) == b"\x00":
                values.append(None)
                continue
            values.append(record.take(shape >> 1 or int.from_bytes(record.take(4), "little")))
        written += _column(form, shape >> 1, values)
    return written


def _column(form: Fields, width: int, values: list[bytes | None]) -> bytes:
    def plain(some: list[bytes]) -> bytes:
        return b"".join(value if width else len(value).to_bytes(4, "little") + value for value in some)

    pages = []
    dictionary: list[bytes] = []
    for _ in range(form.number()):
        header, body = form.take(form.number()), form.take(1)[0]
        rows = form.number() if body else 0
        levels = form.take(1)[0] if body else 0
        level_runs = [form.number() for _ in range(form.number())] if levels else []
        bits = form.take(1)[0] if body == 3 else 0
        runs = [form.number() for _ in range(form.number())] if body == 3 else []
        elements = form.take(form.number()) if form.take(1) == b"\x01" else None
        of, values = values[:rows], values[rows:]
        present = [value for value in of if value is not None]
        if body == 3:
            dictionary += [value for value in dict.fromkeys(present) if value not in dictionary]
        pages.append((header, body, of, present, levels, level_runs, bits, runs, elements))
    column = b""
    for header, body, of, present, levels, level_runs, bits, runs, elements in pages:
        data = plain(dictionary if body == 0 else present)
        if body == 2:
            data = sum(value[0] << place for place, value in enumerate(present)).to_bytes(
                -(-len(present) // 8), "little"
            )
        if body == 3:
            data = bytes([bits]) + _runs(runs, bits, [dictionary.index(value) for value in present])
        encoded = _runs(level_runs, 1, [int(value is not None) for value in of]) if levels else b""
        if levels == 1:
            data, encoded = len(encoded).to_bytes(4, "little") + encoded + data, b""
        column += header + encoded + (data if elements is None else _literals(elements, data))
    return column


def _number(value: int) -> bytes:
    written = b""
    while value > 127:
        written += bytes([value & 127 | 128])
        value >>= 7
    return written + bytes([value])


def _runs(headers: list[int], width: int, numbers: list[int]) -> bytes:
    written = b""
    for header in headers:
        count = header >> 1
        if header & 1:
            packed = sum(number << width * place for place, number in enumerate(numbers[: count * 8]))
            written += _number(header) + packed.to_bytes(count * width, "little")
            numbers = numbers[count * 8 :]
        else:
            written += _number(header) + numbers[0].to_bytes(-(-width // 8), "little")
            numbers = numbers[count:]
    return written


def _literals(elements: bytes, plain: bytes) -> bytes:
    fields = Fields(elements)
    written = _number(fields.number())
    while fields.data:
        tag = fields.take(1)[0]
        if tag & 3:
            written += bytes([tag]) + fields.take({1: 1, 2: 2, 3: 4}[tag & 3])
            length = (tag >> 2 & 7) + 4 if tag & 3 == 1 else (tag >> 2) + 1
        else:
            more = fields.take(max(0, (tag >> 2) - 59))
            length = (int.from_bytes(more, "little") if more else tag >> 2) + 1
            written += bytes([tag]) + more + plain[:length]
        plain = plain[length:]
    return written
