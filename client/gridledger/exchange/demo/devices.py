"""The devices of plant R27, as its systems know them: an inverter and 1,000 modules.

The plant's register says 475 kW: 1,000 modules of 475 W. Real: the plant, its size and date, the types and
their electrical values. Made: that the plant has devices of these types, their serial numbers, dates of
production, places, asset numbers and states.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Final

__all__ = ["INVERTER", "MODULES", "PLANT", "DemoDevice", "plant_devices", "read_packaged"]

PLANT: Final = "R27"
MODULES: Final = 1000

_DATA: Final = files("gridledger.exchange.demo") / "data"
_MODULES_A_STRING: Final = 5
"""The type's 92.5 V five times stay below the inverter's 480 V."""
_HEADS: Final = 2
"""Lines of units and of SAM's names below the head line of a file of types."""
_FIRST_PRODUCED: Final = date(2017, 6, 1)
_RETIRED_IN_A_THOUSAND: Final = 8


@dataclass(frozen=True, kw_only=True)
class DemoDevice:
    """A device, and what each system calls it."""

    serial: str
    """Of its manufacturer; made."""
    place: str
    """Of the construction register: string and place in it; the inverter stands for the plant."""
    asset: str
    """Of the asset management; made."""
    kind: str
    name: str
    model: str
    brand: str
    produced: str
    """Day of production; made."""
    location: str
    rated_kw: float
    group: str
    """In the operator's own vocabulary of assets."""
    state: str
    """In operation or retired; made."""

    @property
    def identity(self) -> str:
        """What all its systems know it by: systems that keep records by plant know the inverter so."""
        return f"plant={PLANT}" if self.kind == "inverter" else f"serial={self.serial}"


def read_packaged(file: str) -> Iterator[dict[str, str]]:
    """Read the lines of a packaged CSV file."""
    text = (_DATA / file).read_bytes().decode("utf-8")
    yield from csv.DictReader(io.StringIO(text, newline=""))


@cache
def _groups() -> dict[str, str]:
    return {line["in"]: line["out_"] for line in read_packaged("asset_groups.csv")}


def _type(file: str) -> dict[str, str]:
    return list(read_packaged(file))[_HEADS]


def _inverter() -> DemoDevice:
    kind, plant = _type("inverter_types.csv"), next(read_packaged("plant_register.csv"))
    brand, model = kind["Name"].split(":")
    return DemoDevice(
        serial="SGI499-17-0027",
        place=PLANT,
        asset=f"{PLANT}-0000",
        kind="inverter",
        name=f"Inverter of plant {PLANT}",
        model=model.strip(),
        brand=brand.strip(),
        produced="2017-07-11",
        location=f"latitude {plant['latitude']}, longitude {plant['longitude']} (scrambled by the publisher)",
        rated_kw=float(plant["DC_Size_kW"]),
        group=_groups()["Central Inverter"],
        state="in operation",
    )


INVERTER: Final = _inverter()


@cache
def plant_devices(modules: int = MODULES) -> tuple[DemoDevice, ...]:
    """Return the inverter and as many modules: the same ones for the same number.

    Examples
    --------
    >>> [device.place for device in plant_devices(2)]
    ['R27', 'R27.S001.M1', 'R27.S001.M2']
    """
    return (INVERTER, *(_module(number) for number in range(1, modules + 1)))


def _module(number: int) -> DemoDevice:
    kind = _module_type()
    brand, _, model = kind["Name"].partition(" ")
    watts = int(model.split("-")[2])
    chance = random.Random(f"module {number}")  # noqa: S311 - repeatable, not secret
    string, place = divmod(number - 1, _MODULES_A_STRING)
    retired = chance.randrange(1000) < _RETIRED_IN_A_THOUSAND
    return DemoDevice(
        serial=f"X22-{number:04d}-{chance.randrange(16**6):06X}",
        place=f"{PLANT}.S{string + 1:03d}.M{place + 1}",
        asset=f"{PLANT}-{number:04d}",
        kind="module",
        name=f"Module {number} of plant {PLANT}",
        model=model,
        brand=brand,
        produced=str(_FIRST_PRODUCED + timedelta(days=chance.randrange(90))),
        location=f"string {string + 1}, place {place + 1}",
        rated_kw=watts / 1000,
        group=_groups()["Modules"],
        state="retired" if retired else "in operation",
    )


@cache
def _module_type() -> dict[str, str]:
    return _type("module_types.csv")
