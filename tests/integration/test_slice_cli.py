"""Each step of the slice by its command, two systems under a root of their own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from tests.integration.commands import Commands, served
from tests.integration.exchange import enrol
from tests.integration.trade_commands import trade_by_commands

from gridledger.exchange.demo.made import made_enterprise
from gridledger.model.roles import Role
from gridledger.network import Network

ROOT = "88.2042"
ROLES = {
    "cli-aggregation": ("org1", Role.AGGREGATION_SYSTEM),
    "cli-auditor": ("org1", Role.AUDITOR),
    "cli-administrator": ("org1", Role.PLATFORM_ADMINISTRATOR),
    "cli-construction": ("org1", Role.BUSINESS_SYSTEM),
    "cli-monitoring": ("org2", Role.BUSINESS_SYSTEM),
    "cli-lifecycle": ("org2", Role.DATA_APPLICATION),
}


async def labelled(call: Commands, system: str, folder: Path) -> None:
    """Print the labels of a system's devices."""
    resolver, page = ("--resolver", "https://id.example"), folder / "labels.html"

    printed = await call.by("cli-construction", "device", "labels", system, *resolver, "--out", page)

    assert printed["labels"] == len(await call.by("cli-construction", "device", "list", system))
    assert f"{system}/R27</code>" in page.read_text()


async def watched(call: Commands, config: Path, order: str) -> None:
    """Look at an owner's server from its own side."""
    at = ("--config", config)
    assert (await call("provider", "check", *at))["devices"] >= 1
    status = await call("provider", "status", *at)
    assert (status["scheduled"], status["pending"]) == (False, 0)
    assert status["deposited"] > 0
    run = await call("provider", "deposit", *at)
    assert (run["deposited"], run["refused"], run["error"]) == (0, 0, "")
    lines = await call("provider", "log", *at)
    assert order in {line["order"] for line in lines}


@pytest.mark.timeout(400)
async def test_slice_by_commands_alone(exchange_network: Network, tmp_path: Path) -> None:
    for user, (organisation, role) in ROLES.items():
        await asyncio.to_thread(enrol, exchange_network, organisation, user, role)
    call = Commands(exchange_network, ROLES)
    made = made_enterprise("lifecycle").enterprise
    who = ("--enterprise", made.name, "--code", made.code, "--region", made.region, "--root", ROOT)
    await call.by("cli-aggregation", "system", "establish", "--name", "Aggregation", *who)

    # Two business systems register what they share.
    systems: dict[str, str] = {}
    configs: dict[str, Path] = {}
    servers: dict[str, str] = {}
    async with served_systems(call, tmp_path, configs, servers):
        for name in ("construction", "monitoring"):
            config = ("--config", configs[name])
            applied = await call("system", "apply", servers[name], *config)
            await call.until("cli-aggregation", "system", "application", applied["id"])
            register = configs[name].parent / "register.json"
            checked = await call.by(
                "cli-aggregation", "system", "check", applied["id"], "--root", ROOT, "--register", register
            )
            assert checked["check"]["server_answered"] is True
            approved = await call.by("cli-auditor", "audit", "approve", applied["id"])
            systems[name] = approved["identifier"]
            await call.until(f"cli-{name}", "system", "show", systems[name])
            assert [one["item"] for one in await call("device", "register", *config)]
            assert await call("field", "register", *config)
            assert await call("field", "deposit", *config)
        await labelled(call, systems["construction"], tmp_path)
        # Before an auditor has approved them, devices do not resolve.
        codes = {"construction": "R27", "monitoring": "2050.15.003.BLK01.PAD01.MTR01"}
        devices = [f"{systems[name]}/{codes[name]}" for name in systems]
        for device in devices:
            await call.until("cli-auditor", "device", "show", device)
        evidence = ("--evidence", configs["construction"], "--root", ROOT)
        await call.by("cli-auditor", "audit", "approve-devices", *devices, *evidence)

        # A data application registers, and gets its rule.
        applied = await call.by("cli-lifecycle", "system", "apply-application", "--name", "L", *who)
        await call.until("cli-aggregation", "system", "application", applied["id"])
        await call.by(
            "cli-aggregation", "system", "check", applied["id"], "--root", ROOT, "--register", register
        )
        application = (await call.by("cli-auditor", "audit", "approve", applied["id"]))["identifier"]
        await call.until("cli-lifecycle", "system", "show", application)
        await call.by("cli-lifecycle", "system", "user", application, "worker-7", "maintenance-worker")
        await call.by("cli-lifecycle", "system", "user", application, "visitor-1", "visitor")
        removed = await call.by("cli-lifecycle", "system", "remove-user", application, "visitor-1")
        assert removed["roles"] == ["visitor"]
        await call.by("cli-aggregation", "catalogue", "associate", "plant=R27", "--root", ROOT)
        selectors = [f"{systems['construction']}#dc_size", f"{systems['monitoring']}#ac_power"]
        await call.by(
            "cli-aggregation", "catalogue", "publish", application, "plant=R27", *selectors, "--root", ROOT
        )
        members = await call.until("cli-lifecycle", "catalogue", "show", "plant=R27", "--root", ROOT)
        assert [one["device"] for one in members] == devices
        rule = ("rule", "set", application, "maintenance", *selectors)
        await call.until("cli-lifecycle", *rule)

        # It asks, pays, fetches and settles.
        await call.by("cli-administrator", "account", "pay-in", application, "5", "10", "2")
        advice = tmp_path / "advice.txt"
        advice.write_text("paid (made)", "utf-8")
        for group, decision, *words in (
            ("account", "confirm-pay-out", "--evidence", advice),
            ("account", "refuse-pay-out", "fees are overdue"),
        ):
            wanted = await call.until("cli-lifecycle", "account", "pay-out", application, "1")
            decide = (group, decision, application, wanted["id"], *words)
            decided = await call.until("cli-administrator", *decide)
            assert decided["amount_milliyuan"] == 1_000
        pay_outs = await call.until("cli-lifecycle", "account", "pay-outs", application)
        assert [one["amount_milliyuan"] for one in pay_outs] == [1_000, 1_000]
        request = tmp_path / "request.json"
        asked = ("--on-behalf-of", "worker-7", "--role", "maintenance-worker", "--purpose", "order 1")
        days = ("--first", "2018-09-14", "--last", "2018-09-14", "--function", "maintenance")
        sign = ("resolve", "sign", application, devices[0], *asked, *days, "--out", request)
        await call.by("cli-lifecycle", *sign)
        lines = await call.by("cli-aggregation", "resolve", "forward", request, "--root", ROOT)
        assert {one["withheld"] for one in lines} == {""}
        resolution = lines[0]["resolution"]
        checks = await call.until("cli-lifecycle", "resolve", "verdict", resolution)
        assert [one["check"]["outcome"] for one in checks] == ["intact", "intact"]
        order = await call.by("cli-lifecycle", "order", "place", application, resolution)
        folder = tmp_path / "fetched"
        fetched = await call.by("cli-lifecycle", "order", "fetch", application, order["id"], "--out", folder)
        assert sorted(one["rows"] for one in fetched) == [1, 87]
        day = ("--first", "2018-09-14", "--last", "2018-09-14", "--out", tmp_path / "rows.csv")
        paid = ("order", "rows", application, order["id"], systems["monitoring"], *day)
        assert (await call.by("cli-lifecycle", *paid))["rows"] == 87
        assert len((tmp_path / "rows.csv").read_text("utf-8").splitlines()) == 88
        await watched(call, configs["monitoring"], order["id"])
        settled = await call.by("cli-lifecycle", "order", "settle", folder)
        assert sum(one["amount_milliyuan"] for one in settled) == 3_500
        for system in systems.values():
            state = await call.by("cli-lifecycle", "order", "settlement", order["id"], system)
            assert state["state"] == "settled"
        again = await call.by("cli-lifecycle", "order", "settle", folder, code=25)
        assert again["error"]["code"] == "GL-CHN-052"
        account = await call.by("cli-lifecycle", "account", "show", application)
        assert account["yuan"] == "12.500"
        await call.until("cli-monitoring", "account", "fold", systems["monitoring"])
        await trade_by_commands(call, systems, application, configs, tmp_path)
        await look_at_everything(call, systems, application, resolution, order["id"], configs["monitoring"])


