"""The packaged data of plant R27: verbatim, of one plant, and enough for the story."""

from __future__ import annotations

import csv
import sqlite3
from importlib.resources import files
from pathlib import Path

import pytest

from gridledger.exchange.demo.databases import DATABASES, create_database, read_packaged
from gridledger.exchange.demo.systems import METER

OPERATIONS = Path(__file__).parents[2] / "data" / "pv-lifecycle" / "operations"
DATA = files("gridledger.exchange.demo") / "data"
SOURCES = {
    "plant_register.csv": ("example_metadata2.csv", b"R27,"),
    "monitoring.csv": ("example_perf_data.csv", b"27,"),
    "work_orders.csv": ("example_om_data2.csv", b"R27,"),
}


@pytest.mark.parametrize("file", sorted(SOURCES))
def test_packaged_lines_are_the_plants_and_verbatim(file: str) -> None:
    source, plant = SOURCES[file]
    head, *lines = (OPERATIONS / source).read_bytes().splitlines(keepends=True)

    packaged = (DATA / file).read_bytes()

    assert packaged == head + b"".join(line for line in lines if line.startswith(plant))
    assert (DATA / "LICENSE.pvops").read_bytes() == (OPERATIONS / "LICENSE.pvops").read_bytes()


def test_register_and_monitoring_know_the_same_plant() -> None:
    with (OPERATIONS / "example_prod_data_cumE2.csv").open(encoding="utf-8", newline="") as text:
        other = [line["Energy"] for line in csv.DictReader(text) if line["randid"] == "R27"]
    energy = [line["energy_delivered"] for line in read_packaged("monitoring.csv")]

    assert len(energy) == len(other) == 666
    assert sum(one == two for one, two in zip(energy, other, strict=True)) == 663


@pytest.mark.parametrize(("system", "rows"), [("construction", 1), ("monitoring", 666), ("maintenance", 5)])
def test_create_database_has_every_row(system: str, rows: int, tmp_path: Path) -> None:
    assert create_database(system, tmp_path / "data.db") == rows
    with pytest.raises(FileExistsError):
        create_database(system, tmp_path / "data.db")


def test_outage_shows_in_power_and_work_orders(tmp_path: Path) -> None:
    create_database("monitoring", tmp_path / "m.db")
    create_database("maintenance", tmp_path / "o.db")
    query = "SELECT MAX(ac_power_kw) FROM reading WHERE meter = ? AND measured_at BETWEEN ? AND ?"
    monitoring = sqlite3.connect(tmp_path / "m.db")
    outage = monitoring.execute(query, (METER, "2018-09-14T10:30", "2018-09-16T16:30")).fetchone()
    orders = sqlite3.connect(tmp_path / "o.db")
    started = orders.execute("SELECT started_at FROM work_order WHERE number = 1").fetchone()
    monitoring.close()
    orders.close()

    assert 0 <= outage[0] < 0.01
    assert started == ("2018-09-14T10:00",)
    assert set(DATABASES) == {"construction", "monitoring", "maintenance"}
