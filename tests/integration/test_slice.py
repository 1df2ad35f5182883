"""The slice from end to end, in the world that the run option says: what works, and what must not."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import httpx
import pytest
from tests.integration.exchange import fund, signed_request

from gridledger.exchange.demo.scene import APPLICATION, Scene
from gridledger.exchange.demo.systems import METER
from gridledger.exchange.messages import DELIVERIES_PATH
from gridledger.model.catalogue import Selector
from gridledger.model.delivery import Delivery
from gridledger.model.exchange_refusals import (
    FieldRefused,
    HoldNotOver,
    NoHold,
    NotesInsufficient,
    SignatureRefused,
    TooFewSystems,
)
from gridledger.model.refusals import AlreadyExists, NotFound
from gridledger.model.resolution import Resolution
from gridledger.model.states import OrderState, Outcome
from gridledger.model.trade import Order, OrderEntry
from gridledger.web import NotPaid, NotPermitted, Replayed, SignedClient, Undelivered
from gridledger.web.problem import read_problem

PRICE = 30_250
ROW = "2018-09-14T12:00"


@contextmanager
def altered(scene: Scene, row: str = ROW) -> Iterator[None]:
    """Alter a reading behind the owner's back for a while."""
    path = scene.folder / "monitoring" / "data.db"
    statement = "UPDATE reading SET ac_power_kw = ? WHERE meter = ? AND measured_at = ?"

    def write(value: float | None) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            assert connection.execute(statement, (value, METER, row)).rowcount == 1

    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT ac_power_kw FROM reading WHERE meter = ? AND measured_at = ?"
        (before,) = connection.execute(query, (METER, row)).fetchone()
    write(250.0)
    try:
        yield
    finally:
        write(before)


async def resolved(scene: Scene) -> Resolution:
    return await scene.application.resolve(await signed_request(scene))


async def ordered(scene: Scene, hold_s: int = 900) -> tuple[Resolution, Order]:
    await fund(scene, 40_000)
    resolution = await resolved(scene)
    return resolution, await scene.application.order(resolution, hold_s=hold_s)


async def test_query_intact_rows_are_delivered_proven_and_settled(scene: Scene) -> None:
    resolution, order = await ordered(scene)
    assert order.amount_milliyuan == PRICE

    fetched = await scene.application.fetch(resolution, order)
    assert [one.error for one in fetched] == [None] * 5
    assert sum(one.delivery.rows() for one in fetched if one.delivery) == 868
    settled = await scene.application.settle(fetched)

    assert sum(line.amount_milliyuan for line in settled) == PRICE
    ledger = scene.cast[APPLICATION].ledger
    for one in fetched:
        assert one.delivery is not None
        assert one.evidence is not None
        one.evidence.verify(scene.cast[APPLICATION].authorities)
        deposited = await ledger.contract(order.id, one.owner)
        assert deposited.contract.content == one.delivery.digest()
        assert (await ledger.settlement(order.id, one.owner)).state is OrderState.SETTLED


async def test_query_altered_row_is_withheld_before_anything_is_forwarded(scene: Scene) -> None:
    with altered(scene):
        resolution = await resolved(scene)
        target = resolution.target(scene.systems["monitoring"])
        assert target is not None
        found = {field.field.name: field.withheld for field in target.fields}
        assert found == {"ac_power": True, "energy": False, "irradiance": False}
        verdict = await scene.cast["aggregation"].ledger.verdict(resolution.id)
        (line,) = verdict.altered()
        assert (line.field.device.own_code, line.field.name) == (METER, "ac_power")
        assert str(line.check.period) == "2018-09-14"
        alteration = await scene.owners["monitoring"].first_alteration(line.field, line.check.period)
        assert alteration is not None
        assert alteration.row == ROW

    assert all(
        check.outcome is Outcome.INTACT
        for target in (await resolved(scene)).targets
        for field in target.fields
        for check in field.checks
    )


async def test_fetch_row_altered_after_the_resolution_is_not_delivered(scene: Scene) -> None:
    resolution, order = await ordered(scene)

    with altered(scene):
        fetched = await scene.application.fetch(resolution, order)

    errors = {one.owner: one.error for one in fetched}
    assert isinstance(errors[scene.systems["monitoring"]], Undelivered)
    assert errors[scene.systems["construction"]] is None
    # The others are paid all the same.
    settled = await scene.application.settle(fetched)
    assert {line.owner for line in settled} == set(errors) - {scene.systems["monitoring"]}


async def test_fetch_settled_order_is_not_delivered_again(scene: Scene) -> None:
    resolution, order = await ordered(scene)
    await scene.application.settle(await scene.application.fetch(resolution, order))
    await scene.cast.even()

    again = await scene.application.fetch(resolution, order)

    assert [type(one.error) for one in again] == [NotPaid] * 5


