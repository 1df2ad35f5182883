"""The suite over a local folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.lake.store_suite import StoreSuite

from gridledger.lake import LocalStore, Store


class TestLocalStore(StoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return LocalStore(tmp_path / "lake")
