"""The worked example of five business systems by commands alone, from registration to statements."""

from __future__ import annotations

import asyncio
import csv
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.integration.commands import Commands, served
from tests.integration.exchange import enrol

from gridledger.exchange.demo.devices import plant_devices
from gridledger.exchange.demo.made import ENGINEER, ENGINEER_ROLE, USER, USER_ROLE, made_enterprise
from gridledger.exchange.demo.systems import METER, SYSTEMS
from gridledger.model.roles import Role
from gridledger.network import Network

ROOT = "88.8042"
MODULES = 2
PLANT = "plant=R27"
LABEL = "SGI499-17-0027"
"""The manufacturer's own code of the inverter, whose label is scanned."""
NEW_METER = "MTR-27"
RESOLVER = ("--resolver", "https://id.example")
AT_ROOT = ("--root", ROOT)
AGGREGATION, AUDITOR, ADMINISTRATOR = "five-aggregation", "five-auditor", "five-administrator"
APPLICATION = "five-lifecycle"
ROLES = {
    AGGREGATION: ("org1", Role.AGGREGATION_SYSTEM),
    AUDITOR: ("org1", Role.AUDITOR),
    ADMINISTRATOR: ("org1", Role.PLATFORM_ADMINISTRATOR),
    APPLICATION: ("org2", Role.DATA_APPLICATION),
    **{f"five-{one.name}": (one.organisation, Role.BUSINESS_SYSTEM) for one in SYSTEMS},
}


@dataclass
class Plant:
    """What the commands gave, and where the systems' configurations stand."""

    call: Commands
    folder: Path
    configs: dict[str, Path] = field(default_factory=dict)
    servers: dict[str, str] = field(default_factory=dict)
    systems: dict[str, str] = field(default_factory=dict)
    application: str = ""

    def at(self, name: str) -> tuple[object, ...]:
        return ("--config", self.configs[name])

    def codes(self, name: str) -> list[str]:
        system = next(one for one in SYSTEMS if one.name == name)
        return [code for code, _ in system.devices(MODULES)]

    async def resolved(self, label: str, user: str, role: str, function: str) -> list[Any]:
        """Sign a request for the device of a label and have it resolved; return a line a field."""
        request = self.folder / "request.json"
        asked = ("--on-behalf-of", user, "--role", role, "--purpose", "work order 7")
        days = ("--first", "2018-09-14", "--last", "2018-09-14", "--function", function)
        sign = ("resolve", "sign", self.application, label, *asked, *days, "--out", request)
        await self.call.until(APPLICATION, *sign)
        lines: list[Any] = await self.call.by(AGGREGATION, "resolve", "forward", request, *AT_ROOT)
        await self.call.until(APPLICATION, "resolve", "show", lines[0]["resolution"])
        return lines

    async def bought(self, resolution: str, folder: str) -> dict[str, int]:
        """Order, fetch and settle; return the number of rows by owner."""
        placed = ("order", "place", self.application, resolution)
        order = await self.call.by(APPLICATION, *placed)
        out = self.folder / folder
        found = await self.call.by(APPLICATION, "order", "fetch", self.application, order["id"], "--out", out)
        settled = await self.call.by(APPLICATION, "order", "settle", out)
        assert len(settled) == len(found)
        return {one["owner"]: one["rows"] for one in found}


@asynccontextmanager
async def opened(plant: Plant) -> AsyncIterator[None]:
    """Write the five systems and serve each by a process of its own."""
    async with AsyncExitStack() as stack:
        for system in SYSTEMS:
            example = ("system", "example", system.name, plant.folder / system.name, *AT_ROOT)
            written = await plant.call.by(f"five-{system.name}", *example, "--modules", MODULES)
            plant.configs[system.name] = Path(written["config"])
            server = await stack.enter_async_context(served(plant.configs[system.name]))
            plant.servers[system.name] = server
        yield


async def approved(plant: Plant, applied: str) -> str:
    """Check an application and approve it; return the identifier."""
    call = plant.call
    await call.until(AGGREGATION, "system", "application", applied)
    register = ("--register", plant.configs["production"].parent / "register.json")
    checked = await call.by(AGGREGATION, "system", "check", applied, *AT_ROOT, *register)
    assert checked["check"]["server_answered"] is True
    await call.until(AUDITOR, "system", "application", applied)
    system: str = (await call.by(AUDITOR, "audit", "approve", applied))["identifier"]
    return system


