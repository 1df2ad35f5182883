"""The three business systems that know plant R27: what they share, and their configuration files.

Real: the databases. Made: enterprises and prices.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gridledger.client import Connection
from gridledger.exchange.demo.databases import create_database
from gridledger.exchange.demo.made import USER_ROLE, made_enterprise, made_price

__all__ = ["METER", "PLANT", "SYSTEMS", "DemoField", "DemoSystem", "set_up_system", "write_connection"]

METER: Final = "2050.15.003.BLK01.PAD01.MTR01"
PLANT: Final = "R27"


@dataclass(frozen=True, kw_only=True)
class DemoField:
    """A field and its column."""

    name: str
    title: str
    column: str
    unit: str = ""
    data_type: str = "text"


@dataclass(frozen=True, kw_only=True)
class DemoSystem:
    """A business system of the demo."""

    name: str
    title: str
    organisation: str
    own_code: str
    """What it calls the plant or its meter."""
    kind: str
    table: str
    own_code_column: str
    key_column: str
    time_column: str | None
    frequency: str
    fields: tuple[DemoField, ...]


SYSTEMS: Final = (
    DemoSystem(
        name="construction",
        title="Construction register",
        organisation="org1",
        own_code=PLANT,
        kind="plant",
        table="plant",
        own_code_column="plant",
        key_column="plant",
        time_column=None,
        frequency="once",
        fields=(
            DemoField(name="dc_size", title="DC size", column="dc_size_kw", unit="kW", data_type="number"),
            DemoField(
                name="in_operation", title="In operation since", column="in_operation", data_type="date"
            ),
        ),
    ),
    DemoSystem(
        name="monitoring",
        title="PV monitoring",
        organisation="org2",
        own_code=METER,
        kind="meter",
        table="reading",
        own_code_column="meter",
        key_column="measured_at",
        time_column="measured_at",
        frequency="day",
        fields=(
            DemoField(name="ac_power", title="AC power", column="ac_power_kw", unit="kW", data_type="number"),
            DemoField(
                name="energy",
                title="Energy delivered, counter",
                column="energy_kwh",
                unit="kWh",
                data_type="number",
            ),
            DemoField(
                name="irradiance",
                title="Irradiance in the modules' plane",
                column="irradiance_w_m2",
                unit="W/m2",
                data_type="number",
            ),
        ),
    ),
    DemoSystem(
        name="maintenance",
        title="O&M work orders",
        organisation="org1",
        own_code=PLANT,
        kind="plant",
        table="work_order",
        own_code_column="plant",
        key_column="number",
        time_column="started_at",
        frequency="month",
        fields=(
            DemoField(name="order_asset", title="Asset", column="asset"),
            DemoField(name="order_type", title="Type of work order", column="type"),
            DemoField(name="order_start", title="Start", column="started_at", data_type="time"),
            DemoField(name="order_end", title="End", column="ended_at", data_type="time"),
            DemoField(name="order_text", title="Description", column="description"),
        ),
    ),
)


def set_up_system(
    system: DemoSystem, folder: Path, root: str, connection: Connection, authorities: Mapping[str, Path]
) -> Path:
    """Make a system's folder: database, connection and configuration; return the configuration file."""
    folder.mkdir(parents=True)
    create_database(system.name, folder / "data.db")
    write_connection(folder / "connection.json", connection)
    config = folder / "system.toml"
    config.write_text(_config(system, root, authorities), encoding="utf-8")
    return config


def write_connection(path: Path, connection: Connection) -> None:
    """Write a connection as `Connection.from_file` reads it."""
    names = (
        "endpoint",
        "msp_id",
        "certificate",
        "private_key",
        "tls_root_cert",
        "tls_host_override",
        "channel",
        "chaincode",
    )
    values = {name: getattr(connection, name) for name in names}
    text = json.dumps({name: str(value) for name, value in values.items() if value is not None}, indent=2)
    path.write_text(text, encoding="utf-8")


def _config(system: DemoSystem, root: str, authorities: Mapping[str, Path]) -> str:
    enterprise = made_enterprise(system.name).enterprise
    name, code, region = (_text(text) for text in (enterprise.name, enterprise.code, enterprise.region))
    trusted = ", ".join(f"{msp} = {_text(str(folder))}" for msp, folder in sorted(authorities.items()))
    head = f"""\
root = {_text(root)}
database = "data.db"
vault = "vault.db"

[system]
name = {_text(system.title)}
introduction = "plant R27 of the pvops example data; enterprise and prices are made"
enterprise = {{ name = {name}, code = {code}, region = {region} }}

[network]
connection = "connection.json"
authorities = {{ {trusted} }}

[[device]]
own_code = {_text(system.own_code)}
name = {_text(f"Plant {PLANT}" if system.kind == "plant" else f"Meter of plant {PLANT}")}
kind = {_text(system.kind)}
identities = ["plant={PLANT}"]
"""
    return head + "".join(_field(system, field) for field in system.fields)


def _field(system: DemoSystem, field: DemoField) -> str:
    time = f"time = {_text(system.time_column)}\n" if system.time_column else ""
    return f"""
[[field]]
name = {_text(field.name)}
title = {_text(field.title)}
unit = {_text(field.unit)}
data_type = {_text(field.data_type)}
frequency = {_text(system.frequency)}
roles = [{_text(USER_ROLE)}]
price = {_text(made_price(system.name, field.name))}
table = {_text(system.table)}
own_code = {_text(system.own_code_column)}
key = {_text(system.key_column)}
value = {_text(field.column)}
{time}"""


def _text(text: str) -> str:
    """Write a TOML string; JSON's escapes are TOML's."""
    return json.dumps(text)
