"""The vectors of LAYOUT.md: a lake with its owner key, and what can be read in it.

python -m tests.unit.lake.layout_vectors

writes them anew, with other keys, places and nonces.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tests.unit.lake.payloads import noise, register

from gridledger.crypto.secret_key import SecretKey
from gridledger.lake import ChunkSizes, Lake, LocalStore
from gridledger.lake.cutter import cut, format_of
from gridledger.lake.frame import look_up_key

__all__ = ["FILE", "OWNER", "PACK_BYTES", "SIZES", "payloads", "vectors"]

FILE = Path(__file__).parents[2] / "conformance/vectors/lake.json"
OWNER = bytes(range(32, 64))
SIZES = ChunkSizes(minimum=256, average=1024, maximum=4096)
PACK_BYTES = 4_000
_DESCRIPTION = (
    "A lake as LAYOUT.md has it. `owner`: the owner key. `keys`: what is derived from it. `files`: the lake, "
    "in base64, by path. `versions`: what is read of it: a payload, in base64, and the sizes of the pieces "
    "into which it is cut. `look_up`: look-up keys (MD5, SHA-1) of texts. `refuse`: a byte that is changed "
    "(xor 1), in which file and where, and the version that cannot be read any more."
)


def payloads() -> list[tuple[str, bytes]]:
    """Return what is put, in this order: every kind of block and part."""
    rows = register(120)
    shuffled = list(rows)
    random.Random(3).shuffle(shuffled)
    quoted = b"".join(b'%d,"a\nb ""%d""",x\n' % (row, row) for row in range(60))
    lines = b"".join(b'{"house":%d,"wh":%d}\n' % (row % 7, row * 37 % 1000) for row in range(120))
    numbers = random.Random(4)
    columns = {
        "house": [f"house {row % 9}" if row % 11 else None for row in range(200)],
        "wh": [numbers.randrange(10_000) for _ in range(200)],
    }
    parquet = io.BytesIO()
    pq.write_table(pa.table(columns), parquet, compression="snappy")
    return [
        ("empty", b""),
        ("noise", noise(9_000)),
        ("noise", noise(9_000)[:5_000] + b"in between" + noise(9_000)[5_000:]),
        ("register.csv", b"".join(rows)),
        ("shuffled.csv", b"".join(shuffled)),
        ("quoted.csv", quoted),
        ("readings.jsonl", lines),
        ("readings.parquet", parquet.getvalue()),
    ]


def vectors() -> dict[str, Any]:
    """Make a lake, and say what is in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lake = Lake.create(LocalStore(folder), SecretKey(OWNER), sizes=SIZES, pack_bytes=PACK_BYTES)
        versions = []
        for dataset, payload in payloads():
            stored = lake.put(dataset, io.BytesIO(payload))
            pieces = cut(io.BytesIO(payload), format_of(dataset), sizes=SIZES, seed=lake.keys.cut_seed)
            versions.append(
                {
                    "name": dataset,
                    "version": stored.version,
                    "sha256": hashlib.sha256(payload).hexdigest(),
                    "payload": base64.b64encode(payload).decode(),
                    "cut": [len(piece.data) for piece in pieces],
                }
            )
        block = lake.reader("noise", 1).manifest.blocks[0]
        head = lake.manifest(lake.keys.dataset("register.csv"), 1, 1)[0]
        files = {
            str(path.relative_to(folder)): base64.b64encode(path.read_bytes()).decode()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
    manifest = f"datasets/{head.dataset.hex()}/1.1.manifest"
    data = base64.b64decode(files[manifest])
    pack = f"packs/{block.pack.hex()}.pack"
    changes = [
        *((pack, block.offset + place, "noise") for place in (0, 20, block.length - 1)),
        (manifest, 12 + int.from_bytes(data[8:12], "big") + 3, "register.csv"),
        (manifest, len(data) - 1, "register.csv"),
    ]
    return {
        "description": _DESCRIPTION,
        "owner": OWNER.hex(),
        "keys": {
            "rows": lake.keys.rows.hex(),
            "dataset": lake.keys.datasets.hex(),
            "hook": lake.keys.hook.hex(),
            "block of the empty text": lake.keys.block_key(hashlib.sha256(b"").digest()).hex(),
            "seed of the chunker": f"{lake.keys.cut_seed:016x}",
        },
        "look_up": [
            {"text": text, "key": look_up_key(text.encode()).hex()} for text in ("", "abc", "21.5 kWh")
        ],
        "versions": versions,
        "refuse": [{"path": path, "at": at, "name": name, "version": 1} for path, at, name in changes],
        "files": files,
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), indent=1) + "\n", encoding="utf-8")
