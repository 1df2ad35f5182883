"""A server's database: an inbox that stands before each reply, business rows after it.

Source: CN115334117A, claims 4 and 7 (the third database; de-duplication by unique id).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from gridledger.model.digest import SALT_BYTES, Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.response import (
    TerminalEntry,
    TerminalIdentifier,
    TerminalKind,
    TerminalRecord,
    leaf_of,
)
from gridledger.response.database import Database
from gridledger.response.errors import RecordRefusal, RecordsMissing, TerminalUnknown
from gridledger.response.kept import Phase
from gridledger.response.message import (
    ClosedRun,
    DemandReply,
    RecordsAnswer,
    RecordsMessage,
    RefusedNumber,
    SentRecord,
    read_load,
)
from gridledger.response.record_store import Clock, RecordStore, Watch, wall_clock_ms
from gridledger.response.server.inbox import Planned, Waiting
from gridledger.response.server.schema import SERVER_SCHEMA
from gridledger.response.state import Happening, RecordState, Side
from gridledger.web import RequestMalformed

__all__ = ["Judge", "ServerStore"]

_COLUMNS: Final = (
    "terminal", "number", "run", "time_ms", "state", "data", "salt", "leaf", "code", "received_ms",
)  # fmt: skip
_LOAD_COLUMNS: Final = ("site", "start_ms", "terminal", "length_s", "energy_wh")
_REPLY_COLUMNS: Final = ("demand", "site", "terminal", "number", "reduction_wh", "received_ms")
_PROCESSED: Final = 64
"""Messages that are moved out of the inbox in one transaction: up to 64,000 rows."""

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
        self._taking = threading.Lock()
        self._read: dict[int, RecordsMessage] = {}
        """Messages of the inbox that this process has read already."""

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
        planned = self._plan(message, body, judge)
        if planned.writes:
            with self._move(Happening.ARRIVED):
                kept = self._enter(planned)
            self._remember([(kept, planned)])
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
            with self._move(Happening.ARRIVED):
                entered = [(self._enter(one), one) for one in planned]
                beside(self._database)
            self._remember(entered)

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
        if self._database.row("SELECT 1 FROM inbox WHERE terminal = ? LIMIT 1", (name,)) is not None:
            self.complete()
        ((last,),) = self._database.rows("SELECT answered FROM progress WHERE terminal = ?", (name,))
        known = [one for one in message.records if one.number <= last]
        fresh = [one for one in message.records if one.number > last]
        if [one.number for one in fresh] != list(range(last + 1, last + 1 + len(fresh))):
            raise RecordsMissing(f"{name}: want record {last + 1} next", terminal=name, expected=last + 1)
        refused = self._answered_before(message.terminal, known)
        refused.update(
            (one.number, verdict.value) for one in fresh if (verdict := judge(entry, one)) is not None
        )
        answer = RecordsAnswer(
            last=max([last, *(one.number for one in fresh)]),
            refused=tuple(RefusedNumber(number=number, code=refused[number]) for number in sorted(refused)),
        )
        return Planned(message=message, body=body, fresh=len(fresh), answer=answer)

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

    def _remember(self, entered: Sequence[tuple[int, Planned]]) -> None:
        """Spare the reading of messages that this process put into the inbox, once they are committed."""
        for kept, planned in entered:
            if len(self._read) < _PROCESSED:
                self._read[kept] = planned.message

    def complete(self) -> int:
        """Move messages from the inbox into business rows; return how many records that were.

        Notes
        -----
        Call it until it returns nothing new; what a crash left in the inbox is taken up so.
        """
        waiting = self._waiting()
        if not waiting:
            return 0
        done = 0
        with self._move(Happening.COMPLETED):
            for one in waiting:
                done += self._complete(one)
            self._database.run("DELETE FROM inbox WHERE id <= ?", (waiting[-1].id,))
        for one in waiting:
            self._read.pop(one.id, None)
        return done

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

    # --- within transactions

    def _waiting(self) -> list[Waiting]:
        rows = self._database.rows(
            "SELECT id, body, answer, received_ms FROM inbox ORDER BY id LIMIT ?", (_PROCESSED,)
        )
        return [
            Waiting(
                id=number,
                message=self._read.get(number) or RecordsMessage.from_bytes(bytes(body)),
                refused={one.number: one.code for one in RecordsAnswer.from_bytes(bytes(answer)).refused},
                received_ms=received_ms,
            )
            for number, body, answer, received_ms in rows
        ]

    def _complete(self, waiting: Waiting) -> int:
        message = waiting.message
        name = str(message.terminal)
        ((last,),) = self._database.rows("SELECT last FROM progress WHERE terminal = ?", (name,))
        fresh = [one for one in message.records if one.number > last]
        entry = self.terminal(message.terminal)
        rows = []
        refused = 0
        for one in fresh:
            code = waiting.refused.get(one.number)
            refused += code is not None
            happening = Happening.COMPLETED if code is None else Happening.REFUSED
            state = self._next(RecordState.RECEIVED, happening)
            leaf = leaf_of(_canonical(message.terminal, one), refused=code is not None)
            rows.append(
                (name, one.number, one.run, one.time_ms, state.value, one.data, one.salt, leaf.raw, code,
                 waiting.received_ms)
            )  # fmt: skip
        if rows:
            self._database.insert("record", _COLUMNS, rows)
            self._database.run("UPDATE progress SET last = ? WHERE terminal = ?", (fresh[-1].number, name))
            self._tally.count(RecordState.RECEIVED, -len(rows))
            self._tally.count(RecordState.REQUEST_COMPLETED, len(rows) - refused)
            self._tally.count(RecordState.SERVER_ERROR, refused)
            self._enter_runs(name, fresh, waiting.received_ms)
            self._enter_content(entry, fresh, waiting)
        for run in message.closed:
            self._close_run(name, run)
        return len(rows)

    def _enter_runs(self, name: str, fresh: Sequence[SentRecord], now_ms: int) -> None:
        """Add records to their runs; a run that has a successor is closed."""
        counts: dict[int, int] = {}
        for one in fresh:
            counts[one.run] = counts.get(one.run, 0) + 1
        for first, count in counts.items():
            entered = self._database.rows(
                "INSERT INTO run (terminal, first, count, phase, opened_ms) VALUES (?, ?, ?, 'open', ?)"
                " ON CONFLICT (terminal, first) DO UPDATE SET count = run.count + excluded.count"
                " WHERE run.phase IN ('open', 'closed') RETURNING count",
                (name, first, count, now_ms),
            )
            # A run that was there has more records now than this message brought.
            self._tally.count_runs(Phase.OPEN, int(entered == [(count,)]))
        self._close("terminal = ? AND phase = 'open' AND first < ?", (name, fresh[-1].run))

    def _close_run(self, name: str, run: ClosedRun) -> None:
        # What is told of a run that is not whole here is not true yet: a successor or silence closes it.
        whole = "terminal = ? AND first = ? AND count = ? AND phase = 'open'"
        self._close(whole, (name, run.first, run.count))

    def _enter_content(self, entry: TerminalEntry, fresh: Sequence[SentRecord], waiting: Waiting) -> None:
        """Enter loads or replies beside the records; a refused one counts for nothing."""
        name = str(entry.identifier)
        accepted = [one for one in fresh if one.number not in waiting.refused]
        if entry.kind is TerminalKind.IOT:
            rows: list[Sequence[object]] = []
            for one in accepted:
                reading = read_load(one.data)
                rows.append((entry.site, reading.start_ms, name, reading.length_s, reading.energy_wh))
            self._database.insert_new("load", _LOAD_COLUMNS, rows)
            return
        for one in accepted:
            reply = DemandReply.from_bytes(one.data)
            rows = [(reply.demand, entry.site, name, one.number, reply.reduction_wh, waiting.received_ms)]
            self._database.insert_new("reply", _REPLY_COLUMNS, rows)

    def _answered_before(self, terminal: TerminalIdentifier, known: Sequence[SentRecord]) -> dict[int, str]:
        """Return what known records were refused with, and `differs` for those that are others now."""
        refused: dict[int, str] = {}
        if not known:
            return refused
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
