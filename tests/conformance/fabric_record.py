"""`--record-fabric` writes FABRIC.md: each test with the Fabric version that it last passed on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

HEADER = """# Conformance against Hyperledger Fabric

Written by `make test-fabric` (`pytest tests/conformance --world fabric --record-fabric`), never by hand. A
test that is not listed has not passed on Fabric.
"""
_ROW = re.compile(r"\| `(?P<test>test_\w+)` \| (?P<version>v[\w.-]+) \|")
_SECTION = re.compile(r"## (?P<file>[\w/]*test_\w+\.py)")
_VERSION = re.compile(r"^\s*Version: (v[\w.-]+)\s*$", re.MULTILINE)
_VERSION_SECONDS = 30


class FabricRecord:
    """Collect what passed and what failed; at the end, bring FABRIC.md up to date."""

    def __init__(self, folder: Path, version: str) -> None:
        self._folder = folder
        self._version = version
        self._passed: set[tuple[str, str]] = set()
        self._failed: set[tuple[str, str]] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        path, _, name = report.nodeid.partition("::")
        _, folder, file = path.partition(f"{self._folder.name}/")
        if not folder:
            return
        test = (file, name.partition("[")[0])
        if report.failed:
            self._failed.add(test)
        elif report.passed and report.when == "call":
            self._passed.add(test)

    def pytest_sessionfinish(self) -> None:
        target = self._folder / "FABRIC.md"
        known = read_record(target.read_text()) if target.exists() else {}
        known = {test: version for test, version in known.items() if self._exists(*test)}
        known.update(dict.fromkeys(self._passed, self._version))
        for test in self._failed:
            known.pop(test, None)
        aside = target.with_suffix(".new")
        aside.write_text(write_record(known))
        aside.replace(target)

    def _exists(self, file: str, name: str) -> bool:
        path = self._folder / file
        return path.exists() and re.search(rf"def {name}\(", path.read_text()) is not None


def read_record(text: str) -> dict[tuple[str, str], str]:
    """Read FABRIC.md: (file, test) to version."""
    known: dict[tuple[str, str], str] = {}
    file = ""
    for line in text.splitlines():
        if section := _SECTION.fullmatch(line):
            file = section["file"]
        elif row := _ROW.fullmatch(line):
            known[file, row["test"]] = row["version"]
    return known


def write_record(known: dict[tuple[str, str], str]) -> str:
    """Write FABRIC.md."""
    parts = [HEADER]
    for file in sorted({file for file, _ in known}):
        rows = "".join(
            f"| `{name}` | {version} |\n" for (of, name), version in sorted(known.items()) if of == file
        )
        parts.append(f"\n## {file}\n\n| test | last passed on |\n|---|---|\n{rows}")
    return "".join(parts)


def fabric_version(peer: Path) -> str:
    """Ask the peer binary for its version."""
    answer = subprocess.run(
        [peer, "version"], capture_output=True, text=True, check=True, timeout=_VERSION_SECONDS
    )
    match = _VERSION.search(answer.stdout)
    if match is None:
        raise pytest.UsageError(f"{peer} version does not tell a version")
    return match[1]
