"""The contract council: candidates, votes, and elections that are counted on chain."""

from __future__ import annotations

import pytest
from tests.unit.chaincode.council_scene import HOUR_MS, CouncilScene
from tests.unit.chaincode.edge_scene import node_id
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import ROOT, Scene

from gridledger.council import differences
from gridledger.model.change import SystemChange
from gridledger.model.council import (
    Candidacy,
    CandidacyEntry,
    ElectionState,
    Hindrance,
    Vote,
    VoteEntry,
)
from gridledger.model.council_refusals import ElectionOutOfTurn, NotAnElector, NotElectable
from gridledger.model.exchange_refusals import NotTheAgent
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import (
    AccessDenied,
    AlreadyExists,
    BadArgument,
    Conflict,
    LimitExceeded,
    NotFound,
)
from gridledger.model.roles import Role
from gridledger.model.states import IdentifierState


@pytest.fixture
async def council(empty: Scene) -> CouncilScene:
    return await CouncilScene.make(empty)


async def votes_of(council: CouncilScene, number: int = 1) -> tuple[Vote, ...]:
    page = await council.scene.agent.ask("council:ListVotes", ROOT, number, "")
    votes: tuple[Vote, ...] = page.votes
    return votes


async def test_elected_take_office_with_their_count(council: CouncilScene) -> None:
    await council.stand("late", "Org1MSP")
    await council.open()
    chosen = council.ids("late", "node-1", "node-2", "node-3")
    for organisation in ("Org1MSP", "Org2MSP"):
        await council.voters[organisation].submit("council:CastVote", ROOT, 1, VoteEntry(candidates=chosen))
    await council.voters["Org3MSP"].submit("council:CastVote", ROOT, 1, VoteEntry(delegate="Org2MSP"))
    entry = VoteEntry(candidates=council.ids("node-0"))
    await council.voters["Org4MSP"].submit("council:CastVote", ROOT, 1, entry)
    preview = await council.scene.agent.ask("council:PreviewCount", ROOT, 1)
    assert set(preview.elected) == set(chosen)
    with pytest.raises(ElectionOutOfTurn):
        await council.scene.agent.submit("council:CountVotes", ROOT, 1)
    await council.close()
    counted = await council.scene.agent.submit("council:CountVotes", ROOT, 1)
    assert counted.state is ElectionState.DECIDED
    assert (counted.result.votes, counted.result.weight_cast, counted.result.weight_total) == (4, 4, 4)
    by_id = {one.candidate: one for one in counted.result.tallies}
    assert (by_id[council.id("late")].weight, by_id[council.id("late")].votes) == (3, 3)
    assert by_id[council.id("node-0")].hindrance is Hindrance.SEATS
    sitting = await council.scene.agent.ask("council:GetCouncil", ROOT)
    assert tuple(one.id for one in sitting.members) == chosen
    assert sitting.ends_ms - sitting.starts_ms == HOUR_MS
    assert differences(counted, await votes_of(council), sitting) == ()
    with pytest.raises(ElectionOutOfTurn):
        await council.scene.agent.submit("council:CountVotes", ROOT, 1)


async def test_vote_that_is_left_out_or_changed_is_found_by_a_recount(council: CouncilScene) -> None:
    await council.seat()
    counted = await council.scene.agent.ask("council:GetElection", ROOT, 1)
    votes = await votes_of(council)
    assert differences(counted, votes) == ()
    assert "vote_digest" in differences(counted, votes[1:])
    other = Vote(**{**vars(votes[0]), "entry": VoteEntry(delegate="Org2MSP")})
    assert "vote_digest" in differences(counted, (other, *votes[1:]))


