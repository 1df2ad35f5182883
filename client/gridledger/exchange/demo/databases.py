"""The databases of the three business systems, filled from the packaged data of plant R27.

| system | table | rows |
|---|---|---|
| construction register | `plant` | 1 |
| PV monitoring | `reading` | 666 |
| maintenance | `work_order` | 5 |
"""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Final

__all__ = ["DATABASES", "DatabaseRecipe", "create_database", "read_packaged"]

_DATA: Final = files("gridledger.exchange.demo") / "data"
_TIME: Final = "%m/%d/%Y %H:%M"


@dataclass(frozen=True, kw_only=True)
class DatabaseRecipe:
    """How one system's database is made."""

    file: str
    """Name of the packaged file."""
    table: str
    columns: str
    """Columns with their types."""
    row: Callable[[dict[str, str]], tuple[object, ...]]
    """From a line of the file to a row of the table."""


def _plant(line: dict[str, str]) -> tuple[object, ...]:
    in_operation = datetime.strptime(line["COD"], "%m/%d/%Y").date()  # noqa: DTZ007 - no zone in the source
    return line["randid"], float(line["DC_Size_kW"]), in_operation.isoformat()


def _reading(line: dict[str, str]) -> tuple[object, ...]:
    return (
        line["AssetId"],
        _iso(line["Date"]),
        _number(line["AC_POWER"]),
        int(line["energy_delivered"]),
        _number(line["POAirradiance"]),
    )


def _work_order(line: dict[str, str]) -> tuple[object, ...]:
    ended = _iso(line["date_end"]) if line["date_end"] else None
    return (
        line["randid"],
        int(line["WONumber"]),
        line["Asset"],
        line["WOType"],
        _iso(line["date_start"]),
        ended,
        line["GeneralDesc"],
    )


def _number(text: str) -> float | None:
    return float(text) if text else None


def _iso(text: str) -> str:
    return datetime.strptime(text, _TIME).isoformat(timespec="minutes")  # noqa: DTZ007 - no zone in the source


DATABASES: Final = {
    "construction": DatabaseRecipe(
        file="plant_register.csv",
        table="plant",
        columns="plant TEXT PRIMARY KEY, dc_size_kw REAL NOT NULL, in_operation TEXT NOT NULL",
        row=_plant,
    ),
    "monitoring": DatabaseRecipe(
        file="monitoring.csv",
        table="reading",
        columns=(
            "meter TEXT NOT NULL, measured_at TEXT NOT NULL, ac_power_kw REAL,"
            " energy_kwh INTEGER NOT NULL, irradiance_w_m2 REAL, PRIMARY KEY (meter, measured_at)"
        ),
        row=_reading,
    ),
    "maintenance": DatabaseRecipe(
        file="work_orders.csv",
        table="work_order",
        columns=(
            "plant TEXT NOT NULL, number INTEGER PRIMARY KEY, asset TEXT NOT NULL, type TEXT NOT NULL,"
            " started_at TEXT NOT NULL, ended_at TEXT, description TEXT NOT NULL"
        ),
        row=_work_order,
    ),
}
"""By the system's name in the demo."""


def read_packaged(file: str) -> Iterator[dict[str, str]]:
    """Read the lines of a packaged CSV file."""
    text = (_DATA / file).read_bytes().decode("utf-8")
    yield from csv.DictReader(io.StringIO(text, newline=""))


def create_database(system: str, path: Path) -> int:
    """Make a system's database.

    Parameters
    ----------
    system : str
        A key of `DATABASES`.
    path : Path
        Must not exist.

    Returns
    -------
    int
        Number of rows.

    Raises
    ------
    FileExistsError
        If there is a file already.
    """
    recipe = DATABASES[system]
    path.touch(exist_ok=False)
    rows = [recipe.row(line) for line in read_packaged(recipe.file)]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE {recipe.table} ({recipe.columns})")
        _insert(connection, recipe.table, rows)
    return len(rows)


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    for row in rows:
        places = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {table} VALUES ({places})", row)  # noqa: S608 - names are ours
