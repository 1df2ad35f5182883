"""What is asked of a store's records and runs; nothing here reads more than it returns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gridledger.model.response import MAX_RUN, RunName, TerminalIdentifier
from gridledger.model.states import RunState
from gridledger.response.database import Database
from gridledger.response.errors import RecordUnknown
from gridledger.response.kept import KeptRecord, KeptRun, Phase, canonical_record, split_leaves
from gridledger.response.run_export import ExportedRecord, RunExport
from gridledger.response.state import RecordState
from gridledger.response.tally import Tally

__all__ = ["RecordReader"]

_PAGE: Final = 256
"""Runs that are listed at once where all are gone through."""


class RecordReader:
    """Questions to the database of a terminal or a server.

    Parameters
    ----------
    database : Database
        One in which the tables are when the first question comes.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tally = Tally(database)

    def tally(self) -> dict[RecordState, int]:
        """Return how many records are in each state; without a scan."""
        return self._tally.records()

    def comparisons(self) -> dict[str, int]:
        """Return how many runs are in each phase, and how anchored ones compare; without a scan."""
        return self._tally.runs()

    def refused(self, limit: int = 100) -> list[tuple[str, int, str]]:
        """Return terminal, number and code of records that the server refused, the latest first."""
        return [
            (terminal, number, code)
            for terminal, number, code in self._database.rows(
                "SELECT terminal, number, code FROM record WHERE state = 'server-error'"
                " ORDER BY terminal DESC, number DESC LIMIT ?",
                (limit,),
            )
        ]

    def record(self, terminal: TerminalIdentifier, number: int) -> KeptRecord:
        """Return a record; RecordUnknown where its row is not here, or not here any more."""
        row = self._database.row(
            "SELECT number, run, time_ms, data, salt, state, code FROM record"
            " WHERE terminal = ? AND number = ?",
            (str(terminal), number),
        )
        if row is None:
            raise RecordUnknown(f"there is no row of record {number} of {terminal}")
        _, run, time_ms, data, salt, state, code = row
        data, salt = bytes(data), bytes(salt)
        return KeptRecord(
            record=canonical_record(terminal, number, run, time_ms, data, salt),
            state=RecordState(state),
            data=data,
            salt=salt,
            code=code,
        )

    def run_of(self, terminal: TerminalIdentifier, number: int) -> KeptRun:
        """Return the run that holds a record; RecordUnknown where there is none."""
        row = self._database.row(
            "SELECT first, count, phase, tx_id, block, comparison, leaves FROM run"
            " WHERE terminal = ? AND first <= ? ORDER BY first DESC LIMIT 1",
            (str(terminal), number),
        )
        if row is None or number >= row[0] + row[1]:
            raise RecordUnknown(f"there is no run with record {number} of {terminal}")
        first, count, phase, tx_id, block, comparison, leaves = row
        return KeptRun(
            name=RunName(terminal=terminal, first=first),
            count=count,
            phase=Phase(phase),
            tx_id=tx_id,
            block=block,
            comparison=None if comparison is None else RunState(comparison),
            leaves=split_leaves(bytes(leaves or b"")),
        )

    def export(self, name: RunName) -> RunExport | None:
        """Return a run with its records; None where their rows are gone."""
        rows = self._database.rows(
            "SELECT number, time_ms, salt, data, code FROM record"
            " WHERE terminal = ? AND number BETWEEN ? AND ? AND run = ? ORDER BY number",
            (str(name.terminal), name.first, name.first + MAX_RUN - 1, name.first),
        )
        if not rows:
            return None
        records = tuple(
            ExportedRecord(number=number, time_ms=time_ms, salt=bytes(salt), data=bytes(data), code=code)
            for number, time_ms, salt, data, code in rows
        )
        return RunExport(terminal=name.terminal, first=name.first, records=records)

    def exports(self) -> Iterator[RunExport]:
        """Yield the anchored runs whose rows are here, by terminal and in their order."""
        last: tuple[str, int] = ("", 0)
        while rows := self._database.rows(
            "SELECT terminal, first FROM run WHERE phase = 'anchored' AND cleaned = 0"
            " AND (terminal, first) > (?, ?) ORDER BY terminal, first LIMIT ?",
            (*last, _PAGE),
        ):
            for terminal, first in rows:
                export = self.export(RunName(terminal=TerminalIdentifier.parse(terminal), first=first))
                if export is not None:
                    yield export
            last = rows[-1]
