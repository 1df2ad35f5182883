"""Credit: ratings of settled and returned lines, folding, deregistration and registration again."""

from __future__ import annotations

import pytest
from tests.unit.chaincode.party import Party, hexadecimal
from tests.unit.chaincode.scene import PASSED, ROOT, TOTAL, Scene, profile

from gridledger.model.change import SystemChange
from gridledger.model.credit import FIRST_WEIGHT, CreditStanding, RatingKey
from gridledger.model.device import DeviceEntry
from gridledger.model.exchange_refusals import NotActive, NotTheAgent
from gridledger.model.lifecycle import Actor
from gridledger.model.refusals import AccessDenied, AlreadyExists, BadArgument, Conflict, NotFound
from gridledger.model.registry_refusals import CreditSuffices
from gridledger.model.roles import Role
from gridledger.model.states import ApplicationState, IdentifierState
from gridledger.model.system import LEAST_CREDIT, SystemKind
from gridledger.model.trade import Order


async def settled(scene: Scene) -> Order:
    """Order from all three systems and settle with the monitoring system."""
    notes = await scene.pay_in(TOTAL)
    order = await scene.order(await scene.resolve(), notes)
    contract = scene.countersign(scene.contract(order, "monitoring"), "monitoring")
    await scene.application.once("trade:DepositContracts", (contract,))
    return order


async def fold(scene: Scene, name: str) -> CreditStanding:
    system = scene.systems[name]
    page = await scene.aggregation.ask("registry:ListRatings", system, "")
    found: CreditStanding = await scene.aggregation.submit("registry:FoldRatings", system, page.ratings)
    return found


async def test_both_parties_rate_each_other_once(scene: Scene) -> None:
    order = await settled(scene)
    owner, application = scene.systems["monitoring"], scene.systems["lifecycle"]
    rating = await scene.application.submit("registry:RateSystem", order.id, owner, 20)
    assert (rating.rated, rating.score) == (owner, 20)
    rating = await scene.owners["monitoring"].submit("registry:RateSystem", order.id, owner, 90)
    assert rating.rated == application
    with pytest.raises(AlreadyExists):
        await scene.application.submit("registry:RateSystem", order.id, owner, 100)

    folded = await fold(scene, "monitoring")
    assert folded.credit == (FIRST_WEIGHT * PASSED.credit + 20) // (FIRST_WEIGHT + 1)
    assert (await scene.application.ask("registry:GetCredit", owner)) == folded
    with pytest.raises(AlreadyExists):  # counted, and still written once
        await scene.application.submit("registry:RateSystem", order.id, owner, 100)
    assert (await fold(scene, "lifecycle")).credit == (FIRST_WEIGHT * PASSED.credit + 90) // 11


async def test_rating_without_a_decided_line_or_by_a_stranger_is_refused(scene: Scene) -> None:
    order = await settled(scene)
    with pytest.raises(NotFound):  # its hold still waits
        await scene.application.submit("registry:RateSystem", order.id, scene.systems["construction"], 50)
    with pytest.raises(NotFound):
        await scene.application.submit("registry:RateSystem", order.id, scene.systems["lifecycle"], 50)
    with pytest.raises(NotFound):
        await scene.application.submit(
            "registry:RateSystem", hexadecimal("none"), scene.systems["monitoring"], 50
        )
    with pytest.raises(NotTheAgent):
        await scene.owners["construction"].submit(
            "registry:RateSystem", order.id, scene.systems["monitoring"], 50
        )
    for score in (-1, 101):
        with pytest.raises(BadArgument):
            await scene.application.submit(
                "registry:RateSystem", order.id, scene.systems["monitoring"], score
            )


async def test_fold_takes_each_rating_once_and_by_the_roots_system(scene: Scene) -> None:
    order = await settled(scene)
    owner = scene.systems["monitoring"]
    await scene.application.submit("registry:RateSystem", order.id, owner, 20)
    key = RatingKey(order=order.id, rater=scene.systems["lifecycle"])
    rival = Party(scene.peer, "Org1MSP", "rival", Role.AGGREGATION_SYSTEM)
    with pytest.raises(NotTheAgent):
        await rival.submit("registry:FoldRatings", owner, (key,))
    for ratings in ((), (key, key)):
        with pytest.raises(BadArgument):
            await scene.aggregation.submit("registry:FoldRatings", owner, ratings)
    await scene.aggregation.submit("registry:FoldRatings", owner, (key,))
    with pytest.raises(NotFound):
        await scene.aggregation.submit("registry:FoldRatings", owner, (key,))
    with pytest.raises(AccessDenied):
        await scene.aggregation.submit("registry:DeregisterSystem", ROOT, "the root itself")


