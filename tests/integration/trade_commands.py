"""Agreements, fees, statements and claims by their commands, over systems that serve."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.commands import Commands

__all__ = ["trade_by_commands"]

ROOT = "88.2042"
APPLICATION = "cli-lifecycle"


async def trade_by_commands(
    call: Commands, systems: dict[str, str], application: str, configs: dict[str, Path], folder: Path
) -> None:
    """Agree with both owners, query under the agreements, pay fees, and look at the account."""
    fees = ("resolution=0.1", "agreed-query=0.05", "device-registration=0.01")
    await call.by("cli-administrator", "fee", "set", ROOT, *fees)
    assert len(await call.until(APPLICATION, "fee", "show", ROOT)) == 3
    await call.by("cli-administrator", "fee", "set", ROOT, *fees, "system-registration=5")
    (risen,) = [one for one in await call.by("cli-administrator", "fee", "show", ROOT) if "rises_ms" in one]
    assert (risen["kind"], risen["before_milliyuan"]) == ("system-registration", 0)
    fields = {
        "construction": f"{systems['construction']}/R27#dc_size",
        "monitoring": f"{systems['monitoring']}/2050.15.003.BLK01.PAD01.MTR01#ac_power",
    }
    for owner, field in fields.items():
        file = folder / f"{owner}.agreement.json"
        limits = ("--queries", 3, "--discount", 10, "--days", 7, "--out", file)
        await call.by(APPLICATION, "agreement", "propose", application, "maintenance", field, *limits)
        await call("agreement", "sign", file, "--config", configs[owner])
        concluded = await call.by(APPLICATION, "agreement", "conclude", file)
        assert concluded["queries"] == 3
        assert (await call.until(f"cli-{owner}", "agreement", "show", concluded["id"])) == concluded
    listed = await call.by(APPLICATION, "agreement", "list", application, "--function", "maintenance")
    assert len(listed) == 2
    await call.by(APPLICATION, "account", "split", application, 2)

    request = folder / "agreed.json"
    asked = ("--on-behalf-of", "worker-7", "--role", "maintenance-worker", "--purpose", "order 2")
    days = ("--first", "2018-09-15", "--last", "2018-09-15", "--function", "maintenance")
    device = fields["construction"].partition("#")[0]
    await call.by(APPLICATION, "resolve", "sign", application, device, *asked, *days, "--out", request)
    lines = await call.by(APPLICATION, "order", "agreed", application, request, "--out", folder / "agreed")
    assert [line.get("error") for line in lines] == [None, None]
    for system in systems.values():
        settlement = await call.by(APPLICATION, "order", "settlement", lines[0]["order"], system)
        assert settlement["state"] == "settled"
    await call.by(APPLICATION, "agreement", "end", concluded["id"])
    await call.by(APPLICATION, "resolve", "sign", application, device, *asked, *days, "--out", request)
    refused = await call.by(
        APPLICATION, "order", "agreed", application, request, "--out", folder / "again", code=25
    )
    assert refused["error"]["code"] == "GL-CHN-055"

    # The request that nobody ordered is resolved: its fee is owed, and then paid.
    await call.by("cli-aggregation", "resolve", "forward", request, "--root", ROOT)
    (owed,) = await call.until(APPLICATION, "fee", "owed", application)
    assert (owed["key"]["kind"], owed["amount_milliyuan"]) == ("resolution", 100)
    early = await call.by("cli-administrator", "fee", "pay", application, code=29)
    assert early["error"]["code"] == "GL-CHN-093"
    await call.by(APPLICATION, "fee", "pay", application)
    assert await call.by(APPLICATION, "fee", "pay", application) is None

    file = folder / "statement.csv"
    statement = await call.by(APPLICATION, "account", "statement", application, "--csv", file)
    shown = await call.by(APPLICATION, "account", "show", application)
    closing = statement["closing"]
    assert closing == {
        "available_milliyuan": sum(one["amount_milliyuan"] for one in shown["money"]),
        "held_milliyuan": 0,
    }
    rows = list(csv.DictReader(file.read_text("utf-8").splitlines()))
    assert len(rows) == len(statement["entries"]) + 2
    assert (rows[0]["kind"], rows[-1]["kind"]) == ("opening", "closing")
    before = ("account", "statement", application, "--until", "2020-01-01")
    assert (await call.by(APPLICATION, *before))["entries"] == []

    # Nobody disagrees about anything.
    assert await call("claim", "collect", "--grace", 0, "--config", configs["monitoring"])
    line = (lines[0]["order"], systems["monitoring"])
    for user, *words in (
        (APPLICATION, "show", *line),
        (APPLICATION, "deny", *line, "nothing came"),
        ("cli-auditor", "decide", *line, "seen", "--delivered", "--evidence", file),
    ):
        refused = await call.by(user, "claim", *words, code=14)
        assert refused["error"]["code"] == "GL-CHN-005"
