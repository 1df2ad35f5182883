"""The drawing of docs/RESPONSE.md is the transition table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gridledger.response.state import TRANSITIONS, RecordState, Side

TEXT = (Path(__file__).parents[3] / "docs" / "RESPONSE.md").read_text("utf-8")


@pytest.mark.parametrize("side", list(Side))
def test_drawing_is_the_table(side: Side) -> None:
    part = re.search(rf"state {side.value} {{(.*?)\n    }}", TEXT, re.DOTALL)
    assert part is not None
    drawn = set(re.findall(r"(\S+) --> (\S+): (\S+)", part[1]))
    assert drawn == {
        (_name(line.before), _name(line.after), line.happening.value.replace("-", "_"))
        for line in TRANSITIONS
        if line.side is side
    }


def _name(state: RecordState | None) -> str:
    return "[*]" if state is None else state.value.replace("-", "_")
