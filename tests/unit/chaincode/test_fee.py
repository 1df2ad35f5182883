"""Fees: who sets them, what owes them, how they are paid, and what entries say of it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import ROOT, TOTAL, Scene
from tests.unit.chaincode.trading import balance

from gridledger.model.account_entry import EntryKind
from gridledger.model.device import DeviceEntry
from gridledger.model.errors import ModelError
from gridledger.model.exchange_refusals import AmountDiffers, NotesInsufficient, NotTheAgent
from gridledger.model.fee import FEE_TERM_MS, FeeKind, FeeRate, FeeSchedule
from gridledger.model.refusals import AccessDenied, NotFound
from gridledger.model.roles import Role
from gridledger.model.system import SystemKind
from gridledger.model.trade import MoneyKey, Order, OrderEntry
from gridledger.model.trade_refusals import FeeNotOverdue

RATES = (
    FeeRate(kind=FeeKind.DEVICE_REGISTRATION, amount_milliyuan=10),
    FeeRate(kind=FeeKind.RESOLUTION, amount_milliyuan=70),
    FeeRate(kind=FeeKind.SYSTEM_REGISTRATION, amount_milliyuan=5_000),
)


@pytest.fixture
async def priced(scene: Scene) -> Scene:
    """Give the scene with fees set."""
    await scene.administrator.submit("trade:SetFees", ROOT, RATES)
    return scene


async def entries(scene: Scene, account: Any, from_ms: int = 0, until_ms: int = 2**52) -> list[Any]:
    page = await scene.application.ask("trade:ListEntries", account, from_ms, until_ms, "")
    assert page.bookmark == ""
    return list(page.entries)


async def order_with_fee(scene: Scene, resolution: Any, notes: tuple[MoneyKey, ...], total: int) -> Order:
    entry = OrderEntry(
        application=scene.systems["lifecycle"],
        resolution=resolution.id,
        amount_milliyuan=total,
        notes=notes,
        hold_ms=60_000,
    )
    order: Order = await scene.application.once("trade:PlaceOrder", entry)
    return order


async def test_fees_are_versioned_and_set_by_the_platforms_administrator_alone(priced: Scene) -> None:
    forger = Party(priced.peer, "Org2MSP", "forger", Role.PLATFORM_ADMINISTRATOR)
    with pytest.raises(AccessDenied, match="not the platform"):
        await forger.submit("trade:SetFees", ROOT, ())

    schedule = await priced.administrator.submit("trade:SetFees", ROOT, RATES[1:])

    assert schedule.version == 2
    assert await priced.application.ask("trade:GetFees", ROOT) == schedule
    assert schedule.rate(FeeKind.DEVICE_REGISTRATION) == 0
    with pytest.raises(ModelError, match="in the order of their kinds"):
        FeeSchedule(root=ROOT, version=1, rates=RATES[::-1], set_ms=0)


async def test_resolution_fee_is_owed_at_once_and_paid_with_the_order(priced: Scene) -> None:
    application = priced.systems["lifecycle"]
    resolution = await priced.resolve()
    assert resolution.fee_milliyuan == 70
    page = await priced.application.ask("trade:ListFees", application, "")
    assert [(fee.key.kind, fee.key.cause) for fee in page.fees] == [(FeeKind.RESOLUTION, resolution.id)]
    notes = await priced.pay_in(TOTAL + 100)
    with pytest.raises(AmountDiffers):
        await order_with_fee(priced, resolution, notes, TOTAL)

    order = await order_with_fee(priced, resolution, notes, TOTAL + 70)

    assert (order.amount_milliyuan, order.fee_milliyuan) == (TOTAL, 70)
    assert (await balance(priced, "root"))["deltas"] == [70]
    assert (await balance(priced, "lifecycle"))["notes"] == [30]
    page = await priced.application.ask("trade:ListFees", application, "")
    assert page.fees == ()


async def test_fee_paid_before_the_order_is_not_paid_again(priced: Scene) -> None:
    application = priced.systems["lifecycle"]
    resolution = await priced.resolve()
    (fee,) = (await priced.application.ask("trade:ListFees", application, "")).fees
    notes = await priced.pay_in(70, TOTAL)
    stranger = Party(priced.peer, "Org2MSP", "stranger", Role.DATA_APPLICATION)
    with pytest.raises(NotTheAgent):
        await stranger.once("trade:PayFees", application, (fee.key,), notes[:1])

    await priced.application.once("trade:PayFees", application, (fee.key,), notes[:1])

    with pytest.raises(NotFound):
        await priced.application.once("trade:PayFees", application, (fee.key,), notes[1:])
    order = await order_with_fee(priced, resolution, notes[1:], TOTAL)
    assert order.fee_milliyuan is None
    assert (await balance(priced, "root"))["deltas"] == [70]


async def test_registrations_owe_fees_by_what_was_accepted(priced: Scene) -> None:
    system = priced.systems["monitoring"]
    devices = tuple(DeviceEntry(own_code=code, name="meter", kind="meter") for code in ("M1", "M2", "M1"))
    results = await priced.owners["monitoring"].once("registry:RegisterDevices", system, devices)
    assert [result.accepted for result in results] == [True, True, False]

    (fee,) = (await priced.application.ask("trade:ListFees", system, "")).fees

    assert (fee.count, fee.amount_milliyuan, fee.payer) == (2, 20, system)
    newcomer = Party(priced.peer, "Org2MSP", "newcomer", Role.DATA_APPLICATION)
    joined = await priced.register(newcomer, SystemKind.DATA_APPLICATION)
    (fee,) = (await priced.application.ask("trade:ListFees", joined, "")).fees
    assert (fee.key.kind, fee.amount_milliyuan) == (FeeKind.SYSTEM_REGISTRATION, 5_000)


async def test_platform_collects_what_is_overdue_and_nothing_earlier(priced: Scene) -> None:
    application = priced.systems["lifecycle"]
    await priced.resolve()
    (fee,) = (await priced.application.ask("trade:ListFees", application, "")).fees
    notes = await priced.pay_in(60, 40)
    with pytest.raises(FeeNotOverdue):
        await priced.administrator.once("trade:PayFees", application, (fee.key,), notes)
    priced.peer.time_ms += FEE_TERM_MS + 1_000
    await priced.agent.submit("ledger:RenewTimeMark")
    forger = Party(priced.peer, "Org2MSP", "forger", Role.PLATFORM_ADMINISTRATOR)
    with pytest.raises(AccessDenied):
        await forger.once("trade:PayFees", application, (fee.key,), notes)
    with pytest.raises(NotesInsufficient):
        await priced.administrator.once("trade:PayFees", application, (fee.key,), notes[:1])

    paid = await priced.administrator.once("trade:PayFees", application, (fee.key,), notes)

    assert paid.amount_milliyuan == 70
    assert (await balance(priced, "lifecycle"))["notes"] == [30]
    deltas = await priced.aggregation.ask("trade:ListDeltas", ROOT, "")
    note = await priced.aggregation.submit("trade:FoldDeltas", ROOT, tuple(one.key for one in deltas.money))
    assert note.amount_milliyuan == 70


async def test_entries_tell_every_movement_in_its_order_and_within_times(priced: Scene) -> None:
    application = priced.systems["lifecycle"]
    notes = await priced.pay_in(TOTAL + 70)
    before = priced.peer.time_ms
    order = await order_with_fee(priced, await priced.resolve(), notes, TOTAL + 70)
    contract = priced.countersign(priced.contract(order, "monitoring"), "monitoring")
    await priced.application.once("trade:DepositContracts", (contract,))
    priced.peer.time_ms = order.deadline_ms + 1
    others = tuple(line.system for line in order.lines if line.system != contract.contract.owner)
    await priced.agent.submit("trade:ReturnHolds", order.id, others)

    found = await entries(priced, application)

    assert [one.kind for one in found] == [
        EntryKind.PAID_IN,
        EntryKind.FEE_INCURRED,
        EntryKind.FEE_PAID,
        *[EntryKind.HELD] * 3,
        EntryKind.PAID,
        *[EntryKind.RETURNED] * 2,
    ]
    assert sum(one.amount_milliyuan * one.kind.held_sign for one in found) == 0
    available = sum(one.amount_milliyuan * one.kind.available_sign for one in found)
    assert available == sum((await balance(priced, "lifecycle"))["notes"])
    later = await entries(priced, application, from_ms=before)
    assert later == found[1:]
    assert await entries(priced, application, until_ms=before) == found[:1]
    (received,) = await entries(priced, priced.systems["monitoring"])
    assert (received.kind, received.other, received.cause) == (EntryKind.RECEIVED, application, order.id)
