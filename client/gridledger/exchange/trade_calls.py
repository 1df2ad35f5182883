"""The trade contract's transactions and queries as typed calls."""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.exchange.contract_calls import ContractCalls
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.notice import HoldsReturned, PaidIn, SettledLine
from gridledger.model.page import MoneyPage
from gridledger.model.paid_line import PaidLine
from gridledger.model.trade import (
    CountersignedContract,
    MoneyKey,
    Order,
    OrderEntry,
    OwnedMoney,
    Settlement,
)

__all__ = ["TradeCalls"]


class TradeCalls(ContractCalls):
    """The trade contract's transactions and queries as typed calls; see `ExchangeLedger`."""

    async def pay_in(
        self, account: SystemIdentifier, amounts_milliyuan: Sequence[int], *, call_key: str | None = None
    ) -> PaidIn:
        """Make notes for money that was paid in outside."""
        return await self._once(PaidIn, "trade", "PayIn", account, list(amounts_milliyuan), call_key=call_key)

    async def place_order(self, entry: OrderEntry, *, call_key: str | None = None) -> Order:
        """Place an order with its holds."""
        return await self._once_bundled(Order, "trade", "PlaceOrder", entry, call_key=call_key)

    async def deposit_contracts(
        self, contracts: Sequence[CountersignedContract], *, call_key: str | None = None
    ) -> tuple[SettledLine, ...]:
        """Deposit transaction contracts and settle their holds."""
        return await self._once_bundled(
            tuple[SettledLine, ...], "trade", "DepositContracts", list(contracts), call_key=call_key
        )

    async def return_holds(self, order: str, owners: Sequence[SystemIdentifier]) -> HoldsReturned:
        """Return overdue holds to the payer."""
        names = [str(owner) for owner in owners]
        return await self._submit(HoldsReturned, "trade", "ReturnHolds", order, names)

    async def fold_deltas(self, account: SystemIdentifier, deltas: Sequence[MoneyKey]) -> OwnedMoney:
        """Make one note of delta rows."""
        return await self._submit(OwnedMoney, "trade", "FoldDeltas", account, list(deltas))

    async def split_note(
        self, account: SystemIdentifier, note: MoneyKey, amounts_milliyuan: Sequence[int]
    ) -> tuple[OwnedMoney, ...]:
        """Make several notes of one."""
        return await self._submit(
            tuple[OwnedMoney, ...], "trade", "SplitNote", account, note, list(amounts_milliyuan)
        )

    async def order(self, order: str) -> Order:
        """Return an order."""
        return await self._ask(Order, "trade", "GetOrder", order)

    async def paid_line(self, order: str, owner: SystemIdentifier) -> PaidLine:
        """Return a line of an order whose hold waits."""
        return await self._ask_bundled(PaidLine, "trade", "GetPaidLine", order, owner)

    async def contract(self, order: str, owner: SystemIdentifier) -> CountersignedContract:
        """Return a deposited transaction contract."""
        return await self._ask(CountersignedContract, "trade", "GetContract", order, owner)

    async def settlement(self, order: str, owner: SystemIdentifier) -> Settlement:
        """Return what became of a hold."""
        return await self._ask(Settlement, "trade", "GetSettlement", order, owner)

    async def notes(self, account: SystemIdentifier, bookmark: str = "") -> MoneyPage:
        """Return a page of an account's notes."""
        return await self._ask(MoneyPage, "trade", "ListNotes", account, bookmark)

    async def deltas(self, account: SystemIdentifier, bookmark: str = "") -> MoneyPage:
        """Return a page of an account's delta rows."""
        return await self._ask(MoneyPage, "trade", "ListDeltas", account, bookmark)
