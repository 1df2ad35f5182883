"""What both sides keep of records and runs, and every move of a state; all moves go through one table.

Each method that writes is one transaction. `watch` is told of each move right before and right after its
transaction commits: tests kill the process there.

Notes
-----
How many records and runs are in each state is counted along (`Tally`), so that a status costs no scan. Runs
lead to their records by ranges of the primary key; nothing here reads more than it moves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Final, TypeAlias

from gridledger.model.digest import Digest
from gridledger.model.response import Run, RunName, TerminalIdentifier, leaves_root
from gridledger.model.states import RunState
from gridledger.response.database import Database, Row
from gridledger.response.errors import StoreForeign
from gridledger.response.kept import Due, KeptRecord, KeptRun, Phase
from gridledger.response.record_reader import RecordReader
from gridledger.response.run_export import RunExport
from gridledger.response.schema import SCHEMA, VERSION
from gridledger.response.state import Happening, RecordState, Side, next_state

__all__ = [
    "Clock",
    "Due",
    "KeptRecord",
    "KeptRun",
    "Moment",
    "Phase",
    "RecordStore",
    "Watch",
    "wall_clock_ms",
]

_CLEANED_RUNS: Final = 256
"""Runs whose rows go in one transaction where they are short; a long one goes alone."""
_CLEANED_RECORDS: Final = 2_000
"""Rows deleted in one transaction: some 5 ms, which a writer may wait for."""
_LONGEST_LOOK_MS: Final = 3_600_000
"""A run that the other side has not anchored is looked at again after as long as it stands already, at most
this: what is young is seen at once, and what stays absent costs next to nothing."""
_LOOK_LATER: Final = (
    "UPDATE run SET look_ms = CASE WHEN done_ms > ? THEN ? WHEN done_ms > ? THEN ? - done_ms ELSE ? END"
    " WHERE terminal = ? AND first = ?"
)

Clock: TypeAlias = Callable[[], int]


class Moment(StrEnum):
    """When a watcher is told."""

    BEFORE_COMMIT = "before-commit"
    AFTER_COMMIT = "after-commit"


Watch: TypeAlias = Callable[[Happening, Moment], None]


def wall_clock_ms() -> int:
    """Return the time, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def _ignore(_: Happening, __: Moment) -> None:
    """Watch nothing."""


