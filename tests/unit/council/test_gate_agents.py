"""The agents of owner and custodian where a policy wants reviews: they wait, and go on with the decision."""

from __future__ import annotations

from pathlib import Path

from tests.unit.chaincode.scene import ROOT, Scene
from tests.unit.council.round_scene import RoundScene
from tests.unit.lake.ledger.sharing_lake import SharingLake

from gridledger.model.council_review import ReviewRequest, RoundView
from gridledger.model.events import Event
from gridledger.model.lake_refusals import NotReviewed
from gridledger.model.sharing import PowerPlatform, Reviewed

PLATFORM = PowerPlatform.DISTRIBUTION


async def test_agents_wait_for_the_council_and_go_on_with_its_decision(empty: Scene, tmp_path: Path) -> None:
    shared = await SharingLake.make(empty, tmp_path / "lake")
    sharing = shared.sharing
    rounds = await RoundScene.make(empty, tmp_path / "keys", sharing=sharing)
    rules = (sharing.rule(PLATFORM),)
    wanted = (Reviewed.ACCESS, Reviewed.VERSIONS)
    await sharing.owner.submit("lake:SetSharingPolicy", sharing.dataset, rules, wanted)
    await rounds.steps(2)

    # A version: its custodian signs for it, and the receipt is refused until the council has approved.
    await shared.publish(b"kWh\n1\n2\n")
    custodian = shared.custodian_agent()
    assert [one.code for one in await shared.run(custodian)] == [NotReviewed.code]
    approved = await _decided(rounds, await rounds.file_version())
    (stored,) = await custodian.handle(Event.REVIEW_DECIDED, approved.to_bytes())
    assert stored.code is None
    assert (await rounds.version()).is_stored
    assert await custodian.handle(Event.REVIEW_DECIDED, approved.to_bytes()) == ()

    # An access request: admitted, and handed over once it was approved.
    while await rounds.ledger.newest_round(ROOT) == 1:
        await rounds.steps()
    decision = await sharing.ask(PLATFORM, recipient=shared.secrets[PLATFORM].public.raw)
    owner = shared.owner_agent()
    waits = await owner.handle(Event.ACCESS_DECIDED, decision.to_bytes())
    assert [one.code for one in waits] == [NotReviewed.code]
    approved = await _decided(rounds, await rounds.file(sharing.owner, access=decision.id), 2)
    (granted,) = await owner.handle(Event.REVIEW_DECIDED, approved.to_bytes())
    assert granted.code is None
    assert (await sharing.owner.ask("lake:GetAccess", decision.id)).grant is not None


async def _decided(rounds: RoundScene, filed: ReviewRequest, number: int = 1) -> ReviewRequest:
    def is_decided(view: RoundView) -> bool:
        return all(one.state.is_decided for one in view.requests)

    await rounds.until(is_decided, number)
    return (await rounds.ledger.review(filed.signed.statement.id)).request
