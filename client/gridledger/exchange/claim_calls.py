"""The trade contract's functions for claims as typed calls."""

from __future__ import annotations

from gridledger.exchange.contract_calls import ContractCalls
from gridledger.model.claim import Claim, ClaimDecision, ClaimEvidence
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.notice import SettledLine

__all__ = ["ClaimCalls"]


class ClaimCalls(ContractCalls):
    """The trade contract's functions for claims as typed calls; see `ExchangeLedger`."""

    async def claim_hold(self, evidence: ClaimEvidence) -> Claim:
        """Claim a hold for a delivery that got no receipt."""
        return await self._submit(Claim, "trade", "ClaimHold", evidence)

    async def deny_claim(self, order: str, owner: SystemIdentifier, denial: str) -> Claim:
        """Deny a claim, as the data application."""
        return await self._submit(Claim, "trade", "DenyClaim", order, owner, denial)

    async def settle_claim(self, order: str, owner: SystemIdentifier) -> SettledLine:
        """Have a claim paid that was not answered in time."""
        return await self._submit(SettledLine, "trade", "SettleClaim", order, owner)

    async def decide_claim(self, decision: ClaimDecision) -> Claim:
        """Decide a claim that was denied, as an auditor."""
        return await self._submit(Claim, "trade", "DecideClaim", decision)

    async def claim(self, order: str, owner: SystemIdentifier) -> Claim:
        """Return a claim."""
        return await self._ask(Claim, "trade", "GetClaim", order, owner)
