"""Measured steps of growth as CSV: what so many more units made the ledger's machines do and keep."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path

from gridledger.model.errors import ModelError

__all__ = ["STEPS", "Operation", "Step", "read_steps", "write_steps"]

STEPS = Path(__file__).resolve().parents[2] / "docs" / "figures" / "scale-slopes.csv"


class Operation(StrEnum):
    """What was done so many times."""

    PUT = "put"
    """A value of 100 bytes under a key of its own, by a chaincode that does nothing else."""
    EVALUATE = "evaluate"
    """The same, asked of one organisation's peer and not ordered."""
    DEVICE = "device"
    FIELD = "field"
    """A field with its charging standard."""
    DEPOSIT = "deposit"
    """The root of one field and period."""
    TERMINAL_RUN = "terminal run"
    """A run of records, anchored by its terminal."""
    SERVER_RUN = "server run"
    """A run of records, anchored by the server among those of other terminals."""
    QUERY = "query"
    """Resolution, order, contract and settlement; two systems, a day, three fields."""
    ENVELOPE = "envelope"
    """A deposit with a ring of 11."""
    READ_MODEL = "read model"
    """A field, with a tenth of its device, taken into the read model; `state_disk` is its file's."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step; sums over all processes of a kind, and over peers the bytes of one."""

    operation: Operation
    units: int
    before: int
    """Units that were there before."""
    transactions: int
    blocks: int
    in_flight: int
    """Calls under way at the same time."""
    seconds: float
    p50_ms: float
    """Median of the calls, of the clock."""
    p95_ms: float
    client_ms: float
    """CPU; so of the following, of all processes of the kind together."""
    chaincode_ms: float
    peer_ms: float
    """Without what peers use when nothing happens; so of orderers."""
    orderer_ms: float
    commit_ms: float
    """What one peer logged for committing blocks, of the clock; each as the fastest with as much in it."""
    envelope_bytes: int
    """Of the transactions in the blocks."""
    writes: int
    write_bytes: int
    """Keys and values that were written."""
    chain_disk: int
    """Bytes that a peer's block files grew by; so of the following, of one peer."""
    index_disk: int
    state_disk: int
    history_disk: int

    @property
    def cpu_ms(self) -> float:
        """CPU of all processes."""
        return self.client_ms + self.chaincode_ms + self.peer_ms + self.orderer_ms


_NAMES = tuple(one.name for one in fields(Step))
_TEXT = {"operation"}
_COUNTS = {one.name for one in fields(Step) if one.type == "int"}
_SIGNED = {"index_disk", "state_disk", "history_disk"}
"""A store that tidies up may shrink."""


def write_steps(steps: Iterable[Step]) -> str:
    """Return steps as CSV."""
    written = io.StringIO()
    writer = csv.DictWriter(written, _NAMES, lineterminator="\n")
    writer.writeheader()
    for one in steps:
        row = asdict(one)
        writer.writerow({name: f"{row[name]:.3f}" if _is_measure(name) else row[name] for name in _NAMES})
    return written.getvalue()


def read_steps(text: str) -> list[Step]:
    """Read steps from CSV.

    Raises
    ------
    ModelError
        With all problems, by line and column.
    """
    try:
        rows = list(csv.reader(io.StringIO(text)))
    except csv.Error as error:
        raise ModelError({"": "is no CSV"}, subject="steps") from error
    if not rows or tuple(rows[0]) != _NAMES:
        raise ModelError({"1": f"want the columns {', '.join(_NAMES)}"}, subject="steps")
    problems: dict[str, str] = {}
    steps: list[Step] = []
    for line, row in enumerate(rows[1:], 2):
        if len(row) != len(_NAMES):
            problems[str(line)] = f"want {len(_NAMES)} columns"
            continue
        found = {name: _read(name, cell) for name, cell in zip(_NAMES, row, strict=True)}
        wrong = [name for name, value in found.items() if value is None]
        problems |= {f"{line}.{name}": "is out of range" for name in wrong}
        if not wrong:
            steps.append(Step(**found))  # type: ignore[arg-type]
    if problems:
        raise ModelError(problems, subject="steps")
    return steps


def _is_measure(name: str) -> bool:
    return name not in _TEXT and name not in _COUNTS


def _read(name: str, cell: str) -> Operation | int | float | None:
    try:
        if name in _TEXT:
            return Operation(cell)
        value = float(cell) if _is_measure(name) else int(cell)
    except ValueError:
        return None
    least = -math.inf if name in _SIGNED else 0
    return value if math.isfinite(value) and value >= least else None
