"""A terminal's store: numbers, runs, answers, a full disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.response.fakes import SYSTEM, TERMINAL, Clock, entry, reading

from gridledger.model.errors import ConfigError
from gridledger.model.response import TerminalIdentifier
from gridledger.response.database import SQLiteDatabase
from gridledger.response.errors import RecordUnknown, StoreFailed, StoreForeign
from gridledger.response.message import MAX_DATA_BYTES, ClosedRun
from gridledger.response.server.store import ServerStore
from gridledger.response.state import RecordState
from gridledger.response.terminal.store import RunSettings, TerminalStore


def opened(
    folder: Path, *, records: int = 3, age_s: float = 900, clock: Clock | None = None
) -> TerminalStore:
    database = SQLiteDatabase(folder / "terminal.db")
    runs = RunSettings(records=records, age_s=age_s)
    return TerminalStore(database, TERMINAL, runs=runs, clock=clock or Clock())


def test_records_are_numbered_and_cut_into_runs(tmp_path: Path) -> None:
    clock = Clock()
    store = opened(tmp_path, clock=clock)
    assert [store.accept(reading(n)) for n in range(4)] == [1, 2, 3, 4]
    clock.now_ms += 900_000
    store.accept(reading(5))
    clock.now_ms -= 1
    store.accept(reading(6))  # The clock went back: another run.
    assert [one.run for one in store.unanswered(10)] == [1, 1, 1, 4, 5, 6]
    assert store.untold(10) == (
        ClosedRun(first=1, count=3), ClosedRun(first=4, count=1), ClosedRun(first=5, count=1)
    )  # fmt: skip
    assert store.close_old() == 0
    assert store.close_runs() == 1
    store.close()


def test_data_accepted_together_stand_whole_or_not_at_all(tmp_path: Path) -> None:
    store = opened(tmp_path)
    assert store.accept_all([reading(n) for n in range(5)]) == (1, 2, 3, 4, 5)
    with pytest.raises(ConfigError):
        store.accept_all([reading(6), b""])
    assert store.accept_all([]) == ()
    assert store.accept(reading(6)) == 6
    assert [one.run for one in store.unanswered(10)] == [1, 1, 1, 4, 4, 4]
    assert store.comparisons() == {"open": 1, "closed": 1}
    store.close()


def test_answers_are_taken_in_order_and_once(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for number in range(5):
        store.accept(reading(number))
    assert store.answered(3, {2: "malformed"}) == 3
    assert store.answered(3, {2: "malformed"}) == 0
    assert store.answered(99, {}) == 2
    assert store.backlog() == 0
    assert store.refused() == [(str(TERMINAL), 2, "malformed")]
    assert store.record(TERMINAL, 2).state is RecordState.SERVER_ERROR
    with pytest.raises(RecordUnknown):
        store.record(TERMINAL, 6)
    with pytest.raises(RecordUnknown):
        store.run_of(TERMINAL, 7)
    store.close()


@pytest.mark.parametrize("data", [b"", bytes(MAX_DATA_BYTES + 1)], ids=["none", "too much"])
def test_data_of_no_or_too_many_bytes_use_no_number(tmp_path: Path, data: bytes) -> None:
    store = opened(tmp_path)
    with pytest.raises(ConfigError):
        store.accept(data)
    assert store.accept(reading(1)) == 1
    store.close()


def test_full_disk_accepts_nothing_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    store = opened(tmp_path, records=1)
    connection = store._database._connection  # type: ignore[attr-defined]
    store.accept(reading(1))
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    accepted = [1]
    failure: StoreFailed | None = None
    while failure is None:
        try:
            accepted.append(store.accept(reading(1)))
        except StoreFailed as error:
            failure = error
    assert failure.retriable
    assert store.tally()[RecordState.SENT_TO_SERVER] == len(accepted)
    connection.execute(f"PRAGMA max_page_count = {pages + 1000}")
    accepted.append(store.accept(reading(1000)))
    assert accepted == list(range(1, len(accepted) + 1))
    assert [one.number for one in store.unanswered(2000)] == accepted
    store.close()


def test_database_of_another_owner_is_refused(tmp_path: Path) -> None:
    opened(tmp_path).close()
    database = SQLiteDatabase(tmp_path / "terminal.db")
    with pytest.raises(StoreForeign):
        TerminalStore(database, TerminalIdentifier(SYSTEM, "another"))
    with pytest.raises(StoreForeign):
        ServerStore(database, SYSTEM).add_terminal(entry())
    database.close()


@pytest.mark.parametrize("values", [{"records": 0}, {"records": 1025}, {"age_s": -1.0}])
def test_settings_out_of_range_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        RunSettings(**values)


@settings(max_examples=15)
@given(st.integers(1, 5), st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=25))
def test_every_record_stands_in_one_run_without_gaps(
    tmp_path_factory: pytest.TempPathFactory, records: int, jumps: list[int]
) -> None:
    clock = Clock()
    store = opened(tmp_path_factory.mktemp("store"), records=records, clock=clock)
    for number, jump in enumerate(jumps):
        clock.now_ms += jump
        store.accept(reading(number))
    store.close_runs()
    runs = store.untold(100)
    numbers = [number for run in runs for number in range(run.first, run.first + run.count)]
    assert numbers == list(range(1, len(jumps) + 1))
    assert all(run.count <= records for run in runs)
    assert [one.run for one in store.unanswered(100)] == [run.first for run in runs for _ in range(run.count)]
    store.close()