async def register(plant: Plant, name: str) -> None:
    """Register a system, its devices and fields, and deposit what it has."""
    call, at = plant.call, plant.at(name)
    applied = await call("system", "apply", plant.servers[name], *at)
    plant.systems[name] = await approved(plant, applied["id"])
    await call.until(f"five-{name}", "system", "show", plant.systems[name])
    devices = await call("device", "register", *at)
    assert [one["code"] for one in devices if one.get("code")] == []
    assert len(devices) == len(plant.codes(name))
    assert [one["code"] for one in await call("field", "register", *at) if one.get("code")] == []
    assert [one for one in await call("field", "deposit", *at) if one.get("code")] == []
    identifiers = [f"{plant.systems[name]}/{code}" for code in plant.codes(name)]
    await call.until(AUDITOR, "device", "show", identifiers[-1])
    evidence = ("--evidence", plant.configs[name], *AT_ROOT)
    listed = plant.configs[name].with_name("devices.txt")
    await asyncio.to_thread(listed.write_text, "\n".join(identifiers), "utf-8")
    results = await call.by(AUDITOR, "audit", "approve-devices", "--file", listed, *evidence)
    assert [one["item"] for one in results] == identifiers


async def share(plant: Plant) -> None:
    """Register the application, associate, publish, and set the rules of two functions."""
    call = plant.call
    made = made_enterprise("lifecycle").enterprise
    who = ("--enterprise", made.name, "--code", made.code, "--region", made.region, *AT_ROOT)
    applied = await call.by(APPLICATION, "system", "apply-application", "--name", "Life cycle", *who)
    plant.application = await approved(plant, applied["id"])
    await call.until(APPLICATION, "system", "show", plant.application)
    for user, role in ((USER, USER_ROLE), (ENGINEER, ENGINEER_ROLE)):
        await call.by(APPLICATION, "system", "user", plant.application, user, role)
    identities = [one.identity for one in plant_devices(MODULES)]
    await call.by(AGGREGATION, "catalogue", "associate", *identities, *AT_ROOT)
    selectors = [f"{plant.systems[one.name]}#{name.name}" for one in SYSTEMS for name in one.fields]
    publish = ("catalogue", "publish", plant.application, PLANT, *selectors, *AT_ROOT)
    await call.by(AGGREGATION, *publish)
    for function in ("maintenance", "quality-traceability"):
        await call.until(APPLICATION, "rule", "set", plant.application, function, *selectors)


async def scanned(plant: Plant) -> str:
    """Print the inverter's label as its manufacturer does, and read it as a worker does."""
    image = plant.folder / "label.png"
    device = f"{plant.systems['production']}/{LABEL}"
    await plant.call("device", "label", device, *RESOLVER, "--out", image)
    read = await plant.call("device", "read-label", image, *RESOLVER, *AT_ROOT)
    assert read["identifier"] == device
    return device


async def disputed(plant: Plant, label: str) -> None:
    """Take a delivery and sign nothing: the owner claims, an auditor decides for it."""
    call = plant.call
    resolution = (await plant.resolved(label, USER, USER_ROLE, "maintenance"))[0]["resolution"]
    order = (await call.by(APPLICATION, "order", "place", plant.application, resolution))["id"]
    for name in ("monitoring", "maintenance"):
        rows = ("order", "rows", plant.application, order, plant.systems[name])
        await call.by(APPLICATION, *rows, "--out", plant.folder / f"{name}.csv")
        collected = await call("claim", "collect", "--grace", 0, *plant.at(name))
        assert {"order": order, "outcome": "claimed"} in collected
        line = (order, plant.systems[name])
        await call.until(APPLICATION, "claim", "show", *line)
        await call.by(APPLICATION, "claim", "deny", *line, "nothing came")
        delivered = name == "monitoring"
        decide = ("claim", "decide", *line, "delivered again before the auditor", "--evidence")
        flag = "--delivered" if delivered else "--not-delivered"
        await call.until(AUDITOR, *decide, plant.folder / f"{name}.csv", flag)
        settlement = await call.until(APPLICATION, "order", "settlement", *line)
        assert settlement["state"] == ("settled" if delivered else "returned")
        again = await call.by(AUDITOR, *decide, plant.folder / f"{name}.csv", flag, code=25)
        assert again["error"]["code"] == "GL-CHN-052"