async def look_at_everything(
    call: Commands,
    systems: dict[str, str],
    application: str,
    resolution: str,
    order: str,
    config: Path,
) -> None:
    """Call the commands that show things, and those that the flow did not need."""
    meter = f"{systems['monitoring']}/2050.15.003.BLK01.PAD01.MTR01"
    show = "cli-monitoring"
    assert (await call.by(show, "device", "show", meter))["state"] == "active"
    assert len(await call.by(show, "device", "list", systems["monitoring"])) == 1
    assert len(await call.by(show, "field", "list", systems["monitoring"])) == 3
    declared = await call.by(show, "catalogue", "devices", "plant=R27", "--root", ROOT)
    assert meter in declared["devices"]
    assert (await call.by(show, "rule", "show", application, "maintenance"))["version"] == 1
    assert len(await call.by(show, "resolve", "show", resolution)) == 2
    assert len(await call.by(show, "order", "show", order)) == 2
    contract = await call.by(show, "order", "contract", order, systems["monitoring"])
    assert contract["contract"]["amount_milliyuan"] == 2_350
    await call("field", "price", f"{meter}#ac_power", "3", "--config", config)
    standard = await call.by(show, "field", "standard", f"{meter}#ac_power")
    assert (standard["version"], standard["price_milliyuan"]) == (2, 3_000)
    altered = ("field", "altered", f"{meter}#ac_power", "2018-09-14", "--config", config)
    assert await call(*altered) is None
    with closing(sqlite3.connect(config.parent / "data.db")) as connection, connection:
        connection.execute("UPDATE reading SET ac_power_kw = 1 WHERE measured_at = '2018-09-14T10:30'")
    found = await call(*altered, code=1)
    assert (found["row"], found["change"]) == ("2018-09-14T10:30", "changed")
    refused = await call.by(show, "order", "return", order, systems["monitoring"], code=13)
    assert refused["error"]["code"] == "GL-CHN-004"
    await call("rule", "set", "--help-me", code=2)


@asynccontextmanager
async def served_systems(
    call: Commands, folder: Path, configs: dict[str, Path], servers: dict[str, str]
) -> AsyncIterator[None]:
    """Write the example systems and serve them."""
    for name in ("construction", "monitoring"):
        written = await call.by(f"cli-{name}", "system", "example", name, folder / name, "--root", ROOT)
        configs[name] = Path(written["config"])
    async with served(configs["construction"]) as one, served(configs["monitoring"]) as other:
        servers.update(construction=one, monitoring=other)
        yield