async def test_vote_can_be_changed_and_withdrawn_until_the_election_is_over(council: CouncilScene) -> None:
    await council.open()
    voter = council.voters["Org1MSP"]
    await voter.submit("council:CastVote", ROOT, 1, VoteEntry(candidates=council.ids("node-0")))
    changed = await voter.submit("council:CastVote", ROOT, 1, VoteEntry(candidates=council.ids("node-1")))
    assert await votes_of(council) == (changed,)
    assert await voter.submit("council:WithdrawVote", ROOT, 1) == changed
    assert await votes_of(council) == ()
    with pytest.raises(NotFound):
        await voter.submit("council:WithdrawVote", ROOT, 1)
    await council.close()
    for function, arguments in (("CastVote", (VoteEntry(delegate="Org2MSP"),)), ("WithdrawVote", ())):
        with pytest.raises(ElectionOutOfTurn):
            await voter.submit(f"council:{function}", ROOT, 1, *arguments)


async def test_vote_is_for_electors_and_candidates_that_stand(council: CouncilScene) -> None:
    await council.open()
    outside = Party(council.scene.peer, "Org9MSP", "outside", Role.PLATFORM_ADMINISTRATOR)
    voter = council.voters["Org1MSP"]
    with pytest.raises(NotAnElector):
        await outside.submit("council:CastVote", ROOT, 1, VoteEntry(candidates=council.ids("node-0")))
    for delegate in ("Org9MSP", "Org1MSP"):
        with pytest.raises(NotAnElector):
            await voter.submit("council:CastVote", ROOT, 1, VoteEntry(delegate=delegate))
    with pytest.raises(NotElectable):
        await voter.submit("council:CastVote", ROOT, 1, VoteEntry(candidates=("0" * 32,)))
    proposed = await council.stand("proposed", "Org1MSP", backed=False)
    with pytest.raises(NotElectable):
        await voter.submit("council:CastVote", ROOT, 1, VoteEntry(candidates=(proposed.id,)))
    await council.backers["proposed"].submit("council:BackCandidate", proposed.id)
    with pytest.raises(LimitExceeded):
        await voter.submit("council:CastVote", ROOT, 1, VoteEntry(candidates=council.ids(*council.nodes)))


async def test_too_few_who_can_be_elected_leave_the_council_as_it_is(council: CouncilScene) -> None:
    before = await council.seat()
    await council.open(2)
    entry = VoteEntry(candidates=council.ids("node-0", "node-1", "node-2"))
    await council.voters["Org1MSP"].submit("council:CastVote", ROOT, 2, entry)
    await council.close()
    counted = await council.scene.agent.submit("council:CountVotes", ROOT, 2)
    assert counted.state is ElectionState.VOID
    assert await council.scene.agent.ask("council:GetCouncil", ROOT) == before
    assert differences(counted, await votes_of(council, 2)) == ()


async def test_standing_is_that_of_the_count(council: CouncilScene) -> None:
    await council.open()
    names = ("node-0", "node-1", "node-2", "node-3")
    entry = VoteEntry(candidates=council.ids(*names))
    await council.voters["Org1MSP"].submit("council:CastVote", ROOT, 1, entry)
    await council.backers["node-0"].submit("council:WithdrawCandidate", council.id("node-0"))
    system = council.systems["node-1"]
    change = SystemChange(state=IdentifierState.SUSPENDED, reason="only a test")
    await council.scene.auditor.submit("registry:ChangeSystem", system, change)
    await council.close()
    counted = await council.scene.agent.submit("council:CountVotes", ROOT, 1)
    found = {one.candidate: one.hindrance for one in counted.result.tallies}
    assert found == {
        council.id("node-0"): Hindrance.CANDIDACY,
        council.id("node-1"): Hindrance.SYSTEM,
        council.id("node-2"): None,
        council.id("node-3"): None,
    }
    assert counted.state is ElectionState.VOID


async def test_organisation_has_as_many_seats_as_the_rules_say(council: CouncilScene) -> None:
    await council.stand("second", "Org1MSP")
    await council.lay_down(seats=2, seats_per_organisation=1)
    await council.open()
    for name, votes in (("node-0", 3), ("second", 2), ("node-1", 1)):
        for organisation in list(council.voters)[:votes]:
            known = {one.organisation: one for one in await votes_of(council)}
            before = known[organisation].entry.candidates if organisation in known else ()
            chosen = tuple(sorted({*before[:1], council.id(name)}))
            await council.voters[organisation].submit(
                "council:CastVote", ROOT, 1, VoteEntry(candidates=chosen)
            )
    preview = await council.scene.agent.ask("council:PreviewCount", ROOT, 1)
    assert all(one.hindrance in (None, Hindrance.ORGANISATION, Hindrance.SEATS) for one in preview.tallies)
    organisations = [one.organisation for one in preview.tallies if one.hindrance is None]
    assert len(organisations) == len(set(organisations)) == 2


