"""docs/operating.md: each procedure is a test, or says that it is none."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "operating.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.partition("which test runs each")[2].partition("\n## ")[0].splitlines()
    if line.startswith("| ") and "`" in line
]


def test_every_row_names_a_test_or_says_that_there_is_none() -> None:
    assert len(ROWS) > 15
    for what, _, shown in ROWS:
        named = re.findall(r"tests/[\w/]+\.py", shown)
        assert named or "no test" in shown, what
        assert [path for path in named if not (ROOT / path).is_file()] == []


def test_every_group_of_commands_has_a_row() -> None:
    called = set(re.findall(r"^    gridledger ([a-z-]+)", TEXT, re.MULTILINE))
    assert called - set(re.findall(r"gridledger ([a-z-]+)", " ".join(row[1] for row in ROWS))) == set()


def test_every_change_of_a_network_has_a_row() -> None:
    called = set(re.findall(r"^    gridledger network ([a-z-]+)", TEXT, re.MULTILINE))
    rows = " ".join(row[1] for row in ROWS) + " sign"  # a step of each change that others agree to
    assert {name for name in called if not re.search(rf"\b{name}\b", rows)} == set()
