"""The functions of `lake` for custodians, and for versions, which count once a custodian has signed for them.

A contract cannot look into the lake. So a version is proposed by its owner, checked by the custodian whom the
owner names, and stored when that custodian's signed receipt is deposited, whoever deposits it.

Source: Luo and Jin, section 4.2: location and digest stand on the chain.
"""

from __future__ import annotations

from dataclasses import replace

from gridledger.chaincode.dataset_transactions import owned_dataset, require_kept
from gridledger.chaincode.lake_key import (
    custodian_key,
    custodians_of,
    dataset_head_key,
    dataset_key,
    dataset_version_key,
    sharing_policy_key,
    versions_of,
)
from gridledger.chaincode.ledger_key import system_key
from gridledger.chaincode.permission import agent_of_caller, require_platform
from gridledger.chaincode.review_gate import require_approved
from gridledger.model.dataset import (
    Custodian,
    CustodianEntry,
    CustodianId,
    DatasetHead,
    DatasetIdentifier,
    DatasetVersion,
    SignedReceipt,
    VersionNumber,
    VersionStatement,
)
from gridledger.model.errors import CryptoError
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import Expired, NotActive, SignatureRefused
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.lake_page import CustodianPage, VersionPage
from gridledger.model.lake_refusals import KeyOutdated, NotTheCustodian, ReceiptDiffers, VersionOutOfTurn
from gridledger.model.refusals import AlreadyExists, Conflict
from gridledger.model.roles import Role
from gridledger.model.sharing import Reviewed
from gridledger.model.signature import verify_signature
from gridledger.model.states import ApplicationState, IdentifierState
from gridledger.model.system import ShortText
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["VersionTransactions"]

PAGE_SIZE = 200
"""Versions a page: some 400 KB with the longest locations."""

RECEIPT_AGE_MS = 24 * 3600 * 1000
"""What a custodian saw a day ago may be gone."""

RECEIPT_AHEAD_MS = 120_000
"""A custodian's clock may be ahead of the ledger's by what a claimed time may."""


