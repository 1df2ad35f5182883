"""The contract lake: policies, access requests, decisions, grants, revocation, openings, the access log."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import Scene
from tests.unit.chaincode.sharing_scene import DAY_MS, ROLE, SharingScene

from gridledger.chaincode.access_deciding import judge
from gridledger.model.change import SystemChange
from gridledger.model.dataset import DatasetIdentifier
from gridledger.model.errors import ContractError
from gridledger.model.exchange_refusals import Expired, NotActive, NotTheAgent
from gridledger.model.lake_refusals import AccessOver, KeyOutdated, NotHandedOver, VersionNotStored
from gridledger.model.lifecycle import Validity
from gridledger.model.refusals import AccessDenied, AlreadyExists, BadArgument, Conflict, NotFound
from gridledger.model.roles import Role
from gridledger.model.sharing import (
    AccessProblem,
    AccessRequest,
    AccessStep,
    PolicyRule,
    PowerPlatform,
    SharingPolicy,
)
from gridledger.model.states import IdentifierState
from gridledger.model.system import SystemKind

MARKETING, DISTRIBUTION, DISPATCHING = PowerPlatform


@pytest.fixture
async def sharing(empty: Scene) -> SharingScene:
    return await SharingScene.make(empty)


@pytest.fixture
async def shared(sharing: SharingScene) -> SharingScene:
    await sharing.shared()
    return sharing


async def steps(shared: SharingScene) -> list[AccessStep]:
    page = await shared.owner.ask("lake:ListAccessLog", shared.dataset, "")
    return [entry.step for entry in page.entries]


async def test_three_platforms_one_refused_one_granted_one_revoked(shared: SharingScene) -> None:
    refused = await shared.ask(MARKETING)
    assert refused.problems == (AccessProblem.PLATFORM,)
    kept, lost = await shared.ask(DISTRIBUTION), await shared.ask(DISPATCHING)
    assert (kept.is_admitted, kept.valid_until_ms) == (True, kept.decided_ms + DAY_MS)
    for decision in (kept, lost):
        assert (await shared.grant(decision)).holds(shared.scene.peer.time_ms)
    opened = await shared.applications[DISTRIBUTION].submit("lake:OpenVersion", kept.id, None)
    assert (opened.version.statement.number, opened.newest) == (1, 1)

    (revoked,) = await shared.owner.submit("lake:RevokeAccess", shared.dataset, (lost.id,), "project over")

    assert not revoked.holds(shared.scene.peer.time_ms)
    with pytest.raises(AccessOver):
        await shared.applications[DISPATCHING].submit("lake:OpenVersion", lost.id, None)
    left = (await shared.owner.ask("lake:ListGrants", shared.dataset, "")).accesses
    assert [access.decision.id for access in left] == [kept.id]
    # The key is out of date: neither a version nor a grant is made with it, and the other one gets the next.
    with pytest.raises(KeyOutdated):
        await shared.grant(kept)
    first = shared.statement()
    with pytest.raises(KeyOutdated):
        await shared.owner.submit("lake:ProposeVersion", shared.statement(2, first.digest))
    await shared.store(shared.statement(2, first.digest, epoch=2))
    assert (await shared.grant(kept, epoch=2)).sealed.epoch == 2  # type: ignore[union-attr]
    opened = await shared.applications[DISTRIBUTION].submit("lake:OpenVersion", kept.id, None)
    assert opened.newest == 2
    assert await steps(shared) == [
        AccessStep.REFUSED,
        AccessStep.ADMITTED,
        AccessStep.ADMITTED,
        AccessStep.GRANTED,
        AccessStep.GRANTED,
        AccessStep.OPENED,
        AccessStep.REVOKED,
        AccessStep.GRANTED,
        AccessStep.OPENED,
    ]


@pytest.mark.parametrize(
    ("rule", "request_", "problem"),
    [
        ({"platform": DISTRIBUTION}, {}, AccessProblem.PLATFORM),
        ({"organisations": ("Org9MSP",)}, {}, AccessProblem.ORGANISATION),
        ({"roles": ("auditor",)}, {}, AccessProblem.ROLE),
        ({"purposes": ("billing",)}, {}, AccessProblem.PURPOSE),
        ({}, {"purpose": "billing"}, AccessProblem.PURPOSE),
        ({"longest_ms": DAY_MS}, {"wanted_ms": DAY_MS + 1}, AccessProblem.VALIDITY),
        ({"validity": Validity(until_ms=1)}, {}, AccessProblem.VALIDITY),
        ({"validity": Validity(from_ms=2**50)}, {}, AccessProblem.VALIDITY),
    ],
    ids=["platform", "organisation", "role", "purpose", "other purpose", "too long", "over", "to come"],
)
async def test_policy_refuses_with_its_reason(
    sharing: SharingScene, rule: dict[str, Any], request_: dict[str, Any], problem: AccessProblem
) -> None:
    await sharing.store(sharing.statement())
    chosen = {"platform": DISPATCHING, **rule}
    rules = (sharing.rule(**chosen),)
    await sharing.owner.submit("lake:SetSharingPolicy", sharing.dataset, rules)
    decision = await sharing.ask(DISPATCHING, **request_)
    assert (decision.problems, decision.policy_version) == ((problem,), 1)
    assert decision.valid_until_ms is None


async def test_without_policy_version_or_platform_nobody_is_admitted(sharing: SharingScene) -> None:
    early = await sharing.ask(DISPATCHING)
    assert early.problems == (AccessProblem.NO_VERSION, AccessProblem.PLATFORM)
    scene = sharing.scene
    outsider = Party(scene.peer, "Org2MSP", "outsider", Role.DATA_APPLICATION)
    identifier = await scene.register(outsider, SystemKind.DATA_APPLICATION)
    await outsider.submit("registry:RegisterUser", identifier, "worker-1", (ROLE,))
    await sharing.shared()
    decision = await outsider.submit(
        "lake:RequestAccess", sharing.request(DISPATCHING, application=identifier)
    )
    assert decision.problems == (AccessProblem.NO_PLATFORM,)
    await sharing.owner.submit("lake:WithdrawDataset", sharing.dataset, "sold")
    assert (await sharing.ask(DISPATCHING)).problems == (AccessProblem.DATASET_WITHDRAWN,)


async def test_request_wants_agent_user_and_role(shared: SharingScene) -> None:
    asked = shared.request(DISPATCHING)
    with pytest.raises(NotTheAgent):
        await shared.applications[DISTRIBUTION].submit("lake:RequestAccess", asked)
    with pytest.raises(NotFound):
        await shared.ask(DISPATCHING, user="nobody")
    with pytest.raises(AccessDenied):
        await shared.ask(DISPATCHING, user_role="auditor")
    with pytest.raises(NotFound):
        await shared.ask(DISPATCHING, dataset=DatasetIdentifier(shared.dataset.system, "none"))


async def test_request_is_decided_once_and_not_kept_for_later(shared: SharingScene) -> None:
    asked = shared.request(DISPATCHING)
    application = shared.applications[DISPATCHING]
    await application.submit("lake:RequestAccess", asked)
    with pytest.raises(AlreadyExists):
        await application.submit("lake:RequestAccess", asked)
    for made_ms in (asked.made_ms - 330_000, asked.made_ms + 330_000):
        with pytest.raises(Expired):
            await shared.ask(DISPATCHING, made_ms=made_ms)


async def test_platform_is_assigned_by_the_roots_administrator(sharing: SharingScene) -> None:
    foreign = Party(sharing.scene.peer, "Org2MSP", "administrator", Role.PLATFORM_ADMINISTRATOR)
    with pytest.raises(AccessDenied):
        await foreign.submit("lake:AssignPlatform", sharing.system(MARKETING), DISPATCHING)
    system = sharing.system(MARKETING)
    await sharing.scene.administrator.submit("lake:AssignPlatform", system, DISPATCHING)
    assert (await foreign.ask("lake:GetPlatform", system)).platform is DISPATCHING


async def test_grant_for_a_refused_or_foreign_request_is_refused(shared: SharingScene) -> None:
    refused = await shared.ask(MARKETING)
    with pytest.raises(AccessOver):
        await shared.grant(refused)
    admitted = await shared.ask(DISPATCHING)
    other = shared.entry(identifier=DatasetIdentifier(shared.dataset.system, "other"))
    await shared.owner.submit("lake:RegisterDataset", other)
    await shared.store(shared.statement(dataset=other.identifier))
    entries = (shared.sealed(admitted),)
    with pytest.raises(NotFound):
        await shared.owner.submit("lake:DepositGrants", other.identifier, entries)
    with pytest.raises(NotFound):
        await shared.owner.submit("lake:RevokeAccess", other.identifier, (admitted.id,), "wrong one")
    with pytest.raises(BadArgument):
        await shared.owner.submit("lake:DepositGrants", shared.dataset, entries * 2)
    stranger = Party(shared.scene.peer, "Org1MSP", "stranger", Role.BUSINESS_SYSTEM)
    for function, arguments in (
        ("lake:DepositGrants", (entries,)),
        ("lake:RevokeAccess", ((admitted.id,), "mine now")),
        ("lake:SetSharingPolicy", ((),)),
    ):
        with pytest.raises(NotTheAgent):
            await stranger.submit(function, shared.dataset, *arguments)


async def test_grant_runs_out(shared: SharingScene) -> None:
    decision = await shared.ask(DISPATCHING)
    await shared.grant(decision)
    shared.scene.peer.time_ms += DAY_MS
    await shared.scene.agent.submit("ledger:RenewTimeMark")
    with pytest.raises(AccessOver):
        await shared.applications[DISPATCHING].submit("lake:OpenVersion", decision.id, None)
    with pytest.raises(AccessOver):
        await shared.grant(decision, epoch=2)


async def test_request_may_be_revoked_before_anything_is_handed_over(shared: SharingScene) -> None:
    decision = await shared.ask(DISPATCHING)
    with pytest.raises(NotHandedOver):
        await shared.applications[DISPATCHING].submit("lake:OpenVersion", decision.id, None)
    await shared.owner.submit("lake:RevokeAccess", shared.dataset, (decision.id,), "mistaken")
    with pytest.raises(AccessOver):
        await shared.grant(decision)
    with pytest.raises(AccessOver):
        await shared.owner.submit("lake:RevokeAccess", shared.dataset, (decision.id,), "again")
    # Nothing was sealed to anybody, so no key is out of date.
    assert (await shared.owner.ask("lake:GetHead", shared.dataset)).least_epoch == 1


async def test_only_the_application_opens_and_only_what_is_stored(shared: SharingScene) -> None:
    decision = await shared.ask(DISPATCHING)
    await shared.grant(decision)
    with pytest.raises(NotTheAgent):
        await shared.applications[DISTRIBUTION].submit("lake:OpenVersion", decision.id, None)
    await shared.owner.submit("lake:ProposeVersion", shared.statement(2, shared.statement().digest))
    application = shared.applications[DISPATCHING]
    with pytest.raises(VersionNotStored):
        await application.submit("lake:OpenVersion", decision.id, 2)
    with pytest.raises(NotFound):
        await application.submit("lake:OpenVersion", decision.id, 3)
    assert (await application.submit("lake:OpenVersion", decision.id, 1)).newest == 1


async def test_withdrawn_dataset_is_granted_to_nobody_new(shared: SharingScene) -> None:
    granted, waiting = await shared.ask(DISPATCHING), await shared.ask(DISTRIBUTION)
    await shared.grant(granted)
    await shared.owner.submit("lake:WithdrawDataset", shared.dataset, "sold")
    with pytest.raises(Conflict):
        await shared.grant(waiting)
    # Who has the right keeps it when somebody else loses it.
    assert (await shared.grant(granted, epoch=2)).holds(shared.scene.peer.time_ms)


async def test_suspended_owner_may_take_back_and_nothing_else(shared: SharingScene) -> None:
    decision = await shared.ask(DISPATCHING)
    await shared.grant(decision)
    change = SystemChange(state=IdentifierState.SUSPENDED, reason="under review")
    await shared.scene.auditor.submit("registry:ChangeSystem", shared.dataset.system, change)
    assert (await shared.ask(DISPATCHING)).problems == (AccessProblem.OWNER_NOT_ACTIVE,)
    with pytest.raises(NotActive):
        await shared.grant(decision)
    await shared.owner.submit("lake:RevokeAccess", shared.dataset, (decision.id,), "before it is too late")


async def test_lost_role_or_other_platform_opens_nothing(shared: SharingScene) -> None:
    application, system = shared.applications[DISPATCHING], shared.system(DISPATCHING)
    decision = await shared.ask(DISPATCHING)
    await shared.grant(decision)
    await shared.scene.administrator.submit("lake:AssignPlatform", system, MARKETING)
    with pytest.raises(AccessOver):
        await application.submit("lake:OpenVersion", decision.id, None)
    await shared.scene.administrator.submit("lake:AssignPlatform", system, DISPATCHING)
    await application.submit("lake:OpenVersion", decision.id, None)
    await application.submit("registry:RegisterUser", system, "worker-1", ("auditor",))
    with pytest.raises(AccessOver):
        await application.submit("lake:OpenVersion", decision.id, None)


async def test_requests_are_listed_by_dataset_and_application(shared: SharingScene) -> None:
    first, second = await shared.ask(DISPATCHING), await shared.ask(MARKETING)
    listed = (await shared.owner.ask("lake:ListAccesses", shared.dataset, "")).accesses
    assert {access.decision.id for access in listed} == {first.id, second.id}
    for dataset in (shared.dataset, None):
        page = await shared.owner.ask("lake:ListAccessesOf", shared.system(DISPATCHING), dataset, "")
        assert [access.decision.id for access in page.accesses] == [first.id]


async def test_request_and_opening_read_the_ledger_in_a_few_round_trips(shared: SharingScene) -> None:
    requests = shared.scene.peer.requests
    requests.clear()
    decision = await shared.ask(DISPATCHING)
    assert [name for name in requests if name.startswith("GET_")] == ["GET_STATE_MULTIPLE"]
    await shared.grant(decision)
    requests.clear()
    await shared.applications[DISPATCHING].submit("lake:OpenVersion", decision.id, None)
    # What the id names, what the request names, the version.
    assert [name for name in requests if name.startswith("GET_")] == ["GET_STATE_MULTIPLE"] * 2 + [
        "GET_STATE"
    ]


async def test_requests_come_in_pages(shared: SharingScene) -> None:
    asked = []
    for count in range(101):
        if count % 50 == 0:
            await shared.scene.agent.submit("ledger:RenewTimeMark")
        asked.append((await shared.ask(DISPATCHING)).id)
    found: list[str] = []
    bookmark, pages = "", 0
    while pages == 0 or bookmark:
        page = await shared.owner.ask("lake:ListAccesses", shared.dataset, bookmark)
        found += [access.decision.id for access in page.accesses]
        bookmark, pages = page.bookmark, pages + 1
    assert (found, pages) == (asked, 2)


async def test_policy_has_versions(shared: SharingScene) -> None:
    policy: SharingPolicy = await shared.owner.submit("lake:SetSharingPolicy", shared.dataset, ())
    assert (policy.version, policy.rules) == (2, ())
    assert (await shared.ask(DISPATCHING)).problems == (AccessProblem.PLATFORM,)


WORDS = st.sampled_from(["a", "b", "c"])
SETS = st.sets(WORDS, min_size=1).map(lambda words: tuple(sorted(words)))
RULES = st.lists(
    st.builds(
        PolicyRule,
        platform=st.sampled_from(PowerPlatform),
        organisations=st.none() | SETS,
        roles=SETS,
        purposes=SETS,
        longest_ms=st.sampled_from([60_000, DAY_MS]),
        validity=st.none()
        | st.builds(Validity, from_ms=st.integers(0, 20 * DAY_MS), until_ms=st.none())
        | st.builds(Validity, from_ms=st.none(), until_ms=st.integers(1, 20 * DAY_MS)),
    ),
    max_size=6,
)


@given(
    rules=RULES,
    platform=st.sampled_from(PowerPlatform),
    organisation=WORDS,
    role=WORDS,
    purpose=WORDS,
    wanted_ms=st.sampled_from([60_000, DAY_MS, 7 * DAY_MS]),
)
def test_whoever_is_admitted_is_admitted_by_one_rule_alone(
    rules: list[PolicyRule],
    platform: PowerPlatform,
    organisation: str,
    role: str,
    purpose: str,
    wanted_ms: int,
) -> None:
    now_ms = 10 * DAY_MS
    asked = AccessRequest(
        dataset=DatasetIdentifier.parse("88.1042.1/x"),
        application=DatasetIdentifier.parse("88.1042.2/x").system,
        user="u",
        user_role=role,
        purpose=purpose,
        wanted_ms=wanted_ms,
        recipient=bytes(32),
        made_ms=now_ms,
        nonce="nonce-of-a-request",
    )

    def admits(rule: PolicyRule) -> bool:
        validity = rule.validity or Validity()
        return (
            rule.platform is platform
            and (rule.organisations is None or organisation in rule.organisations)
            and role in rule.roles
            and purpose in rule.purposes
            and wanted_ms <= rule.longest_ms
            and validity.holds(now_ms)
            and validity.holds(now_ms + wanted_ms - 1)
        )

    found = judge(rules, asked, platform, organisation, now_ms)
    assert (found is None) == any(admits(rule) for rule in rules)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    wrapped=st.binary(max_size=100),
    location=st.binary(max_size=40) | st.binary(min_size=2040, max_size=2060),
    epoch=st.integers(-1, 2**53 - 1),
    request=st.text(max_size=70) | st.just("0" * 64),
)
async def test_hostile_grants_are_refused_and_write_nothing(
    shared: SharingScene, wrapped: bytes, location: bytes, epoch: int, request: str
) -> None:
    before = dict(shared.scene.peer.ledger.state)
    entry = {
        "request": request,
        "sealed": {"epoch": epoch, "wrapped_key": wrapped.hex(), "location": location.hex()},
    }
    with pytest.raises(ContractError) as caught:
        await shared.owner.commit("lake:DepositGrants", shared.dataset, [entry])
    assert caught.value.code in {"GL-CHN-003", "GL-CHN-005"}
    assert shared.scene.peer.ledger.state == before
