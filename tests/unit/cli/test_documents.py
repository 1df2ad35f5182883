"""Commands in documents exist, with the options that they are shown with."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from gridledger.cli.main import cli

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted(
    {ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md"), ROOT / "chaincode/LEDGER.md"}
)
_SHOWN = re.compile(
    r"`(?P<inline>gridledger [^`|]*)`|^(?: {4}|\$ )\s*(?P<block>gridledger .*)$", re.MULTILINE
)


def shown_commands() -> Iterator[tuple[str, str]]:
    for document in DOCUMENTS:
        text = document.read_text().replace("\\\n", " ")
        for match in _SHOWN.finditer(text):
            command = match["inline"] or match["block"]
            yield str(document.relative_to(ROOT)), re.split(r"\s+[#&>]|\s\[", command)[0].strip()


@pytest.mark.parametrize(("document", "command"), sorted(set(shown_commands())))
def test_command_in_document_exists_with_its_options(document: str, command: str) -> None:
    words = shlex.split(command)[1:]
    node: click.Command = cli
    context = click.Context(cli, info_name="gridledger")
    while isinstance(node, click.Group) and words and not words[0].startswith("-"):
        word = words.pop(0)
        below = node.get_command(context, word)
        assert below is not None, f"{document}: {command}: there is no {word}"
        node = below
        context = click.Context(node, info_name=word, parent=context)
    known = {option for parameter in node.get_params(context) for option in parameter.opts}
    assert {word.split("=")[0] for word in words if word.startswith("--")} <= known


def test_make_targets_in_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        name for path in DOCUMENTS for name in re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)", path.read_text())
    }
    assert {
        name for name in named if name not in targets and name.startswith(("bench", "test", "demo", "lock"))
    } == set()
