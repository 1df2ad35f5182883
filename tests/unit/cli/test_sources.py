"""Rows of docs/sources: functions, commands and tests that they name exist, and a test runs each command."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from gridledger.chaincode import GridLedger
from gridledger.cli.main import cli

TESTS = Path(__file__).parents[2]
SOURCES = TESTS.parent / "docs/sources"
_PATENTS = ("CN112508707B", "CN115334117A")
_LAKE = ("double-link-storage", "power-data-lake")
_LAKES_TESTS = "unit/lake/"
_FUNCTIONS = {one.full_name for functions in GridLedger().contracts.values() for one in functions}
_CALLED_ELSEWHERE = {
    "integration/test_slice_cli.py": ("integration/trade_commands.py", "integration/commands.py"),
    "integration/test_five_by_commands.py": ("integration/commands.py",),
}
"""Modules that a test's commands stand in besides its own."""


class Row(NamedTuple):
    """A row: what of the source, and what shows it."""

    document: str
    number: int
    where: str
    functions: tuple[str, ...]
    commands: tuple[tuple[str, ...], ...]
    tests: tuple[str, ...]
    modules: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.document} line {self.number}"


def rows(document: str) -> Iterator[Row]:
    text = (SOURCES / f"{document}.md").read_text("utf-8")
    names = dict(re.findall(r"`(\w+)` is `([\w/]+\.py)`", text))
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| ") or len(cells) != 5 or cells[0] in ("claim", "paragraph"):
            continue
        where, _, service, commands, tests = cells
        yield Row(
            document=document,
            number=number,
            where=where,
            functions=tuple(re.findall(r"`([a-z]+:[A-Z][A-Za-z]+)`", service)),
            commands=tuple(tuple(one.split()) for one in re.findall(r"`([^`]+)`", commands)),
            tests=tuple(names.get(one.strip(), one.strip()) for one in tests.split(",")),
        )


def rows_of_the_lake(document: str) -> Iterator[Row]:
    """Read tables whose last column names tests; commands stand in a column of their own or in the text."""
    header, is_shown, groups = "", False, set(cli.commands) - {"demo"}
    for number, line in enumerate((SOURCES / f"{document}.md").read_text("utf-8").splitlines(), 1):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        header, before = line, header
        if line.startswith("| ") and not before.startswith("|"):
            is_shown = cells[-1] == "test"
            continue
        if not line.startswith("| ") or not is_shown:
            continue
        where, *said, tests = cells
        words = re.findall(r"`([^`]+)`", " ".join(said))
        yield Row(
            document=document,
            number=number,
            where=where,
            functions=tuple(one for one in words if re.fullmatch(r"[a-z]+:[A-Z][A-Za-z]+", one)),
            commands=tuple(tuple(one.split()) for one in words if one.split()[0] in groups and " " in one),
            tests=tuple(one for one in re.sub(r" \([^)]*\)", "", tests).split(", ") if one),
            modules=tuple(one for one in words if re.fullmatch(r"(gridledger\.)?lake(\.[a-z_]+)+", one)),
        )


ROWS = [
    *(row for document in _PATENTS for row in rows(document)),
    *(row for document in _LAKE for row in rows_of_the_lake(document)),
]


def source_of(test: str) -> str:
    path = TESTS / test
    if not path.exists():
        path = TESTS / _LAKES_TESTS / test
    assert path.exists(), f"there is no {test}"
    files = sorted(path.glob("*.py")) if path.is_dir() else [path]
    files += [TESTS / one for one in _CALLED_ELSEWHERE.get(test, ())]
    return "\n".join(file.read_text("utf-8") for file in files)


def words_of(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return the group and the command's name; refuse a command that there is not."""
    node: click.Command = cli
    context = click.Context(cli)
    found: list[str] = []
    for word in command:
        if not isinstance(node, click.Group):
            break
        below = node.get_command(context, word)
        assert below is not None, f"there is no gridledger {' '.join(command)}"
        found.append(word)
        node = below
    options = {option for parameter in node.params for option in parameter.opts}
    assert {word for word in command if word.startswith("--")} <= options
    return tuple(found)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_row_names_functions_that_exist(row: Row) -> None:
    assert set(row.functions) <= _FUNCTIONS


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_row_names_tests_that_run_its_commands(row: Row) -> None:
    source = "\n".join(source_of(test) for test in row.tests)
    for command in row.commands:
        found = words_of(command)
        # Tests of one group's commands name the group once.
        named = found[1:] if f'["{found[0]}", *' in source else found
        words = r",\s*".join(f'"{word}"' for word in named)
        options = [f'"{word}"' for word in command if word.startswith("--")]
        assert re.search(words, source), f"no test of the row runs {' '.join(command)}"
        assert all(option in source for option in options), f"no test gives {' '.join(command)}"


@pytest.mark.parametrize("row", [row for row in ROWS if row.modules], ids=str)
def test_row_names_modules_that_exist(row: Row) -> None:
    for name in row.modules:
        module, _, member = f"gridledger.{name.removeprefix('gridledger.')}".rpartition(".")
        if not hasattr(importlib.import_module(module), member):
            assert importlib.import_module(f"{module}.{member}")


@pytest.mark.parametrize("row", [row for row in ROWS if row.document in _LAKE], ids=str)
def test_row_of_the_lake_names_a_test(row: Row) -> None:
    assert row.tests


@pytest.mark.parametrize(
    ("document", "least"), [(_PATENTS[0], 50), (_PATENTS[1], 15), (_LAKE[0], 25), (_LAKE[1], 6)]
)
def test_document_has_rows(document: str, least: int) -> None:
    assert sum(row.document == document for row in ROWS) >= least


def test_patent_s_claims_and_paragraphs_have_a_row_each() -> None:
    places = " ".join(row.where for row in ROWS if row.document == _PATENTS[0])
    assert {int(one) for one in re.findall(r"(?<!\S)(\d)(?!\S)", places)} == set(range(1, 10))
    assert {int(one) for one in re.findall(r"\[(\d{4})\]", places)} == set(range(55, 107))


def test_rows_of_the_patent_name_tests() -> None:
    assert [row for row in ROWS if row.document == _PATENTS[0] and not all(row.tests)] == []
