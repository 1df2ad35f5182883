"""A terminal's local database: records are accepted here, numbered, and cut into runs.

Source: CN115334117A, claims 2 and 3 (the first and the second database).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gridledger.model.digest import SALT_BYTES, Digest
from gridledger.model.errors import ConfigError
from gridledger.model.response import (
    MAX_NUMBER,
    MAX_RUN,
    RefusedRecord,
    TerminalIdentifier,
    record_leaves,
)
from gridledger.response.database import Database
from gridledger.response.kept import Phase
from gridledger.response.message import MAX_DATA_BYTES, ClosedRun, SentRecord
from gridledger.response.record_store import Clock, RecordStore, Watch, wall_clock_ms
from gridledger.response.state import Happening, RecordState, Side

__all__ = ["RunSettings", "TerminalStore"]

_COLUMNS: Final = ("terminal", "number", "run", "time_ms", "state", "data", "salt", "leaf")


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """When a run is full; a run of one record is the patent's transaction a record."""

    records: int = 256
    """Most records of a run, 1 to 1,024."""
    age_s: float = 900.0
    """Seconds after its first record from which a run takes no more."""

    def __post_init__(self) -> None:
        if not 1 <= self.records <= MAX_RUN:
            raise ConfigError(f"want 1 to {MAX_RUN}", key="records", source="runs", value=str(self.records))
        if not 0 <= self.age_s <= 86_400 * 31:
            raise ConfigError("want 0 to 31 days", key="age_s", source="runs", value=str(self.age_s))


