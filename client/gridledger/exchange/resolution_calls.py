"""The resolution contract's transactions and queries as typed calls."""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.client import Committed
from gridledger.exchange.contract_calls import ContractCalls
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.integrity import SignedRoots
from gridledger.model.resolution import Resolution, Rule, RuleEntry, RuleHistory, SignedRequest

__all__ = ["ResolutionCalls"]


class ResolutionCalls(ContractCalls):
    """The resolution contract's transactions and queries as typed calls; see `ExchangeLedger`."""

    async def set_rule(self, entry: RuleEntry) -> Rule:
        """Set a function's rule."""
        return await self._submit(Rule, "resolution", "SetRule", entry)

    async def rule(self, application: SystemIdentifier, function: str) -> Rule:
        """Return a function's rule."""
        return await self._ask(Rule, "resolution", "GetRule", application, function)

    async def rule_versions(self, application: SystemIdentifier, function: str) -> tuple[Rule, ...]:
        """Return all versions of a function's rule, the newest first."""
        history = await self._ask(RuleHistory, "resolution", "ListRuleVersions", application, function)
        return history.versions

    async def decide(self, signed: SignedRequest) -> Resolution:
        """Return what a request would get."""
        return await self._ask_bundled(Resolution, "resolution", "Decide", signed)

    async def resolve(self, signed: SignedRequest, answers: Sequence[SignedRoots]) -> Committed:
        """Resolve a request; the resolution comes with the verdict's event."""
        return await self._transact_bundled("resolution", "Resolve", signed, list(answers))

    async def resolution(self, resolution: str) -> Resolution:
        """Return a resolution."""
        return await self._ask(Resolution, "resolution", "GetResolution", resolution)
