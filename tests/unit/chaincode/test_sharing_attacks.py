"""The contract lake against parties that are what they say, and do what they should not."""

from __future__ import annotations

import pytest
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import PASSED, ROOT, Scene, profile
from tests.unit.chaincode.sharing_scene import ROLE, SharingScene

from gridledger.model.change import SystemChange
from gridledger.model.dataset import CustodianEntry, DatasetIdentifier
from gridledger.model.exchange_refusals import NotActive, NotTheAgent
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.lake_refusals import AccessOver, NotTheCustodian
from gridledger.model.refusals import AlreadyExists, Conflict, NotFound
from gridledger.model.roles import Role
from gridledger.model.sharing import AccessProblem, PowerPlatform
from gridledger.model.states import IdentifierState
from gridledger.model.system import SystemKind

DISTRIBUTION, DISPATCHING = PowerPlatform.DISTRIBUTION, PowerPlatform.DISPATCHING


@pytest.fixture
async def sharing(empty: Scene) -> SharingScene:
    return await SharingScene.make(empty)


@pytest.fixture
async def shared(sharing: SharingScene) -> SharingScene:
    await sharing.shared()
    return sharing


async def suspend(sharing: SharingScene, system: SystemIdentifier) -> None:
    change = SystemChange(state=IdentifierState.SUSPENDED, reason="under review")
    await sharing.scene.auditor.submit("registry:ChangeSystem", system, change)


async def test_platform_assigned_below_a_root_of_ones_own_admits_nobody(shared: SharingScene) -> None:
    peer, root = shared.scene.peer, SystemIdentifier("88.666")
    own = {
        role: Party(peer, "Org2MSP", role.value, role)
        for role in (Role.AGGREGATION_SYSTEM, Role.AUDITOR, Role.PLATFORM_ADMINISTRATOR)
    }
    founder = own[Role.AGGREGATION_SYSTEM]
    await founder.submit("registry:Establish", root, profile(SystemKind.AGGREGATION_SYSTEM, "founder"))
    spy = Party(peer, "Org2MSP", "spy", Role.DATA_APPLICATION)
    applied = await spy.once("registry:RegisterSystem", root, profile(SystemKind.DATA_APPLICATION, "spy"))
    await founder.submit("registry:DepositCheck", applied.id, PASSED)
    system = await own[Role.AUDITOR].submit("registry:ApproveSystem", applied.id)
    await spy.submit("registry:RegisterUser", system.identifier, "worker-1", (ROLE,))
    await own[Role.PLATFORM_ADMINISTRATOR].submit("lake:AssignPlatform", system.identifier, DISPATCHING)
    asked = shared.request(DISPATCHING, application=system.identifier)

    decision = await spy.submit("lake:RequestAccess", asked)

    assert decision.problems == (AccessProblem.OTHER_ROOT,)
    with pytest.raises(AccessOver):
        await shared.grant(decision)


async def test_no_key_is_handed_to_an_application_that_was_suspended_since(shared: SharingScene) -> None:
    waiting, granted = await shared.ask(DISPATCHING), await shared.ask(DISPATCHING)
    await shared.grant(granted)
    await suspend(shared, shared.system(DISPATCHING))
    for decision in (waiting, granted):
        with pytest.raises(AccessOver):
            await shared.grant(decision, epoch=2)
    with pytest.raises(NotActive):
        await shared.applications[DISPATCHING].submit("lake:OpenVersion", granted.id, None)


@pytest.mark.parametrize("lost", ["role", "platform"])
async def test_no_key_is_handed_over_for_a_lost_role_or_platform(shared: SharingScene, lost: str) -> None:
    decision, system = await shared.ask(DISPATCHING), shared.system(DISPATCHING)
    if lost == "role":
        await shared.applications[DISPATCHING].submit("registry:RegisterUser", system, "worker-1", ("other",))
    else:
        await shared.scene.administrator.submit("lake:AssignPlatform", system, PowerPlatform.MARKETING)
    with pytest.raises(AccessOver):
        await shared.grant(decision)


