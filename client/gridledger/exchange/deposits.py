"""An owner's deposits: each root once, whatever dies in between.

A deposit is kept as pending with its leaves before it is offered to the ledger, and confirmed by the ledger's
answer. What a crash left pending is offered again as it was kept, not as the database has it by then: the
ledger takes the same root any number of times and writes it once.

Source: CN112508707B, [0101], [0102].
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from gridledger.exchange.field_source import FieldSource
from gridledger.exchange.leaves import PeriodParts, leaf_digests, split_period
from gridledger.exchange.ledger import ExchangeLedger
from gridledger.exchange.source import Database
from gridledger.exchange.vault import DepositState, Vault
from gridledger.model.delivery import DeliveredPeriod
from gridledger.model.device import ItemResult
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.integrity import MAX_DEPOSITS, PeriodRoot
from gridledger.model.integrity_refusals import DepositedBeforeMove
from gridledger.model.period import Day, Frequency, Period

__all__ = ["Deposited", "Deposits", "DueField", "Reader"]

Reader = Callable[[FieldIdentifier, Period, FieldIdentifier], DeliveredPeriod]
"""Reads a field and period from the database, with leaves of the name given last, blocking."""

MAX_LEAVES: Final = 500_000
"""Rows whose leaves are held in memory at once, about 60 MB; then the roots so far are deposited."""

_READS_A_MOMENT: Final = 100
"""Fields and periods that are read over one connection; a writer to SQLite waits no longer than for these."""


@dataclass(frozen=True, kw_only=True)
class Deposited:
    """A root that was offered for deposit, and what the contract said."""

    root: PeriodRoot
    result: ItemResult


@dataclass(frozen=True, kw_only=True)
class DueField:
    """A field of a device, and where it stands."""

    identifier: FieldIdentifier
    source: FieldSource
    frequency: Frequency


class _Due(NamedTuple):
    """A field and period to look at."""

    field: FieldIdentifier
    period: Period
    deposited_as: FieldIdentifier | None
    """The name under which it has a deposit; None where it has none yet."""


class Deposits:
    """Computes, offers and confirms the deposits of one system.

    Parameters
    ----------
    ledger : ExchangeLedger
    database : Database
    vault : Vault
    read : Reader
    clock : callable, default time.time
        Seconds since 1970.
    """

    def __init__(
        self,
        ledger: ExchangeLedger,
        database: Database,
        vault: Vault,
        read: Reader,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._database = database
        self._vault = vault
        self._read = read
        self._clock = clock

    async def make(
        self,
        system: SystemIdentifier,
        fields: Sequence[DueField],
        *,
        closed_before: Day | None = None,
        late: bool = False,
    ) -> list[Deposited]:
        """Deposit all periods that have no deposit yet, and what is pending.

        Parameters
        ----------
        system : SystemIdentifier
        fields : sequence of DueField
        closed_before : Day, optional
            Only periods whose last day is before it; by default all that have rows.
        late : bool, default False
            Whether rows that came after the deposit of their period are deposited as its supplement. All
            deposited periods are read for it.

        Raises
        ------
        SourceUnreadable
            The database cannot be read as the settings say. What was deposited before stands.
        GatewayError, ContractError
            The ledger cannot be reached or refuses the caller. What was offered stays pending.
        ServiceUnavailable
            Another run deposits for this vault.
        """
        with self._vault.depositing():
            return await self._make(system, fields, closed_before, late)

    async def _make(
        self, system: SystemIdentifier, fields: Sequence[DueField], closed_before: Day | None, late: bool
    ) -> list[Deposited]:
        found = await self._offer(system, await asyncio.to_thread(self._vault.pending))
        due = await asyncio.to_thread(self._due, fields, closed_before, late)
        while due:
            roots, looked_at = await asyncio.to_thread(self._prepare, due)
            due = due[looked_at:]
            found += await self._offer(system, roots)
        return found

    def parts(self, period: DeliveredPeriod) -> PeriodParts:
        """Part rows by the deposits that the ledger has; blocking."""
        kept = self._vault.leaves(period.field, period.period)
        deposits = self._vault.deposits(period.field, period.period)
        count = sum(one.state is DepositState.DEPOSITED for one in deposits)
        return split_period(period, {key: leaf.supplement for key, leaf in kept.items()}, count=count)

    def _due(self, fields: Sequence[DueField], closed_before: Day | None, late: bool) -> list[_Due]:
        """Return what is to be looked at: periods without a deposit; for late rows all that are closed."""
        return [
            _Due(field.identifier, period, known.get(period))
            for field in fields
            for known in (self._vault.periods_of(field.identifier),)
            for period in self._closed(field, closed_before)
            if late or period not in known
        ]

    def _closed(self, field: DueField, closed_before: Day | None) -> list[Period]:
        own_code = field.identifier.device.own_code
        there = self._database.periods(field.source, own_code, field.frequency)
        return [one for one in there if closed_before is None or _is_closed(one, closed_before)]

    def _prepare(self, due: Sequence[_Due]) -> tuple[list[PeriodRoot], int]:
        """Keep as pending as many deposits as go at once; return their roots, and how much was looked at."""
        found: list[tuple[PeriodRoot, Mapping[str, bytes]]] = []
        leaves = looked_at = 0
        while looked_at < len(due) and len(found) < MAX_DEPOSITS and leaves <= MAX_LEAVES:
            with self._database.moment():
                for one in due[looked_at : looked_at + _READS_A_MOMENT]:
                    looked_at += 1
                    rows = self._read(one.field, one.period, one.deposited_as or one.field)
                    part = rows if one.deposited_as is None else self.parts(rows).late
                    if part is None:
                        continue
                    found.append((part.root(), leaf_digests(part)))
                    leaves += len(part.rows)
                    if len(found) == MAX_DEPOSITS or leaves > MAX_LEAVES:
                        break
        self._vault.prepare(found, now_ms=int(self._clock() * 1000))
        return [root for root, _ in found], looked_at

    async def _offer(self, system: SystemIdentifier, roots: Sequence[PeriodRoot]) -> list[Deposited]:
        """Offer roots, each for the prefix that its field's name has; the system's own first."""
        found: list[Deposited] = []
        prefixes = {root.field.system for root in roots}
        for prefix in sorted(prefixes, key=lambda one: (one != system, str(one))):
            below = [root for root in roots if root.field.system == prefix]
            for start in range(0, len(below), MAX_DEPOSITS):
                found += await self._offer_part(prefix, below[start : start + MAX_DEPOSITS])
        return found

    async def _offer_part(self, system: SystemIdentifier, roots: Sequence[PeriodRoot]) -> list[Deposited]:
        results = await self._ledger.deposit_roots(system, roots)
        offered = [Deposited(root=root, result=result) for root, result in zip(roots, results, strict=True)]
        taken = [one.root for one in offered if one.result.accepted]
        refused = [one.root for one in offered if not one.result.accepted]
        await asyncio.to_thread(self._vault.settle, taken, refused)
        moved = {one.root.field for one in offered if one.result.code == DepositedBeforeMove.code}
        for field in sorted(moved, key=str):
            former = (await self._ledger.device(field.device)).former or ()
            names = [one.field(field.name) for one in former]
            await asyncio.to_thread(self._vault.keep_former, field, names)
        # What was deposited under a former name is no refusal: it is known from now on.
        return [one for one in offered if one.result.code != DepositedBeforeMove.code]


def _is_closed(period: Period, closed_before: Day) -> bool:
    days = period.days()
    return days is None or days[1] < closed_before
