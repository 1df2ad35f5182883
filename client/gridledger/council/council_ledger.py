"""The contract `council` as typed calls."""

from __future__ import annotations

import gridledger.model.council_refusals
import gridledger.model.exchange_refusals  # noqa: F401 - refusals come back as classes that are imported
from gridledger.client.typed_calls import TypedCalls
from gridledger.model.council import (
    CandidacyEntry,
    Candidate,
    Council,
    CouncilRules,
    Election,
    ElectionResult,
    ElectionRules,
    Vote,
    VoteEntry,
)
from gridledger.model.council_page import CandidacyPage, ElectionPage, VotePage
from gridledger.model.identifier import SystemIdentifier

__all__ = ["CouncilLedger"]


class CouncilLedger(TypedCalls):
    """One identity's calls to the contract `council`.

    Parameters
    ----------
    network : Network
        The channel.
    chaincode : str, optional
        The chaincode's name; the connection's by default.

    Notes
    -----
    The only module that knows the names of the contract's transactions. Every call raises what
    `Contract.evaluate` or `Contract.submit` of the client raises: ContractError where the contract refused,
    GatewayError where a step failed. No transaction needs a call key: a second one finds the first's record.
    """

    contract_name = "council"

    # --- candidates

    async def register_candidate(self, root: SystemIdentifier, entry: CandidacyEntry) -> Candidate:
        """Register the calling agent as a candidate below a root."""
        return await self._submit(Candidate, "RegisterCandidate", root, entry)

    async def back_candidate(self, candidate: str) -> Candidate:
        """Back a candidate, as the agent of the system that it names."""
        return await self._submit(Candidate, "BackCandidate", candidate)

    async def withdraw_candidate(self, candidate: str) -> Candidate:
        """Withdraw a candidacy, as the candidate or its system's agent."""
        return await self._submit(Candidate, "WithdrawCandidate", candidate)

    async def candidate(self, candidate: str) -> Candidate:
        """Return a candidate."""
        return await self._ask(Candidate, "GetCandidate", candidate)

    async def candidates(self, root: SystemIdentifier) -> list[Candidate]:
        """Return all candidates of a root, whatever their state."""
        pages = self._pages(CandidacyPage, "ListCandidates", root)
        return [one async for page in pages for one in page.candidates]

    # --- elections

    async def set_rules(self, root: SystemIdentifier, election: ElectionRules) -> CouncilRules:
        """Set how a root's council is elected, as its platform administrator."""
        return await self._submit(CouncilRules, "SetCouncilRules", root, election)

    async def rules(self, root: SystemIdentifier) -> CouncilRules:
        """Return how a root's council is elected."""
        return await self._ask(CouncilRules, "GetCouncilRules", root)

    async def open_election(self, root: SystemIdentifier, number: int, closes_ms: int) -> Election:
        """Open the next election, as the root's platform administrator."""
        return await self._submit(Election, "OpenElection", root, number, closes_ms)

    async def cast_vote(self, root: SystemIdentifier, election: int, entry: VoteEntry) -> Vote:
        """Cast or change the vote of the caller's organisation."""
        return await self._submit(Vote, "CastVote", root, election, entry)

    async def withdraw_vote(self, root: SystemIdentifier, election: int) -> Vote:
        """Withdraw the vote of the caller's organisation."""
        return await self._submit(Vote, "WithdrawVote", root, election)

    async def votes(self, root: SystemIdentifier, election: int) -> list[Vote]:
        """Return all votes of an election."""
        pages = self._pages(VotePage, "ListVotes", root, election)
        return [one async for page in pages for one in page.votes]

    async def count_votes(self, root: SystemIdentifier, election: int) -> Election:
        """Count an election that is over; who was elected takes office."""
        return await self._submit(Election, "CountVotes", root, election)

    async def preview_count(self, root: SystemIdentifier, election: int) -> ElectionResult:
        """Count an election with votes and credits as they stand now."""
        return await self._ask(ElectionResult, "PreviewCount", root, election)

    async def election(self, root: SystemIdentifier, number: int) -> Election:
        """Return an election."""
        return await self._ask(Election, "GetElection", root, number)

    async def elections(self, root: SystemIdentifier) -> list[Election]:
        """Return all elections of a root, by number."""
        pages = self._pages(ElectionPage, "ListElections", root)
        return [one async for page in pages for one in page.elections]

    async def council(self, root: SystemIdentifier) -> Council:
        """Return who sits in a root's council."""
        return await self._ask(Council, "GetCouncil", root)
