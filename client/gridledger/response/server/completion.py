"""From the inbox into business rows: what a server does with a message once it has replied.

Source: CN115334117A, claims 1, 4 and 5 ("request completed").
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from gridledger.model.digest import Digest
from gridledger.model.response import (
    RefusedRecord,
    TerminalEntry,
    TerminalIdentifier,
    TerminalKind,
    record_leaves,
)
from gridledger.response.database import Database, Row
from gridledger.response.kept import Phase
from gridledger.response.message import (
    DemandReply,
    RecordsAnswer,
    RecordsMessage,
    SentRecord,
    read_load,
)
from gridledger.response.record_store import Clock, RecordStore, Watch
from gridledger.response.server.inbox import Waiting
from gridledger.response.server.schema import SERVER_SCHEMA
from gridledger.response.state import Happening, RecordState, Side

__all__ = ["Completion"]

_COLUMNS: Final = (
    "terminal", "number", "run", "time_ms", "state", "data", "salt", "leaf", "code", "received_ms",
)  # fmt: skip
_LOAD_COLUMNS: Final = ("site", "start_ms", "terminal", "length_s", "energy_wh")
_REPLY_COLUMNS: Final = ("demand", "site", "terminal", "number", "reduction_wh", "received_ms")
_MESSAGES: Final = 64
"""Messages that are moved in one transaction: up to 64,000 rows."""
_REMEMBERED: Final = 16
"""Messages of up to 1,000 records that need not be read again."""


@dataclass(kw_only=True)
class _Moved:
    """The rows of some messages."""

    records: list[Row] = field(default_factory=list)
    loads: list[Row] = field(default_factory=list)
    replies: list[Row] = field(default_factory=list)
    fresh: dict[int, list[SentRecord]] = field(default_factory=dict)
    """By message, the records that no earlier one brought."""
    lasts: dict[str, int] = field(default_factory=dict)
    """By terminal, the last record."""
    refused: int = 0


class Completion(RecordStore):
    """Moves messages out of the inbox; several threads may, one does at a time.

    Parameters
    ----------
    database : Database
        A connection on which nothing is received, where the database has several writers.
    owner : str
        As the server's store has it.
    entry_of : callable
        Returns a terminal's entry.
    clock, watch
        See `RecordStore`.
    """

    schema = SERVER_SCHEMA

    def __init__(
        self,
        database: Database,
        owner: str,
        entry_of: Callable[[TerminalIdentifier], TerminalEntry],
        *,
        clock: Clock,
        watch: Watch,
    ) -> None:
        super().__init__(database, Side.SERVER, owner, clock=clock, watch=watch)
        self._entry_of = entry_of
        self._turn = threading.Lock()
        self._read: dict[int, RecordsMessage] = {}
        """Messages of the inbox that this process has read already."""

    @property
    def is_full(self) -> bool:
        """Whether no further message of the inbox is remembered."""
        return len(self._read) >= _REMEMBERED

    def remember(self, kept: int, message: RecordsMessage) -> None:
        """Spare the reading of a message that this process puts into the inbox."""
        if len(self._read) < _REMEMBERED:
            self._read[kept] = message

    def forget(self, kept: Sequence[int]) -> None:
        """Take back what was remembered of messages that did not come into the inbox for certain."""
        for one in kept:
            self._read.pop(one, None)

    def complete(self) -> int:
        """Move the messages that are longest in the inbox; see `ServerStore.complete`."""
        with self._turn:
            waiting = self._waiting()
            if not waiting:
                return 0
            moved = self._moved(waiting)
            with self._move(Happening.COMPLETED):
                self._write(moved)
                for one in waiting:
                    self._enter_runs(one, moved.fresh[one.id])
                # At the end: who receives from these terminals waits for as long as their rows are held.
                for name, last in sorted(moved.lasts.items()):
                    self._database.run("UPDATE progress SET last = ? WHERE terminal = ?", (last, name))
                self._database.run("DELETE FROM inbox WHERE id <= ?", (waiting[-1].id,))
            for one in waiting:
                self._read.pop(one.id, None)
            return len(moved.records)

    def _waiting(self) -> list[Waiting]:
        rows = self._database.rows(
            "SELECT id, answer, received_ms FROM inbox ORDER BY id LIMIT ?", (_MESSAGES,)
        )
        return [
            Waiting(
                id=number,
                message=self._read.get(number) or self._message(number),
                refused={one.number: one.code for one in RecordsAnswer.from_bytes(bytes(answer)).refused},
                received_ms=received_ms,
            )
            for number, answer, received_ms in rows
        ]

    def _message(self, number: int) -> RecordsMessage:
        ((body,),) = self._database.rows("SELECT body FROM inbox WHERE id = ?", (number,))
        return RecordsMessage.from_bytes(bytes(body))

    def _moved(self, waiting: Sequence[Waiting]) -> _Moved:
        """Make the rows of messages; what an earlier message brought is left out."""
        moved = _Moved()
        for one in waiting:
            name = str(one.message.terminal)
            if name not in moved.lasts:
                ((moved.lasts[name],),) = self._database.rows(
                    "SELECT last FROM progress WHERE terminal = ?", (name,)
                )
            fresh = [record for record in one.message.records if record.number > moved.lasts[name]]
            moved.fresh[one.id] = fresh
            if fresh:
                moved.lasts[name] = fresh[-1].number
                self._add_records(moved, one, fresh)
                self._add_content(moved, one, fresh)
        return moved

    def _add_records(self, moved: _Moved, waiting: Waiting, fresh: Sequence[SentRecord]) -> None:
        terminal, refused = waiting.message.terminal, waiting.refused
        name, received_ms = str(terminal), waiting.received_ms
        completed = self._next(RecordState.RECEIVED, Happening.COMPLETED).value
        error = self._next(RecordState.RECEIVED, Happening.REFUSED).value
        leaves = record_leaves(
            terminal, ((one.number, one.run, one.time_ms, Digest.salted(one.salt, one.data)) for one in fresh)
        )
        for one, leaf in zip(fresh, leaves, strict=True):
            state, code = completed, None
            if one.number in refused:
                state, code = error, refused[one.number]
                leaf = RefusedRecord(terminal=terminal, number=one.number, run=one.run).leaf
                moved.refused += 1
            moved.records.append(
                (
                    name,
                    one.number,
                    one.run,
                    one.time_ms,
                    state,
                    one.data,
                    one.salt,
                    leaf.raw,
                    code,
                    received_ms,
                )
            )

    def _add_content(self, moved: _Moved, waiting: Waiting, fresh: Sequence[SentRecord]) -> None:
        """Add loads or replies; a refused record counts for nothing."""
        entry = self._entry_of(waiting.message.terminal)
        name, site = str(entry.identifier), entry.site
        accepted = [one for one in fresh if one.number not in waiting.refused]
        if entry.kind is TerminalKind.IOT:
            for one in accepted:
                load = read_load(one.data)
                moved.loads.append((site, load.start_ms, name, load.length_s, load.energy_wh))
            return
        for one in accepted:
            reply = DemandReply.from_bytes(one.data)
            moved.replies.append(
                (reply.demand, site, name, one.number, reply.reduction_wh, waiting.received_ms)
            )

    # --- within transactions

    def _write(self, moved: _Moved) -> None:
        if moved.records:
            self._database.insert("record", _COLUMNS, moved.records)
            self._database.insert_new("load", _LOAD_COLUMNS, moved.loads)
            self._database.insert_new("reply", _REPLY_COLUMNS, moved.replies)
        self._tally.count(RecordState.RECEIVED, -len(moved.records))
        self._tally.count(RecordState.REQUEST_COMPLETED, len(moved.records) - moved.refused)
        self._tally.count(RecordState.SERVER_ERROR, moved.refused)

    def _enter_runs(self, waiting: Waiting, fresh: Sequence[SentRecord]) -> None:
        """Add records to their runs; one that has a successor, or that its terminal has ended, is closed."""
        name = str(waiting.message.terminal)
        for first, count in Counter(one.run for one in fresh).items():
            entered = self._database.rows(
                "INSERT INTO run (terminal, first, count, phase, opened_ms) VALUES (?, ?, ?, 'open', ?)"
                " ON CONFLICT (terminal, first) DO UPDATE SET count = run.count + excluded.count"
                " WHERE run.phase IN ('open', 'closed') RETURNING count",
                (name, first, count, waiting.received_ms),
            )
            # A run that was there has more records now than this message brought.
            self._tally.count_runs(Phase.OPEN, int(entered == [(count,)]))
        if fresh:
            self._close("terminal = ? AND phase = 'open' AND first < ?", (name, fresh[-1].run))
        for run in waiting.message.closed:
            # What is told of a run that is not whole here is not true yet: a successor or silence closes it.
            whole = "terminal = ? AND first = ? AND count = ? AND phase = 'open'"
            self._close(whole, (name, run.first, run.count))
