"""The suite over a local folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.unit.lake.store_suite import StoreSuite

from gridledger.lake import LocalStore, Store


class TestLocalStore(StoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return LocalStore(tmp_path / "lake")


def test_file_is_synced_before_it_is_seen_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, bool]] = []
    target = tmp_path / "table" / "a.table"

    def sync(handle: int) -> None:
        place = Path(f"/proc/self/fd/{handle}").readlink()
        synced.append((place.relative_to(tmp_path).parts[0], target.exists()))

    monkeypatch.setattr(os, "fsync", sync)
    store = LocalStore(tmp_path)
    store.publish("table/a.table", b"0123456789")
    store.delete("table/a.table")
    assert synced == [("temporary", False), ("table", True), ("table", False)]
