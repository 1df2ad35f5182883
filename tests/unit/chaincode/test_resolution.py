"""The contracts `catalogue`, `resolution` and `integrity`: rights, verdicts, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import DAY, PLANT, ROOT, TOTAL, Scene

from gridledger.chaincode.ledger_key import device_key, system_key
from gridledger.model.catalogue import PublicationEntry, Selector
from gridledger.model.device import DeclaredIdentity, DeviceEntry
from gridledger.model.digest import Digest
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import (
    Expired,
    FieldRefused,
    NotActive,
    NotAKeyDevice,
    NotPublished,
    NotTheAgent,
    RootDiffers,
    SignatureRefused,
    TooFewSystems,
)
from gridledger.model.integrity import PeriodRoot, SignedRoots
from gridledger.model.period import Period
from gridledger.model.refusals import AccessDenied, AlreadyExists, BadArgument, Conflict, NotFound
from gridledger.model.resolution import Resolution, RuleEntry, SignedRequest
from gridledger.model.roles import Role
from gridledger.model.states import IdentifierState, Outcome
from gridledger.model.system import SystemKind
from gridledger.shim import Key


async def test_resolve_emits_the_resolution_with_its_verdict(scene: Scene) -> None:
    signed = scene.request()
    answers = tuple(scene.answer(owner, signed.request) for owner in scene.owners)

    committed = await scene.aggregation.commit("resolution:Resolve", signed, answers)

    assert committed.event is not None
    name, payload = committed.event
    assert name == Event.VERDICT_DEPOSITED
    resolution = Resolution.from_bytes(payload)
    verdict = await scene.aggregation.ask("integrity:GetVerdict", resolution.id)
    assert resolution.verdict == Digest.of(verdict.to_bytes())
    assert resolution.id == signed.request.id


async def test_resolve_owner_without_answer_is_withheld_as_a_whole(scene: Scene) -> None:
    signed = scene.request()
    answers = tuple(scene.answer(owner, signed.request) for owner in ("construction", "monitoring"))

    resolution = await scene.resolve_with(signed, answers)

    target = resolution.target(scene.systems["maintenance"])
    assert target is not None
    assert [check.outcome for field in target.fields for check in field.checks] == [Outcome.UNANSWERED]
    assert target.forwarded() == ()
    assert target.amount_milliyuan() == 0


async def test_resolve_period_without_deposit_is_left_out(scene: Scene) -> None:
    resolution = await scene.resolve(scene.request(last=DAY.following()))

    target = resolution.target(scene.systems["monitoring"])
    assert target is not None
    assert [check.outcome for check in target.fields[0].checks] == [Outcome.INTACT, Outcome.NOT_DEPOSITED]
    assert [str(check.period) for check in target.fields[0].intact()] == [str(DAY)]


async def test_resolve_twice_is_refused(scene: Scene) -> None:
    signed = scene.request()
    await scene.resolve(signed)

    with pytest.raises(AlreadyExists):
        await scene.resolve(signed)


@pytest.mark.parametrize("aged_ms", [300_001, -200_000])
async def test_resolve_old_or_future_request_is_refused(scene: Scene, aged_ms: int) -> None:
    with pytest.raises(Expired):
        await scene.resolve(scene.request(made_ms=scene.peer.time_ms - aged_ms))


async def test_resolve_request_signed_by_another_is_refused(scene: Scene) -> None:
    request = scene.request().request
    forged = SignedRequest(request=request, signature=scene.owners["monitoring"].sign(request))

    with pytest.raises(SignatureRefused):
        await scene.resolve(forged)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"user": "nobody"}, NotFound),
        ({"user_role": "quality-inspector"}, AccessDenied),
        ({"function": "quality-traceability"}, NotFound),
    ],
)
async def test_resolve_unknown_user_role_or_function_is_refused(
    scene: Scene, changes: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await scene.resolve(scene.request(**changes))


async def test_resolve_for_a_removed_user_is_refused(scene: Scene) -> None:
    application = scene.systems["lifecycle"]
    signed = scene.request()
    stranger = Party(scene.peer, "Org2MSP", "stranger", Role.DATA_APPLICATION)
    await scene.register(stranger, SystemKind.DATA_APPLICATION)
    with pytest.raises(NotTheAgent):
        await stranger.submit("registry:RemoveUser", application, "worker-7")
    removed = await scene.application.commit("registry:RemoveUser", application, "worker-7")
    assert removed.event is not None
    assert removed.event[0] == Event.USER_REMOVED
    with pytest.raises(NotFound):
        await scene.resolve(signed)
    with pytest.raises(NotFound):
        await scene.application.submit("registry:RemoveUser", application, "worker-7")


async def test_resolve_one_field_too_many_is_refused_by_name(scene: Scene) -> None:
    wanted = (*scene.selectors(), Selector(system=scene.systems["monitoring"], name="price"))

    with pytest.raises(FieldRefused, match="#price"):
        await scene.resolve(scene.request(wanted=wanted))


async def test_resolve_role_that_the_owner_does_not_admit_is_refused(scene: Scene) -> None:
    application = scene.systems["lifecycle"]
    await scene.application.submit("registry:RegisterUser", application, "visitor-1", ("visitor",))

    with pytest.raises(FieldRefused, match="does not admit visitor"):
        await scene.resolve(
            scene.request(user="visitor-1", user_role="visitor", wanted=scene.selectors()[:1])
        )
    with pytest.raises(TooFewSystems):
        await scene.resolve(scene.request(user="visitor-1", user_role="visitor"))


async def test_resolve_fields_of_one_system_only_is_refused(scene: Scene) -> None:
    with pytest.raises(TooFewSystems):
        await scene.resolve(scene.request(wanted=scene.selectors()[1:3]))


async def test_resolve_device_without_association_is_refused(scene: Scene) -> None:
    with pytest.raises(NotFound):
        await scene.resolve(scene.request(device=scene.systems["construction"].device("other")))


async def test_resolve_by_another_system_than_the_roots_is_refused(scene: Scene) -> None:
    signed = scene.request()
    answers = tuple(scene.answer(owner, signed.request) for owner in scene.owners)
    rival = Party(scene.peer, "Org1MSP", "rival", Role.AGGREGATION_SYSTEM)

    with pytest.raises(NotTheAgent):
        await rival.submit("resolution:Resolve", signed, answers)


async def test_resolve_answer_forged_or_of_another_request_is_refused(scene: Scene) -> None:
    signed, other = scene.request(), scene.request()
    answer = scene.answer("monitoring", signed.request)
    forged = SignedRoots(roots=answer.roots, signature=scene.application.sign(answer.roots))
    strange = scene.answer("monitoring", other.request)
    stranger = replace(answer.roots, roots=(scene.rows(scene.device("maintenance").field("x")).root(),))
    foreign = SignedRoots(roots=stranger, signature=scene.owners["monitoring"].sign(stranger))

    for bad, refusal in (
        ((forged,), SignatureRefused),
        ((strange,), Conflict),
        ((foreign,), BadArgument),
        ((answer, answer), BadArgument),
    ):
        with pytest.raises(refusal):
            await scene.aggregation.submit("resolution:Resolve", signed, bad)


async def test_decide_says_what_would_be_and_writes_nothing(scene: Scene) -> None:
    before = dict(scene.peer.ledger.state)

    decided = await scene.application.ask("resolution:Decide", scene.request())

    assert scene.peer.ledger.state == before
    assert {check.outcome for one in decided.targets for field in one.fields for check in field.checks} == {
        Outcome.UNANSWERED
    }


async def test_set_rule_over_unpublished_fields_is_refused(scene: Scene) -> None:
    entry = RuleEntry(
        application=scene.systems["lifecycle"],
        function="maintenance",
        selectors=(Selector(system=scene.systems["monitoring"], name="temperature"),),
    )

    with pytest.raises(NotPublished, match="#temperature"):
        await scene.application.submit("resolution:SetRule", entry)
    rule = await scene.application.ask("resolution:GetRule", entry.application, "maintenance")
    assert rule.version == 1


async def test_publish_fields_outside_of_the_association_is_refused(scene: Scene) -> None:
    entry = PublicationEntry(
        application=scene.systems["lifecycle"],
        identity=PLANT,
        selectors=(Selector(system=scene.systems["monitoring"], name="temperature"),),
    )
    with pytest.raises(NotPublished):
        await scene.aggregation.submit("catalogue:PublishFields", ROOT, entry)
    to_an_owner = replace(entry, application=scene.systems["monitoring"], selectors=scene.selectors())
    with pytest.raises(AccessDenied):
        await scene.aggregation.submit("catalogue:PublishFields", ROOT, to_an_owner)


async def test_deposit_associations_unchanged_keeps_its_revision(scene: Scene) -> None:
    unknown = DeclaredIdentity(scheme="plant", value="R99")

    results = await scene.aggregation.submit("catalogue:DepositAssociations", ROOT, (PLANT, unknown))

    assert [result.code for result in results] == [None, NotAKeyDevice.code]
    association = await scene.aggregation.ask("catalogue:GetAssociation", ROOT, PLANT)
    assert association.revision == 1
    assert len(association.members) == 3


async def test_deposit_roots_once_and_again_the_same(scene: Scene) -> None:
    party, system = scene.owners["monitoring"], scene.systems["monitoring"]
    field = scene.device("monitoring").field("ac_power")
    same = scene.rows(field).root()
    other = scene.rows(field, "9").root()
    monthly = PeriodRoot(field=field, period=Period("2018-09"), root=same.root, rows=3)
    foreign = scene.rows(scene.device("construction").field("dc_size")).root()
    unknown = scene.rows(scene.device("monitoring").field("unknown")).root()

    results = await party.submit("integrity:DepositRoots", system, (same, other, monthly, foreign, unknown))

    assert [result.code for result in results] == [
        None,
        RootDiffers.code,
        BadArgument.code,
        NotTheAgent.code,
        NotFound.code,
    ]
    deposit = await party.ask("integrity:GetDeposit", field, same.period)
    assert deposit.root == same


async def test_resolve_device_before_its_approval_is_refused(empty: Scene) -> None:
    await empty.register_all(approve=False)
    await empty.deposit()

    with pytest.raises(NotActive, match="is allocated"):
        await empty.resolve()


async def _set_state(scene: Scene, key: Key[Any], state: IdentifierState) -> None:
    found = key.record_type.from_bytes(scene.peer.ledger.state["", key.to_text()])
    scene.peer.ledger.state["", key.to_text()] = replace(found, state=state).to_bytes()


@pytest.mark.parametrize("what", ["system", "device"])
@pytest.mark.parametrize("state", [IdentifierState.SUSPENDED, IdentifierState.REVOKED])
async def test_resolve_leaves_out_what_is_not_active_and_wants_two_systems_still(
    scene: Scene, what: str, state: IdentifierState
) -> None:
    def key(owner: str) -> Key[Any]:
        return system_key(scene.systems[owner]) if what == "system" else device_key(scene.device(owner))

    await _set_state(scene, key("monitoring"), state)
    signed = scene.request()
    answers = tuple(scene.answer(owner, signed.request) for owner in ("construction", "maintenance"))
    resolution = await scene.resolve_with(signed, answers)
    assert {target.system for target in resolution.targets} == {
        scene.systems[owner] for owner in ("construction", "maintenance")
    }

    await _set_state(scene, key("maintenance"), state)
    with pytest.raises(TooFewSystems):
        await scene.aggregation.submit("resolution:Resolve", scene.request(), ())


async def test_resolve_scanned_device_that_is_suspended_is_refused(scene: Scene) -> None:
    await _set_state(scene, device_key(scene.device("construction")), IdentifierState.SUSPENDED)

    with pytest.raises(NotActive, match="is suspended"):
        await scene.resolve()


async def test_resolve_by_a_suspended_application_is_refused(scene: Scene) -> None:
    await _set_state(scene, system_key(scene.systems["lifecycle"]), IdentifierState.SUSPENDED)

    with pytest.raises(NotActive, match="is suspended"):
        await scene.resolve()


async def test_resolve_device_that_one_system_alone_manages_is_refused(scene: Scene) -> None:
    entry = DeviceEntry(own_code="M9", name="meter", kind="meter")
    await scene.owners["monitoring"].once("registry:RegisterDevices", scene.systems["monitoring"], (entry,))
    alone = scene.systems["monitoring"].device("M9")
    await _set_state(scene, device_key(alone), IdentifierState.ACTIVE)

    with pytest.raises(NotAKeyDevice):
        await scene.resolve(scene.request(device=alone))


async def test_resolution_keeps_the_signed_context_for_every_owner(scene: Scene) -> None:
    signed = scene.request()
    resolution = await scene.resolve(signed)
    order = await scene.order(resolution, await scene.pay_in(10_000))

    for owner in scene.owners:
        line = await scene.owners[owner].ask("trade:GetPaidLine", order.id, scene.systems[owner])
        assert SignedRequest(request=line.request, signature=line.signature) == signed


async def test_resolve_reads_the_ledger_in_a_few_round_trips(scene: Scene) -> None:
    """However many systems and fields: what the request names, what the rule names, fields, deposits."""
    signed = scene.request()
    answers = tuple(scene.answer(owner, signed.request) for owner in scene.owners)

    scene.peer.requests.clear()
    await scene.aggregation.submit("resolution:Resolve", signed, answers)

    assert _reads(scene) == ["GET_STATE_MULTIPLE"] * 4


async def test_order_and_paid_line_read_the_ledger_in_two_round_trips(scene: Scene) -> None:
    resolution, notes = await scene.resolve(), await scene.pay_in(TOTAL)

    scene.peer.requests.clear()
    order = await scene.order(resolution, notes, 60_000)
    assert _reads(scene) == ["GET_STATE", "GET_STATE_MULTIPLE"]  # the call key, then all others

    scene.peer.requests.clear()
    await scene.owners["monitoring"].ask("trade:GetPaidLine", order.id, scene.systems["monitoring"])
    assert _reads(scene) == ["GET_STATE_MULTIPLE"] * 2


def _reads(scene: Scene) -> list[str]:
    return [name for name in scene.peer.requests if name.startswith("GET_")]
