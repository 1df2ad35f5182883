"""Deposits of Merkle roots, actual roots, and verdicts.

Source: CN112508707B, [0100] to [0105].
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, StringConstraints

from gridledger.model.digest import Digest
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.period import Period
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.states import Outcome

__all__ = [
    "MAX_DEPOSITS",
    "ActualRoots",
    "DepositedRoot",
    "FieldCheck",
    "PeriodRoot",
    "SignedRoots",
    "Verdict",
]

MAX_DEPOSITS = 1000
"""Roots a call, and field-period pairs a resolution."""

Rows = Annotated[int, Field(ge=0, le=2**40)]


@value
class PeriodRoot(ModelValue):
    """The Merkle root over the rows of one field and period."""

    field: FieldIdentifier
    period: Period
    root: Digest
    rows: Rows


@record("root-deposit/1")
class DepositedRoot(Record):
    """A root as it was deposited."""

    root: PeriodRoot
    deposited_ms: int
    tx_id: str


@record("actual-roots/1")
class ActualRoots(Record):
    """What an owner computed from its database for one request; signed by its agent."""

    request: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """The request's id."""
    system: SystemIdentifier
    roots: tuple[PeriodRoot, ...]
    computed_ms: int

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if len(self.roots) > MAX_DEPOSITS:
            yield "roots", f"are more than {MAX_DEPOSITS}"


@value
class SignedRoots(ModelValue):
    """Actual roots and the agent's signature over their bytes."""

    roots: ActualRoots
    signature: bytes


@value
class FieldCheck(ModelValue):
    """The comparison of one field and period."""

    period: Period
    outcome: Outcome
    root: Digest | None = None
    """The deposited root."""
    rows: int | None = None
    """The deposited number of rows."""


@value
class TamperCheck(ModelValue):
    """One line of a verdict."""

    field: FieldIdentifier
    check: FieldCheck
    actual: Digest | None = None
    """The actual root, if the owner signed one."""


@record("verdict/1")
class Verdict(Record):
    """All comparisons of one resolution."""

    resolution: str
    checks: tuple[TamperCheck, ...]
    decided_ms: int

    def altered(self) -> tuple[TamperCheck, ...]:
        """Return the lines whose rows are not those that were deposited."""
        return tuple(line for line in self.checks if line.check.outcome is Outcome.ALTERED)
