"""The folder of a business system of the demo: database, connection, and the one configuration file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gridledger.client import Connection
from gridledger.exchange.demo.databases import create_database
from gridledger.exchange.demo.devices import DemoDevice
from gridledger.exchange.demo.made import made_enterprise, made_price
from gridledger.exchange.demo.systems import PLANT, DemoField, DemoSystem

__all__ = ["set_up_system", "write_configuration", "write_connection"]

_TITLES: Final = {"plant": f"Plant {PLANT}", "meter": f"Meter of plant {PLANT}"}
"""What systems that keep no inverters call what they keep instead."""


def set_up_system(
    system: DemoSystem,
    folder: Path,
    root: str,
    connection: Connection,
    authorities: Mapping[str, Path],
    *,
    modules: int = 0,
) -> Path:
    """Make a system's folder: SQLite database, connection, configuration; return the latter's file."""
    folder.mkdir(parents=True)
    create_database(system.name, folder / "data.db", modules=modules)
    return write_configuration(system, folder, root, connection, authorities, modules=modules)


def write_configuration(
    system: DemoSystem,
    folder: Path,
    root: str,
    connection: Connection,
    authorities: Mapping[str, Path],
    *,
    modules: int = 0,
    database: str = "data.db",
) -> Path:
    """Write connection and configuration of a system whose database is there; return the latter's file."""
    write_connection(folder / "connection.json", connection)
    config = folder / "system.toml"
    config.write_text(_config(system, root, authorities, modules, database), encoding="utf-8")
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


def _config(
    system: DemoSystem, root: str, authorities: Mapping[str, Path], modules: int, database: str
) -> str:
    enterprise = made_enterprise(system.name).enterprise
    name, code, region = (_text(text) for text in (enterprise.name, enterprise.code, enterprise.region))
    trusted = ", ".join(f"{msp} = {_text(str(folder))}" for msp, folder in sorted(authorities.items()))
    head = f"""\
root = {_text(root)}
database = {_text(database)}
vault = "vault.db"

[system]
name = {_text(system.title)}
introduction = {_text(system.introduction)}
enterprise = {{ name = {name}, code = {code}, region = {region} }}

[network]
connection = "connection.json"
authorities = {{ {trusted} }}
"""
    devices = (_device(system, own_code, device) for own_code, device in system.devices(modules))
    return head + "".join(devices) + "".join(_field(system, field) for field in system.fields)


def _device(system: DemoSystem, own_code: str, device: DemoDevice) -> str:
    kind = system.kind if device.kind == "inverter" else device.kind
    return f"""
[[device]]
own_code = {_text(own_code)}
name = {_text(_TITLES.get(kind, device.name))}
kind = {_text(kind)}
identities = [{_text(device.identity)}]
"""


def _field(system: DemoSystem, field: DemoField) -> str:
    time = f"time = {_text(system.time_column)}\n" if system.time_column else ""
    roles = ", ".join(map(_text, field.roles))
    return f"""
[[field]]
name = {_text(field.name)}
title = {_text(field.title)}
unit = {_text(field.unit)}
data_type = {_text(field.data_type)}
frequency = {_text(system.frequency)}
roles = [{roles}]
price = {_text(made_price(system.name, field.name))}
table = {_text(system.table)}
own_code = {_text(system.own_code_column)}
key = {_text(system.key_column)}
value = {_text(field.column)}
{time}"""


def _text(text: str) -> str:
    """Write a TOML string; JSON's escapes are TOML's."""
    return json.dumps(text)
