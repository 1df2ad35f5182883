"""`gridledger demo` from an empty folder, in the world that the run option says."""

from __future__ import annotations

import io
import json
import os
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.prerequisites import missing
from tests.worlds import attached_network

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.host.errors import PrerequisiteMissing
from gridledger.network import World
from gridledger.network.fabric.binaries import Binaries


@pytest.mark.world
def test_demo_shows_every_step_and_stops_what_it_started(world: World, tmp_path: Path) -> None:
    if world is World.FABRIC:
        try:
            Binaries.find(None)
        except PrerequisiteMissing as error:
            missing("fabric", error.message)
    results, errors = io.StringIO(), io.StringIO()
    folder = tmp_path / "demo"
    where = ["--world", world.value]
    with ExitStack() as stack:
        if world is World.ATTACHED:
            network = stack.enter_context(attached_network(tmp_path / "attached"))
            # What it founds is founded once a chaincode.
            where = ["--network", str(network.directory), "--chaincode", f"demo-{os.urandom(4).hex()}"]

        code = run(
            ["demo", *where, "--dir", str(folder), "--modules", "20", "--json"],
            Output(stream=results, errors=errors),
        )

    assert code == 0, errors.getvalue()
    *steps, end = [json.loads(line) for line in results.getvalue().splitlines()]
    assert [step["number"] for step in steps] == list(range(1, 20))
    assert end["world"] == world.value
    named = {step["step"]: step for step in steps}
    assert len(named["Five business systems register"]["sheets"][0]["rows"]) == 5
    delivered = named["Five owners deliver, each from its own database"]["sheets"]
    assert [len(sheet["rows"]) for sheet in delivered] == [1, 1, 6, 3, 1]
    asked = named["A quality engineer traces the same device"]["sheets"][0]["rows"]
    kept_back = [row["field"].partition("#")[2] for row in asked if row["quality-engineer"] == "no"]
    assert kept_back == ["order_measure", "order_staff"]
    altered = named["A row is altered behind the owner's back"]
    assert altered["sheets"][0]["rows"][0]["first altered row"] == "2018-09-14T12:00 changed"
    withheld = [entry["value"] for entry in altered["chain"] if "withheld" in entry["value"]]
    assert [value.rpartition("; ")[2] for value in withheld] == ["withheld: ac_power"]
    money = named["The closing statement"]["sheets"][0]["rows"]
    assert (money[-1]["paid in"], money[-1]["stands"]) == ("120.000", "120.000")
    assert {row["of"]: row["by trade"][0] for row in money[:-1]} == {
        "Production management": "+",
        "Construction register": "+",
        "PV monitoring": "+",
        "O&M work orders": "+",
        "Asset management": "+",
        "Life-cycle management": "-",
    }
    assert not list((folder / "network" / "run").glob("*.json"))
    assert (folder / "exchange" / "monitoring" / "server.log").is_file()


def test_demo_in_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    errors = io.StringIO()

    code = run(["demo", "--dir", str(tmp_path)], Output(stream=io.StringIO(), errors=errors))

    assert code == 3
    assert "is not empty" in errors.getvalue()