async def moved(plant: Plant) -> None:
    """Give the manufacturer's system another prefix while its server goes on serving."""
    call, old = plant.call, plant.systems["production"]
    new = (await call.by(AUDITOR, "audit", "change-prefix", old))["identifier"]
    await call.until("five-production", "system", "show", new)
    results = await call("device", "move", old, *plant.at("production"))
    assert [one.get("code") for one in results] == [None] * (MODULES + 1)
    plant.systems["production"] = new
    # What was deposited under the former names stays: there is nothing to deposit again.
    assert await call("field", "deposit", *plant.at("production")) == []


async def renamed(plant: Plant) -> None:
    """Give the meter another own code, on the ledger, in its owner's database and in its configuration."""
    meter = f"{plant.systems['monitoring']}/{METER}"
    (result,) = await plant.call("device", "rename", meter, NEW_METER, *plant.at("monitoring"))
    assert result["identifier"] == f"{plant.systems['monitoring']}/{NEW_METER}"
    with closing(sqlite3.connect(plant.folder / "monitoring" / "data.db")) as database, database:
        database.execute("UPDATE reading SET meter = ?", (NEW_METER,))
    config = plant.configs["monitoring"]
    config.write_text(config.read_text("utf-8").replace(METER, NEW_METER), "utf-8")
    assert await plant.call("field", "deposit", *plant.at("monitoring")) == []


@pytest.mark.timeout(600)
async def test_five_systems_by_commands_alone(exchange_network: Network, tmp_path: Path) -> None:
    for user, (organisation, role) in ROLES.items():
        await asyncio.to_thread(enrol, exchange_network, organisation, user, role)
    plant = Plant(Commands(exchange_network, ROLES), tmp_path)
    call = plant.call
    made = made_enterprise("lifecycle").enterprise
    who = ("--enterprise", made.name, "--code", made.code, "--region", made.region)
    await call.by(AGGREGATION, "system", "establish", "--name", "Aggregation", *who, *AT_ROOT)
    async with opened(plant):
        for system in SYSTEMS:
            await register(plant, system.name)
        await share(plant)
        await call.until(ADMINISTRATOR, "account", "pay-in", plant.application, *["100"] * 6)

        # One scan, one paid query over all five systems.
        label = await scanned(plant)
        lines = await plant.resolved(label, USER, USER_ROLE, "maintenance")
        assert owners_of(lines) == set(plant.systems.values())
        assert {one["withheld"] for one in lines} == {""}
        rows = await plant.bought(lines[0]["resolution"], "maintenance")
        assert set(rows) == set(plant.systems.values())
        assert all(rows.values())

        # Another function over the same fields; owners' roles narrow it.
        traced = await plant.resolved(label, ENGINEER, ENGINEER_ROLE, "quality-traceability")
        assert set(await plant.bought(traced[0]["resolution"], "traced")) == owners_of(traced)

        await disputed(plant, label)
        await moved(plant)
        await renamed(plant)

        # The label has the former prefix; deposits and owners' servers have followed.
        lines = await plant.resolved(label, USER, USER_ROLE, "maintenance")
        assert owners_of(lines) == set(plant.systems.values())
        assert {one["withheld"] for one in lines} == {""}
        assert await plant.bought(lines[0]["resolution"], "moved") == {
            (plant.systems["production"] if owner == label.partition("/")[0] else owner): count
            for owner, count in rows.items()
        }

        # A row that came after the deposit of its day is deposited as a supplement.
        with closing(sqlite3.connect(tmp_path / "monitoring" / "data.db")) as database, database:
            database.execute("INSERT INTO reading VALUES (?, '2018-09-14T23:59', 1, 1, 1)", (NEW_METER,))
        late = await call("field", "deposit", "--late", *plant.at("monitoring"))
        assert [one.get("code") for one in late] == [None] * 3

        # What each party paid and got.
        paid = await statement(plant, APPLICATION, plant.application)
        got = [await statement(plant, f"five-{name}", system) for name, system in plant.systems.items()]
        former = await statement(plant, "five-production", label.partition("/")[0])
        assert sum(got) + former == 600_000 - paid


def owners_of(lines: list[Any]) -> set[str]:
    """Return the prefixes of the fields of a resolution."""
    return {one["field"].partition("/")[0] for one in lines}


async def statement(plant: Plant, user: str, account: str) -> int:
    """Write an account's statement; return what it has, held money included."""
    file = plant.folder / f"{account}.csv"
    found = await plant.call.until(user, "account", "statement", account, "--csv", file)
    assert len(list(csv.DictReader(file.read_text("utf-8").splitlines()))) == len(found["entries"]) + 2
    closing: dict[str, int] = found["closing"]
    return sum(closing.values())
