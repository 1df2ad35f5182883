"""Two systems of the demo on PostgreSQL: the same rows as on SQLite, by a login that cannot write."""

from __future__ import annotations

from pathlib import Path

from tests.prerequisites import missing

from gridledger.exchange.database_address import DatabaseAddress
from gridledger.exchange.demo.stores import ON_POSTGRESQL, Stores
from gridledger.exchange.demo.systems import METER
from gridledger.exchange.source import Database, FieldSource
from gridledger.model.period import Period

POWER = FieldSource(
    name="ac_power",
    table="reading",
    own_code="meter",
    key="measured_at",
    value="ac_power_kw",
    time="measured_at",
    data_type="number",
)
DAY = Period("2018-09-14")


async def test_stores_on_postgresql_give_the_rows_that_sqlite_gives(tmp_path: Path) -> None:
    rows = {}
    for wanted in (True, False):
        folder = tmp_path / str(wanted)
        async with Stores(folder, postgresql=wanted) as stores:
            if wanted and stores.lacking:
                missing("postgres", stores.lacking)
            for name in ON_POSTGRESQL:
                await stores.fill(name, modules=0)
            assert stores.kind("monitoring") == ("PostgreSQL" if wanted else "SQLite")
            assert stores.kind("production") == "SQLite"
            address = DatabaseAddress.parse(stores.address("monitoring"), folder / "monitoring")
            with Database(address) as database:
                # Refuses a login that may write.
                database.check([POWER])
                rows[wanted] = database.rows(POWER, METER, DAY)

    assert len(rows[True]) == 87
    assert rows[True] == rows[False]