class VersionTransactions(Contract):
    """Custodians, and versions of datasets."""

    @transaction(roles=(Role.AGENT,))
    async def register_custodian(
        self, ctx: Context, root: SystemIdentifier, entry: CustodianEntry
    ) -> Custodian:
        """Register the calling agent as custodian; a platform administrator of the root approves it."""
        await ctx.require(system_key(root))
        agent = agent_of_caller(ctx)
        known = await ctx.get(custodian_key(root, agent.key_id))
        if known is not None and known.state is not ApplicationState.REJECTED:
            raise AlreadyExists("custodian", agent.key_id)
        custodian = Custodian(
            id=agent.key_id,
            root=root,
            entry=entry,
            agent=agent,
            state=ApplicationState.APPLIED,
            registered_ms=await ctx.now_ms(),
        )
        await ctx.put(custodian_key(root, custodian.id), custodian)
        ctx.emit(Event.CUSTODIAN_REGISTERED, custodian)
        return custodian

    @transaction(roles=(Role.PLATFORM_ADMINISTRATOR,))
    async def approve_custodian(
        self, ctx: Context, root: SystemIdentifier, custodian_id: CustodianId
    ) -> Custodian:
        """Approve a custodian that registered below the caller's root."""
        return await _decide(ctx, root, custodian_id, ApplicationState.APPROVED, None)

    @transaction(roles=(Role.PLATFORM_ADMINISTRATOR,))
    async def reject_custodian(
        self, ctx: Context, root: SystemIdentifier, custodian_id: CustodianId, reason: ShortText
    ) -> Custodian:
        """Reject a custodian, or remove an approved one; receipts that were deposited stand."""
        return await _decide(ctx, root, custodian_id, ApplicationState.REJECTED, reason)

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def propose_version(self, ctx: Context, statement: VersionStatement) -> DatasetVersion:
        """Propose a version for the named custodian to check; one without a receipt may be proposed anew."""
        dataset = statement.dataset
        await owned_dataset(ctx, dataset)
        owner = await ctx.require(system_key(dataset.system))
        custodian = await _require_approved(ctx, owner.root, statement.custodian)
        if custodian.agent.public_key == owner.agent.public_key:
            raise NotTheCustodian(custodian.id, "is the owner's own agent")
        await _require_next(ctx, statement)
        earlier = await ctx.get(dataset_version_key(dataset, statement.number))
        if earlier is not None and earlier.is_stored:
            raise AlreadyExists("dataset version", f"{dataset} {statement.number}")
        version = DatasetVersion(statement=statement, proposed_ms=await ctx.now_ms())
        await ctx.put(dataset_version_key(dataset, statement.number), version)
        ctx.emit(Event.VERSION_PROPOSED, version)
        return version

    @transaction(roles=(Role.AGENT, Role.BUSINESS_SYSTEM))
    async def deposit_receipt(self, ctx: Context, signed: SignedReceipt) -> DatasetVersion:
        """Deposit a custodian's signed storage receipt: the version is the dataset's newest from then on."""
        receipt = signed.receipt
        dataset = receipt.dataset
        version = await ctx.require(dataset_version_key(dataset, receipt.number))
        if version.is_stored:
            raise AlreadyExists("storage receipt", f"{dataset} {receipt.number}")
        statement = version.statement
        owner = await ctx.require(system_key(dataset.system))
        if owner.state is not IdentifierState.ACTIVE:
            raise NotActive(str(dataset.system), owner.state.value)
        require_kept(await ctx.require(dataset_key(dataset)))
        if receipt.custodian != statement.custodian:
            raise NotTheCustodian(receipt.custodian, f"is not the one that version {receipt.number} names")
        custodian = await _require_approved(ctx, owner.root, receipt.custodian)
        _check_signature(signed, custodian)
        if (receipt.statement, receipt.root, receipt.blocks) != (
            statement.digest,
            statement.root,
            statement.blocks,
        ):
            raise ReceiptDiffers(
                f"the receipt is of something else than version {receipt.number} of {dataset}"
            )
        policy = await ctx.get(sharing_policy_key(dataset))
        if policy is not None and policy.wants_review(Reviewed.VERSIONS):
            await require_approved(ctx, owner.root, [str(statement.digest)])
        now_ms = await ctx.now_ms()
        if not now_ms - RECEIPT_AGE_MS <= receipt.checked_ms <= now_ms + RECEIPT_AHEAD_MS:
            raise Expired("the storage receipt is more than a day old, or of the future")
        least_epoch = await _require_next(ctx, statement)
        stored = replace(version, receipt=signed, stored_ms=now_ms)
        await ctx.put(dataset_version_key(dataset, receipt.number), stored)
        head = DatasetHead(number=receipt.number, statement=statement.digest, least_epoch=least_epoch)
        await ctx.put(dataset_head_key(dataset), head)
        ctx.emit(Event.VERSION_STORED, stored)
        return stored

    @query
    async def get_version(
        self, ctx: Context, dataset: DatasetIdentifier, number: VersionNumber
    ) -> DatasetVersion:
        """Return a version, stored or only proposed."""
        return await ctx.require(dataset_version_key(dataset, number))

    @query
    async def get_head(self, ctx: Context, dataset: DatasetIdentifier) -> DatasetHead:
        """Return which version of a dataset is the newest."""
        return await ctx.require(dataset_head_key(dataset))

    @query
    async def list_versions(self, ctx: Context, dataset: DatasetIdentifier, bookmark: str) -> VersionPage:
        """Return a page of a dataset's versions, by number."""
        page = await ctx.page(versions_of(dataset), size=PAGE_SIZE, bookmark=bookmark)
        return VersionPage(versions=tuple(row.record for row in page.rows), bookmark=page.bookmark)

    @query
    async def get_custodian(
        self, ctx: Context, root: SystemIdentifier, custodian_id: CustodianId
    ) -> Custodian:
        """Return a custodian."""
        return await ctx.require(custodian_key(root, custodian_id))

    @query
    async def list_custodians(self, ctx: Context, root: SystemIdentifier, bookmark: str) -> CustodianPage:
        """Return a page of a root's custodians."""
        page = await ctx.page(custodians_of(root), size=PAGE_SIZE, bookmark=bookmark)
        return CustodianPage(custodians=tuple(row.record for row in page.rows), bookmark=page.bookmark)


async def _decide(
    ctx: Context, root: SystemIdentifier, custodian_id: str, state: ApplicationState, reason: str | None
) -> Custodian:
    await require_platform(ctx, root)
    custodian = await ctx.require(custodian_key(root, custodian_id))
    if custodian.state is state or custodian.state is ApplicationState.REJECTED:
        raise Conflict(f"the custodian is {custodian.state.value}")
    decided = replace(custodian, state=state, decided_ms=await ctx.now_ms(), reason=reason)
    await ctx.put(custodian_key(root, custodian_id), decided)
    ctx.emit(Event.CUSTODIAN_DECIDED, decided)
    return decided


async def _require_approved(ctx: Context, root: SystemIdentifier, custodian_id: str) -> Custodian:
    custodian = await ctx.require(custodian_key(root, custodian_id))
    if custodian.state is not ApplicationState.APPROVED:
        raise NotTheCustodian(custodian_id, f"is {custodian.state.value}")
    return custodian


async def _require_next(ctx: Context, statement: VersionStatement) -> int:
    """Refuse a version that does not follow the newest one; return the least epoch that may seal it."""
    head = await ctx.get(dataset_head_key(statement.dataset))
    newest, digest, least = (head.number, head.statement, head.least_epoch) if head else (0, None, 1)
    if statement.number <= newest or statement.previous != digest:
        raise VersionOutOfTurn(str(statement.dataset), newest)
    if statement.epoch < least:
        raise KeyOutdated(statement.epoch, least)
    return least


def _check_signature(signed: SignedReceipt, custodian: Custodian) -> None:
    try:
        verify_signature(custodian.agent.public_key, signed.receipt.to_bytes(), signed.signature)
    except CryptoError as error:
        raise SignatureRefused("storage receipt", custodian.id) from error
