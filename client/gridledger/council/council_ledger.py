"""The contract `council` as typed calls."""

from __future__ import annotations

from typing import Final, Protocol, TypeVar

import gridledger.model.council_refusals
import gridledger.model.exchange_refusals  # noqa: F401 - refusals come back as classes that are imported
from gridledger.client import Contract, Network
from gridledger.model.argument import Argument, decode_argument
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

T = TypeVar("T")

_COUNCIL: Final = "council"


class _Page(Protocol):
    @property
    def bookmark(self) -> str: ...


PageT = TypeVar("PageT", bound=_Page)


class CouncilLedger:
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

    def __init__(self, network: Network, chaincode: str | None = None) -> None:
        self.network = network
        self._contract: Contract = network.contract(chaincode, _COUNCIL)

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
        return [one for page in await pages for one in page.candidates]

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
        return [
            one for page in await self._pages(VotePage, "ListVotes", root, election) for one in page.votes
        ]

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
        pages = await self._pages(ElectionPage, "ListElections", root)
        return [one for page in pages for one in page.elections]

    async def council(self, root: SystemIdentifier) -> Council:
        """Return who sits in a root's council."""
        return await self._ask(Council, "GetCouncil", root)

    async def _ask(self, kind: type[T], function: str, *arguments: Argument) -> T:
        return decode_argument(kind, await self._contract.evaluate(function, *arguments))

    async def _pages(self, kind: type[PageT], function: str, *arguments: Argument) -> list[PageT]:
        pages = [await self._ask(kind, function, *arguments, "")]
        while pages[-1].bookmark:
            pages.append(await self._ask(kind, function, *arguments, pages[-1].bookmark))
        return pages

    async def _submit(self, kind: type[T], function: str, *arguments: Argument) -> T:
        return decode_argument(kind, await self._contract.submit(function, *arguments))
