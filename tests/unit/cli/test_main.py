"""The command line's frame: exit codes from the error tree, usage errors, groups imported when called."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from gridledger.cli.command import with_output
from gridledger.cli.main import cli, run
from gridledger.cli.output import Output
from gridledger.client.errors import EvaluateError
from gridledger.host.errors import PrerequisiteMissing
from gridledger.model.errors import ConfigError, ContractError, GridLedgerError, ModelError

RAISED: list[tuple[type[BaseException] | BaseException, int]] = [
    (ModelError({"name": "is empty"}), 2),
    (ConfigError("is wrong", key="k", source="s"), 3),
    (ContractError("refused"), 10),
    (EvaluateError("refused", grpc_status="UNAVAILABLE"), 41),
    (PrerequisiteMissing("peer", remedy="get it"), 81),
    (KeyboardInterrupt(), 130),
]


@pytest.fixture
def command() -> Iterator[dict[str, BaseException]]:
    """Add a command `try` that raises what the test puts under `error`."""
    holder: dict[str, BaseException] = {}

    @cli.command("try")
    @with_output
    def attempt(output: Output) -> None:
        if "error" in holder:
            raise holder["error"]
        output.show({"answer": 42})

    yield holder
    cli.commands.pop("try")


def _run(*arguments: str) -> tuple[int, str, str]:
    stream, errors = io.StringIO(), io.StringIO()
    code = run(arguments, Output(stream=stream, errors=errors))
    return code, stream.getvalue(), errors.getvalue()


def test_command_that_succeeds_ends_with_0(command: dict[str, BaseException]) -> None:
    assert _run("try", "--json") == (0, '{\n  "answer": 42\n}\n', "")


@pytest.mark.parametrize(("error", "code"), RAISED, ids=lambda value: type(value).__name__)
def test_error_ends_with_the_exit_code_of_its_class(
    command: dict[str, BaseException], error: BaseException, code: int
) -> None:
    command["error"] = error
    found, text, errors = _run("try")
    assert (found, text) == (code, "")
    if isinstance(error, GridLedgerError):
        assert errors == f"{error}\n"
        assert json.loads(_run("try", "--json")[2])["error"]["code"] == error.code


def test_defect_is_not_hidden(command: dict[str, BaseException]) -> None:
    command["error"] = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        _run("try")


@pytest.mark.parametrize(
    "arguments", [["nope"], ["network", "nope"], ["network", "up", "--nope"], ["network", "deploy"]]
)
def test_wrong_call_ends_with_2_and_says_how(arguments: list[str]) -> None:
    code, text, errors = _run(*arguments)
    assert (code, text) == (2, "")
    assert "Usage: gridledger" in errors


def test_wrong_call_as_json_is_json() -> None:
    code, _, errors = _run("network", "up", "--json", "--nope")
    assert code == 2
    assert json.loads(errors)["error"]["code"] == "usage"


def test_help_names_the_groups_without_importing_them(capsys: pytest.CaptureFixture[str]) -> None:
    program = (
        "import sys; from gridledger.cli.main import run; run(['--help']);"
        "print([name for name in sys.modules if name.split('.')[0] in"
        " ('grpc', 'rich', 'pydantic', 'cryptography') or name == 'gridledger.network'])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "network  " in answer.stdout
    assert "agent  " in answer.stdout
    assert answer.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", cli.list_commands(click.Context(cli)))
def test_every_group_can_be_imported_and_helps(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(name, "--help")[0] == 0
    assert f"gridledger {name}" in capsys.readouterr().out


def test_every_command_takes_json() -> None:
    context = click.Context(cli)
    for name in cli.list_commands(context):
        group = cli.get_command(context, name)
        assert group is not None
        for command in _leaves(group):
            options = {option for parameter in command.params for option in parameter.opts}
            assert "--json" in options, f"{name} {command.name}"


def _leaves(command: click.Command) -> Iterator[click.Command]:
    if not isinstance(command, click.Group):
        yield command
        return
    for each in command.commands.values():
        yield from _leaves(each)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_the_shell(shell: str) -> None:
    code, text, errors = _run("completion", shell)
    assert (code, errors) == (0, "")
    assert "_GRIDLEDGER_COMPLETE" in text


@pytest.mark.parametrize(
    ("words", "wanted", "unwanted"),
    [
        ("gridledger ", "network", "up"),
        ("gridledger ne", "network", "order"),
        ("gridledger network ", "deploy", "order"),
    ],
)
def test_shell_completes_groups_and_commands(words: str, wanted: str, unwanted: str) -> None:
    number = str(len(words.split()) - (0 if words.endswith(" ") else 1))
    asked = {**os.environ, "_GRIDLEDGER_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": number}
    ended = subprocess.run(
        [sys.executable, "-c", "from gridledger.cli.main import main; main()"],
        env=asked,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    names = [line.partition(",")[2] for line in ended.stdout.splitlines()]
    assert wanted in names
    assert unwanted not in names
