"""Registration by commands: persons, coding rules, batches, life cycle, moves, credit."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest
from tests.integration.commands import PATIENCE_S, served
from tests.integration.exchange import enrol

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.exchange.demo.made import made_enterprise
from gridledger.model.roles import Role
from gridledger.network import Network

ROOT = "88.6042"
ROLES = {
    "reg-aggregation": ("org1", Role.AGGREGATION_SYSTEM),
    "reg-auditor": ("org1", Role.AUDITOR),
    "reg-administrator": ("org1", Role.PLATFORM_ADMINISTRATOR),
    "reg-person": ("org2", Role.ENTERPRISE_USER),
    "reg-owner": ("org2", Role.BUSINESS_SYSTEM),
}
METER = "2050.15.003.BLK01.PAD01.MTR01"
LIST = """own_code,name,kind,identities,region,object_class,state
P-1,plant 1,plant,,Jinhua,plant,
MTR-1,meter 1,meter,,Jinhua,,planned
MTR-2,meter 2,meter,,Jinhua,,
wrong,meter 3,meter,,Jinhua,,
"""


class Commands:
    """Calls commands in threads and reads their JSON, as an identity or by the owner's configuration."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.config: Path = Path()

    async def _call(self, words: tuple[object, ...]) -> tuple[int, Any]:
        results, errors = io.StringIO(), io.StringIO()
        output = Output(stream=results, errors=errors)
        code = await asyncio.to_thread(run, [*map(str, words), "--json"], output)
        return code, json.loads(results.getvalue() or errors.getvalue() or "null")

    async def by(self, user: str, *words: object, code: int = 0) -> Any:
        """Call as an identity; again for a while, where another organisation's peer may be behind."""
        organisation, _ = ROLES[user]
        identity = ("--dir", self._network.directory, "--org", organisation, "--user", user)
        until = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            found, value = await self._call((*words, *identity))
            if found == code or asyncio.get_running_loop().time() > until:
                assert found == code, (words, value)
                return value
            await asyncio.sleep(0.1)

    async def own(self, *words: object, code: int = 0) -> Any:
        found, value = await self._call((*words, "--config", self.config))
        assert found == code, (words, value)
        return value


@pytest.mark.timeout(600)
async def test_registration_by_commands_alone(exchange_network: Network, tmp_path: Path) -> None:
    for user, (organisation, role) in ROLES.items():
        await asyncio.to_thread(enrol, exchange_network, organisation, user, role)
    call = Commands(exchange_network)
    made = made_enterprise("lifecycle").enterprise
    who = ("--enterprise", made.name, "--code", made.code, "--region", made.region, "--root", ROOT)
    await call.by("reg-aggregation", "system", "establish", "--name", "Aggregation", *who)
    folder = tmp_path / "monitoring"
    written = await call.by("reg-owner", "system", "example", "monitoring", folder, "--root", ROOT)
    call.config = Path(written["config"])
    async with served(call.config) as server:
        system = await register_system(call, tmp_path, server, written["register"])
        await register_devices(call, tmp_path, system)
        await change_devices_and_fields(call, system)
        await move(call, system, server, written["register"])


async def register_system(call: Commands, folder: Path, server: str, register: str) -> str:
    enterprise = made_enterprise("monitoring").enterprise.code
    papers, others = folder / "papers.txt", folder / "others.txt"
    papers.write_text("identity card (made)")
    others.write_text("another card (made)")
    root = ("--root", ROOT)
    policy = await call.by("reg-administrator", "audit", "policy", "--persons-required", *root)
    assert policy["persons_required"] is True
    assert (await call.by("reg-auditor", "audit", "policy", *root))["persons_required"] is True

    applied = await call.own("system", "apply", server)
    credit_file = folder / "credits.json"
    credit_file.write_text(json.dumps({"made": True, "credits": {enterprise: 77}}))
    checked = await call.by(
        *("reg-aggregation", "system", "check", applied["id"], *root),
        *("--register", register, "--credits", credit_file),
    )
    assert checked["check"] == {"credit": 77, "enterprise_found": True, "server_answered": True}
    refused = await call.by("reg-auditor", "audit", "approve", applied["id"], code=22)
    assert "vouches" in refused["error"]["message"]

    person = (enterprise, "p-1", *root)
    await call.by("reg-person", "person", "apply", *person, "--papers", papers)
    await call.by("reg-auditor", "person", "show", *person)
    await call.by("reg-auditor", "audit", "approve-person", *person, "--papers", others, code=16)
    approved = await call.by("reg-auditor", "audit", "approve-person", *person, "--papers", papers)
    assert approved["state"] == "approved"
    (listed,) = await call.by("reg-auditor", "audit", "persons", enterprise, *root)
    assert listed["name"] == "p-1"
    await call.by("reg-person", "person", "vouch", applied["id"], "p-1")
    system = str((await call.by("reg-auditor", "audit", "approve", applied["id"]))["identifier"])
    rejected = await call.by("reg-auditor", "audit", "reject-person", *person[:2], "left", *root)
    assert rejected["state"] == "rejected"
    await call.by("reg-administrator", "audit", "policy", "--no-persons-required", *root)
    assert (await call.by("reg-owner", "system", "credit", system))["credit"] == 77
    return system


