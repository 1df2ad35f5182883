"""The workflow for a public CI service: what it calls is here, since nobody here can run it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from gridledger.cli.main import cli

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github" / "workflows" / "fabric.yaml"
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
PINNED = re.compile(r"[a-z-]+/[a-z-]+@[0-9a-f]{40}")


def steps() -> list[dict[str, Any]]:
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


def commands() -> list[list[str]]:
    lines = [line for step in steps() for line in step.get("run", "").splitlines()]
    # A variable of the shell is some word here.
    return [shlex.split(re.sub(r"\$\{?\w+\}?", "X", line)) for line in lines if "$(" not in line]


def test_suites_are_made_by_targets_that_there_are() -> None:
    called = [words[1:] for words in commands() if words and words[0] == "make"]
    wanted = {"setup", "test", "test-fabric", "test-attached", "test-containers"}
    assert {words[0] for words in called} == wanted
    assert wanted <= set(TARGETS)
    for words in called:
        for assignment in words[1:]:
            assert f"$({assignment.partition('=')[0]})" in (ROOT / "Makefile").read_text()


def test_commands_of_ours_and_their_options_exist() -> None:
    called = [words[1:] for words in commands() if words and words[0].endswith("/gridledger")]
    assert {tuple(words[:2]) for words in called} == {
        ("network", name) for name in ("attach", "status", "deploy", "connection")
    }
    for words in called:
        group: click.Command = cli
        for name in words[:2]:
            assert isinstance(group, click.Group)
            found = group.get_command(click.Context(group), name)
            assert found is not None, name
            group = found
        options = {text for one in group.params for text in one.opts}
        assert {word for word in words if word.startswith("--")} <= options


def test_what_is_required_and_named_is_there() -> None:
    text = WORKFLOW.read_text()
    required = re.findall(r"GRIDLEDGER_REQUIRE: (\S+)", text)
    sources = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    for name in ",".join(required).split(","):
        assert f'missing("{name}"' in sources, name
    module = next(words for words in commands() if "deploy" in words)[4]
    assert (ROOT / f"{module.partition(':')[0].replace('.', '/')}.py").is_file()


@pytest.mark.parametrize("action", sorted({step["uses"] for step in steps() if "uses" in step}))
def test_actions_are_pinned_by_commit(action: str) -> None:
    assert PINNED.fullmatch(action)


def test_chaincode_s_image_installs_a_part_of_the_lock() -> None:
    part = (ROOT / "chaincode" / "requirements.lock").read_text()
    whole = (ROOT / "requirements.lock").read_text()
    entry = re.compile(r"^([A-Za-z0-9_.-]+==[^\s;\\]+)", re.MULTILINE)
    assert set(entry.findall(part)) <= set(entry.findall(whole))
    assert set(re.findall(r"sha256:[0-9a-f]{64}", part)) <= set(re.findall(r"sha256:[0-9a-f]{64}", whole))
