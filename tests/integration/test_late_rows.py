"""Rows that SQL adds, changes and removes behind the owner's server, and what becomes of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
from tests.integration.exchange import fund, signed_request

from gridledger.exchange.demo.scene import Scene
from gridledger.exchange.demo.systems import METER
from gridledger.exchange.leaves import RowChange
from gridledger.model.identifier import FieldIdentifier
from gridledger.model.period import Day, Period
from gridledger.model.resolution import Resolution, TargetField
from gridledger.model.states import Outcome

DAY = Period("2018-10-14")
LATE = "2018-10-14T12:07"


@contextmanager
def sql(scene: Scene, do: str, undo: str) -> Iterator[None]:
    """Run a statement on the monitoring system's database, and another one afterwards."""

    def run(statement: str) -> None:
        with closing(sqlite3.connect(scene.folder / "monitoring" / "data.db")) as connection, connection:
            assert connection.execute(statement).rowcount == 1, statement

    run(do)
    try:
        yield
    finally:
        run(undo)


def insert(row: str) -> tuple[str, str]:
    return (
        f"INSERT INTO reading VALUES ('{METER}', '{row}', 12.5, 7, NULL)",
        f"DELETE FROM reading WHERE meter = '{METER}' AND measured_at = '{row}'",
    )


def power(scene: Scene) -> FieldIdentifier:
    return scene.systems["monitoring"].device(METER).field("ac_power")


async def resolved(scene: Scene) -> Resolution:
    return await scene.application.resolve(
        await signed_request(scene, first=Day(str(DAY)), last=Day(str(DAY)))
    )


def of_monitoring(scene: Scene, resolution: Resolution) -> dict[str, TargetField]:
    target = resolution.target(scene.systems["monitoring"])
    assert target is not None
    return {field.field.name: field for field in target.fields}


async def fetched_rows(scene: Scene, resolution: Resolution) -> dict[str, set[str]]:
    """Order, fetch and settle; return the keys that came from the monitoring system, by field."""
    await fund(scene, 20_000)
    order = await scene.application.order(resolution)
    fetched = await scene.application.fetch(resolution, order)
    assert [one.error for one in fetched] == [None] * len(fetched)
    assert len(await scene.application.settle(fetched)) == len(fetched)
    found: dict[str, set[str]] = {}
    for one in fetched:
        if one.owner == scene.systems["monitoring"] and one.delivery is not None:
            for period in one.delivery.periods:
                found.setdefault(period.field.name, set()).update(row.key for row in period.rows)
    return found


async def test_row_added_by_sql_is_late_and_the_deposited_rows_are_delivered(scene: Scene) -> None:
    with sql(scene, *insert(LATE)):
        resolution = await resolved(scene)
        fields = of_monitoring(scene, resolution)
        assert {check.outcome for one in fields.values() for check in one.checks} == {Outcome.LATE_ROWS}
        assert {check.late_rows for one in fields.values() for check in one.checks} == {1}
        keys = await fetched_rows(scene, resolution)
        assert LATE not in keys["ac_power"]
        found = await scene.owners["monitoring"].first_alteration(power(scene), DAY)
        assert found is not None
        assert (found.row, found.change, found.value, found.deposited_ms) == (
            LATE,
            RowChange.ADDED,
            "12.5",
            None,
        )

    fields = of_monitoring(scene, await resolved(scene))
    assert {check.outcome for one in fields.values() for check in one.checks} == {Outcome.INTACT}


async def test_row_changed_and_row_removed_by_sql_withhold_their_field_and_are_named(scene: Scene) -> None:
    row = "2018-10-14T00:30"
    where = f"WHERE meter = '{METER}' AND measured_at = '{row}'"
    with closing(sqlite3.connect(scene.folder / "monitoring" / "data.db")) as connection:
        query = f"SELECT ac_power_kw, energy_kwh, irradiance_w_m2 FROM reading {where}"
        kw, counter, irradiance = (
            "NULL" if one is None else one for one in connection.execute(query).fetchone()
        )
    owner = scene.owners["monitoring"]

    change = f"UPDATE reading SET ac_power_kw = 250.5 {where}"
    with sql(scene, change, f"UPDATE reading SET ac_power_kw = {kw} {where}"), sql(scene, *insert(LATE)):
        fields = of_monitoring(scene, await resolved(scene))
        assert {name: one.withheld for name, one in fields.items()} == {
            "ac_power": True,
            "energy": False,
            "irradiance": False,
        }
        assert {fields[name].checks[0].outcome for name in ("energy", "irradiance")} == {Outcome.LATE_ROWS}
        found = await owner.first_alteration(power(scene), DAY)
        assert found is not None
        assert (found.field, found.period, found.row, found.change, found.value, found.supplement) == (
            power(scene),
            DAY,
            row,
            RowChange.CHANGED,
            "250.5",
            0,
        )
        assert found.counts == {RowChange.CHANGED: 1, RowChange.ADDED: 1}
        assert found.deposited_ms is not None

    undo = f"INSERT INTO reading VALUES ('{METER}', '{row}', {kw}, {counter}, {irradiance})"
    with sql(scene, f"DELETE FROM reading {where}", undo):
        fields = of_monitoring(scene, await resolved(scene))
        assert all(one.withheld for one in fields.values())
        found = await owner.first_alteration(power(scene), DAY)
        assert found is not None
        assert (found.row, found.change, found.value) == (row, RowChange.REMOVED, None)


@pytest.fixture
async def supplemented(scene: Scene) -> str:
    """Give a late row that is deposited as a supplement, and stays."""
    row = "2018-10-14T12:08"
    statement, _ = insert(row)
    with closing(sqlite3.connect(scene.folder / "monitoring" / "data.db")) as connection, connection:
        connection.execute(statement)
    results = await scene.owners["monitoring"].deposit(late=True)
    assert [one.root.supplement for one in results] == [1, 1, 1]
    assert all(one.result.accepted for one in results)
    await scene.cast.even()
    return row


async def test_late_row_deposited_as_a_supplement_is_delivered_and_guarded(
    scene: Scene, supplemented: str
) -> None:
    assert await scene.owners["monitoring"].deposit(late=True) == []
    resolution = await resolved(scene)
    fields = of_monitoring(scene, resolution)
    assert {check.outcome for one in fields.values() for check in one.checks} == {Outcome.INTACT}
    assert supplemented in (await fetched_rows(scene, resolution))["ac_power"]

    where = f"WHERE meter = '{METER}' AND measured_at = '{supplemented}'"
    change = f"UPDATE reading SET ac_power_kw = 9 {where}"
    with sql(scene, change, f"UPDATE reading SET ac_power_kw = 12.5 {where}"):
        fields = of_monitoring(scene, await resolved(scene))
        assert {name: one.withheld for name, one in fields.items()} == {
            "ac_power": True,
            "energy": False,
            "irradiance": False,
        }
        found = await scene.owners["monitoring"].first_alteration(power(scene), DAY)
        assert found is not None
        assert (found.row, found.change, found.supplement) == (supplemented, RowChange.CHANGED, 1)

    deposit = await scene.cast["monitoring"].ledger.deposit(power(scene), DAY)
    assert [part.rows for part in deposit.parts()][1:] == [1]
    forged = replace(deposit.root, supplement=1, root=deposit.root.root)
    system = scene.systems["monitoring"]
    (result,) = await scene.cast["monitoring"].ledger.deposit_roots(system, [forged])
    assert result.code == "GL-CHN-060"
