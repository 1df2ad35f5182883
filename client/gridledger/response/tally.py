"""How many records and runs are in each state: counted along, so that a status costs no scan.

Source: CN115334117A, claims 1 to 6 (the states).
"""

from __future__ import annotations

from collections import Counter

from gridledger.model.states import RunState
from gridledger.response.database import Database
from gridledger.response.kept import Phase
from gridledger.response.state import RecordState

__all__ = ["Tally"]

_RECORDS = "tally"
_RUNS = "run_tally"


class Tally:
    """The counts of one store.

    Parameters
    ----------
    database : Database
        One in which the tables are.

    Notes
    -----
    What a transaction changes is gathered, and written at its end in one order: two transactions of two
    connections never wait for each other's counts in a circle.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changes: Counter[tuple[str, str]] = Counter()

    def begin(self) -> None:
        """Forget what a transaction gathered that did not come to its end."""
        self._changes.clear()

    def count(self, state: RecordState, change: int) -> None:
        """Count records that came to a state, or left it."""
        self._changes[_RECORDS, state.value] += change

    def count_runs(self, state: Phase | RunState, change: int) -> None:
        """Count runs that came to a phase, or a comparison, or left it."""
        self._changes[_RUNS, state.value] += change

    def lead(self, runs: int, before: Phase, after: Phase | RunState) -> int:
        """Count runs that went from one phase to the next; return how many."""
        self.count_runs(before, -runs)
        self.count_runs(after, runs)
        return runs

    def write(self) -> None:
        """Write what was gathered, within its transaction."""
        for table, state in sorted(self._changes):
            change = self._changes[table, state]
            if change:
                self._database.run(
                    f"INSERT INTO {table} VALUES (?, ?)"  # noqa: S608 (names of ours)
                    f" ON CONFLICT (state) DO UPDATE SET count = {table}.count + excluded.count",
                    (state, change),
                )

    def records(self) -> dict[RecordState, int]:
        """Return how many records are in each state."""
        counted: dict[str, int] = dict(self._database.rows("SELECT state, count FROM tally"))
        return {state: counted.get(state.value, 0) for state in RecordState}

    def runs(self) -> dict[str, int]:
        """Return how many runs are in each phase, and how anchored ones compare."""
        return dict(self._database.rows("SELECT state, count FROM run_tally WHERE count > 0"))
