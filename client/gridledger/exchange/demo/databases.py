"""The databases of the five business systems, filled from the packaged data of plant R27.

| system | table | rows |
|---|---|---|
| production | `product` | a device |
| construction | `installation` | a device |
| PV monitoring | `reading` | 666 |
| maintenance | `work_order` | 5 |
| asset | `asset` | a device |

They are made by SQLAlchemy, so that one may be SQLite and another PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Column, Double, Engine, Integer, MetaData, Table, Text, create_engine

from gridledger.exchange.demo.devices import DemoDevice, plant_devices, read_packaged
from gridledger.exchange.demo.made import made_staff

__all__ = ["DATABASES", "DatabaseRecipe", "create_database", "fill_database"]

_TIME: Final = "%m/%d/%Y %H:%M"
_MEASURES: Final = {
    "corrective": "09 - Inspection",
    "preventive": "Preventative Maintenance",
    "vegetation": "07 - Service",
}
"""Made for each type of work order, in the words of the packaged vocabulary of measures."""

_Rows = Sequence[dict[str, object]]


@dataclass(frozen=True, kw_only=True)
class DatabaseRecipe:
    """How one system's database is made."""

    table: Table
    rows: Callable[[Sequence[DemoDevice]], _Rows]
    """Makes the rows, of devices or of a packaged file."""


def _table(name: str, *columns: Column[Any]) -> Table:
    return Table(name, MetaData(), *columns)


def _key(name: str) -> Column[str]:
    return Column(name, Text, primary_key=True)


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable)


def _products(devices: Sequence[DemoDevice]) -> _Rows:
    return [
        {
            "serial": one.serial,
            "name": one.name,
            "model": one.model,
            "produced_on": one.produced,
            "brand": one.brand,
        }
        for one in devices
    ]


def _installations(devices: Sequence[DemoDevice]) -> _Rows:
    (plant,) = read_packaged("plant_register.csv")
    in_operation = datetime.strptime(plant["COD"], "%m/%d/%Y").date()  # noqa: DTZ007 - no zone in the source
    return [
        {
            "place": one.place,
            "location": one.location,
            "in_operation": in_operation.isoformat(),
            "dc_size_kw": one.rated_kw,
        }
        for one in devices
    ]


def _readings(_devices: Sequence[DemoDevice]) -> _Rows:
    return [
        {
            "meter": line["AssetId"],
            "measured_at": _iso(line["Date"]),
            "ac_power_kw": _number(line["AC_POWER"]),
            "energy_kwh": int(line["energy_delivered"]),
            "irradiance_w_m2": _number(line["POAirradiance"]),
        }
        for line in read_packaged("monitoring.csv")
    ]


def _work_orders(_devices: Sequence[DemoDevice]) -> _Rows:
    return [
        {
            "plant": line["randid"],
            "number": int(line["WONumber"]),
            "asset": line["Asset"],
            "type": line["WOType"],
            "started_at": _iso(line["date_start"]),
            "ended_at": _iso(line["date_end"]) if line["date_end"] else None,
            "description": line["GeneralDesc"],
            "staff": made_staff(int(line["WONumber"])),
            "measure": _MEASURES[line["WOType"]],
        }
        for line in read_packaged("work_orders.csv")
    ]


def _assets(devices: Sequence[DemoDevice]) -> _Rows:
    return [{"number": one.asset, "asset_group": one.group, "state": one.state} for one in devices]


def _number(text: str) -> float | None:
    return float(text) if text else None


def _iso(text: str) -> str:
    return datetime.strptime(text, _TIME).isoformat(timespec="minutes")  # noqa: DTZ007 - no zone in the source


DATABASES: Final = {
    "production": DatabaseRecipe(
        table=_table("product", _key("serial"), *map(_text, ("name", "model", "produced_on", "brand"))),
        rows=_products,
    ),
    "construction": DatabaseRecipe(
        table=_table(
            "installation",
            _key("place"),
            _text("location"),
            _text("in_operation"),
            Column("dc_size_kw", Double, nullable=False),
        ),
        rows=_installations,
    ),
    "monitoring": DatabaseRecipe(
        table=_table(
            "reading",
            _key("meter"),
            _key("measured_at"),
            Column("ac_power_kw", Double),
            Column("energy_kwh", Integer, nullable=False),
            Column("irradiance_w_m2", Double),
        ),
        rows=_readings,
    ),
    "maintenance": DatabaseRecipe(
        table=_table(
            "work_order",
            _text("plant"),
            Column("number", Integer, primary_key=True),
            *map(_text, ("asset", "type", "started_at")),
            _text("ended_at", nullable=True),
            *map(_text, ("description", "staff", "measure")),
        ),
        rows=_work_orders,
    ),
    "asset": DatabaseRecipe(
        table=_table("asset", _key("number"), _text("asset_group"), _text("state")), rows=_assets
    ),
}
"""By the system's name in the demo."""


def create_database(system: str, path: Path, *, modules: int = 0) -> int:
    """Make a system's database as a SQLite file.

    Parameters
    ----------
    system : str
        A key of `DATABASES`.
    path : Path
        Must not exist.
    modules : int, default 0
        Modules beside the inverter.

    Returns
    -------
    int
        Number of rows.

    Raises
    ------
    FileExistsError
        If there is a file already.
    """
    path.touch(exist_ok=False)
    engine = create_engine(f"sqlite:///{path}")
    try:
        return fill_database(system, engine, modules=modules)
    finally:
        engine.dispose()


def fill_database(system: str, engine: Engine, *, modules: int = 0) -> int:
    """Make a system's table in an empty database, fill it, and return the number of rows."""
    recipe = DATABASES[system]
    rows = recipe.rows(plant_devices(modules))
    with engine.begin() as connection:
        recipe.table.create(connection)
        connection.execute(recipe.table.insert(), list(rows))
    return len(rows)
