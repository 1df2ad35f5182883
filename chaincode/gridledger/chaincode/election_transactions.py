"""The functions of `council` for elections: rules, votes, the count.

A count reads the votes of the electors, whom the election's rules list, key by key, and of candidates those
that got votes: it needs no list of candidates, scans nothing, and can leave nobody out.

Source: Luo and Jin, 4.2: "according to the DPOS mechanism, r nodes are selected as super nodes".
"""

from __future__ import annotations

from dataclasses import replace

from gridledger.chaincode.council_key import (
    candidate_key,
    council_key,
    council_rules_key,
    election_key,
    elections_of,
    vote_key,
    votes_of,
)
from gridledger.chaincode.ledger_key import credit_key, system_key
from gridledger.chaincode.permission import require_platform
from gridledger.chaincode.round_key import conduct_key
from gridledger.model.council import (
    MAX_ELECTORS,
    Candidacy,
    Candidate,
    Council,
    CouncilMember,
    CouncilRules,
    Election,
    ElectionNumber,
    ElectionResult,
    ElectionRules,
    ElectionState,
    Hindrance,
    Vote,
    VoteEntry,
)
from gridledger.model.council_count import Standing, count_votes
from gridledger.model.council_page import ElectionPage, VotePage
from gridledger.model.council_refusals import ElectionOutOfTurn, NotAnElector, NotElectable
from gridledger.model.council_review import Conduct, Handling
from gridledger.model.credit import CreditStanding
from gridledger.model.events import Event
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import BadArgument, LimitExceeded, NotFound
from gridledger.model.roles import Role
from gridledger.model.system import LEAST_CREDIT, System
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["ElectionTransactions"]

PAGE_SIZE = 50
"""Elections with their tallies: some 10 KB each."""


