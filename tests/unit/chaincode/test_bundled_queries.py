"""Queries whose transactions are shared: each leaves its own records, and money is spent once."""

from __future__ import annotations

from typing import Any

from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import TOTAL, Scene

from gridledger.model.argument import decode_argument, encode_argument
from gridledger.model.bundle import BundleCommitted, BundledCall, BundledOutcome
from gridledger.model.errors import ContractError
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import NoHold
from gridledger.model.keys import KeyPrefix
from gridledger.model.record import ModelValue
from gridledger.model.refusals import AccessDenied, AlreadyExists, CallsCollide
from gridledger.model.resolution import Resolution
from gridledger.model.trade import Order, OrderEntry
from gridledger.shim.composite_key import split_composite_key


async def bundle(party: Party, *calls: tuple[Any, ...]) -> tuple[list[Any], Any]:
    """Submit calls together; return their results or refusals, and the transaction."""
    bundled = [
        BundledCall(function=function, arguments=tuple(encode_argument(one) for one in arguments))
        for function, *arguments in calls
    ]
    key = f"{party.name}.bundle.{party.peer.time_ms}"
    committed = await party.commit("ledger:SubmitBundle", key, bundled)
    found: tuple[BundledOutcome, ...] = decode_argument(tuple[BundledOutcome, ...], committed.payload)
    return [
        one.result if one.refusal is None else ContractError.from_wire(one.refusal) for one in found
    ], committed


def keys(scene: Scene, prefix: KeyPrefix) -> list[tuple[str, ...]]:
    split = (split_composite_key(key) for _, key in scene.peer.ledger.state if key.startswith("\x00"))
    return [tuple(parts) for kind, parts in split if kind == prefix]


async def requested(scene: Scene) -> tuple[Any, ...]:
    signed = scene.request()
    return (
        "resolution:Resolve",
        signed,
        tuple(scene.answer(owner, signed.request) for owner in scene.owners),
    )


def order_call(scene: Scene, resolution: Resolution, notes: Any) -> tuple[str, ModelValue]:
    entry = OrderEntry(
        application=scene.systems["lifecycle"],
        resolution=resolution.id,
        amount_milliyuan=TOTAL,
        notes=notes,
        hold_ms=60_000,
    )
    return "trade:PlaceOrder", entry


async def test_queries_of_a_bundle_leave_their_own_records_and_are_paid(scene: Scene) -> None:
    notes = await scene.pay_in(TOTAL + 5, TOTAL, TOTAL + 7)
    found, committed = await bundle(scene.aggregation, *[await requested(scene) for _ in range(3)])

    name, payload = committed.event
    events = BundleCommitted.from_bytes(payload).events
    resolutions = [Resolution.from_bytes(one.payload) for one in events]
    assert name == Event.BUNDLE_COMMITTED
    assert [one.name for one in events] == [Event.VERDICT_DEPOSITED] * 3
    assert [decode_argument(str, one) for one in found] == [one.id for one in resolutions]

    found, _ = await bundle(
        scene.application,
        *(order_call(scene, one, (note,)) for one, note in zip(resolutions, notes, strict=True)),
    )
    orders = [Order.from_bytes(one) for one in found]
    assert len({one.id for one in orders}) == 3
    assert len(keys(scene, KeyPrefix.HOLD)) == 3 * len(scene.owners)
    change = {parts[1:] for parts in keys(scene, KeyPrefix.NOTE)}
    assert len(change) == 2
    assert {tx_id for tx_id, _ in change} == {orders[0].id, orders[2].id}

    contracts = [
        tuple(scene.countersign(scene.contract(order, owner), owner) for owner in scene.owners)
        for order in orders
    ]
    found, _ = await bundle(scene.application, *(("trade:DepositContracts", one) for one in contracts))
    assert not any(isinstance(one, ContractError) for one in found)
    assert not keys(scene, KeyPrefix.HOLD)
    for prefix in (KeyPrefix.SETTLEMENT, KeyPrefix.TRANSACTION_CONTRACT, KeyPrefix.DELTA):
        assert len(keys(scene, prefix)) == 3 * len(scene.owners)
    numbers = [parts[2:] for parts in keys(scene, KeyPrefix.ENTRY)]
    assert len(numbers) == len(set(numbers))


async def test_note_of_two_orders_of_a_bundle_is_spent_once(scene: Scene) -> None:
    (note,) = await scene.pay_in(2 * TOTAL)
    first, second = await scene.resolve(), await scene.resolve()

    (placed, refused), _ = await bundle(
        scene.application, order_call(scene, first, (note,)), order_call(scene, second, (note,))
    )

    assert Order.from_bytes(placed).resolution == first.id
    assert isinstance(refused, CallsCollide)
    assert len(keys(scene, KeyPrefix.HOLD)) == len(scene.owners)


async def test_resolution_of_two_orders_of_a_bundle_is_ordered_once(scene: Scene) -> None:
    notes = await scene.pay_in(TOTAL, TOTAL)
    resolution = await scene.resolve()

    (_, refused), _ = await bundle(
        scene.application, *(order_call(scene, resolution, (note,)) for note in notes)
    )
    assert isinstance(refused, CallsCollide)
    (again,), _ = await bundle(scene.application, order_call(scene, resolution, notes[1:]))
    assert isinstance(again, AlreadyExists)


async def test_line_of_two_contracts_of_a_bundle_is_paid_once(scene: Scene) -> None:
    order = await scene.order(await scene.resolve(), await scene.pay_in(TOTAL))
    owner = next(iter(scene.owners))
    call = ("trade:DepositContracts", (scene.countersign(scene.contract(order, owner), owner),))

    (_, refused), _ = await bundle(scene.application, call, call)
    assert isinstance(refused, CallsCollide)
    (again,), _ = await bundle(scene.application, call)
    assert isinstance(again, NoHold)
    assert len(keys(scene, KeyPrefix.SETTLEMENT)) == 1


async def test_bundle_gives_no_role_that_its_caller_has_not(scene: Scene) -> None:
    (note,) = await scene.pay_in(TOTAL)
    resolution = await scene.resolve()

    (ordered, resolved), _ = await bundle(
        scene.aggregation, order_call(scene, resolution, (note,)), await requested(scene)
    )

    assert isinstance(ordered, AccessDenied)
    assert isinstance(resolved, bytes)
    assert len(keys(scene, KeyPrefix.NOTE)) == 1
