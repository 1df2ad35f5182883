"""The list of what passed on Fabric."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.conformance.fabric_record import FabricRecord, read_record, write_record

KNOWN = {("test_state.py", "test_one"): "v3.1.4", ("node/test_events.py", "test_two"): "v3.1.5"}


def report(folder: Path, file: str, name: str, outcome: str) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=f"tests/{folder.name}/{file}::{name}",
        location=("", None, ""),
        keywords={},
        outcome=outcome,  # type: ignore[arg-type]
        longrepr=None,
        when="call",
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two tests, and the record of them and of one that is gone."""
    folder = tmp_path / "conformance"
    (folder / "node").mkdir(parents=True)
    (folder / "test_state.py").write_text("async def test_one(x):\nasync def test_three(x):\n")
    (folder / "node" / "test_events.py").write_text("async def test_two(x):\n")
    (folder / "FABRIC.md").write_text(write_record(KNOWN | {("test_state.py", "test_gone"): "v3.1.4"}))
    return folder


def recorded(folder: Path) -> dict[tuple[str, str], str]:
    return read_record((folder / "FABRIC.md").read_text())


def test_record_written_is_read_back() -> None:
    assert read_record(write_record(KNOWN)) == KNOWN


def test_record_of_a_run_adds_what_passed_and_keeps_the_rest(folder: Path) -> None:
    record = FabricRecord(folder, "v3.2.0")
    record.pytest_runtest_logreport(report(folder, "test_state.py", "test_three[a]", "passed"))
    record.pytest_sessionfinish()

    assert recorded(folder) == KNOWN | {("test_state.py", "test_three"): "v3.2.0"}


def test_record_of_a_run_leaves_out_what_failed_once(folder: Path) -> None:
    record = FabricRecord(folder, "v3.2.0")
    record.pytest_runtest_logreport(report(folder, "node/test_events.py", "test_two[a]", "failed"))
    record.pytest_runtest_logreport(report(folder, "node/test_events.py", "test_two[b]", "passed"))
    record.pytest_sessionfinish()

    assert recorded(folder) == {("test_state.py", "test_one"): "v3.1.4"}


def test_record_of_a_run_ignores_tests_of_other_folders(folder: Path) -> None:
    record = FabricRecord(folder, "v3.2.0")
    record.pytest_runtest_logreport(report(folder.parent / "unit", "test_state.py", "test_three", "passed"))
    record.pytest_sessionfinish()

    assert recorded(folder) == KNOWN
