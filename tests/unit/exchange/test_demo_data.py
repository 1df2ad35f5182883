"""The packaged data of plant R27: verbatim, of one plant, and enough for the story."""

from __future__ import annotations

import csv
import sqlite3
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest

from gridledger.exchange.demo.databases import DATABASES, create_database
from gridledger.exchange.demo.devices import MODULES, plant_devices, read_packaged
from gridledger.exchange.demo.systems import METER, SYSTEMS

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


ROWS = {"production": 21, "construction": 21, "monitoring": 666, "maintenance": 5, "asset": 21}


@pytest.mark.parametrize("system", sorted(ROWS))
def test_create_database_has_every_row(system: str, tmp_path: Path) -> None:
    assert create_database(system, tmp_path / "data.db", modules=20) == ROWS[system]
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


def test_modules_have_the_size_that_the_register_says() -> None:
    (plant,) = read_packaged("plant_register.csv")
    inverter, *modules = plant_devices()

    assert sum(round(one.rated_kw * 1000) for one in modules) == float(plant["DC_Size_kW"]) * 1000
    assert inverter.rated_kw == float(plant["DC_Size_kW"])
    assert len(modules) == MODULES == 1000


def test_devices_are_of_packaged_types_and_are_the_same_each_time() -> None:
    inverter, module, *others = plant_devices(20)
    (*_, inverter_type), (*_, module_type) = map(read_packaged, ("inverter_types.csv", "module_types.csv"))

    assert f"{inverter.brand}: {inverter.model}" == inverter_type["Name"]
    assert f"{module.brand} {module.model}" == module_type["Name"]
    # Five modules in a row stay below what the inverter bears.
    assert 5 * float(module_type["V_oc_ref"]) < float(inverter_type["Vdcmax"])
    measured = [float(line["AC_POWER"] or 0) for line in read_packaged("monitoring.csv")]
    assert max(measured) < float(inverter_type["Paco"]) / 1000
    assert plant_devices(3) == (inverter, module, *others[:2])


def test_devices_differ_in_every_code() -> None:
    devices = plant_devices()

    for codes in ({getattr(one, name) for one in devices} for name in ("serial", "place", "asset")):
        assert len(codes) == len(devices) == 1001


def test_fields_are_those_of_the_patent() -> None:
    named = {system.name: {field.name for field in system.fields} for system in SYSTEMS}

    assert named["production"] >= {"device_code", "device_name", "device_model", "produced_on", "brand"}
    assert named["construction"] >= {"location", "in_operation", "dc_size"}
    assert named["monitoring"] >= {"ac_power", "irradiance", "energy"}
    assert named["maintenance"] >= {"order_start", "order_end", "order_text", "order_staff", "order_measure"}
    assert named["asset"] >= {"asset_state"}
    assert set(named) == set(DATABASES)


def test_what_is_made_says_so_and_uses_the_packaged_words(tmp_path: Path) -> None:
    titles = {field.name: field.title for system in SYSTEMS for field in system.fields}
    measures = {line["in"] for line in read_packaged("measures.csv")}
    create_database("maintenance", tmp_path / "data.db")
    with closing(sqlite3.connect(tmp_path / "data.db")) as connection:
        written = connection.execute("SELECT staff, measure FROM work_order").fetchall()

    assert all(
        "(made)" in titles[name] for name in ("produced_on", "order_staff", "order_measure", "asset_state")
    )
    assert {measure for _, measure in written} <= measures
    assert all(staff.endswith("(made)") for staff, _ in written)
