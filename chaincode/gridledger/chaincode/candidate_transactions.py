"""The functions of `council` for candidates: a super node's agent registers, its system backs it.

Source: Luo and Jin, 4.2: r of n consensus nodes are super nodes.
"""

from __future__ import annotations

from dataclasses import replace

from gridledger.chaincode.council_key import candidate_key, candidate_mark_key, candidates_of
from gridledger.chaincode.ledger_key import system_key
from gridledger.chaincode.permission import acting_system, agent_of_caller, is_agent, require_agent
from gridledger.model.council import Candidacy, CandidacyEntry, Candidate, CandidateId, CandidateMark
from gridledger.model.council_page import CandidacyPage
from gridledger.model.council_refusals import NotElectable
from gridledger.model.events import Event
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import AlreadyExists, Conflict
from gridledger.model.roles import Role
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["CandidateTransactions"]

PAGE_SIZE = 200

_SYSTEMS = (Role.BUSINESS_SYSTEM, Role.DATA_APPLICATION, Role.AGGREGATION_SYSTEM)


class CandidateTransactions(Contract):
    """Who stands for election."""

    @transaction(roles=(Role.AGENT,))
    async def register_candidate(
        self, ctx: Context, root: SystemIdentifier, entry: CandidacyEntry
    ) -> Candidate:
        """Register the calling agent as super node; it stands once the system that it names backs it."""
        agent = agent_of_caller(ctx)
        known = await ctx.get(candidate_key(agent.key_id))
        if known is not None and known.state is not Candidacy.WITHDRAWN:
            raise AlreadyExists("candidate", agent.key_id)
        if known is not None and known.root != root:
            raise Conflict(f"the candidate {agent.key_id} stands below {known.root}")
        system = await ctx.require(system_key(entry.system))
        if system.root != root or system.agent.msp_id != ctx.msp_id:
            raise NotElectable(agent.key_id, f"is not of the organisation of {entry.system} below {root}")
        candidate = Candidate(
            id=agent.key_id,
            root=root,
            entry=entry,
            agent=agent,
            state=Candidacy.PROPOSED,
            registered_ms=await ctx.now_ms(),
        )
        await ctx.put(candidate_key(candidate.id), candidate)
        await ctx.put(candidate_mark_key(root, candidate.id), CandidateMark(name=entry.name))
        ctx.emit(Event.CANDIDATE_REGISTERED, candidate)
        return candidate

    @transaction(roles=_SYSTEMS)
    async def back_candidate(self, ctx: Context, candidate: CandidateId) -> Candidate:
        """Stand behind a candidate with the credit of the caller's system, which it names."""
        known = await ctx.require(candidate_key(candidate))
        await acting_system(ctx, known.entry.system)
        if known.state is not Candidacy.PROPOSED:
            raise Conflict(f"the candidacy of {candidate} is {known.state.value}")
        return await _change(ctx, known, Candidacy.STANDING)

    @transaction(roles=(Role.AGENT, *_SYSTEMS))
    async def withdraw_candidate(self, ctx: Context, candidate: CandidateId) -> Candidate:
        """Withdraw a candidacy, as the super node or its system; votes for it then give no seat."""
        known = await ctx.require(candidate_key(candidate))
        if not is_agent(ctx, known.agent):
            system = await ctx.require(system_key(known.entry.system))
            require_agent(ctx, system, winding_up=True)
        if known.state is Candidacy.WITHDRAWN:
            raise Conflict(f"the candidacy of {candidate} is {known.state.value}")
        return await _change(ctx, known, Candidacy.WITHDRAWN)

    @query
    async def get_candidate(self, ctx: Context, candidate: CandidateId) -> Candidate:
        """Return a candidate."""
        return await ctx.require(candidate_key(candidate))

    @query
    async def list_candidates(self, ctx: Context, root: SystemIdentifier, bookmark: str) -> CandidacyPage:
        """Return a page of a root's candidates, whatever their state."""
        page = await ctx.page(candidates_of(root), size=PAGE_SIZE, bookmark=bookmark)
        found = await ctx.get_many([candidate_key(row.key.parts[-1]) for row in page.rows])
        known = tuple(one for one in found if one is not None)
        return CandidacyPage(candidates=known, bookmark=page.bookmark)


async def _change(ctx: Context, known: Candidate, state: Candidacy) -> Candidate:
    changed = replace(known, state=state, changed_ms=await ctx.now_ms())
    await ctx.put(candidate_key(known.id), changed)
    ctx.emit(Event.CANDIDATE_CHANGED, changed)
    return changed
