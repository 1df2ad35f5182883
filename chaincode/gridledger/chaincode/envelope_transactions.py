"""The functions of `edge` for envelopes: deposits, receipts, and what is passed on into a lake.

A storage node submits; who sent is one of a ring. A membership key signs once: its key image is a key of the
ledger, so of two deposits at the same moment one is invalid.

Source: Zeng et al., edge layer; CryptoNote 2.0, section 4.4.
"""

from __future__ import annotations

from typing import Any

from gridledger.chaincode.dataset_transactions import owned_dataset
from gridledger.chaincode.edge_key import (
    deposit_mark_key,
    deposits_of,
    envelope_deposit_key,
    envelope_receipt_key,
    key_image_key,
    membership_key_key,
    node_key,
    passage_key,
    period_key,
)
from gridledger.chaincode.lake_key import dataset_version_key
from gridledger.chaincode.node_transactions import acting_node, approved_node
from gridledger.chaincode.permission import agent_of_caller
from gridledger.chaincode.ring_check import check_receipt, check_ring, require_points
from gridledger.model.dataset import DatasetIdentifier, VersionNumber
from gridledger.model.edge import Deposited, MembershipPeriod, PeriodNumber, Point
from gridledger.model.edge_page import DepositedAt, DepositedPage
from gridledger.model.edge_refusals import KeyImageUsed, PeriodClosed, RingRefused
from gridledger.model.envelope import (
    DepositId,
    EnvelopeDeposit,
    EnvelopeStatement,
    KeyImageUse,
    LakePassage,
    PassageEntry,
    SignedEnvelope,
    SignedEnvelopeReceipt,
)
from gridledger.model.events import Event
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.lake_refusals import VersionNotStored
from gridledger.model.refusals import AlreadyExists, NotFound
from gridledger.model.roles import Role
from gridledger.shim import Context, Contract, Key, query, transaction
from gridledger.shim.context import TIME_MARK

__all__ = ["EnvelopeTransactions"]

PAGE_SIZE = 1_000
"""Deposits a page: some 300 KB of marks."""


