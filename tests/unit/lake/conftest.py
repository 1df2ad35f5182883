"""Lakes in folders, with small chunks and packs so that a few KiB make many of both."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gridledger.crypto.secret_key import SecretKey
from gridledger.lake import ChunkSizes, Lake, LocalStore

OWNER = SecretKey(bytes(range(32)))
SMALL = ChunkSizes(minimum=256, average=1024, maximum=4096)
PACK_BYTES = 20_000


def small_lake(folder: Path) -> Lake:
    return Lake.create(LocalStore(folder), OWNER, sizes=SMALL, pack_bytes=PACK_BYTES)


@contextmanager
def without_fsync() -> Iterator[None]:
    """Leave fsync out: two for each small pack took most of these tests' time, on a busy disk ten seconds.

    What ends in them is a process, never the machine. When files are synced has a test of its own.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="module", autouse=True)
def _unsynced() -> Iterator[None]:
    with without_fsync():
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def lake(folder: Path) -> Lake:
    return small_lake(folder)
