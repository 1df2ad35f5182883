"""Persons who act for enterprises: applications, reviews, vouching, the policy of a root."""

from __future__ import annotations

import pytest
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import PASSED, ROOT, Scene, profile

from gridledger.model.digest import Digest
from gridledger.model.exchange_refusals import CheckNotPassed, NotTheAgent
from gridledger.model.person import Person, RegistrationPolicy
from gridledger.model.refusals import AccessDenied, AlreadyExists, Conflict, NotFound
from gridledger.model.registry_refusals import PersonNotApproved
from gridledger.model.roles import Role
from gridledger.model.states import ApplicationState
from gridledger.model.system import SystemKind

CODE = profile(SystemKind.BUSINESS_SYSTEM, "monitoring").enterprise.code
PAPERS = Digest.of(b"identity card and letter of authority (made)")


async def person(scene: Scene, name: str = "p-1") -> Party:
    party = Party(scene.peer, "Org2MSP", name, Role.ENTERPRISE_USER)
    await party.submit("registry:ApplyPerson", ROOT, CODE, name, PAPERS)
    return party


async def approve(scene: Scene, name: str = "p-1", papers: Digest = PAPERS) -> Person:
    found: Person = await scene.auditor.submit("registry:ApprovePerson", ROOT, CODE, name, papers)
    return found


async def checked_application(scene: Scene) -> str:
    wanted = profile(SystemKind.BUSINESS_SYSTEM, "monitoring")
    application = await scene.owners["monitoring"].once("registry:RegisterSystem", ROOT, wanted)
    await scene.aggregation.submit("registry:DepositCheck", application.id, PASSED)
    return str(application.id)


async def test_review_takes_the_papers_of_the_application(empty: Scene) -> None:
    await empty.establish()
    await person(empty)
    with pytest.raises(Conflict, match="papers"):
        await approve(empty, papers=Digest.of(b"others"))

    assert (await approve(empty)).state is ApplicationState.APPROVED
    with pytest.raises(Conflict):
        await approve(empty)
    page = await empty.auditor.ask("registry:ListPersons", ROOT, CODE, "")
    assert [one.name for one in page.persons] == ["p-1"]
    known = await empty.auditor.ask("registry:GetPerson", ROOT, CODE, "p-1")
    assert known.evidence == PAPERS


async def test_person_applies_again_only_after_a_rejection_and_with_its_own_key(empty: Scene) -> None:
    await empty.establish()
    party = await person(empty)
    with pytest.raises(AlreadyExists):
        await party.submit("registry:ApplyPerson", ROOT, CODE, "p-1", PAPERS)
    rejected = await empty.auditor.submit("registry:RejectPerson", ROOT, CODE, "p-1", "unreadable")
    assert (rejected.state, rejected.reason) == (ApplicationState.REJECTED, "unreadable")
    with pytest.raises(Conflict):
        await empty.auditor.submit("registry:RejectPerson", ROOT, CODE, "p-1", "again")
    other = Party(empty.peer, "Org2MSP", "other", Role.ENTERPRISE_USER)
    with pytest.raises(NotTheAgent):
        await other.submit("registry:ApplyPerson", ROOT, CODE, "p-1", PAPERS)
    again = await party.submit("registry:ApplyPerson", ROOT, CODE, "p-1", PAPERS)
    assert again.state is ApplicationState.APPLIED


async def test_review_by_another_platform_is_refused(empty: Scene) -> None:
    await empty.establish()
    await person(empty)
    foreign = Party(empty.peer, "Org2MSP", "auditor", Role.AUDITOR)

    with pytest.raises(AccessDenied):
        await foreign.submit("registry:ApprovePerson", ROOT, CODE, "p-1", PAPERS)


async def test_policy_wants_an_approved_person_who_vouches(empty: Scene) -> None:
    await empty.establish()
    assert not (await empty.auditor.ask("registry:GetRegistrationPolicy", ROOT)).persons_required
    policy = RegistrationPolicy(persons_required=True)
    await empty.administrator.submit("registry:SetRegistrationPolicy", ROOT, policy)
    application = await checked_application(empty)
    with pytest.raises(CheckNotPassed, match="vouches"):
        await empty.auditor.submit("registry:ApproveSystem", application)

    party = await person(empty)
    with pytest.raises(PersonNotApproved):
        await party.submit("registry:VouchForApplication", application, "p-1")
    await approve(empty)
    stranger = Party(empty.peer, "Org2MSP", "stranger", Role.ENTERPRISE_USER)
    with pytest.raises(NotTheAgent):
        await stranger.submit("registry:VouchForApplication", application, "p-1")
    with pytest.raises(NotFound):
        await party.submit("registry:VouchForApplication", application, "p-2")
    vouched = await party.submit("registry:VouchForApplication", application, "p-1")
    assert vouched.person == "p-1"
    await empty.auditor.submit("registry:ApproveSystem", application)
    with pytest.raises(Conflict):
        await party.submit("registry:VouchForApplication", application, "p-1")


async def test_approval_withdrawn_before_the_decision_counts(empty: Scene) -> None:
    await empty.establish()
    application = await checked_application(empty)
    party = await person(empty)
    await approve(empty)
    await party.submit("registry:VouchForApplication", application, "p-1")
    await empty.auditor.submit("registry:RejectPerson", ROOT, CODE, "p-1", "left the company")

    with pytest.raises(PersonNotApproved):
        await empty.auditor.submit("registry:ApproveSystem", application)


async def test_policy_by_another_platform_is_refused(empty: Scene) -> None:
    await empty.establish()
    foreign = Party(empty.peer, "Org2MSP", "administrator", Role.PLATFORM_ADMINISTRATOR)

    with pytest.raises(AccessDenied):
        await foreign.submit(
            "registry:SetRegistrationPolicy", ROOT, RegistrationPolicy(persons_required=True)
        )
