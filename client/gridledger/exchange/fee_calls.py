"""The trade contract's functions for fees and entries of accounts as typed calls."""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.exchange.contract_calls import ContractCalls
from gridledger.model.account_entry import EntryPage
from gridledger.model.fee import FeeKey, FeeRate, FeeSchedule
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.notice import FeesPaid
from gridledger.model.page import FeePage
from gridledger.model.trade import MoneyKey

__all__ = ["FeeCalls"]


class FeeCalls(ContractCalls):
    """The trade contract's functions for fees and entries as typed calls; see `ExchangeLedger`."""

    async def set_fees(self, root: SystemIdentifier, rates: Sequence[FeeRate]) -> FeeSchedule:
        """Set the fees below a root, as its platform administrator."""
        return await self._submit(FeeSchedule, "trade", "SetFees", root, list(rates))

    async def pay_fees(
        self,
        account: SystemIdentifier,
        fees: Sequence[FeeKey],
        notes: Sequence[MoneyKey],
        *,
        call_key: str | None = None,
    ) -> FeesPaid:
        """Pay fees out of notes of an account."""
        arguments = (account, list(fees), list(notes))
        return await self._once(FeesPaid, "trade", "PayFees", *arguments, call_key=call_key)

    async def fee_schedule(self, root: SystemIdentifier) -> FeeSchedule:
        """Return the fees below a root; NotFound where none were set."""
        return await self._ask(FeeSchedule, "trade", "GetFees", root)

    async def fees(self, account: SystemIdentifier, bookmark: str = "") -> FeePage:
        """Return a page of the fees that an account owes."""
        return await self._ask(FeePage, "trade", "ListFees", account, bookmark)

    async def entries(
        self, account: SystemIdentifier, from_ms: int, until_ms: int, bookmark: str = ""
    ) -> EntryPage:
        """Return a page of an account's entries from one time (in) to another (out)."""
        return await self._ask(EntryPage, "trade", "ListEntries", account, from_ms, until_ms, bookmark)