class EnvelopeTransactions(Contract):
    """Deposits of envelopes, and what becomes of them."""

    @transaction(roles=(Role.AGENT,), bundled=True)
    async def deposit_envelope(self, ctx: Context, signed: SignedEnvelope) -> EnvelopeDeposit:
        """Deposit an envelope that a member of its ring sent to the calling storage node."""
        statement = signed.statement
        await ctx.read_ahead(_keys_of_deposit(signed))
        await acting_node(ctx, statement.node)
        period = await ctx.require(period_key(statement.issuer, statement.period))
        now_ms = await ctx.now_ms()
        _require_open(period, now_ms)
        _require_form(period, statement)
        used = await ctx.get(key_image_key(signed.key_image))
        if used is not None:
            if used.deposit == statement.id:
                raise AlreadyExists("envelope deposit", statement.id)
            raise KeyImageUsed(used.deposit)
        places = [membership_key_key(statement.issuer, statement.period, place) for place in statement.ring]
        members = [one.key for one in await ctx.get_many(places) if one is not None]
        if len(members) != len(places):
            raise RingRefused("the ring names keys that do not stand there")
        require_points(statement.one_time_key, statement.origin)
        check_ring(signed, members)
        deposit = EnvelopeDeposit(signed=signed, deposited_ms=now_ms)
        await ctx.put(key_image_key(signed.key_image), KeyImageUse(deposit=statement.id))
        await ctx.put(envelope_deposit_key(statement.id), deposit)
        mark = Deposited(
            one_time_key=statement.one_time_key,
            origin=statement.origin,
            view_tag=statement.view_tag,
            node=statement.node,
        )
        await ctx.put(deposit_mark_key(statement.issuer, statement.period, now_ms, statement.id), mark)
        ctx.emit(Event.ENVELOPE_DEPOSITED, deposit)
        return deposit

    @transaction(roles=(Role.AGENT,))
    async def deposit_envelope_receipt(
        self, ctx: Context, signed: SignedEnvelopeReceipt
    ) -> SignedEnvelopeReceipt:
        """Deposit a receiver's receipt, as any storage node: the one-time key that signed it is the proof."""
        receipt = signed.receipt
        await approved_node(ctx, agent_of_caller(ctx).key_id)
        deposit = await ctx.require(envelope_deposit_key(receipt.deposit))
        if await ctx.get(envelope_receipt_key(receipt.deposit)) is not None:
            raise AlreadyExists("envelope receipt", receipt.deposit)
        statement = deposit.signed.statement
        if receipt.envelope != statement.envelope:
            raise RingRefused("the receipt is of another envelope than the deposit")
        check_receipt(signed, statement.one_time_key)
        await ctx.put(envelope_receipt_key(receipt.deposit), signed)
        ctx.emit(Event.ENVELOPE_RECEIVED, signed)
        return signed

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def pass_on(self, ctx: Context, entry: PassageEntry) -> LakePassage:
        """Say which deposited envelopes a stored version of the caller's dataset holds; once a version."""
        await owned_dataset(ctx, entry.dataset)
        version = await ctx.require(dataset_version_key(entry.dataset, entry.number))
        if version.receipt is None:
            raise VersionNotStored(str(entry.dataset), entry.number)
        if await ctx.get(passage_key(entry.dataset, entry.number)) is not None:
            raise AlreadyExists("lake passage", f"{entry.dataset} {entry.number}")
        found = await ctx.get_many([envelope_deposit_key(deposit) for deposit in entry.deposits])
        if None in found:
            raise NotFound("envelope deposit", entry.deposits[found.index(None)])
        passage = LakePassage(entry=entry, root=version.receipt.receipt.root, passed_ms=await ctx.now_ms())
        await ctx.put(passage_key(entry.dataset, entry.number), passage)
        ctx.emit(Event.ENVELOPES_PASSED, passage)
        return passage

    @query
    async def get_envelope_deposit(self, ctx: Context, deposit: DepositId) -> EnvelopeDeposit:
        """Return a deposit."""
        return await ctx.require(envelope_deposit_key(deposit))

    @query
    async def get_key_image(self, ctx: Context, image: Point) -> KeyImageUse:
        """Return which message a key image stands under."""
        return await ctx.require(key_image_key(image))

    @query
    async def list_envelope_deposits(
        self, ctx: Context, issuer: SystemIdentifier, period: PeriodNumber, bookmark: str
    ) -> DepositedPage:
        """Return a page of a period's deposits, the earliest first."""
        page = await ctx.page(deposits_of(issuer, period), size=PAGE_SIZE, bookmark=bookmark)
        deposits = tuple(
            DepositedAt(deposit=row.key.parts[-1], deposited_ms=int(row.key.parts[-2]), entry=row.record)
            for row in page.rows
        )
        return DepositedPage(deposits=deposits, bookmark=page.bookmark)

    @query
    async def get_envelope_receipt(self, ctx: Context, deposit: DepositId) -> SignedEnvelopeReceipt:
        """Return the receipt for an envelope."""
        return await ctx.require(envelope_receipt_key(deposit))

    @query
    async def get_lake_passage(
        self, ctx: Context, dataset: DatasetIdentifier, number: VersionNumber
    ) -> LakePassage:
        """Return which envelopes a version of a dataset holds."""
        return await ctx.require(passage_key(dataset, number))


def _keys_of_deposit(signed: SignedEnvelope) -> list[Key[Any]]:
    """Name what a deposit reads: all of it is known from its statement."""
    statement = signed.statement
    return [
        TIME_MARK,
        node_key(statement.node),
        period_key(statement.issuer, statement.period),
        key_image_key(signed.key_image),
        *(membership_key_key(statement.issuer, statement.period, place) for place in statement.ring),
    ]


def _require_open(period: MembershipPeriod, now_ms: int) -> None:
    name = f"{period.issuer} {period.number}"
    if period.opened_ms is None:
        raise PeriodClosed(name, "is not open yet")
    if now_ms < period.starts_ms:
        raise PeriodClosed(name, "has not begun")
    if now_ms >= period.ends_ms:
        raise PeriodClosed(name, "is over")


def _require_form(period: MembershipPeriod, statement: EnvelopeStatement) -> None:
    """Refuse a message that does not look like all others of its period."""
    if len(statement.ring) != period.ring_size:
        raise RingRefused(f"rings of this period have {period.ring_size} keys, not {len(statement.ring)}")
    if len({period.round_of(place) for place in statement.ring}) != 1:
        raise RingRefused("a ring's keys are of one round: each stands for another side device")
    if statement.size_bytes != period.envelope_bytes:
        raise RingRefused(
            f"envelopes of this period have {period.envelope_bytes} bytes, not {statement.size_bytes}"
        )
