"""Lakes in folders, with small chunks and packs so that a few KiB make many of both."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridledger.crypto.secret_key import SecretKey
from gridledger.lake import ChunkSizes, Lake, LocalStore

OWNER = SecretKey(bytes(range(32)))
SMALL = ChunkSizes(minimum=256, average=1024, maximum=4096)
PACK_BYTES = 20_000


def small_lake(folder: Path) -> Lake:
    return Lake.create(LocalStore(folder), OWNER, sizes=SMALL, pack_bytes=PACK_BYTES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def lake(folder: Path) -> Lake:
    return small_lake(folder)
