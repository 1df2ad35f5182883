"""The trade contract's transactions and queries for pay-outs as typed calls."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gridledger.exchange.contract_calls import ContractCalls
from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.pay_out import PayOut, PayOutEntry, PayOutPage

__all__ = ["PayOutCalls"]


class PayOutCalls(ContractCalls):
    """Pay-outs; see `ExchangeLedger`."""

    async def ask_pay_out(self, entry: PayOutEntry, *, call_key: str | None = None) -> PayOut:
        """Set money aside, to be paid outside."""
        return await self._once(PayOut, "trade", "AskPayOut", entry, call_key=call_key)

    async def confirm_pay_out(self, account: SystemIdentifier, pay_out: str, evidence: Digest) -> PayOut:
        """Say that a pay-out was paid outside."""
        return await self._submit(PayOut, "trade", "ConfirmPayOut", account, pay_out, evidence)

    async def refuse_pay_out(self, account: SystemIdentifier, pay_out: str, reason: str) -> PayOut:
        """Refuse a pay-out, whose money is then the account's again."""
        return await self._submit(PayOut, "trade", "RefusePayOut", account, pay_out, reason)

    async def pay_outs(self, account: SystemIdentifier) -> AsyncIterator[PayOut]:
        """Give the pay-outs of an account, page by page."""
        bookmark = ""
        while True:
            page = await self._ask(PayOutPage, "trade", "ListPayOuts", account, bookmark)
            for one in page.pay_outs:
                yield one
            bookmark = page.bookmark
            if not bookmark:
                return
