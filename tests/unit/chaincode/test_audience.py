"""Publications follow their owner: to its other prefixes, into suspension, and out of it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import METER, PASSED, PLANT, ROOT, Scene, profile

from gridledger.chaincode.ledger_key import audience_key
from gridledger.model.catalogue import Publication, PublicationEntry, Selector
from gridledger.model.catalogue_refusals import WithdrawnByOwner
from gridledger.model.change import DeviceMove, SystemChange
from gridledger.model.exchange_refusals import NotPublished
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.lifecycle import Validity
from gridledger.model.refusals import LimitExceeded
from gridledger.model.rights import FieldRequestAnswer, FieldRequestEntry, Withdrawal
from gridledger.model.roles import Role
from gridledger.model.states import IdentifierState
from gridledger.model.system import SystemKind


async def change_prefix(scene: Scene, *, bring: bool = True) -> SystemIdentifier:
    old = scene.systems["monitoring"]
    new: SystemIdentifier = (await scene.auditor.submit("registry:ChangePrefix", old)).identifier
    if bring:
        move = DeviceMove(device=scene.device("monitoring"), to=new.device(METER))
        (result,) = await scene.owners["monitoring"].once("registry:MoveDevices", old, (move,))
        assert result.accepted, result.message
    return new


async def publication(scene: Scene, system: SystemIdentifier) -> Publication:
    found: Publication = await scene.auditor.ask(
        "catalogue:GetPublication", scene.systems["lifecycle"], system
    )
    assert found.system == system
    return found


async def change(scene: Scene, system: SystemIdentifier, **changes: Any) -> None:
    entry = SystemChange(**changes, reason="under review")
    await scene.auditor.submit("registry:ChangeSystem", system, entry)


async def test_publication_stands_under_the_new_prefix_and_the_old_one(scene: Scene) -> None:
    old = scene.systems["monitoring"]
    before = await publication(scene, old)
    new = await change_prefix(scene)
    assert await publication(scene, old) == before
    assert (await publication(scene, new)).names == before.names == ("ac_power", "irradiance")
    state = scene.peer.ledger.state
    assert ("", audience_key(new).to_text()) in state
    assert ("", audience_key(old).to_text()) not in state


@pytest.mark.parametrize("named", ["old", "new"])
async def test_what_a_moved_owner_takes_back_is_out_of_rules_over_each_prefix(
    scene: Scene, named: str
) -> None:
    old = scene.systems["monitoring"]
    new = await change_prefix(scene)
    application, name = scene.systems["lifecycle"], "ac_power"
    wanted = (Selector(system=old, name=name), scene.selectors()[0])
    await scene.application.ask("resolution:Decide", scene.request(wanted=wanted))

    withdrawal = Withdrawal(application=application, system={"old": old, "new": new}[named], names=(name,))
    await scene.owners["monitoring"].submit("catalogue:WithdrawFields", withdrawal)

    for prefix in (old, new):
        found = await publication(scene, prefix)
        assert (found.names, found.withdrawn) == (("irradiance",), (name,))
    with pytest.raises(NotPublished):
        await scene.application.ask("resolution:Decide", scene.request(wanted=wanted))
    entry = PublicationEntry(
        application=application, identity=PLANT, selectors=(Selector(system=new, name=name),)
    )
    with pytest.raises(WithdrawnByOwner):
        await scene.aggregation.submit("catalogue:PublishFields", ROOT, entry)


async def test_grant_under_the_old_prefix_counts_for_the_new_one(scene: Scene) -> None:
    old, application = scene.systems["monitoring"], scene.systems["lifecycle"]
    entry = FieldRequestEntry(application=application, system=old, names=("energy",), purpose="more")
    await scene.application.submit("catalogue:RequestFields", entry)
    new = await change_prefix(scene)
    answer = FieldRequestAnswer(application=application, system=old, granted=("energy",), reason="yes")
    await scene.owners["monitoring"].submit("catalogue:AnswerFieldRequest", answer)
    for prefix in (old, new):
        assert "energy" in (await publication(scene, prefix)).names


async def test_publication_says_whether_its_owner_is_in_force(scene: Scene) -> None:
    old = scene.systems["monitoring"]
    new = await change_prefix(scene)
    validity = Validity(until_ms=scene.peer.time_ms + 60_000)
    expected: list[tuple[dict[str, Any], tuple[IdentifierState | None, Validity | None]]] = [
        ({"state": IdentifierState.SUSPENDED}, (IdentifierState.SUSPENDED, None)),
        ({"state": IdentifierState.ACTIVE}, (None, None)),
        ({"validity": validity}, (None, validity)),
        ({"validity": Validity()}, (None, None)),
        ({"state": IdentifierState.REVOKED}, (IdentifierState.REVOKED, None)),
    ]
    for changes, told in expected:
        await change(scene, new, **changes)
        for prefix in (old, new):
            found = await publication(scene, prefix)
            assert (found.owner_state, found.owner_validity) == told
    construction = await publication(scene, scene.systems["construction"])
    assert construction.owner_state is None


async def test_publication_of_a_suspended_owner_says_so_from_the_first(scene: Scene) -> None:
    system, application = scene.systems["monitoring"], scene.systems["lifecycle"]
    await change(scene, system, state=IdentifierState.SUSPENDED)
    second = Party(scene.peer, "Org2MSP", "second", Role.DATA_APPLICATION)
    other = await scene.register(second, SystemKind.DATA_APPLICATION)
    selector = Selector(system=system, name="ac_power")
    entry = PublicationEntry(application=other, identity=PLANT, selectors=(selector,))
    (published,) = await scene.aggregation.submit("catalogue:PublishFields", ROOT, entry)
    assert published.owner_state is IdentifierState.SUSPENDED
    await change(scene, system, state=IdentifierState.ACTIVE)
    for one in (application, other):
        found = await scene.auditor.ask("catalogue:GetPublication", one, system)
        assert found.owner_state is None


async def test_owner_that_is_registered_again_is_told_active(scene: Scene) -> None:
    system, party = scene.systems["monitoring"], scene.owners["monitoring"]
    await change(scene, system, state=IdentifierState.SUSPENDED)
    application = await party.once(
        "registry:RegisterSystem", ROOT, profile(SystemKind.BUSINESS_SYSTEM, party.name)
    )
    await scene.aggregation.submit("registry:DepositCheck", application.id, PASSED)
    await scene.auditor.submit("registry:ApproveSystem", application.id)
    assert (await publication(scene, system)).owner_state is None


async def test_owner_is_published_to_a_bounded_number_of_applications(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridledger.chaincode.audience.MAX_AUDIENCE", 1)
    second = Party(scene.peer, "Org2MSP", "second", Role.DATA_APPLICATION)
    other = await scene.register(second, SystemKind.DATA_APPLICATION)
    selector = Selector(system=scene.systems["monitoring"], name="ac_power")
    with pytest.raises(LimitExceeded):
        await scene.aggregation.submit(
            "catalogue:PublishFields",
            ROOT,
            PublicationEntry(application=other, identity=PLANT, selectors=(selector,)),
        )
    again = PublicationEntry(application=scene.systems["lifecycle"], identity=PLANT, selectors=(selector,))
    await scene.aggregation.submit("catalogue:PublishFields", ROOT, again)
