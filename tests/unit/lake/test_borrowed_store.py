"""The suite of stores over one that somebody else closes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.lake.store_suite import StoreSuite

from gridledger.lake import LocalStore, Store
from gridledger.lake.borrowed_store import BorrowedStore


class Closing(LocalStore):
    is_closed = False

    def close(self) -> None:
        self.is_closed = True


class TestBorrowedStore(StoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return BorrowedStore(LocalStore(tmp_path / "store"))


def test_closing_it_leaves_the_store_open(tmp_path: Path) -> None:
    lent = Closing(tmp_path)
    with BorrowedStore(lent) as store:
        store.publish("lake.json", b"{}")
    assert not lent.is_closed
    assert lent.read("lake.json") == b"{}"
    assert repr(lent) in repr(store)
