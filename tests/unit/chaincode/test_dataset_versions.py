"""The contract lake: datasets, custodians, versions that count once a custodian has signed for them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import ROOT, Scene
from tests.unit.chaincode.sharing_scene import DAY_MS, SharingScene

from gridledger.model.dataset import CustodianEntry, DatasetIdentifier
from gridledger.model.digest import Digest
from gridledger.model.errors import ContractError
from gridledger.model.exchange_refusals import Expired, NotTheAgent, SignatureRefused
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.lake_refusals import NotTheCustodian, ReceiptDiffers, VersionOutOfTurn
from gridledger.model.refusals import AccessDenied, AlreadyExists, Conflict, NotFound
from gridledger.model.roles import Role
from gridledger.model.states import ApplicationState


@pytest.fixture
async def sharing(empty: Scene) -> SharingScene:
    return await SharingScene.make(empty)


async def test_dataset_is_registered_once_and_found_by_owner_and_label(sharing: SharingScene) -> None:
    owner = sharing.owner
    page = await owner.ask("lake:ListDatasets", sharing.dataset.system, "")
    assert [one.entry.identifier for one in page.datasets] == [sharing.dataset]
    assert (await owner.ask("lake:FindDatasets", "charging", "")).datasets == page.datasets
    with pytest.raises(AlreadyExists):
        await owner.submit("lake:RegisterDataset", sharing.entry())


async def test_description_changes_and_labels_follow(sharing: SharingScene) -> None:
    owner = sharing.owner
    await owner.submit("lake:DescribeDataset", sharing.entry(title="Stations", labels=("ev", "stations")))
    assert (await owner.ask("lake:FindDatasets", "charging", "")).datasets == ()
    (found,) = (await owner.ask("lake:FindDatasets", "ev", "")).datasets
    assert found.entry.title == "Stations"


async def test_withdrawn_dataset_takes_nothing_more(sharing: SharingScene) -> None:
    await sharing.owner.submit("lake:WithdrawDataset", sharing.dataset, "sold")
    for function, argument in (
        ("lake:ProposeVersion", sharing.statement()),
        ("lake:DescribeDataset", sharing.entry()),
    ):
        with pytest.raises(Conflict):
            await sharing.owner.submit(function, argument)


async def test_dataset_of_somebody_else_is_refused(sharing: SharingScene) -> None:
    other = Party(sharing.scene.peer, "Org2MSP", "other", Role.BUSINESS_SYSTEM)
    foreign = sharing.entry(identifier=DatasetIdentifier(sharing.dataset.system, "mine"))
    with pytest.raises(NotTheAgent):
        await other.submit("lake:RegisterDataset", foreign)
    with pytest.raises(NotTheAgent):
        await other.submit("lake:ProposeVersion", sharing.statement())
    nowhere = sharing.entry(identifier=DatasetIdentifier(SystemIdentifier("88.1042.99"), "x"))
    with pytest.raises(NotFound):
        await sharing.owner.submit("lake:RegisterDataset", nowhere)


async def test_version_counts_with_its_receipt(sharing: SharingScene) -> None:
    statement = sharing.statement()
    proposed = await sharing.owner.submit("lake:ProposeVersion", statement)
    assert not proposed.is_stored
    with pytest.raises(NotFound):
        await sharing.owner.ask("lake:GetHead", sharing.dataset)

    stored = await sharing.custodian.submit("lake:DepositReceipt", sharing.receipt(statement))

    assert stored.is_stored
    head = await sharing.owner.ask("lake:GetHead", sharing.dataset)
    assert (head.number, head.statement, head.least_epoch) == (1, statement.digest, 1)


async def test_owner_may_deposit_the_receipt(sharing: SharingScene) -> None:
    statement = sharing.statement()
    await sharing.owner.submit("lake:ProposeVersion", statement)
    assert (await sharing.owner.submit("lake:DepositReceipt", sharing.receipt(statement))).is_stored


async def test_versions_make_a_chain(sharing: SharingScene) -> None:
    first = sharing.statement()
    await sharing.store(first)
    second = sharing.statement(4, first.digest)
    await sharing.store(second)
    versions = (await sharing.owner.ask("lake:ListVersions", sharing.dataset, "")).versions
    assert [(one.statement.number, one.statement.previous) for one in versions] == [
        (1, None),
        (4, first.digest),
    ]


@pytest.mark.parametrize(
    ("number", "follows"),
    [(2, True), (1, True), (3, False)],
    ids=["the same number", "a lower number", "nothing before"],
)
async def test_version_out_of_turn_is_refused(sharing: SharingScene, number: int, follows: bool) -> None:
    newest = sharing.statement(2)
    await sharing.store(newest)
    previous = newest.digest if follows and number > 1 else None
    with pytest.raises(VersionOutOfTurn):
        await sharing.owner.submit("lake:ProposeVersion", sharing.statement(number, previous))
    with pytest.raises(VersionOutOfTurn):
        await sharing.owner.submit("lake:ProposeVersion", sharing.statement(3, Digest.of(b"another")))


async def test_receipt_for_an_older_proposal_cannot_roll_back(sharing: SharingScene) -> None:
    old, new = sharing.statement(1), sharing.statement(2)
    for statement in (old, new):
        await sharing.owner.submit("lake:ProposeVersion", statement)
    await sharing.custodian.submit("lake:DepositReceipt", sharing.receipt(new))
    with pytest.raises(VersionOutOfTurn):
        await sharing.custodian.submit("lake:DepositReceipt", sharing.receipt(old))
    assert (await sharing.owner.ask("lake:GetHead", sharing.dataset)).number == 2


async def test_proposal_may_be_replaced_until_it_is_stored(sharing: SharingScene) -> None:
    before, after = sharing.statement(), sharing.statement(root=Digest.of(b"put again"))
    await sharing.owner.submit("lake:ProposeVersion", before)
    await sharing.owner.submit("lake:ProposeVersion", after)
    with pytest.raises(ReceiptDiffers):
        await sharing.custodian.submit("lake:DepositReceipt", sharing.receipt(before))
    await sharing.custodian.submit("lake:DepositReceipt", sharing.receipt(after))


async def test_receipt_is_deposited_once(sharing: SharingScene) -> None:
    statement = sharing.statement()
    await sharing.store(statement)
    before = dict(sharing.scene.peer.ledger.state)
    with pytest.raises(AlreadyExists):
        await sharing.custodian.submit("lake:DepositReceipt", sharing.receipt(statement))
    assert sharing.scene.peer.ledger.state == before


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"blocks": 6}, ReceiptDiffers),
        ({"root": Digest.of(b"other")}, ReceiptDiffers),
        ({"statement": Digest.of(b"other")}, ReceiptDiffers),
        ({"custodian": "0" * 32}, NotTheCustodian),
        ({"number": 2}, NotFound),
        ({"checked_ms": 0}, Expired),
        ({"checked_ms": 2**52}, Expired),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_receipt_of_something_else_is_refused(
    sharing: SharingScene, changes: dict[str, object], refusal: type[ContractError]
) -> None:
    statement = sharing.statement()
    await sharing.owner.submit("lake:ProposeVersion", statement)
    with pytest.raises(refusal):
        await sharing.custodian.submit("lake:DepositReceipt", sharing.receipt(statement, **changes))


async def test_receipt_with_a_forged_signature_is_refused(sharing: SharingScene) -> None:
    statement = sharing.statement()
    await sharing.owner.submit("lake:ProposeVersion", statement)
    receipt = sharing.receipt(statement)
    changed = replace(receipt, receipt=replace(receipt.receipt, stored_bytes=1))
    for forged in (
        sharing.receipt(statement, signer=sharing.owner),
        changed,
        replace(receipt, signature=b""),
    ):
        with pytest.raises(SignatureRefused):
            await sharing.owner.submit("lake:DepositReceipt", forged)


async def test_only_an_approved_custodian_counts(sharing: SharingScene) -> None:
    peer, administrator = sharing.scene.peer, sharing.scene.administrator
    other = Party(peer, "Org1MSP", "second custodian", Role.AGENT)
    entry = CustodianEntry(name="second", sealing_key=bytes(31) + b"\x09")
    registered = await other.submit("lake:RegisterCustodian", ROOT, entry)
    assert registered.state is ApplicationState.APPLIED
    with pytest.raises(NotTheCustodian):
        await sharing.owner.submit("lake:ProposeVersion", sharing.statement(custodian=registered.id))
    with pytest.raises(AlreadyExists):
        await other.submit("lake:RegisterCustodian", ROOT, entry)

    foreign = Party(peer, "Org2MSP", "administrator", Role.PLATFORM_ADMINISTRATOR)
    with pytest.raises(AccessDenied):
        await foreign.submit("lake:ApproveCustodian", ROOT, registered.id)
    await administrator.submit("lake:ApproveCustodian", ROOT, registered.id)
    statement = sharing.statement(custodian=registered.id)
    await sharing.owner.submit("lake:ProposeVersion", statement)
    # Removed meanwhile, it signs in vain; and another custodian's receipt is not the named one's.
    await administrator.submit("lake:RejectCustodian", ROOT, registered.id, "signed unread")
    with pytest.raises(NotTheCustodian):
        await other.submit("lake:DepositReceipt", sharing.receipt(statement, signer=other))
    with pytest.raises(NotTheCustodian):
        await other.submit("lake:DepositReceipt", sharing.receipt(statement, custodian=sharing.custodian_id))
    with pytest.raises(Conflict):
        await administrator.submit("lake:ApproveCustodian", ROOT, registered.id)
    listed = (await sharing.owner.ask("lake:ListCustodians", ROOT, "")).custodians
    assert {one.id for one in listed} == {registered.id, sharing.custodian_id}


async def test_receipt_of_a_day_ago_is_too_old(sharing: SharingScene) -> None:
    statement = sharing.statement()
    await sharing.owner.submit("lake:ProposeVersion", statement)
    late = sharing.receipt(statement, checked_ms=sharing.scene.peer.time_ms - DAY_MS - 1)
    with pytest.raises(Expired):
        await sharing.custodian.submit("lake:DepositReceipt", late)
    just = sharing.receipt(statement, checked_ms=sharing.scene.peer.time_ms - DAY_MS + 60_000)
    await sharing.custodian.submit("lake:DepositReceipt", just)