class TerminalStore(RecordStore):
    """The store of one terminal.

    Parameters
    ----------
    database : Database
    terminal : TerminalIdentifier
    runs : RunSettings, optional
    clock, watch
        See `RecordStore`.
    """

    def __init__(
        self,
        database: Database,
        terminal: TerminalIdentifier,
        *,
        runs: RunSettings | None = None,
        clock: Clock = wall_clock_ms,
        watch: Watch | None = None,
    ) -> None:
        options = {} if watch is None else {"watch": watch}
        super().__init__(database, Side.TERMINAL, str(terminal), clock=clock, **options)
        self.terminal = terminal
        self._name = str(terminal)
        self._runs = runs or RunSettings()
        with database.transaction():
            database.run("INSERT INTO progress VALUES (?, 0, 0) ON CONFLICT DO NOTHING", (self._name,))

    def accept(self, data: bytes) -> int:
        """Take business data durably: row, digest, number and state in one transaction.

        Returns
        -------
        int
            The record's number: from now on it is neither lost nor sent twice as another.

        Raises
        ------
        StoreFailed
            The database did not take it: nothing was accepted, and no number is used.
        ConfigError
            There are no data, or more than 512 bytes.
        """
        return self.accept_all((data,))[0]

    def accept_all(self, data: Sequence[bytes]) -> tuple[int, ...]:
        """Take several data durably at once, in their order; all of them or none.

        Parameters
        ----------
        data : sequence of bytes
            Each as for `accept`.

        Returns
        -------
        tuple of int
            The records' numbers.

        Raises
        ------
        StoreFailed, ConfigError
            As for `accept`; nothing was accepted.

        Notes
        -----
        One transaction, thus one wait for the disk, however many there are.
        """
        if any(not 1 <= len(one) <= MAX_DATA_BYTES for one in data):
            raise ConfigError(f"want 1 to {MAX_DATA_BYTES} bytes", key="data", source=self._name)
        random = os.urandom(SALT_BYTES * len(data))
        salts = [random[at : at + SALT_BYTES] for at in range(0, len(random), SALT_BYTES)]
        digests = [Digest.salted(salt, one) for salt, one in zip(salts, data, strict=True)]
        state = self._next(None, Happening.ACCEPTED)
        with self._move(Happening.ACCEPTED):
            now_ms = self.clock()
            taken = self._take_numbers(len(data), now_ms)
            leaves = record_leaves(
                self.terminal,
                ((number, run, now_ms, one) for (run, number), one in zip(taken, digests, strict=True)),
            )
            rows = [
                (self._name, number, run, now_ms, state.value, one, salt, leaf.raw)
                for (run, number), one, salt, leaf in zip(taken, data, salts, leaves, strict=True)
            ]
            self._database.insert("record", _COLUMNS, rows)
            self._tally.count(state, len(rows))
        return tuple(row[1] for row in rows)

    def unanswered(self, limit: int) -> tuple[SentRecord, ...]:
        """Return the first records that the server has not answered for, in order."""
        rows = self._database.rows(
            "SELECT number, run, time_ms, salt, data FROM record"
            " WHERE terminal = ? AND number > (SELECT answered FROM progress WHERE terminal = ?)"
            " ORDER BY number LIMIT ?",
            (self._name, self._name, limit),
        )
        return tuple(
            SentRecord(number=number, run=run, time_ms=time_ms, salt=bytes(salt), data=bytes(data))
            for number, run, time_ms, salt, data in rows
        )

    def untold(self, limit: int, last: int | None = None) -> tuple[ClosedRun, ...]:
        """Return runs that are closed, and of which the server was not told.

        Parameters
        ----------
        limit : int
        last : int, optional
            Only those that end with this record or before: a server closes a run once it has all of it.
        """
        rows = self._database.rows(
            "SELECT first, count FROM run WHERE terminal = ? AND told = 0 AND phase <> 'open'"
            " AND first + count - 1 <= ? ORDER BY first LIMIT ?",
            (self._name, MAX_NUMBER if last is None else last, limit),
        )
        return tuple(ClosedRun(first=first, count=count) for first, count in rows)

    def answered(self, last: int, refused: Mapping[int, str], told: Sequence[ClosedRun] = ()) -> int:
        """Note the server's answer for all records up to `last`; return how many that moved.

        Parameters
        ----------
        last : int
            Last record of the message that was answered.
        refused : mapping of int to str
            Numbers that it refuses for good, with their codes.
        told : sequence of ClosedRun
            Runs of which the answered message told.
        """
        happenings = (Happening.ANSWERED, Happening.REFUSED) if refused else (Happening.ANSWERED,)
        moved = 0
        with self._move(*happenings):
            ((first, newest),) = self._database.rows(
                "SELECT answered + 1, last FROM progress WHERE terminal = ?", (self._name,)
            )
            last = min(last, newest)
            at = first
            for number in sorted(one for one in refused if first <= one <= last):
                moved += self._answer(at, number - 1)
                moved += self._refuse(number, refused[number])
                at = number + 1
            moved += self._answer(at, last)
            if last >= first:
                self._database.run("UPDATE progress SET answered = ? WHERE terminal = ?", (last, self._name))
            for one in told:
                self._database.run(
                    "UPDATE run SET told = 1 WHERE terminal = ? AND first = ?", (self._name, one.first)
                )
        return moved

    def close_old(self) -> int:
        """Close the open run if its age says so; return how many were closed."""
        # A clock that jumped makes a run old, too: one of the future is closed.
        untimely = "terminal = ? AND phase = 'open' AND NOT (opened_ms <= ? AND opened_ms > ?)"
        if self._database.row(f"SELECT 1 FROM run WHERE {untimely}", self._times()) is None:  # noqa: S608
            return 0
        with self._move():
            # Asked again: a run may have been opened since the clock was read.
            return self._close(untimely, self._times())

    def close_runs(self) -> int:
        """Close the open run, whatever its age; return how many were closed."""
        with self._move():
            return self._close_open()

    def last_answered(self) -> int:
        """Return the last record that the server has answered for; 0 before the first."""
        row = self._database.row("SELECT answered FROM progress WHERE terminal = ?", (self._name,))
        return 0 if row is None else int(row[0])

    def backlog(self) -> int:
        """Return how many records the server has not answered for."""
        row = self._database.row("SELECT last - answered FROM progress WHERE terminal = ?", (self._name,))
        return 0 if row is None else int(row[0])

    def _take_numbers(self, count: int, now_ms: int) -> list[tuple[int, int]]:
        """Return the run and the number of each of the next records; runs are filled and opened."""
        ((last,),) = self._database.rows("SELECT last FROM progress WHERE terminal = ?", (self._name,))
        end = last + count
        taken: list[tuple[int, int]] = []
        while last < end:
            first, most = self._open_run(last + 1, now_ms)
            held = last + 1 - first
            added = min(most - held, end - last)
            self._database.run(
                "UPDATE run SET count = ? WHERE terminal = ? AND first = ?", (held + added, self._name, first)
            )
            taken += [(first, number) for number in range(last + 1, last + added + 1)]
            last += added
        self._database.run("UPDATE progress SET last = ? WHERE terminal = ?", (last, self._name))
        return taken

    def _open_run(self, number: int, now_ms: int) -> tuple[int, int]:
        """Return the run that takes a number, and how many it may hold; it is opened where there is none."""
        most = self._runs.records
        row = self._database.row(
            "SELECT first FROM run WHERE terminal = ? AND phase = 'open' AND count < ?"
            " AND opened_ms <= ? AND opened_ms > ?",
            (self._name, most, now_ms, now_ms - int(self._runs.age_s * 1000)),
        )
        if row is not None:
            return int(row[0]), most
        self._close_open()
        phase = Phase.CLOSED if most == 1 else Phase.OPEN
        self._database.run(
            "INSERT INTO run (terminal, first, count, phase, opened_ms) VALUES (?, ?, 0, ?, ?)",
            (self._name, number, phase.value, now_ms),
        )
        self._tally.count_runs(phase, 1)
        return number, most

    def _times(self) -> tuple[str, int, int]:
        """Return between which times an open run must have been opened."""
        now_ms = self.clock()
        return self._name, now_ms, now_ms - int(self._runs.age_s * 1000)

    def _close_open(self) -> int:
        return self._close("terminal = ? AND phase = 'open'", (self._name,))

    def _answer(self, first: int, last: int) -> int:
        if last < first:
            return 0
        return self._step(self._name, first, last, RecordState.SENT_TO_SERVER, Happening.ANSWERED)

    def _refuse(self, number: int, code: str) -> int:
        ((run,),) = self._database.rows(
            "SELECT run FROM record WHERE terminal = ? AND number = ?", (self._name, number)
        )
        leaf = RefusedRecord(terminal=self.terminal, number=number, run=run).leaf
        self._database.run(
            "UPDATE record SET code = ?, leaf = ? WHERE terminal = ? AND number = ?",
            (code, leaf.raw, self._name, number),
        )
        return self._step(self._name, number, number, RecordState.SENT_TO_SERVER, Happening.REFUSED)
