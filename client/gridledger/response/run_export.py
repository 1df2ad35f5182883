"""A run with its records as a file: what proves them when their rows are gone.

Rows of settled records are deleted. The digests that stay prove a record to whoever has its data; this is the
form in which data, salts and times are kept. A file has all of a run: nothing else is needed but the ledger.

Source: CN115334117A, claim 6 (data in final states are deleted).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from gridledger.host.durable_file import write_file
from gridledger.model.digest import SALT_BYTES, Digest
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.response import MAX_RUN, RecordNumber, RunName, TerminalIdentifier, leaf_of
from gridledger.response.errors import ExportFailed, RecordUnknown
from gridledger.response.kept import KeptRecord, canonical_record
from gridledger.response.message import MAX_DATA_BYTES, Moment
from gridledger.response.state import RecordState

__all__ = ["ExportedRecord", "RunExport", "RunFolder"]

_PRIVATE: Final = 0o600
"""Data of a household: for their owner alone."""


@value
class ExportedRecord(ModelValue):
    """A record of a run."""

    number: RecordNumber
    time_ms: Moment
    salt: Annotated[bytes, Field(min_length=SALT_BYTES, max_length=SALT_BYTES)]
    data: Annotated[bytes, Field(min_length=1, max_length=MAX_DATA_BYTES)]
    code: Annotated[str, StringConstraints(max_length=32)] | None = None
    """Why the server refused it."""


@record("run-export/1")
class RunExport(Record):
    """All records of an anchored run."""

    terminal: TerminalIdentifier
    first: RecordNumber
    records: Annotated[tuple[ExportedRecord, ...], Field(min_length=1, max_length=MAX_RUN)]
    """In the order of their numbers, without a gap."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        for number, one in enumerate(self.records, self.first):
            if one.number != number:
                yield "records", f"want record {number}, not {one.number}"
                return

    @property
    def name(self) -> RunName:
        """Which run it is."""
        return RunName(terminal=self.terminal, first=self.first)

    @property
    def leaves(self) -> tuple[Digest, ...]:
        """What stands for each record in the run.

        Notes
        -----
        O(n) digests, made at each call.
        """
        return tuple(
            leaf_of(kept.record, refused=kept.code is not None)
            for kept in (self.record(one.number) for one in self.records)
        )

    def record(self, number: int) -> KeptRecord:
        """Return a record as the store had it.

        Raises
        ------
        RecordUnknown
            The run has none of this number.
        """
        place = number - self.first
        if not 0 <= place < len(self.records):
            raise RecordUnknown(f"record {number} is not of the run of {self.terminal} from {self.first} on")
        one = self.records[place]
        return KeptRecord(
            record=canonical_record(self.terminal, number, self.first, one.time_ms, one.data, one.salt),
            state=RecordState.CHAIN_SUCCESS if one.code is None else RecordState.SERVER_ERROR,
            data=one.data,
            salt=one.salt,
            code=one.code,
        )


class RunFolder:
    """A folder of exported runs: `SYSTEM/TERMINAL/FIRST.json`, for their owner alone.

    Parameters
    ----------
    path : Path
        Made with the first run.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def file_of(self, name: RunName) -> Path:
        """Return where a run lies, or would lie."""
        terminal = name.terminal
        return self.path / str(terminal.system) / terminal.name / f"{name.first:010}.json"

    def keep(self, export: RunExport) -> Path:
        """Write a run durably; return its file. Once more writes the same.

        Raises
        ------
        ExportFailed
            The folder does not take it.
        """
        file = self.file_of(export.name)
        try:
            write_file(file, export.to_bytes(), mode=_PRIVATE)
        except OSError as error:
            raise ExportFailed(f"{file} cannot be written: {error.strerror}", file=str(file)) from error
        return file