async def register_devices(call: Commands, folder: Path, system: str) -> None:
    forms = (
        *("--form", "meter=2050.{digit:2}.{digit:3}.BLK{digit:2}.PAD{digit:2}.MTR{digit:2}"),
        *("--form", "meter=MTR-{digit:1-4}", "--form", "plant=P-{digit:1-3}"),
    )
    size = ("--data-type", "readings", "--identifiers", 27, "--growth", 100)
    await call.by("reg-aggregation", "system", "code-rule", system, *forms, *size)
    assert (await call.by("reg-owner", "system", "code-rule", system))["version"] == 1

    listed = folder / "devices.csv"
    listed.write_text(LIST)
    words = ("device", "register", "--file", listed, "--call-key", "first-list")
    results = await call.own(*words, code=1)
    assert [one.get("code") for one in results] == [None, None, None, "GL-CHN-025"]
    # The answer was lost: the same call says the same, and so does the ledger; another call is none of it.
    assert await call.own(*words, code=1) == results
    assert await call.own("device", "results", "first-list", code=1) == results
    listed.write_text(LIST.replace("meter 1", "meter one"))
    repeated = await call.own(*words, code=19)
    assert repeated["error"]["code"] == "GL-CHN-010"
    await call.own("device", "results", "never-used", code=14)

    plants = await call.by("reg-owner", "device", "objects", system, "plant")
    assert [one["identifier"] for one in plants] == [f"{system}/P-1"]
    await call.own("device", "register")
    await call.own("field", "register")


async def change_devices_and_fields(call: Commands, system: str) -> None:
    first, second, meter = f"{system}/MTR-1", f"{system}/MTR-2", f"{system}/{METER}"
    await call.own("device", "register-planned", first)
    await call.own("device", "allocate", first)
    await call.own("device", "suspend", first, code=1)
    papers = ("--evidence", call.config, "--root", ROOT)
    await call.by("reg-auditor", "device", "show", second)
    await call.by("reg-auditor", "audit", "approve-devices", *papers, code=2)
    await call.by("reg-auditor", "audit", "approve-devices", first, second, meter, *papers)
    change = ("audit", "change-devices", second)
    await call.by("reg-auditor", *change, "--state", "suspended", "--reason", "look")
    await call.own("device", "resume", second, code=1)
    await call.by("reg-auditor", *change, "--state", "active", "--reason", "seen")
    await call.own("device", "suspend", first, "--reason", "repair")
    await call.own("device", "resume", first)
    await call.own("device", "validity", first, "--until", "2040-01-01")
    await call.own("device", "describe", first, "--name", "Meter One", "--region", "Hangzhou")
    await call.own("device", "revoke", second)
    shown = await call.by("reg-owner", "device", "show", first)
    assert (shown["name"], shown["region"], shown["state"]) == ("Meter One", "Hangzhou", "active")
    assert shown["validity"] == {"until_ms": 2_208_988_800_000}

    field = f"{meter}#ac_power"
    await call.own("field", "suspend", field)
    await call.own("field", "resume", field)
    await call.own("field", "validity", field, "--from", "2020-01-01")
    await call.own("field", "price", field, "2", "--from", "2039-01-01", "--until", "2039-07-01")
    standard = await call.by("reg-owner", "field", "standard", field)
    assert (standard["version"], standard["earlier"]["version"]) == (2, 1)
    await call.own("field", "revoke", f"{meter}#irradiance")

    await call.own("device", "rename", meter, "MTR-9")
    renamed = f"{system}/MTR-9"
    assert (await call.by("reg-owner", "device", "show", meter))["identifier"] == renamed
    versions = await call.by("reg-owner", "device", "history", meter)
    assert {one["device"]["identifier"] for one in versions} == {meter, renamed}
    assert (await call.by("reg-owner", "field", "show", field))["identifier"] == f"{renamed}#ac_power"
    assert len(await call.by("reg-owner", "field", "history", field)) >= 5
    assert len(await call.by("reg-owner", "field", "standards", field)) == 3


async def move(call: Commands, system: str, server: str, register: str) -> None:
    changed = await call.by("reg-auditor", "audit", "change-prefix", system)
    new = changed["identifier"]
    await call.by("reg-owner", "system", "show", new)
    results = await call.own("device", "move", system, code=1)
    # What is revoked stays where it was.
    assert {one["item"]: one.get("code") for one in results} == {
        f"{system}/MTR-1": None,
        f"{system}/MTR-2": "GL-CHN-022",
        f"{system}/MTR-9": None,
        f"{system}/P-1": None,
    }
    moved = await call.by("reg-owner", "device", "show", f"{system}/{METER}")
    assert moved["identifier"] == f"{new}/MTR-9"
    assert len(await call.by("reg-owner", "system", "history", new)) == 3

    refused = await call.by("reg-aggregation", "system", "deregister", new, "low credit", code=22)
    assert refused["error"]["code"] == "GL-CHN-027"
    credit = await call.by("reg-aggregation", "system", "review-credit", new, "--root", ROOT)
    assert credit["credit"] == 77
    await call.by("reg-owner", "system", "rate", "0" * 64, new, 50, code=14)
    suspend = ("audit", "change-system", new, "under review", "--state", "suspended")
    assert (await call.by("reg-auditor", *suspend))["state"] == "suspended"
    applied = await call.own("system", "reregister", server)
    assert applied["system"] == new
    await call.by("reg-aggregation", "system", "check", applied["id"], "--root", ROOT, "--register", register)
    again = await call.by("reg-auditor", "audit", "approve", applied["id"])
    assert (again["identifier"], again["state"]) == (new, "active")
