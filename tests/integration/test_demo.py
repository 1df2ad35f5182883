"""`gridledger demo` from an empty folder, in the world that the run option says."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from tests.prerequisites import missing

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

    code = run(
        ["demo", "--world", world.value, "--dir", str(folder), "--json"],
        Output(stream=results, errors=errors),
    )

    assert code == 0, errors.getvalue()
    *steps, end = [json.loads(line) for line in results.getvalue().splitlines()]
    assert [step["number"] for step in steps] == list(range(1, 18))
    assert end["world"] == world.value
    last = steps[-1]
    assert last["step"] == "A row is altered behind the owner's back"
    assert last["sheets"][0]["rows"][0]["first altered row"] == "2018-09-14T12:00 changed"
    assert any("withheld: ac_power" in entry["value"] for entry in last["chain"])
    money = next(step for step in steps if step["step"] == "All money is counted")
    assert money["sheets"][0]["rows"][-1]["notes"] == "50.000"
    assert not list((folder / "network" / "run").glob("*.json"))
    assert (folder / "exchange" / "monitoring" / "server.log").is_file()


def test_demo_in_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    errors = io.StringIO()

    code = run(["demo", "--dir", str(tmp_path)], Output(stream=io.StringIO(), errors=errors))

    assert code == 3
    assert "is not empty" in errors.getvalue()