async def test_fetch_by_another_system_is_refused(scene: Scene) -> None:
    resolution, order = await ordered(scene)
    thief = scene.cast["construction"]
    question = await scene.application.ask_for(resolution, order, scene.systems["monitoring"])

    with pytest.raises(NotPermitted):
        await thief.call(scene.servers.urls["monitoring"], DELIVERIES_PATH, question, gives=Delivery)


async def test_fetch_replayed_request_is_refused(scene: Scene) -> None:
    resolution, order = await ordered(scene)
    party = scene.cast[APPLICATION]
    question = await scene.application.ask_for(resolution, order, scene.systems["monitoring"])
    sent: list[httpx.Request] = []

    class Recorder(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            sent.append(request)
            return await super().handle_async_request(request)

    async with SignedClient(
        scene.servers.urls["monitoring"],
        signer=party.signer,
        authorities=party.authorities,
        transport=Recorder(),
    ) as client:
        await client.call("POST", DELIVERIES_PATH, question, gives=Delivery)
    async with httpx.AsyncClient(trust_env=False) as eavesdropper:
        copy = httpx.Request("POST", sent[0].url, headers=sent[0].headers.raw, content=question.to_bytes())
        response = await eavesdropper.send(copy)

    assert isinstance(read_problem(response.status_code, response.content), Replayed)


async def test_contract_forged_countersignature_is_refused_and_pays_nobody(scene: Scene) -> None:
    resolution, order = await ordered(scene)
    fetched = await scene.application.fetch(resolution, order)
    contract = fetched[0].contract
    assert contract is not None
    forged = replace(contract, owner_signature=await scene.cast[APPLICATION].sign(contract.contract))

    with pytest.raises(SignatureRefused) as caught:
        await scene.cast[APPLICATION].ledger.deposit_contracts([forged])

    assert caught.value.fields["signer"] == str(contract.contract.owner)
    with pytest.raises(NotFound):
        await scene.cast[APPLICATION].ledger.settlement(order.id, contract.contract.owner)


async def test_contract_deposited_twice_is_paid_once(scene: Scene) -> None:
    resolution, order = await ordered(scene)
    fetched = await scene.application.fetch(resolution, order)
    await scene.application.settle(fetched)

    with pytest.raises(NoHold):
        await scene.application.settle(fetched)


async def test_request_role_with_one_field_too_many_is_refused_whole(scene: Scene) -> None:
    ledger = scene.cast[APPLICATION].ledger
    await ledger.register_user(scene.systems[APPLICATION], "inspector-1", ["quality-inspector"])
    await scene.cast.even()
    inspector = {"user": "inspector-1", "user_role": "quality-inspector"}
    wanted = (Selector(system=scene.systems["monitoring"], name="ac_power"),)

    with pytest.raises(FieldRefused, match="ac_power"):
        await scene.application.resolve(await signed_request(scene, wanted=wanted, **inspector))
    with pytest.raises(TooFewSystems):
        await scene.application.resolve(await signed_request(scene, **inspector))


async def test_request_resolved_before_is_refused(scene: Scene) -> None:
    signed = await signed_request(scene)
    await scene.application.resolve(signed)

    with pytest.raises(AlreadyExists):
        await scene.application.resolve(signed)


async def test_order_same_note_in_two_orders_is_spent_once(scene: Scene) -> None:
    notes = await fund(scene, 40_000)
    resolutions = [await resolved(scene) for _ in range(2)]
    await scene.cast.even()
    entries = [
        OrderEntry(
            application=scene.systems[APPLICATION],
            resolution=one.id,
            amount_milliyuan=PRICE,
            notes=notes,
            hold_ms=900_000,
        )
        for one in resolutions
    ]
    ledger = scene.cast[APPLICATION].ledger

    outcomes = await asyncio.gather(*(ledger.place_order(entry) for entry in entries), return_exceptions=True)

    assert sorted(type(one).__name__ for one in outcomes) == ["NotFound", "Order"]


async def test_order_more_than_the_notes_hold_is_refused(scene: Scene) -> None:
    notes = await fund(scene, PRICE - 1)
    resolution = await resolved(scene)
    await scene.cast.even()
    entry = OrderEntry(
        application=scene.systems[APPLICATION],
        resolution=resolution.id,
        amount_milliyuan=PRICE,
        notes=notes,
        hold_ms=900_000,
    )

    with pytest.raises(NotesInsufficient):
        await scene.cast[APPLICATION].ledger.place_order(entry)


async def test_return_holds_after_the_deadline_pays_back_and_not_before(scene: Scene) -> None:
    _, order = await ordered(scene, hold_s=3)
    owners = [line.system for line in order.lines]
    with pytest.raises(HoldNotOver):
        await scene.application.return_holds(order, owners)

    await asyncio.sleep(3.2)
    returned = await scene.application.return_holds(order, owners)

    assert returned.amount_milliyuan == PRICE
    with pytest.raises(NoHold):
        await scene.application.return_holds(order, owners)
