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
    "MAX_ACTUAL_ROOTS",
    "MAX_DEPOSITS",
    "MAX_SUPPLEMENTS",
    "ActualRoots",
    "DepositedRoot",
    "FieldCheck",
    "PartRoot",
    "PeriodRoot",
    "SignedRoots",
    "Supplement",
    "TamperCheck",
    "Verdict",
]

MAX_DEPOSITS = 1000
"""Roots a call, and field-period pairs a resolution."""

MAX_SUPPLEMENTS = 31
"""Supplements of a field and period: a record stays below 10 KB. Rows that come later stay late rows."""

MAX_ACTUAL_ROOTS = 2000
"""Roots of one owner's statement: a period has more than one where rows came late."""

Rows = Annotated[int, Field(ge=0, le=2**40)]
Number = Annotated[int, Field(ge=0, le=MAX_SUPPLEMENTS + 1)]


@value
class PartRoot(ModelValue):
    """The Merkle root over rows that belong to one deposit."""

    root: Digest
    rows: Rows


@value
class PeriodRoot(ModelValue):
    """The Merkle root over the rows of one field and period that belong to one deposit."""

    field: FieldIdentifier
    period: Period
    supplement: Number = 0
    """0: the period's first deposit; n: its n-th supplement, of rows that came later."""
    root: Digest
    rows: Rows

    def part(self) -> PartRoot:
        """Return the root without what it is of."""
        return PartRoot(root=self.root, rows=self.rows)


@value
class Supplement(ModelValue):
    """Rows that came after a deposit of their period, deposited in their turn."""

    root: PartRoot
    deposited_ms: int
    tx_id: str


@record("root-deposit/1")
class DepositedRoot(Record):
    """A period's root as it was deposited, and its supplements in their order; nothing of it ever changes."""

    root: PeriodRoot
    """The first, supplement 0."""
    deposited_ms: int
    tx_id: str
    supplements: tuple[Supplement, ...] = ()

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if self.root.supplement != 0:
            yield "root", "is a supplement"
        if len(self.supplements) > MAX_SUPPLEMENTS:
            yield "supplements", f"are more than {MAX_SUPPLEMENTS}"

    def parts(self) -> tuple[PartRoot, ...]:
        """Return the roots of the first deposit and of each supplement."""
        return (self.root.part(), *(one.root for one in self.supplements))


@record("actual-roots/1")
class ActualRoots(Record):
    """What an owner computed from its database for one request; signed by its agent.

    For each field and period: the roots over the rows of each deposit as they stand now, and, where there are
    rows beside them, the root over these as the supplement that follows.
    """

    request: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """The request's id."""
    system: SystemIdentifier
    roots: tuple[PeriodRoot, ...]
    """Those of a field and period in the order of their supplements, from 0."""
    computed_ms: int

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if len(self.roots) > MAX_ACTUAL_ROOTS:
            yield "roots", f"are more than {MAX_ACTUAL_ROOTS}"
        counts: dict[tuple[str, str], int] = {}
        for one in self.roots:
            name = (str(one.field), str(one.period))
            if one.supplement != counts.get(name, 0):
                yield "roots", f"{one.field} {one.period}: supplement {one.supplement} out of turn"
                return
            counts[name] = one.supplement + 1

    def by_period(self) -> dict[tuple[FieldIdentifier, Period], tuple[PartRoot, ...]]:
        """Return the roots of each field and period, in the order of their supplements."""
        found: dict[tuple[FieldIdentifier, Period], tuple[PartRoot, ...]] = {}
        for one in self.roots:
            name = (one.field, one.period)
            found[name] = (*found.get(name, ()), one.part())
        return found


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
    """The root of the first deposit."""
    rows: int | None = None
    """The first deposit's number of rows."""
    supplements: tuple[PartRoot, ...] = ()
    """Those that were deposited."""
    late_rows: int | None = None
    """How many rows beside the deposited ones the owner has now, if it has any."""
    deposited_as: FieldIdentifier | None = None
    """What the field was called when the period was deposited, where that was another name: in its leaves."""

    def parts(self) -> tuple[PartRoot, ...]:
        """Return the deposited roots: what a delivery must lead to."""
        if self.root is None or self.rows is None:
            return ()
        return (PartRoot(root=self.root, rows=self.rows), *self.supplements)

    def deposited_rows(self) -> int:
        """Return the number of rows in all deposits of the period."""
        return sum(part.rows for part in self.parts())


@value
class TamperCheck(ModelValue):
    """One line of a verdict."""

    field: FieldIdentifier
    check: FieldCheck
    actual: tuple[PartRoot, ...] = ()
    """The actual roots, if the owner signed some; late rows come last."""


@record("verdict/1")
class Verdict(Record):
    """All comparisons of one resolution."""

    resolution: str
    checks: tuple[TamperCheck, ...]
    decided_ms: int

    def altered(self) -> tuple[TamperCheck, ...]:
        """Return the lines whose rows are not those that were deposited."""
        return tuple(line for line in self.checks if line.check.outcome is Outcome.ALTERED)

    def late(self) -> tuple[TamperCheck, ...]:
        """Return the lines whose deposited rows are unchanged, and have others beside them."""
        return tuple(line for line in self.checks if line.check.outcome is Outcome.LATE_ROWS)
