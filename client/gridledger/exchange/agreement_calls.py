"""The trade contract's functions for agreements as typed calls."""

from __future__ import annotations

from gridledger.exchange.contract_calls import ContractCalls
from gridledger.model.agreement import AgreedOrder, AgreedOrderEntry, Agreement, SignedAgreement
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.page import AgreementPage, UsePage

__all__ = ["AgreementCalls"]


class AgreementCalls(ContractCalls):
    """The trade contract's functions for agreements as typed calls; see `ExchangeLedger`."""

    async def conclude_agreement(self, signed: SignedAgreement) -> Agreement:
        """Conclude an agreement that both parties signed."""
        return await self._submit(Agreement, "trade", "ConcludeAgreement", signed)

    async def end_agreement(self, agreement: str) -> Agreement:
        """End an agreement early."""
        return await self._submit(Agreement, "trade", "EndAgreement", agreement)

    async def place_agreed_order(
        self, entry: AgreedOrderEntry, *, call_key: str | None = None
    ) -> AgreedOrder:
        """Order under agreements: decision, tamper check and holds in one transaction."""
        return await self._once_bundled(AgreedOrder, "trade", "PlaceAgreedOrder", entry, call_key=call_key)

    async def agreement(self, agreement: str) -> Agreement:
        """Return an agreement."""
        return await self._ask_bundled(Agreement, "trade", "GetAgreement", agreement)

    async def agreements(
        self, party: SystemIdentifier, function: str = "", bookmark: str = ""
    ) -> AgreementPage:
        """Return a page of a party's agreements, for one function or for all."""
        return await self._ask(AgreementPage, "trade", "ListAgreements", party, function, bookmark)

    async def agreement_uses(self, agreement: str, bookmark: str = "") -> UsePage:
        """Return a page of the numbers of an agreement's queries that were made."""
        return await self._ask(UsePage, "trade", "ListUses", agreement, bookmark)
