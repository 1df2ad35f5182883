"""The five business systems that know plant R27, and the fields that they share.

| system | in the patent | its fields there |
|---|---|---|
| production | [0070] production management | own code, name, model, day of production, brand |
| construction | [0071] construction management | place, in operation since, basic parameters: size |
| monitoring | [0072] operating state | power, operating parameters: energy, irradiance |
| maintenance | [0073] maintenance management | time, fault, staff, measure; further: asset, type of order |
| asset | [0074] asset management | state: in operation or retired; further: group |

Real: plant, readings, work orders, types of devices. Made: what `gridledger.exchange.demo.devices` and
`gridledger.exchange.demo.made` say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gridledger.exchange.demo.devices import INVERTER, PLANT, DemoDevice, plant_devices
from gridledger.exchange.demo.made import ENGINEER_ROLE, USER_ROLE

__all__ = ["METER", "PLANT", "SYSTEMS", "DemoField", "DemoSystem", "system_named"]

METER: Final = "2050.15.003.BLK01.PAD01.MTR01"

_WORKER: Final = (USER_ROLE,)
_BOTH: Final = (USER_ROLE, ENGINEER_ROLE)


@dataclass(frozen=True, kw_only=True)
class DemoField:
    """A field and its column."""

    name: str
    title: str
    column: str
    unit: str = ""
    data_type: str = "text"
    roles: tuple[str, ...] = _BOTH
    """Who may see it; the owner says so."""


@dataclass(frozen=True, kw_only=True)
class DemoSystem:
    """A business system of the demo."""

    name: str
    title: str
    introduction: str
    organisation: str
    own_code: str | None = None
    """What it calls the inverter, where it knows no other device."""
    code_of: str = ""
    """Name in `DemoDevice` of what it calls devices, where it knows them all."""
    kind: str = ""
    """What it takes the inverter for."""
    table: str
    own_code_column: str
    key_column: str
    time_column: str | None = None
    frequency: str = "once"
    fields: tuple[DemoField, ...]

    def devices(self, modules: int) -> Sequence[tuple[str, DemoDevice]]:
        """Return the devices that it knows, each with its own code, of a plant of so many modules."""
        if self.own_code is not None:
            return [(self.own_code, INVERTER)]
        return [(str(getattr(one, self.code_of)), one) for one in plant_devices(modules)]


SYSTEMS: Final = (
    DemoSystem(
        name="production",
        title="Production management",
        introduction="types of the CEC library; serial numbers, days of production and prices are made",
        organisation="org2",
        code_of="serial",
        kind="inverter",
        table="product",
        own_code_column="serial",
        key_column="serial",
        fields=(
            DemoField(name="device_code", title="Manufacturer's code", column="serial"),
            DemoField(name="device_name", title="Name", column="name"),
            DemoField(name="device_model", title="Model", column="model"),
            DemoField(
                name="produced_on", title="Day of production (made)", column="produced_on", data_type="date"
            ),
            DemoField(name="brand", title="Brand", column="brand"),
        ),
    ),
    DemoSystem(
        name="construction",
        title="Construction register",
        introduction="plant R27 of the pvops example data; modules' places and prices are made",
        organisation="org1",
        code_of="place",
        kind="plant",
        table="installation",
        own_code_column="place",
        key_column="place",
        fields=(
            DemoField(name="location", title="Place of installation", column="location"),
            DemoField(
                name="in_operation", title="In operation since", column="in_operation", data_type="date"
            ),
            DemoField(name="dc_size", title="DC size", column="dc_size_kw", unit="kW", data_type="number"),
        ),
    ),
    DemoSystem(
        name="monitoring",
        title="PV monitoring",
        introduction="plant R27 of the pvops example data; prices are made",
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
        introduction="plant R27 of the pvops example data; staff, measures and prices are made",
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
            DemoField(name="order_text", title="Fault and what was found", column="description"),
            DemoField(name="order_staff", title="Staff (made)", column="staff", roles=_WORKER),
            DemoField(name="order_measure", title="Measure (made)", column="measure", roles=_WORKER),
        ),
    ),
    DemoSystem(
        name="asset",
        title="Asset management",
        introduction="groups of the pvops vocabularies; asset numbers, states and prices are made",
        organisation="org1",
        code_of="asset",
        kind="inverter",
        table="asset",
        own_code_column="number",
        key_column="number",
        fields=(
            DemoField(name="asset_state", title="State: in operation or retired (made)", column="state"),
            DemoField(name="asset_group", title="Group", column="asset_group"),
        ),
    ),
)


def system_named(name: str) -> DemoSystem:
    """Return the system of a name of `SYSTEMS`."""
    return next(one for one in SYSTEMS if one.name == name)
