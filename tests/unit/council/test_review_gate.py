"""What a policy wants reviewed: no key is handed over, nothing stored, before the council approved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import ROOT, Scene
from tests.unit.council.round_scene import LIMITS, RoundScene

from gridledger.model.council_review import (
    Authority,
    ReviewApproval,
    ReviewProblem,
    ReviewRequest,
    ReviewState,
    RoundView,
)
from gridledger.model.dataset import VersionStatement
from gridledger.model.lake_refusals import NotReviewed
from gridledger.model.record import Record
from gridledger.model.sharing import AccessDecision, PowerPlatform, Reviewed, SharingPolicy

PLATFORM = PowerPlatform.DISTRIBUTION


async def against(content: bytes, request: ReviewRequest) -> tuple[ReviewProblem, ...]:
    return (ReviewProblem.RULE,)


def is_decided(view: RoundView) -> bool:
    return bool(view.requests) and all(one.state.is_decided for one in view.requests)


async def reviewed(rounds: RoundScene, *subjects: Reviewed) -> SharingPolicy:
    """Admit an application's requests, and have the council review what is named."""
    sharing = rounds.sharing
    rules = (sharing.rule(PLATFORM),)
    policy: SharingPolicy = await sharing.owner.submit(
        "lake:SetSharingPolicy", sharing.dataset, rules, subjects
    )
    return policy


async def decided(rounds: RoundScene, party: Party, number: int = 1, **subject: Any) -> ReviewRequest:
    """Have something reviewed until it is decided."""
    filed = await rounds.file(party, **subject)
    await rounds.until(is_decided, number)
    return (await rounds.ledger.review(filed.signed.statement.id)).request


async def deposit(rounds: RoundScene, statement: VersionStatement) -> None:
    await rounds.sharing.custodian.submit("lake:DepositReceipt", rounds.sharing.receipt(statement))


@pytest.fixture
async def rounds(empty: Scene, tmp_path: Path) -> RoundScene:
    made = await RoundScene.make(empty, tmp_path)
    await made.sharing.store(made.sharing.statement())
    await made.steps(2)
    return made


@pytest.fixture
async def refusing(empty: Scene, tmp_path: Path) -> RoundScene:
    rules = dict.fromkeys(("node-0", "node-1"), against)
    made = await RoundScene.make(empty, tmp_path, reviewers=rules)
    await made.sharing.store(made.sharing.statement())
    await made.steps(2)
    return made


async def test_grant_waits_for_the_decision_about_its_own_request(rounds: RoundScene) -> None:
    sharing = rounds.sharing
    await reviewed(rounds, Reviewed.ACCESS)
    decision, other = await sharing.ask(PLATFORM), await sharing.ask(PLATFORM)
    assert (decision.is_admitted, decision.needs_review) == (True, True)
    with pytest.raises(NotReviewed) as refused:
        await sharing.grant(decision)
    assert refused.value.fields["subject"] == decision.id
    # The application files it; the approval of another request opens nothing.
    application = sharing.applications[PLATFORM]
    about = await decided(rounds, application, system=sharing.system(PLATFORM), access=other.id)
    assert about.state is ReviewState.APPROVED
    assert (await sharing.grant(other)).request == other.id
    with pytest.raises(NotReviewed):
        await sharing.grant(decision)
    # Neither do both in one transaction, nor another policy: it was asked for under this one.
    grants = (sharing.sealed(other), sharing.sealed(decision))
    with pytest.raises(NotReviewed):
        await sharing.owner.submit("lake:DepositGrants", sharing.dataset, grants)
    await reviewed(rounds)
    with pytest.raises(NotReviewed):
        await sharing.grant(decision)
    assert (await sharing.ask(PLATFORM)).needs_review is None


async def test_owner_files_an_access_request_to_its_dataset_and_a_stranger_does_not(
    rounds: RoundScene,
) -> None:
    sharing = rounds.sharing
    await reviewed(rounds, Reviewed.ACCESS)
    decision = await sharing.ask(PLATFORM)
    stranger = rounds.council.backers["node-0"]
    system = rounds.council.systems["node-0"]
    foreign = await rounds.file(stranger, system=system, access=decision.id)
    about = await decided(rounds, sharing.owner, access=decision.id)
    refused = (await rounds.ledger.review(foreign.signed.statement.id)).request
    assert (refused.state, refused.authority) == (ReviewState.REFUSED, Authority.PARTY)
    assert about.state is ReviewState.APPROVED
    assert (await sharing.grant(decision)).request == decision.id
    # In a later epoch it is handed over again without another review.
    assert (await sharing.grant(decision, epoch=2)).sealed is not None


