"""A super node that was named too often: no round and no election is its own any more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.unit.chaincode.scene import ROOT, Scene
from tests.unit.council.round_scene import LIMITS, RoundScene

from gridledger.model.council import ElectionState, Hindrance, VoteEntry
from gridledger.model.council_review import Handling, ReviewProblem, ReviewRequest
from gridledger.model.council_round import RoundState

TWICE = replace(LIMITS, loses_credit_at=2, suspended_at=2, removed_at=2)


async def against(content: bytes, request: ReviewRequest) -> tuple[ReviewProblem, ...]:
    return (ReviewProblem.RULE,)


async def test_super_node_that_is_removed_has_no_seat_from_the_next_election_on(
    empty: Scene, tmp_path: Path
) -> None:
    rounds = await RoundScene.make(empty, tmp_path, reviewers={"node-3": against})
    await rounds.sharing.store(rounds.sharing.statement())
    await rounds.council.scene.administrator.submit("council:SetReviewRules", ROOT, TWICE)
    liar = rounds.council.id("node-3")
    await rounds.steps(2)
    number, handling = 0, None
    while handling is not Handling.REMOVED:
        number += 1
        assert number < 20
        filed = await rounds.file_version()
        await rounds.until(
            lambda view: view.round.state is RoundState.CLOSED and view.round.missing == (), number
        )
        while await rounds.ledger.newest_round(ROOT) == number:
            await rounds.steps()
        about = await rounds.ledger.review(filed.signed.statement.id)
        if liar in (about.request.rejections or ()):
            handling = (await rounds.ledger.conduct(ROOT, liar)).handling

    # It keeps its seat until others are elected; then votes for it count for nothing.
    council = rounds.council
    assert liar in {one.id for one in (await council.scene.agent.ask("council:GetCouncil", ROOT)).members}
    await council.lay_down(seats=3)
    await council.open(2)
    last, *others = council.voters.values()
    names = ("node-0", "node-1")
    for voter in others:
        votes = VoteEntry(candidates=council.ids(*names, "node-3"))
        await voter.submit("council:CastVote", ROOT, 2, votes)
    await last.submit("council:CastVote", ROOT, 2, VoteEntry(candidates=council.ids(*names, "node-2")))
    await council.close()
    counted = await council.scene.agent.submit("council:CountVotes", ROOT, 2)
    assert counted.state is ElectionState.DECIDED
    found = {one.candidate: one.hindrance for one in counted.result.tallies}
    assert found == {council.id(name): None for name in council.nodes} | {liar: Hindrance.REMOVED}
    elected = await council.scene.agent.ask("council:GetCouncil", ROOT)
    assert {one.id for one in elected.members} == {*council.ids("node-0", "node-1", "node-2")}