async def test_candidate_is_backed_by_the_system_that_it_names(council: CouncilScene) -> None:
    peer = council.scene.peer
    node = Party(peer, "Org1MSP", "another", Role.AGENT)
    foreign = CandidacyEntry(name="another", system=council.systems["node-1"])
    with pytest.raises(NotElectable):
        await node.submit("council:RegisterCandidate", ROOT, foreign)
    entry = CandidacyEntry(name="another", system=council.systems["node-0"])
    with pytest.raises(NotElectable):
        await node.submit("council:RegisterCandidate", SystemIdentifier("88.9"), entry)
    made = await node.submit("council:RegisterCandidate", ROOT, entry)
    assert (made.id, made.state) == (node_id(node), Candidacy.PROPOSED)
    with pytest.raises(AlreadyExists):
        await node.submit("council:RegisterCandidate", ROOT, entry)
    for other in ("node-1", "node-2"):
        with pytest.raises(NotTheAgent):
            await council.backers[other].submit("council:BackCandidate", made.id)
        with pytest.raises(NotTheAgent):
            await council.backers[other].submit("council:WithdrawCandidate", made.id)
    stands = await council.backers["node-0"].submit("council:BackCandidate", made.id)
    assert stands.state is Candidacy.STANDING
    with pytest.raises(Conflict):
        await council.backers["node-0"].submit("council:BackCandidate", made.id)
    withdrawn = await node.submit("council:WithdrawCandidate", made.id)
    assert withdrawn.state is Candidacy.WITHDRAWN
    with pytest.raises(Conflict):
        await node.submit("council:WithdrawCandidate", made.id)
    again = await node.submit("council:RegisterCandidate", ROOT, entry)
    assert (again.state, again.registered_ms > made.registered_ms) == (Candidacy.PROPOSED, True)
    page = await node.ask("council:ListCandidates", ROOT, "")
    assert {one.id for one in page.candidates} == {*council.ids(*council.nodes), made.id}


async def test_elections_follow_each_other(council: CouncilScene) -> None:
    administrator = council.scene.administrator
    foreign = council.voters["Org2MSP"]
    with pytest.raises(ElectionOutOfTurn):
        await council.open(2)
    with pytest.raises(AccessDenied):
        await foreign.submit("council:OpenElection", ROOT, 1, council.scene.peer.time_ms + HOUR_MS)
    with pytest.raises(BadArgument):
        await administrator.submit("council:OpenElection", ROOT, 1, council.scene.peer.time_ms)
    opened = await council.open()
    with pytest.raises(ElectionOutOfTurn):
        await council.open()
    with pytest.raises(ElectionOutOfTurn):
        await council.open(2)
    # Rules that change while it runs count for the next one.
    await council.lay_down(seats=1, weights=(9, 1, 1, 1))
    rules = await administrator.ask("council:GetCouncilRules", ROOT)
    assert (rules.version, opened.rules_version) == (2, 1)
    with pytest.raises(AccessDenied):
        await foreign.submit("council:SetCouncilRules", ROOT, rules.election)
    entry = VoteEntry(candidates=council.ids("node-0", "node-1", "node-2", "node-3"))
    await council.voters["Org4MSP"].submit("council:CastVote", ROOT, 1, entry)
    await council.close()
    counted = await council.scene.agent.submit("council:CountVotes", ROOT, 1)
    assert (counted.state, counted.result.weight_total) == (ElectionState.DECIDED, 4)
    assert (await council.open(2)).rules_version == 2
    page = await administrator.ask("council:ListElections", ROOT, "")
    assert [one.number for one in page.elections] == [1, 2]