async def test_grant_stays_refused_where_the_council_rejects(refusing: RoundScene) -> None:
    await reviewed(refusing, Reviewed.ACCESS)
    decision = await refusing.sharing.ask(PLATFORM)
    about = await decided(refusing, refusing.sharing.owner, access=decision.id)
    assert about.state is ReviewState.REJECTED
    with pytest.raises(NotReviewed):
        await refusing.sharing.grant(decision)


async def test_version_is_stored_once_the_council_approved_this_very_statement(rounds: RoundScene) -> None:
    sharing = rounds.sharing
    assert (await reviewed(rounds, Reviewed.VERSIONS)).wants_review(Reviewed.VERSIONS)
    first = (await rounds.version()).statement
    second = sharing.statement(2, previous=first.digest)
    await sharing.owner.submit("lake:ProposeVersion", second)
    with pytest.raises(NotReviewed):
        await deposit(rounds, second)
    about = await decided(rounds, sharing.owner, version=await rounds.version(2))
    assert about.state is ReviewState.APPROVED
    # What is proposed anew under the same number was not reviewed.
    changed = replace(second, blocks=8)
    await sharing.owner.submit("lake:ProposeVersion", changed)
    with pytest.raises(NotReviewed):
        await deposit(rounds, changed)
    await sharing.owner.submit("lake:ProposeVersion", second)
    await deposit(rounds, second)
    assert (await rounds.version(2)).is_stored


async def test_version_stays_refused_where_its_review_fails_in_time(rounds: RoundScene) -> None:
    sharing = rounds.sharing
    await reviewed(rounds, Reviewed.VERSIONS)
    first = (await rounds.version()).statement
    second = sharing.statement(2, previous=first.digest)
    await sharing.owner.submit("lake:ProposeVersion", second)
    master = rounds.name_of((await rounds.view()).round.master)
    silent = [name for name in rounds.nodes if name != master][:2]
    filed = await rounds.file(sharing.owner, version=await rounds.version(2))
    await rounds.steps(3, without=silent)
    await rounds.council.pass_time(LIMITS.review_ms)
    await rounds.until(is_decided, without=silent)
    about = (await rounds.ledger.review(filed.signed.statement.id)).request
    assert about.state is ReviewState.FAILED
    with pytest.raises(NotReviewed):
        await deposit(rounds, second)


async def test_approval_is_written_once_and_names_the_first_review(rounds: RoundScene) -> None:
    first = await decided(rounds, rounds.sharing.owner, version=await rounds.version())
    await rounds.until(lambda view: view.round.missing == ())
    while await rounds.ledger.newest_round(ROOT) == 1:
        await rounds.steps()
    await decided(rounds, rounds.sharing.owner, 2, version=await rounds.version())
    approvals = await _approvals(rounds)
    assert [one.request for one in approvals] == [first.signed.statement.id]


async def test_rules_that_are_set_alone_keep_what_is_reviewed(rounds: RoundScene) -> None:
    await reviewed(rounds, Reviewed.ACCESS, Reviewed.VERSIONS)
    kept: SharingPolicy = await rounds.sharing.owner.submit(
        "lake:SetSharingPolicy", rounds.sharing.dataset, ()
    )
    assert kept.reviewed == (Reviewed.ACCESS, Reviewed.VERSIONS)
    assert (await reviewed(rounds)).reviewed is None


async def _approvals(rounds: RoundScene) -> Sequence[ReviewApproval]:
    state = rounds.council.scene.peer.ledger.state
    found: list[Record] = [
        ReviewApproval.from_bytes(value)
        for (_, key), value in state.items()
        if key.startswith("\x00review-approval\x00")
    ]
    return [one for one in found if isinstance(one, ReviewApproval)]


def test_decision_without_review_keeps_its_bytes() -> None:
    assert AccessDecision.__dataclass_fields__["needs_review"].default is None
