"""The integrity contract's transactions and queries as typed calls."""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.exchange.contract_calls import ContractCalls
from gridledger.model.device import (
    ItemResult,
)
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.integrity import DepositedRoot, PeriodRoot, Verdict
from gridledger.model.period import Period

__all__ = ["IntegrityCalls"]

_ITEMS = tuple[ItemResult, ...]


class IntegrityCalls(ContractCalls):
    """The integrity contract's transactions and queries as typed calls; see `ExchangeLedger`."""

    async def deposit_roots(
        self, system: SystemIdentifier, roots: Sequence[PeriodRoot]
    ) -> tuple[ItemResult, ...]:
        """Deposit up to 1,000 roots."""
        return await self._submit(_ITEMS, "integrity", "DepositRoots", system, list(roots))

    async def deposit(self, field: FieldIdentifier, period: Period) -> DepositedRoot:
        """Return a deposited root."""
        return await self._ask(DepositedRoot, "integrity", "GetDeposit", field, period)

    async def verdict(self, resolution: str) -> Verdict:
        """Return the verdict of a resolution."""
        return await self._ask(Verdict, "integrity", "GetVerdict", resolution)
