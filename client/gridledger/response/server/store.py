"""A server's database: an inbox that stands before each reply, business rows after it.

Source: CN115334117A, claims 4 and 7 (the third database; de-duplication by unique id).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias

from gridledger.model.digest import SALT_BYTES, Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.response import (
    TerminalEntry,
    TerminalIdentifier,
    TerminalKind,
    TerminalRecord,
)
from gridledger.response.database import Database
from gridledger.response.errors import RecordRefusal, RecordsMissing, TerminalUnknown
from gridledger.response.message import (
    ClosedRun,
    RecordsAnswer,
    RecordsMessage,
    RefusedNumber,
    SentRecord,
)
from gridledger.response.record_store import Clock, RecordStore, Watch, wall_clock_ms
from gridledger.response.server.completion import Completion
from gridledger.response.server.inbox import Planned
from gridledger.response.server.schema import SERVER_SCHEMA
from gridledger.response.state import Happening, Side
from gridledger.web import RequestMalformed

__all__ = ["Judge", "ServerStore"]

Judge: TypeAlias = Callable[[TerminalEntry, SentRecord], RecordRefusal | None]
"""Says whether a record is refused for good, and why."""


class ServerStore(RecordStore):
    """The store of one server.

    Parameters
    ----------
    database : Database
    system : SystemIdentifier
        Whose server it is.
    clock, watch
        See `RecordStore`.
    """

    schema = SERVER_SCHEMA

    def __init__(
        self,
        database: Database,
        system: SystemIdentifier,
        *,
        clock: Clock = wall_clock_ms,
        watch: Watch | None = None,
    ) -> None:
        options = {} if watch is None else {"watch": watch}
        super().__init__(database, Side.SERVER, str(system), clock=clock, **options)
        self.system = system
        self._entries: dict[str, TerminalEntry] = {}
        self._completion = Completion(
            database.beside(), str(system), self.terminal, clock=clock, watch=self._watch
        )
        self._taking = threading.Lock()
        self._runs: dict[str, tuple[int, int]] = {}
        """By terminal, the last record that this process took, and its run."""

    def close(self) -> None:
        self._completion.close()
        super().close()

    # --- terminals

    def add_terminal(self, entry: TerminalEntry) -> None:
        """Take up a terminal, or what has changed of it."""
        name = str(entry.identifier)
        with self._database.transaction():
            self._database.run(
                "INSERT INTO terminal VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET entry = excluded.entry",
                (name, entry.to_bytes()),
            )
            self._database.run("INSERT INTO progress VALUES (?, 0, 0) ON CONFLICT DO NOTHING", (name,))
        self._entries.pop(name, None)

    def terminal(self, identifier: TerminalIdentifier) -> TerminalEntry:
        """Return a terminal; TerminalUnknown where there is none of the name."""
        name = str(identifier)
        if name not in self._entries:
            row = self._database.row("SELECT entry FROM terminal WHERE name = ?", (name,))
            if row is None:
                raise TerminalUnknown(f"{identifier} is no terminal of this server", terminal=name)
            self._entries[name] = TerminalEntry.from_bytes(bytes(row[0]))
        return self._entries[name]

    def terminals(self) -> list[TerminalEntry]:
        """Return all terminals, by name."""
        rows = self._database.rows("SELECT entry FROM terminal ORDER BY name")
        return [TerminalEntry.from_bytes(bytes(entry)) for (entry,) in rows]

    def count_terminals(self, kind: TerminalKind) -> int:
        """Return how many terminals of a kind there are."""
        return sum(one.kind is kind for one in self.terminals())

    # --- messages

    def receive(self, message: RecordsMessage, body: bytes, judge: Judge) -> RecordsAnswer:
        """Take a message durably into the inbox, and say what is to be answered.

        Parameters
        ----------
        message : RecordsMessage
        body : bytes
            Its bytes, which are kept.
        judge : callable
            Decides on each record that is new.

        Raises
        ------
        TerminalUnknown
            The terminal is not one of this server's.
        RecordsMissing
            Records between the last one and the message's first are not here; nothing was taken.
        StoreFailed
            The database did not take it; nothing was taken.

        Notes
        -----
        A record whose number is known is answered as it was before, whatever the message says now: with a
        refusal `differs` where it is another one. A message that brings nothing new writes nothing.
        """
        if self._completion.is_full:
            # Who sends faster than is completed waits for it: the inbox stays short, and is read once.
            self.complete()
        with self._taking:
            planned = self._plan(message, body, judge)
            if planned.writes:
                self._keep([planned])
        return planned.answer

    def take(
        self,
        batches: Sequence[tuple[TerminalIdentifier, Sequence[bytes]]],
        judge: Judge,
        beside: Callable[[Database], None],
    ) -> None:
        """Take data of terminals that keep no records themselves: numbered here, a run a terminal.

        Parameters
        ----------
        batches : sequence of (TerminalIdentifier, sequence of bytes)
            Each terminal once, with the data of 1 to 1,000 records.
        judge : callable
            As for `receive`; what it refuses is not kept, since its sender is told at once.
        beside : callable
            Writes further rows in the transaction that takes the records.

        Raises
        ------
        RequestMalformed
            A record is refused, with the refusal's code; nothing was taken.
        TerminalUnknown, StoreFailed
            Nothing was taken.
        """
        with self._taking:
            planned = [self._plan(*self._message(terminal, data), judge) for terminal, data in batches]
            for one in planned:
                for refused in one.answer.refused:
                    raise RequestMalformed(f"a record is refused: {refused.code}", refusal=refused.code)
            # In the order in which a completion holds the terminals' rows.
            self._keep(sorted(planned, key=lambda one: str(one.message.terminal)), beside)

    def _message(self, terminal: TerminalIdentifier, data: Sequence[bytes]) -> tuple[RecordsMessage, bytes]:
        """Number data after the terminal's last record."""
        row = self._database.row("SELECT answered FROM progress WHERE terminal = ?", (str(terminal),))
        first = 1 if row is None else row[0] + 1
        now_ms = self.clock()
        records = tuple(
            SentRecord(number=number, run=first, time_ms=now_ms, salt=os.urandom(SALT_BYTES), data=one)
            for number, one in enumerate(data, first)
        )
        closed = (ClosedRun(first=first, count=len(records)),)
        message = RecordsMessage(terminal=terminal, records=records, closed=closed)
        return message, message.to_bytes()

    def _plan(self, message: RecordsMessage, body: bytes, judge: Judge) -> Planned:
        """Decide what is answered to a message; nothing of it is written yet."""
        entry = self.terminal(message.terminal)
        name = str(message.terminal)
        ((last,),) = self._database.rows("SELECT answered FROM progress WHERE terminal = ?", (name,))
        first = message.records[0].number if message.records else last + 1
        if first > last + 1:
            raise RecordsMissing(f"{name}: want record {last + 1} next", terminal=name, expected=last + 1)
        known, fresh = message.records[: last + 1 - first], message.records[last + 1 - first :]
        if fresh and fresh[0].run not in (fresh[0].number, self._last_run(name, last)):
            raise RequestMalformed(f"record {fresh[0].number} is not of the run that is open", terminal=name)
        refused = self._answered_before(message.terminal, known)
        refused.update(
            (one.number, verdict.value) for one in fresh if (verdict := judge(entry, one)) is not None
        )
        answer = RecordsAnswer(
            last=fresh[-1].number if fresh else last,
            refused=tuple(RefusedNumber(number=number, code=refused[number]) for number in sorted(refused)),
        )
        return Planned(message=message, body=body, fresh=len(fresh), answer=answer)

    def _last_run(self, name: str, last: int) -> int | None:
        """Return the run of a terminal's last record; None before the first."""
        number, run = self._runs.get(name, (0, 0))
        if number != last:
            self._complete_all(name)
            row = self._database.row(
                "SELECT first FROM run WHERE terminal = ? ORDER BY first DESC LIMIT 1", (name,)
            )
            run = 0 if row is None else int(row[0])
        return run or None

    def _complete_all(self, name: str) -> None:
        """Complete what a terminal has in the inbox."""
        while self._database.row("SELECT 1 FROM inbox WHERE terminal = ? LIMIT 1", (name,)) is not None:
            self.complete()

    def _keep(self, planned: Sequence[Planned], beside: Callable[[Database], None] | None = None) -> None:
        """Put messages into the inbox, in one transaction."""
        kept: list[int] = []
        try:
            with self._move(Happening.ARRIVED):
                for one in planned:
                    kept.append(self._enter(one))
                    # Now: a completion may take it up as soon as it is committed.
                    self._completion.remember(kept[-1], one.message)
                if beside is not None:
                    beside(self._database)
        except BaseException:
            self._completion.forget(kept)
            raise
        for one in planned:
            if one.fresh:
                name = str(one.message.terminal)
                self._runs[name] = (one.answer.last, one.message.records[-1].run)

    def _enter(self, planned: Planned) -> int:
        """Put a message into the inbox, within a transaction; return its place."""
        name = str(planned.message.terminal)
        ((kept,),) = self._database.rows(
            "INSERT INTO inbox (terminal, body, answer, received_ms) VALUES (?, ?, ?, ?) RETURNING id",
            (name, planned.body, planned.answer.to_bytes(), self.clock()),
        )
        self._database.run("UPDATE progress SET answered = ? WHERE terminal = ?", (planned.answer.last, name))
        self._tally.count(self._next(None, Happening.ARRIVED), planned.fresh)
        return int(kept)

    def complete(self) -> int:
        """Move messages from the inbox into business rows; return how many records that were.

        Notes
        -----
        Call it until it returns nothing new; what a crash left in the inbox is taken up so. What is received
        meanwhile waits for it only where the database has one writer, or the inbox is full.
        """
        return self._completion.complete()

    def waiting(self) -> int:
        """Return how many messages are in the inbox."""
        ((count,),) = self._database.rows("SELECT COUNT(*) FROM inbox")
        return int(count)

    def close_silent(self, age_ms: int) -> int:
        """Close runs that a terminal has not closed for long; return how many.

        Notes
        -----
        A terminal that comes back later anchors more than this server has: a mismatch, which is opened.
        """
        silent = "phase = 'open' AND opened_ms <= ?"
        values = (self.clock() - age_ms,)
        if self._database.row(f"SELECT 1 FROM run WHERE {silent} LIMIT 1", values) is None:  # noqa: S608
            return 0
        with self._move():
            return self._close(silent, values)

    def _answered_before(self, terminal: TerminalIdentifier, known: Sequence[SentRecord]) -> dict[int, str]:
        """Return what known records were refused with, and `differs` for those that are others now."""
        refused: dict[int, str] = {}
        if not known:
            return refused
        self._complete_all(str(terminal))
        rows = self._database.rows(
            "SELECT number, leaf, code FROM record WHERE terminal = ? AND number BETWEEN ? AND ?",
            (str(terminal), known[0].number, known[-1].number),
        )
        kept = {number: (bytes(leaf), code) for number, leaf, code in rows}
        for one in known:
            leaf, code = kept.get(one.number) or (self._cleaned_leaf(terminal, one.number), None)
            if code is None and leaf != _canonical(terminal, one).leaf.raw:
                code = RecordRefusal.DIFFERS.value
            if code is not None:
                refused[one.number] = code
        return refused

    def _cleaned_leaf(self, terminal: TerminalIdentifier, number: int) -> bytes:
        """Return the digest of a record whose row is gone."""
        run = self.run_of(terminal, number)
        place = number - run.name.first
        return run.leaves[place].raw if place < len(run.leaves) else b""


def _canonical(terminal: TerminalIdentifier, one: SentRecord) -> TerminalRecord:
    return TerminalRecord(
        terminal=terminal,
        number=one.number,
        run=one.run,
        time_ms=one.time_ms,
        data=Digest.salted(one.salt, one.data),
    )