class ElectionTransactions(Contract):
    """How a council comes about."""

    @transaction(roles=(Role.PLATFORM_ADMINISTRATOR,))
    async def set_council_rules(
        self, ctx: Context, root: SystemIdentifier, election: ElectionRules
    ) -> CouncilRules:
        """Set how a council is elected, from the next election on, for a root of the caller's."""
        await require_platform(ctx, root)
        earlier = await ctx.get(council_rules_key(root))
        rules = CouncilRules(
            root=root,
            version=1 + (earlier.version if earlier else 0),
            election=election,
            set_ms=await ctx.now_ms(),
        )
        await ctx.put(council_rules_key(root), rules)
        ctx.emit(Event.COUNCIL_RULES_SET, rules)
        return rules

    @transaction(roles=(Role.PLATFORM_ADMINISTRATOR,))
    async def open_election(
        self, ctx: Context, root: SystemIdentifier, number: ElectionNumber, closes_ms: int
    ) -> Election:
        """Open the next election of a root; votes count until a moment."""
        await require_platform(ctx, root)
        rules = await ctx.require(council_rules_key(root))
        if await ctx.get(election_key(root, number)) is not None:
            raise ElectionOutOfTurn(number, "was opened before")
        before = await ctx.get(election_key(root, number - 1)) if number > 1 else None
        if number > 1 and (before is None or before.state is ElectionState.OPEN):
            raise ElectionOutOfTurn(number, "is not the next one")
        now_ms = await ctx.now_ms()
        if closes_ms <= now_ms:
            raise BadArgument({"closes_ms": "lies in the past"})
        election = Election(
            root=root,
            number=number,
            rules=rules.election,
            rules_version=rules.version,
            opened_ms=now_ms,
            closes_ms=closes_ms,
            state=ElectionState.OPEN,
        )
        await ctx.put(election_key(root, number), election)
        ctx.emit(Event.ELECTION_OPENED, election)
        return election

    @transaction(roles=(Role.PLATFORM_ADMINISTRATOR,))
    async def cast_vote(
        self, ctx: Context, root: SystemIdentifier, election: ElectionNumber, entry: VoteEntry
    ) -> Vote:
        """Cast the vote of the caller's organisation, or change it, while the election runs."""
        running = await _running(ctx, root, election)
        electors = {one.organisation for one in running.rules.electors}
        if len(entry.candidates) > running.rules.seats:
            raise LimitExceeded("candidates", limit=running.rules.seats, actual=len(entry.candidates))
        if entry.delegate is not None and (entry.delegate not in electors or entry.delegate == ctx.msp_id):
            raise NotAnElector(entry.delegate)
        found = await ctx.get_many([candidate_key(one) for one in entry.candidates])
        for name, candidate in zip(entry.candidates, found, strict=True):
            if candidate is None or candidate.root != root or candidate.state is not Candidacy.STANDING:
                raise NotElectable(name, f"does not stand for election below {root}")
        vote = Vote(
            root=root,
            election=election,
            organisation=ctx.msp_id,
            entry=entry,
            cast_ms=await ctx.now_ms(),
        )
        await ctx.put(vote_key(root, election, ctx.msp_id), vote)
        ctx.emit(Event.VOTE_CAST, vote)
        return vote

    @transaction(roles=(Role.PLATFORM_ADMINISTRATOR,))
    async def withdraw_vote(self, ctx: Context, root: SystemIdentifier, election: ElectionNumber) -> Vote:
        """Withdraw the vote of the caller's organisation while the election runs; what it was is returned."""
        await _running(ctx, root, election)
        vote = await ctx.require(vote_key(root, election, ctx.msp_id))
        await ctx.delete(vote_key(root, election, ctx.msp_id))
        ctx.emit(Event.VOTE_WITHDRAWN, vote)
        return vote

    @transaction(roles=(Role.PLATFORM_ADMINISTRATOR, Role.AGENT))
    async def count_votes(self, ctx: Context, root: SystemIdentifier, election: ElectionNumber) -> Election:
        """Count an election that is over, once; who was elected takes office."""
        known = await ctx.require(election_key(root, election))
        if known.state is not ElectionState.OPEN:
            raise ElectionOutOfTurn(election, "was counted before")
        now_ms = await ctx.now_ms()
        if now_ms < known.closes_ms:
            raise ElectionOutOfTurn(election, "still runs")
        result, candidates = await _count(ctx, known, now_ms)
        decided = len(result.elected) == known.rules.seats
        counted = replace(
            known, state=ElectionState.DECIDED if decided else ElectionState.VOID, result=result
        )
        await ctx.put(election_key(root, election), counted)
        if decided:
            members = tuple(_member(candidates[one]) for one in sorted(result.elected))
            council = Council(
                root=root,
                election=election,
                members=members,
                starts_ms=now_ms,
                ends_ms=now_ms + known.rules.term_ms,
            )
            await ctx.put(council_key(root), council)
        ctx.emit(Event.ELECTION_COUNTED, counted)
        return counted

    @query
    async def preview_count(
        self, ctx: Context, root: SystemIdentifier, election: ElectionNumber
    ) -> ElectionResult:
        """Count an election with votes and credits as they stand now, whatever its state."""
        known = await ctx.require(election_key(root, election))
        result, _ = await _count(ctx, known, ctx.claimed_time_ms)
        return result

    @query
    async def get_council_rules(self, ctx: Context, root: SystemIdentifier) -> CouncilRules:
        """Return how a root's council is elected."""
        return await ctx.require(council_rules_key(root))

    @query
    async def get_council(self, ctx: Context, root: SystemIdentifier) -> Council:
        """Return a root's council."""
        return await ctx.require(council_key(root))

    @query
    async def get_election(self, ctx: Context, root: SystemIdentifier, election: ElectionNumber) -> Election:
        """Return an election, with its result once it is counted."""
        return await ctx.require(election_key(root, election))

    @query
    async def list_elections(self, ctx: Context, root: SystemIdentifier, bookmark: str) -> ElectionPage:
        """Return a page of a root's elections, by number."""
        page = await ctx.page(elections_of(root), size=PAGE_SIZE, bookmark=bookmark)
        return ElectionPage(elections=tuple(row.record for row in page.rows), bookmark=page.bookmark)

    @query
    async def list_votes(
        self, ctx: Context, root: SystemIdentifier, election: ElectionNumber, bookmark: str
    ) -> VotePage:
        """Return a page of an election's votes, by organisation."""
        page = await ctx.page(votes_of(root, election), size=MAX_ELECTORS, bookmark=bookmark)
        return VotePage(votes=tuple(row.record for row in page.rows), bookmark=page.bookmark)