async def sink(scene: Scene, name: str) -> None:
    """Let a system's credit fall below the threshold."""
    owner = scene.systems[name]
    while (await scene.application.ask("registry:GetCredit", owner)).credit >= LEAST_CREDIT:
        order = await settled(scene)
        await scene.application.submit("registry:RateSystem", order.id, owner, 0)
        await fold(scene, name)


async def test_low_credit_deregisters_and_registration_again_restores(scene: Scene) -> None:
    owner, party = scene.systems["monitoring"], scene.owners["monitoring"]
    with pytest.raises(CreditSuffices):
        await scene.aggregation.submit("registry:DeregisterSystem", owner, "low credit")
    await sink(scene, "monitoring")
    suspended = await scene.aggregation.submit("registry:DeregisterSystem", owner, "low credit")
    assert (suspended.state, suspended.suspended_by) == (IdentifierState.SUSPENDED, Actor.PLATFORM)
    with pytest.raises(NotActive):
        await scene.aggregation.submit("registry:DeregisterSystem", owner, "again")

    # It resolves no more, and does nothing more.
    decided = await scene.application.ask("resolution:Decide", scene.request())
    assert owner not in [target.system for target in decided.targets]
    entry = DeviceEntry(own_code="new", name="new", kind="meter")
    with pytest.raises(NotActive):
        await party.once("registry:RegisterDevices", owner, (entry,))

    # It applies again, and goes the whole way.
    wanted = profile(SystemKind.BUSINESS_SYSTEM, "monitoring")
    application = await party.once("registry:RegisterSystem", ROOT, wanted)
    assert (application.state, application.system) == (ApplicationState.APPLIED, owner)
    await scene.aggregation.submit("registry:DepositCheck", application.id, PASSED)
    system = await scene.auditor.submit("registry:ApproveSystem", application.id)
    assert (system.identifier, system.state) == (owner, IdentifierState.ACTIVE)
    credit = await scene.application.ask("registry:GetCredit", owner)
    assert (credit.credit, credit.ratings) == (PASSED.credit, 0)
    decided = await scene.application.ask("resolution:Decide", scene.request())
    assert owner in [target.system for target in decided.targets]


async def test_ratings_from_before_the_registration_again_are_not_counted(scene: Scene) -> None:
    owner, party = scene.systems["monitoring"], scene.owners["monitoring"]
    order = await settled(scene)
    await scene.application.submit("registry:RateSystem", order.id, owner, 0)
    change = SystemChange(state=IdentifierState.SUSPENDED, reason="under review")
    await scene.auditor.submit("registry:ChangeSystem", owner, change)
    application = await party.once(
        "registry:RegisterSystem", ROOT, profile(SystemKind.BUSINESS_SYSTEM, "monitoring")
    )
    await scene.aggregation.submit("registry:DepositCheck", application.id, PASSED)
    await scene.auditor.submit("registry:ApproveSystem", application.id)

    folded = await fold(scene, "monitoring")

    assert (folded.credit, folded.ratings) == (PASSED.credit, 0)
    assert (await scene.aggregation.ask("registry:ListRatings", owner, "")).ratings == ()


async def test_revoked_system_is_not_registered_again(scene: Scene) -> None:
    owner, party = scene.systems["monitoring"], scene.owners["monitoring"]
    change = SystemChange(state=IdentifierState.SUSPENDED, reason="under review")
    await scene.auditor.submit("registry:ChangeSystem", owner, change)
    wanted = profile(SystemKind.BUSINESS_SYSTEM, "monitoring")
    application = await party.once("registry:RegisterSystem", ROOT, wanted)
    await scene.aggregation.submit("registry:DepositCheck", application.id, PASSED)
    change = SystemChange(state=IdentifierState.REVOKED, reason="dissolved")
    await scene.auditor.submit("registry:ChangeSystem", owner, change)

    with pytest.raises(Conflict):
        await scene.auditor.submit("registry:ApproveSystem", application.id)


async def test_active_system_does_not_apply_again(scene: Scene) -> None:
    with pytest.raises(AlreadyExists):
        await scene.owners["monitoring"].once(
            "registry:RegisterSystem", ROOT, profile(SystemKind.BUSINESS_SYSTEM, "monitoring")
        )
