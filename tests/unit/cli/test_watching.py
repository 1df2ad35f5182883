"""Every long-running command has the same options for metrics and logs."""

from __future__ import annotations

import io
import json

import click
import pytest

from gridledger.cli.main import cli, run
from gridledger.cli.output import Output

LONG_RUNNING = (
    "agent run",
    "council node",
    "council watch",
    "custodian watch",
    "dataset watch",
    "edge node serve",
    "catalogue watch",
    "index watch",
    "provider serve",
    "response server",
    "response terminal",
    "search follow",
)


def _command(words: str) -> click.Command:
    node: click.Command = cli
    for word in words.split():
        assert isinstance(node, click.Group)
        below = node.get_command(click.Context(cli), word)
        assert below is not None
        node = below
    return node


@pytest.mark.parametrize("words", LONG_RUNNING)
def test_long_running_command_is_watched(words: str) -> None:
    options = {option for parameter in _command(words).params for option in parameter.opts}
    assert {"--metrics", "--log-format", "--log-level"} <= options


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:99999"])
def test_error_is_a_line_of_the_log(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    logged, said = io.StringIO(), io.StringIO()
    monkeypatch.setattr("sys.stderr", logged)
    words = ["agent", "run", "--org", "org1", "--metrics", address]
    output = Output(stream=io.StringIO(), errors=said)
    assert run([*words, "--log-format", "json"], output) == 3
    [line] = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert (line["level"], line["error"]["code"]) == ("error", "GL-CFG-001")
    assert said.getvalue() == ""
    assert run([*words, "--log-format", "text"], output) == 3
    assert said.getvalue().startswith("GL-CFG-001")
