"""Records and runs as a store gives them out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gridledger.model.digest import DIGEST_BYTES, Digest
from gridledger.model.response import Run, RunName, TerminalIdentifier, TerminalRecord
from gridledger.model.states import RunState
from gridledger.response.state import RecordState

__all__ = ["Due", "KeptRecord", "KeptRun", "Phase", "canonical_record", "split_leaves"]


class Phase(StrEnum):
    """What is done with a run."""

    OPEN = "open"
    """Takes further records."""
    CLOSED = "closed"
    """Takes none; anchored once all its records are answered."""
    SENT = "sent"
    """In an envelope whose outcome is not known."""
    ANCHORED = "anchored"
    VOID = "void"
    """The server refused all its records: nothing is anchored."""


@dataclass(frozen=True, kw_only=True)
class Due:
    """A run to be anchored."""

    run: Run
    leaves: tuple[Digest, ...]
    record: TerminalRecord | None
    """The record of a run of one."""


@dataclass(frozen=True, kw_only=True)
class KeptRun:
    """A run as the store has it."""

    name: RunName
    count: int
    phase: Phase
    tx_id: str | None
    block: int | None
    comparison: RunState | None
    leaves: tuple[Digest, ...]
    """Known once it is anchored; they prove its records when the rows are gone."""


@dataclass(frozen=True, kw_only=True)
class KeptRecord:
    """A record as the store has it."""

    record: TerminalRecord
    state: RecordState
    data: bytes
    salt: bytes
    code: str | None
    """Why the server refused it."""


def canonical_record(
    terminal: TerminalIdentifier, number: int, run: int, time_ms: int, data: bytes, salt: bytes
) -> TerminalRecord:
    """Return the canonical transaction of a record whose data are kept."""
    return TerminalRecord(
        terminal=terminal, number=number, run=run, time_ms=time_ms, data=Digest.salted(salt, data)
    )


def split_leaves(leaves: bytes) -> tuple[Digest, ...]:
    """Return a run's digests, which are kept as one value."""
    return tuple(Digest(leaves[at : at + DIGEST_BYTES]) for at in range(0, len(leaves), DIGEST_BYTES))
