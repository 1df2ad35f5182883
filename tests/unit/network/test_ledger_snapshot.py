"""A snapshot's folder: what it says of itself, and what of it was changed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.network.errors import SnapshotBroken
from gridledger.network.snapshot import LedgerSnapshot

FILES = {"public_state.data": b"state", "txids.data": b"ids"}


def _write(folder: Path, **changed: Any) -> Path:
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    signable = {
        "channel_name": "energy",
        "last_block_number": 7,
        "last_block_hash": "ab" * 32,
        "snapshot_files_raw_hashes": {
            name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()
        },
    } | changed
    text = json.dumps(signable).encode()
    (folder / "_snapshot_signable_metadata.json").write_bytes(text)
    additional = {"snapshot_hash": hashlib.sha256(text).hexdigest(), "last_block_commit_hash": ""}
    (folder / "_snapshot_additional_metadata.json").write_text(json.dumps(additional))
    return folder


def test_snapshot_whole_holds(tmp_path: Path) -> None:
    found = LedgerSnapshot.open(_write(tmp_path / "one"))
    found.check()
    assert (found.channel, found.block, found.bytes) == ("energy", 7, 8)
    assert run(["network", "snapshot", "check", str(tmp_path / "one"), "--json"], Output()) == 0


@pytest.mark.parametrize("name", [*FILES, "_snapshot_signable_metadata.json"])
def test_file_changed_is_found(tmp_path: Path, name: str) -> None:
    folder = _write(tmp_path / "one")
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content.replace(b"energy", b"Energy") if b"energy" in content else b"other")
    with pytest.raises(SnapshotBroken, match="changed"):
        LedgerSnapshot.open(folder).check()
    assert run(["network", "snapshot", "check", str(folder)], Output()) == 85


def test_description_missing_torn_or_leading_outside_is_refused(tmp_path: Path) -> None:
    for number, names in enumerate((("../x",), ("/etc/passwd",), ("..",), ("a\0b",))):
        folder = _write(tmp_path / str(number), snapshot_files_raw_hashes=dict.fromkeys(names, "0" * 64))
        with pytest.raises(SnapshotBroken):
            LedgerSnapshot.open(folder)
    for name in ("public_state.data", "_snapshot_additional_metadata.json"):
        folder = _write(tmp_path / f"without-{name}")
        (folder / name).unlink()
        with pytest.raises(SnapshotBroken):
            LedgerSnapshot.open(folder)
    for number, wrong in enumerate(({"last_block_number": "x"}, {"snapshot_files_raw_hashes": [1]})):
        with pytest.raises(SnapshotBroken):
            LedgerSnapshot.open(_write(tmp_path / f"wrong-{number}", **wrong))
