"""The vectors of LAYOUT.md, read by the lake and by a second implementation, and a lake as it is made now."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from tests.unit.lake.layout_vectors import OWNER, PACK_BYTES, SIZES, payloads
from tests.unit.lake.second_reader import derived, read_version
from tests.unit.lake.second_table import block_of, hooks, read_table

from gridledger.crypto.secret_key import SecretKey
from gridledger.lake import Lake, LocalStore, PayloadCorrupt, check
from gridledger.lake.cutter import cut, format_of
from gridledger.lake.frame import look_up_key
from gridledger.lake.hash_index_table import HashIndexTable

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "conformance/vectors/lake.json").read_text(encoding="utf-8")
)
VERSIONS = [pytest.param(each, id=f"{each['name']}-{each['version']}") for each in VECTORS["versions"]]
KEY = bytes.fromhex(VECTORS["owner"])


@pytest.fixture
def root(folder: Path) -> Path:
    """Return the folder of the vectors' lake."""
    for name, text in VECTORS["files"].items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(base64.b64decode(text))
    return folder


@pytest.fixture
def fresh(folder: Path) -> Path:
    """Return the folder of a lake that is made now."""
    made = Lake.create(LocalStore(folder), SecretKey(OWNER), sizes=SIZES, pack_bytes=PACK_BYTES)
    for name, payload in payloads():
        made.put(name, io.BytesIO(payload))
    return folder


def opened(root: Path) -> Lake:
    return Lake.open(LocalStore(root), SecretKey(KEY))


@pytest.mark.parametrize("version", VERSIONS)
def test_version_of_the_vectors_is_read_by_both(root: Path, version: dict[str, Any]) -> None:
    payload = base64.b64decode(version["payload"])
    assert hashlib.sha256(payload).hexdigest() == version["sha256"]
    assert opened(root).reader(version["name"], version["version"]).read() == payload
    assert read_version(root, KEY, version["name"], version["version"]) == payload


@pytest.mark.parametrize("version", VERSIONS)
def test_payload_is_cut_as_the_vectors_say(root: Path, version: dict[str, Any]) -> None:
    lake = opened(root)
    payload = io.BytesIO(base64.b64decode(version["payload"]))
    pieces = cut(payload, format_of(version["name"]), sizes=lake.sizes, seed=lake.keys.cut_seed)
    assert [len(piece.data) for piece in pieces] == version["cut"]


def test_keys_of_the_vectors_are_derived_by_both(root: Path) -> None:
    keys, identifier = opened(root).keys, bytes.fromhex(json.loads((root / "lake.json").read_bytes())["lake"])

    def second(use: bytes) -> bytes:
        return derived(KEY, identifier, use)

    empty = hashlib.sha256(b"").digest()
    assert VECTORS["keys"] == {
        "rows": keys.rows.hex(),
        "dataset": keys.datasets.hex(),
        "hook": keys.hook.hex(),
        "block of the empty text": keys.block_key(empty).hex(),
        "seed of the chunker": f"{keys.cut_seed:016x}",
    }
    assert VECTORS["keys"] == {
        "rows": second(b"rows").hex(),
        "dataset": second(b"dataset").hex(),
        "hook": second(b"hook").hex(),
        "block of the empty text": hmac.digest(second(b"block"), empty, "sha256").hex(),
        "seed of the chunker": f"{int.from_bytes(second(b'cut')[:8], 'big') & (1 << 63) - 1:016x}",
    }


@pytest.mark.parametrize("text", VECTORS["look_up"], ids=lambda each: each["text"] or "empty")
def test_look_up_key_is_md5_with_sha1(text: dict[str, str]) -> None:
    assert look_up_key(text["text"].encode()).hex() == text["key"]


@pytest.mark.parametrize("lake", ["root", "fresh"])
def test_rows_and_hooks_are_those_of_the_blocks(lake: str, request: pytest.FixtureRequest) -> None:
    root: Path = request.getfixturevalue(lake)
    found = read_table(root, KEY)
    ours = opened(root)
    table = HashIndexTable.load(ours.store, ours.keys)
    assert table.damage == []
    assert {pack.hex() for pack in table.packs} == set(found)
    kinds = set()
    for pack, rows in found.items():
        assert [
            (row.look_up_key, row.sha256, row.hooks) for row in table.packs[bytes.fromhex(pack)].rows
        ] == [(row.md5 + row.sha1, row.sha256, row.hooks) for row in rows]
        for row in rows:
            block = block_of(root, KEY, pack, row)
            assert (row.hooks, row.records) == hooks(ours.keys.hook, row.kind, block)
            kinds.add(row.kind)
    # Whether a fresh lake gathers records, its random key decides.
    assert lake == "fresh" or kinds == {0, 1, 2, 3, 4, 5}


def test_lake_made_now_is_read_by_the_second_implementation(fresh: Path) -> None:
    numbers: dict[str, int] = {}
    for name, payload in payloads():
        numbers[name] = numbers.get(name, 0) + 1
        assert read_version(fresh, OWNER, name, numbers[name]) == payload


@pytest.mark.parametrize("number", range(len(VECTORS["refuse"])))
def test_changed_byte_is_refused_by_both(root: Path, number: int) -> None:
    it = VECTORS["refuse"][number]
    data = bytearray((root / it["path"]).read_bytes())
    data[it["at"]] ^= 1
    (root / it["path"]).write_bytes(data)
    with pytest.raises(PayloadCorrupt):
        opened(root).reader(it["name"], it["version"]).read()
    with pytest.raises((AssertionError, InvalidTag, ValueError)):
        read_version(root, KEY, it["name"], it["version"])
    assert it["path"] in {damage.path for damage in check(opened(root), read_data=True).damage}