async def _running(ctx: Context, root: SystemIdentifier, number: int) -> Election:
    """Return an election in which the caller's organisation may vote now."""
    election = await ctx.require(election_key(root, number))
    if ctx.msp_id not in {one.organisation for one in election.rules.electors}:
        raise NotAnElector(ctx.msp_id)
    if election.state is not ElectionState.OPEN or await ctx.now_ms() >= election.closes_ms:
        raise ElectionOutOfTurn(number, "is over")
    return election


async def _count(
    ctx: Context, election: Election, counted_ms: int
) -> tuple[ElectionResult, dict[str, Candidate]]:
    """Count an election by votes and standings; all read by key, in four rounds."""
    rules, root = election.rules, election.root
    keys = [vote_key(root, election.number, one.organisation) for one in rules.electors]
    votes = [one for one in await ctx.get_many(keys) if one is not None]
    named = sorted({one for vote in votes for one in vote.entry.candidates})
    found = await ctx.get_many([candidate_key(one) for one in named])
    candidates = {one.id: one for one in found if one is not None and one.root == root}
    systems = sorted({str(one.entry.system) for one in candidates.values()})
    prefixes = [SystemIdentifier(one) for one in systems]
    await ctx.read_ahead([*map(system_key, prefixes), *map(credit_key, prefixes)])
    known = dict(zip(systems, await ctx.get_many([system_key(one) for one in prefixes]), strict=True))
    rated = dict(zip(systems, await ctx.get_many([credit_key(one) for one in prefixes]), strict=True))
    conducts = await ctx.get_many([conduct_key(root, one) for one in candidates])
    behaved = dict(zip(candidates, conducts, strict=True))
    standings = {
        one.id: _standing(
            one, behaved[one.id], known[str(one.entry.system)], rated[str(one.entry.system)], counted_ms
        )
        for one in candidates.values()
    }
    return count_votes(rules, votes, standings, counted_ms=counted_ms), candidates


def _standing(
    candidate: Candidate,
    conduct: Conduct | None,
    system: System | None,
    rated: CreditStanding | None,
    now_ms: int,
) -> Standing:
    """Return what a count knows of a candidate: its credit is that of its system at this moment."""
    if system is None:
        raise NotFound("system", str(candidate.entry.system))
    credit = rated.credit if rated is not None else system.credit
    hindrance = None
    if candidate.state is not Candidacy.STANDING:
        hindrance = Hindrance.CANDIDACY
    elif not system.is_in_force(now_ms) or system.agent.msp_id != candidate.organisation:
        hindrance = Hindrance.SYSTEM
    elif conduct is not None and conduct.handling is Handling.REMOVED:
        hindrance = Hindrance.REMOVED
    elif credit < LEAST_CREDIT:
        hindrance = Hindrance.CREDIT
    return Standing(
        organisation=candidate.organisation,
        credit=credit,
        since_ms=candidate.registered_ms,
        hindrance=hindrance,
    )


def _member(candidate: Candidate) -> CouncilMember:
    return CouncilMember(
        id=candidate.id,
        name=candidate.entry.name,
        system=candidate.entry.system,
        agent=candidate.agent,
        orderer=candidate.entry.orderer,
    )
