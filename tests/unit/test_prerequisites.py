"""Why tests do not run: what is required and missing is a failure, what has no meaning never is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.prerequisites import meaningless, missing

from gridledger.network import World

TESTS = Path(__file__).parents[1]


def test_missing_prerequisite_skips_unless_it_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRIDLEDGER_REQUIRE", raising=False)
    with pytest.raises(pytest.skip.Exception, match="fabric: no binaries"):
        missing("fabric", "no binaries")
    monkeypatch.setenv("GRIDLEDGER_REQUIRE", "node, fabric")
    with pytest.raises(pytest.fail.Exception, match="fabric is required: no binaries"):
        missing("fabric", "no binaries")
    with pytest.raises(pytest.skip.Exception):
        missing("java", "none")


def test_what_has_no_meaning_in_a_world_skips_whatever_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDLEDGER_REQUIRE", ",".join(World))
    with pytest.raises(pytest.skip.Exception, match="no meaning in world attached: theirs"):
        meaningless(World.ATTACHED, "theirs")


def test_every_skip_in_a_test_says_which_of_the_two_it_is() -> None:
    own = {TESTS / "prerequisites.py", Path(__file__)}
    found = [
        f"{path.relative_to(TESTS)}:{node.lineno}"
        for path in sorted(TESTS.rglob("*.py"))
        if path not in own
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"skip", "importorskip", "xfail"}
        if isinstance(node.value, ast.Name) and node.value.id == "pytest"
    ]
    assert found == []
