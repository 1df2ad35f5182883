"""The keys of demand response's records: the key tree of chaincode/LEDGER.md, section 2."""

from __future__ import annotations

from gridledger.model.identifier import SystemIdentifier
from gridledger.model.keys import KeyPrefix
from gridledger.model.response import (
    AnchorHead,
    AnchorSide,
    OpenedRun,
    RunAnchor,
    RunMark,
    Terminal,
    TerminalIdentifier,
)
from gridledger.shim import Key

__all__ = [
    "anchor_head_key",
    "mismatch_key",
    "mismatches_of",
    "opened_run_key",
    "run_anchor_key",
    "runs_of",
    "terminal_key",
    "terminals_of",
]


def terminal_key(terminal: TerminalIdentifier) -> Key[Terminal]:
    return Key(Terminal, KeyPrefix.TERMINAL, str(terminal.system), terminal.name)


def terminals_of(system: SystemIdentifier) -> Key[Terminal]:
    return Key(Terminal, KeyPrefix.TERMINAL, str(system))


def run_anchor_key(terminal: TerminalIdentifier, first: int, side: AnchorSide) -> Key[RunAnchor]:
    return Key(RunAnchor, KeyPrefix.RUN_ANCHOR, str(terminal), f"{first:010}", side.value)


def runs_of(terminal: TerminalIdentifier) -> Key[RunAnchor]:
    return Key(RunAnchor, KeyPrefix.RUN_ANCHOR, str(terminal))


def anchor_head_key(terminal: TerminalIdentifier, side: AnchorSide) -> Key[AnchorHead]:
    return Key(AnchorHead, KeyPrefix.ANCHOR_HEAD, str(terminal), side.value)


def opened_run_key(terminal: TerminalIdentifier, first: int, side: AnchorSide) -> Key[OpenedRun]:
    return Key(OpenedRun, KeyPrefix.OPENED_RUN, str(terminal), f"{first:010}", side.value)


def mismatch_key(terminal: TerminalIdentifier, first: int) -> Key[RunMark]:
    parts = (str(terminal.system), terminal.name, f"{first:010}")
    return Key(RunMark, KeyPrefix.MISMATCH_BY_SYSTEM, *parts)


def mismatches_of(system: SystemIdentifier) -> Key[RunMark]:
    return Key(RunMark, KeyPrefix.MISMATCH_BY_SYSTEM, str(system))
