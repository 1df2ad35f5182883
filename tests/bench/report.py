"""What a benchmark found: printed, and with `--record` written into its section of docs/BENCHMARKS.md."""

from __future__ import annotations

import operator
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.machine import Machine

__all__ = ["Report"]

_DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "BENCHMARKS.md"
_HEADER = """# Benchmarks

Each section is what its `make` target wrote last. Pairs that are compared ran in one run, by turns: ratios
hold where absolute figures depend on the machine. Three reference times of the same run stand beside them.
"""
_ORDER = (
    "bench-client",
    "bench-shim",
    "bench-batch",
    "bench-devnet",
    "bench-demo",
    "bench-queries",
    "bench-search",
    "bench-registration",
    "bench-payments",
    "bench-edge-rings",
    "bench-response",
    "bench-scale",
)
_COMPARE = {">=": operator.ge, "<=": operator.le}


@dataclass(kw_only=True)
class Report:
    """One benchmark's tables and targets."""

    target: str
    """The make target, such as `bench-client`."""
    title: str
    world: str
    machine: Machine
    headers: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    _targets: list[str] = field(default_factory=list)

    def row(self, *cells: str) -> None:
        """Add a line of the table."""
        self.rows.append(cells)

    def compare(self, what: str, value: float, relation: str, wanted: float, unit: str = "x") -> None:
        """Add what is aimed at and whether it was reached: `relation` is >= or <=."""
        verdict = "reached" if _COMPARE[relation](value, wanted) else "MISSED"
        self._targets.append(f"{what}: **{value:.2f}{unit}**, wanted {relation} {wanted:g}{unit}: {verdict}")

    def note(self, text: str) -> None:
        """Add a figure without a target."""
        self._targets.append(text)

    def finish(self, *, record: bool) -> None:
        """Print, and write the section if it is to be recorded."""
        text = self._text()
        sys.stdout.write(text + "\n")
        if record:
            _DOCUMENT.write_text(_with_section(_read_document(), self.target, text))

    def _text(self) -> str:
        lines = [f"## {self.title}", "", f"`make {self.target}`, {datetime.now(UTC):%Y-%m-%d}, {self.world}."]
        lines += [f"{self.machine}.", "", _line(self.headers), "|---" * len(self.headers) + "|"]
        lines += [_line(row) for row in self.rows]
        lines += ["", *(f"- {target}" for target in self._targets)]
        return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _read_document() -> dict[str, str]:
    """Return the sections by their targets."""
    if not _DOCUMENT.exists():
        return {}
    sections = re.split(r"^(?=## )", _DOCUMENT.read_text(), flags=re.MULTILINE)[1:]
    named = ((re.search(r"^`make ([a-z-]+)`", section, flags=re.MULTILINE), section) for section in sections)
    return {found[1]: section.rstrip() + "\n" for found, section in named if found is not None}


def _with_section(sections: dict[str, str], target: str, text: str) -> str:
    sections = {**sections, target: text}
    known = [name for name in _ORDER if name in sections]
    others = sorted(sections.keys() - set(_ORDER))
    return "\n".join([_HEADER, *(sections[name] for name in known + others)])