async def test_receipt_adds_no_version_to_a_withdrawn_dataset(sharing: SharingScene) -> None:
    statement = sharing.statement()
    await sharing.owner.submit("lake:ProposeVersion", statement)
    await sharing.owner.submit("lake:WithdrawDataset", sharing.dataset, "sold")
    with pytest.raises(Conflict):
        await sharing.custodian.submit("lake:DepositReceipt", sharing.receipt(statement))


async def test_receipt_adds_no_version_for_a_suspended_owner(sharing: SharingScene) -> None:
    statement = sharing.statement()
    await sharing.owner.submit("lake:ProposeVersion", statement)
    await suspend(sharing, sharing.dataset.system)
    with pytest.raises(NotActive):
        await sharing.custodian.submit("lake:DepositReceipt", sharing.receipt(statement))


async def test_owner_is_no_custodian_of_its_own_versions(sharing: SharingScene) -> None:
    scene = sharing.scene
    itself = Party(scene.peer, "Org1MSP", "itself", Role.BUSINESS_SYSTEM, Role.AGENT)
    owned = await scene.register(itself, SystemKind.BUSINESS_SYSTEM)
    entry = CustodianEntry(name="itself", sealing_key=bytes(31) + b"\x09")
    registered = await itself.submit("lake:RegisterCustodian", ROOT, entry)
    await scene.administrator.submit("lake:ApproveCustodian", ROOT, registered.id)
    dataset = DatasetIdentifier(owned, "own.csv")
    await itself.submit("lake:RegisterDataset", sharing.entry(identifier=dataset))
    statement = sharing.statement(dataset=dataset, custodian=registered.id)
    with pytest.raises(NotTheCustodian):
        await itself.submit("lake:ProposeVersion", statement)
    # Another's versions it may check.
    await sharing.owner.submit("lake:ProposeVersion", sharing.statement(custodian=registered.id))


async def test_receipt_of_one_dataset_stores_no_version_of_another(sharing: SharingScene) -> None:
    other = DatasetIdentifier(sharing.dataset.system, "other.csv")
    await sharing.owner.submit("lake:RegisterDataset", sharing.entry(identifier=other))
    mine, others = sharing.statement(), sharing.statement(dataset=other)
    await sharing.owner.submit("lake:ProposeVersion", mine)
    await sharing.custodian.submit("lake:DepositReceipt", sharing.receipt(mine))
    with pytest.raises(NotFound):
        await sharing.custodian.submit("lake:DepositReceipt", sharing.receipt(others))
    await sharing.owner.submit("lake:ProposeVersion", others)
    with pytest.raises(AlreadyExists):
        await sharing.custodian.submit("lake:DepositReceipt", sharing.receipt(mine))


async def test_only_its_owner_revokes_and_grants_whatever_request_is_named(shared: SharingScene) -> None:
    decision = await shared.ask(DISPATCHING)
    scene = shared.scene
    thief = Party(scene.peer, "Org2MSP", "thief", Role.BUSINESS_SYSTEM)
    owned = await scene.register(thief, SystemKind.BUSINESS_SYSTEM)
    stolen = DatasetIdentifier(owned, "stolen.csv")
    await thief.submit("lake:RegisterDataset", shared.entry(identifier=stolen))
    statement = shared.statement(dataset=stolen)
    await thief.submit("lake:ProposeVersion", statement)
    await shared.custodian.submit("lake:DepositReceipt", shared.receipt(statement))
    for dataset, refusal in ((shared.dataset, NotTheAgent), (stolen, NotFound)):
        with pytest.raises(refusal):
            await thief.submit("lake:DepositGrants", dataset, (shared.sealed(decision),))
        with pytest.raises(refusal):
            await thief.submit("lake:RevokeAccess", dataset, (decision.id,), "mine now")