class RecordStore(RecordReader):
    """The part of a store that terminal and server share: runs, envelopes, cleaning.

    Parameters
    ----------
    database : Database
        Closed with the store.
    side : Side
    owner : str
        Whose store it is: the terminal's or the server's system's identifier.
    clock : callable, optional
        Milliseconds since 1970; it may jump.
    watch : callable, optional
        Told of each move before and after its commit.

    Raises
    ------
    StoreForeign
        The database is somebody else's, or of another version.
    """

    schema = SCHEMA
    anchorable: RecordState

    def __init__(
        self,
        database: Database,
        side: Side,
        owner: str,
        *,
        clock: Clock = wall_clock_ms,
        watch: Watch = _ignore,
    ) -> None:
        super().__init__(database)
        self.side = side
        self.owner = owner
        self.clock = clock
        self._watch = watch
        self.anchorable = (
            RecordState.SERVER_SUCCESS if side is Side.TERMINAL else RecordState.REQUEST_COMPLETED
        )
        database.create(self.schema)
        wanted = {"owner": owner, "side": side.value, "version": str(VERSION)}
        with database.transaction():
            for name, text in wanted.items():
                database.run("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING", (name, text))
        found: dict[str, str] = dict(database.rows("SELECT name, value FROM meta"))
        if found != wanted:
            raise StoreForeign(f"the database is of {found.get('side')} {found.get('owner')}, not of {owner}")

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    # --- moves

    @contextmanager
    def _move(self, *happenings: Happening) -> Iterator[None]:
        """Hold the transaction in which something happens, or in which runs alone move."""
        with self._database.transaction():
            self._tally.begin()
            yield
            self._tally.write()
            for happening in happenings:
                self._watch(happening, Moment.BEFORE_COMMIT)
        for happening in happenings:
            self._watch(happening, Moment.AFTER_COMMIT)

    def _next(self, before: RecordState | None, happening: Happening) -> RecordState:
        after = next_state(self.side, before, happening)
        if after is None:
            raise ValueError(f"{happening.value} leaves no row")
        return after

    def _step(self, terminal: str, first: int, last: int, before: RecordState, happening: Happening) -> int:
        """Move the records of a range that are in a state; return how many were."""
        after = self._next(before, happening)
        moved = self._database.run(
            "UPDATE record SET state = ? WHERE terminal = ? AND number BETWEEN ? AND ? AND state = ?",
            (after.value, terminal, first, last, before.value),
        )
        self._tally.count(before, -moved)
        self._tally.count(after, moved)
        return moved

    def _close(self, which: str, values: Sequence[object]) -> int:
        """Close open runs; return how many were."""
        closed = self._database.run(f"UPDATE run SET phase = 'closed' WHERE {which}", values)  # noqa: S608
        return self._tally.lead(closed, Phase.OPEN, Phase.CLOSED)

    # --- anchoring

    def due(self, limit: int) -> list[Due]:
        """Return runs to be anchored, in their order; those refused whole are settled here."""
        found: list[Due] = []
        for terminal, first, count in self._database.rows(
            "SELECT r.terminal, r.first, r.count FROM run r JOIN progress p ON p.terminal = r.terminal"
            " WHERE r.phase = 'closed' AND r.first + r.count - 1 <= p.answered"
            " ORDER BY r.terminal, r.first LIMIT ?",
            (limit,),
        ):
            rows = self._rows_of(terminal, first, count)
            if all(state == RecordState.SERVER_ERROR for _, state in rows):
                self._settle_void(terminal, first)
                continue
            leaves = tuple(Digest(bytes(leaf)) for leaf, _ in rows)
            identifier = TerminalIdentifier.parse(terminal)
            run = Run(terminal=identifier, first=first, count=count, root=leaves_root(leaves))
            record = self.record(identifier, first).record if count == 1 else None
            found.append(Due(run=run, leaves=leaves, record=record))
        return found

    def keep_envelope(self, tx_id: str, data: bytes, runs: Sequence[Run]) -> None:
        """Keep a signed envelope before it is sent."""
        with self._move(Happening.ENVELOPE_KEPT):
            values = (tx_id, data, self.clock())
            self._database.run("INSERT INTO envelope VALUES (?, ?, ?)", values)
            for run in runs:
                sent = self._database.run(
                    "UPDATE run SET phase = 'sent', tx_id = ? WHERE terminal = ? AND first = ?",
                    (tx_id, str(run.terminal), run.first),
                )
                self._tally.lead(sent, Phase.CLOSED, Phase.SENT)
                self._step(str(run.terminal), run.first, run.last, self.anchorable, Happening.ENVELOPE_KEPT)

    def envelopes(self) -> list[tuple[str, bytes]]:
        """Return the envelopes whose outcome is not known, the earliest first."""
        rows = self._database.rows("SELECT tx_id, data FROM envelope ORDER BY made_ms, tx_id")
        return [(tx_id, bytes(data)) for tx_id, data in rows]

    def committed(self, tx_id: str, block: int) -> int:
        """Note that an envelope's transaction is valid; return how many records that anchored."""
        with self._move(Happening.COMMITTED):
            runs = self._runs_in(tx_id)
            self._tally.lead(len(runs), Phase.SENT, Phase.ANCHORED)
            moved = sum(
                self._anchored(terminal, first, count, tx_id, block, RecordState.SENT_TO_CHAIN)
                for terminal, first, count in runs
            )
            self._database.run("DELETE FROM envelope WHERE tx_id = ?", (tx_id,))
        return moved

    def invalid(self, tx_id: str) -> None:
        """Note that an envelope's transaction is in the chain and did nothing."""
        with self._move(Happening.INVALID):
            for terminal, first, count in self._runs_in(tx_id):
                self._step(terminal, first, first + count - 1, RecordState.SENT_TO_CHAIN, Happening.INVALID)
                again = self._database.run(
                    "UPDATE run SET phase = 'closed', tx_id = NULL WHERE terminal = ? AND first = ?",
                    (terminal, first),
                )
                self._tally.lead(again, Phase.SENT, Phase.CLOSED)
            self._database.run("DELETE FROM envelope WHERE tx_id = ?", (tx_id,))

    def found_anchored(self, run: Run, tx_id: str) -> None:
        """Note that the ledger has a due run from an earlier transaction."""
        with self._move(Happening.COMMITTED):
            self._tally.lead(1, Phase.CLOSED, Phase.ANCHORED)
            self._anchored(str(run.terminal), run.first, run.count, tx_id, None, self.anchorable)

    def to_compare(self, limit: int) -> list[RunName]:
        """Return anchored runs to be compared: those never asked for, and absences whose time has come."""
        now_ms = self.clock()
        anchored = "SELECT terminal, first FROM run WHERE phase = 'anchored' AND comparison IS NULL"
        rows = self._database.rows(f"{anchored} AND look_ms <= ? ORDER BY look_ms LIMIT ?", (now_ms, limit))
        # What lies further ahead than a look is ever set: the clock has gone back.
        beyond = (now_ms + _LONGEST_LOOK_MS, limit - len(rows))
        rows += self._database.rows(f"{anchored} AND look_ms > ? ORDER BY look_ms LIMIT ?", beyond)
        return [RunName(terminal=TerminalIdentifier.parse(one), first=first) for one, first in rows]

    def compared(self, found: Sequence[tuple[RunName, RunState]]) -> None:
        """Keep how runs compare; an absence is asked again later, ever more seldom."""
        now_ms = self.clock()
        soon_ms, late_ms = now_ms - _LONGEST_LOOK_MS, now_ms + _LONGEST_LOOK_MS
        with self._move():
            for name, state in found:
                run = (str(name.terminal), name.first)
                if state is RunState.ABSENCE:
                    self._database.run(_LOOK_LATER, (now_ms, now_ms, soon_ms, 2 * now_ms, late_ms, *run))
                    continue
                known = self._database.run(
                    "UPDATE run SET comparison = ? WHERE terminal = ? AND first = ? AND comparison IS NULL",
                    (state.value, *run),
                )
                self._tally.lead(known, Phase.ANCHORED, state)

    def clean(self, age_ms: int, keep: Callable[[RunExport], object] | None = None) -> int:
        """Delete rows of runs that were settled at least `age_ms` ago, a bounded number; return how many.

        Parameters
        ----------
        age_ms : int
        keep : callable, optional
            Keeps each anchored run before its rows go; where it fails nothing is deleted.

        Notes
        -----
        The digests of a run stay with it. Short transactions, so that writers wait for milliseconds only;
        call it again while it returns something.
        """
        runs = self._settled(age_ms)
        if not runs:
            return 0
        if keep is not None:
            for export in self._exports(runs):
                keep(export)
        gone = 0
        with self._move(Happening.CLEANED):
            for terminal, first, count, _ in runs:
                for state in (RecordState.CHAIN_SUCCESS, RecordState.SERVER_ERROR):
                    next_state(self.side, state, Happening.CLEANED)
                    removed = self._database.run(
                        "DELETE FROM record WHERE terminal = ? AND number BETWEEN ? AND ? AND state = ?",
                        (terminal, first, first + count - 1, state.value),
                    )
                    self._tally.count(state, -removed)
                    gone += removed
                self._database.run(
                    "UPDATE run SET cleaned = 1 WHERE terminal = ? AND first = ?", (terminal, first)
                )
        return gone

    def _settled(self, age_ms: int) -> list[Row]:
        """Return runs whose rows may go: those settled first, as many as one transaction is to delete."""
        found: list[Row] = []
        records = 0
        for run in self._database.rows(
            "SELECT terminal, first, count, phase FROM run WHERE cleaned = 0 AND done_ms <= ?"
            " ORDER BY done_ms LIMIT ?",
            (self.clock() - age_ms, _CLEANED_RUNS),
        ):
            records += run[2]
            if found and records > _CLEANED_RECORDS:
                break
            found.append(run)
        return found

    def _exports(self, runs: Sequence[Row]) -> Iterator[RunExport]:
        """Yield those of settled runs that are anchored, and that no other cleaner took meanwhile."""
        for terminal, first, _, phase in runs:
            export = self.export(RunName(terminal=TerminalIdentifier.parse(terminal), first=first))
            if phase == Phase.ANCHORED and export is not None:
                yield export

    # --- within transactions

    def _rows_of(self, terminal: str, first: int, count: int) -> list[Row]:
        return self._database.rows(
            "SELECT leaf, state FROM record WHERE terminal = ? AND number BETWEEN ? AND ? ORDER BY number",
            (terminal, first, first + count - 1),
        )

    def _runs_in(self, tx_id: str) -> list[Row]:
        return self._database.rows(
            "SELECT terminal, first, count FROM run WHERE phase = 'sent' AND tx_id = ?"
            " ORDER BY terminal, first",
            (tx_id,),
        )

    def _anchored(
        self, terminal: str, first: int, count: int, tx_id: str, block: int | None, before: RecordState
    ) -> int:
        leaves = b"".join(
            bytes(leaf)
            for (leaf,) in self._database.rows(
                "SELECT leaf FROM record WHERE terminal = ? AND number BETWEEN ? AND ? ORDER BY number",
                (terminal, first, first + count - 1),
            )
        )
        self._database.run(
            "UPDATE run SET phase = 'anchored', tx_id = ?, block = ?, leaves = ?, done_ms = ?"
            " WHERE terminal = ? AND first = ?",
            (tx_id, block, leaves, self.clock(), terminal, first),
        )
        return self._step(terminal, first, first + count - 1, before, Happening.COMMITTED)

    def _settle_void(self, terminal: str, first: int) -> None:
        with self._move():
            void = self._database.run(
                "UPDATE run SET phase = 'void', done_ms = ? WHERE terminal = ? AND first = ?",
                (self.clock(), terminal, first),
            )
            self._tally.lead(void, Phase.CLOSED, Phase.VOID)
