"""Rows that come after the deposit of their period: the verdict `late-rows`, and supplements."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.chaincode.scene import PRICES, TOTAL, Scene, field_entry, period_of

from gridledger.exchange.data_application import check_delivery
from gridledger.exchange.errors import RowsUnproven
from gridledger.model.delivery import DeliveredPeriod, DeliveredRow, Delivery
from gridledger.model.device import DeviceEntry
from gridledger.model.errors import ModelError
from gridledger.model.identifier import FieldIdentifier
from gridledger.model.integrity import MAX_SUPPLEMENTS, ActualRoots, PeriodRoot, SignedRoots
from gridledger.model.period import Frequency, Period
from gridledger.model.resolution import Request, Resolution, TargetField
from gridledger.model.states import Outcome


def power(scene: Scene) -> FieldIdentifier:
    return scene.device("monitoring").field("ac_power")


def late(scene: Scene, supplement: int = 1, value: str = "7") -> DeliveredPeriod:
    """Return rows of the power that came after its deposit."""
    field = power(scene)
    row = DeliveredRow(key=f"9{supplement}", value=value, salt=bytes(15) + bytes([90 + supplement]))
    return DeliveredPeriod(field=field, period=period_of(field), supplement=supplement, rows=(row,))


def statement(scene: Scene, request: Request, *roots: PeriodRoot) -> SignedRoots:
    """Return the monitoring system's statement: other roots of the power than those it deposited."""
    others = scene.rows(scene.device("monitoring").field("irradiance")).root()
    made = ActualRoots(
        request=request.id,
        system=scene.systems["monitoring"],
        roots=(*roots, others),
        computed_ms=scene.peer.time_ms,
    )
    return SignedRoots(roots=made, signature=scene.owners["monitoring"].sign(made))


async def resolve(scene: Scene, *roots: PeriodRoot) -> Resolution:
    signed = scene.request()
    answers = (
        scene.answer("construction", signed.request),
        scene.answer("maintenance", signed.request),
        statement(scene, signed.request, *roots),
    )
    return await scene.resolve_with(signed, answers)


def of_power(scene: Scene, resolution: Resolution) -> TargetField:
    target = resolution.target(scene.systems["monitoring"])
    assert target is not None
    return next(one for one in target.fields if one.field == power(scene))


async def supplement(scene: Scene, *roots: PeriodRoot) -> list[str | None]:
    system = scene.systems["monitoring"]
    results = await scene.owners["monitoring"].submit("integrity:DepositRoots", system, roots)
    return [result.code for result in results]


async def test_late_rows_are_a_verdict_and_the_deposited_ones_are_forwarded(
    scene: Scene,
) -> None:
    first = scene.rows(power(scene))

    resolution = await resolve(scene, first.root(), late(scene).root())

    field = of_power(scene, resolution)
    (check,) = field.checks
    assert (check.outcome, check.late_rows, check.rows) == (Outcome.LATE_ROWS, 1, 3)
    assert not field.withheld
    verdict = await scene.application.ask("integrity:GetVerdict", resolution.id)
    (line,) = verdict.late()
    assert line.field == power(scene)
    assert line.actual == (first.root().part(), late(scene).root().part())
    assert verdict.altered() == ()
    order = await scene.order(resolution, await scene.pay_in(TOTAL))
    assert order.amount_milliyuan == TOTAL
    contract = scene.countersign(scene.contract(order, "monitoring"), "monitoring")
    await scene.application.commit("trade:DepositContracts", "c1", (contract,))


async def test_deposited_row_that_is_gone_or_changed_is_altered_whatever_came_late(scene: Scene) -> None:
    first = scene.rows(power(scene))
    for rows in (first.rows[1:], (*first.rows[:2], replace(first.rows[2], value="9"))):
        changed = replace(first, rows=rows)
        resolution = await resolve(scene, changed.root(), late(scene).root())
        assert [check.outcome for check in of_power(scene, resolution).checks] == [Outcome.ALTERED]
        assert of_power(scene, resolution).withheld


async def test_late_rows_within_the_deposited_root_are_altered(scene: Scene) -> None:
    """An owner that does not part its rows changes the deposited root."""
    first = scene.rows(power(scene))
    mixed = replace(first, rows=(*first.rows, *late(scene).rows))

    resolution = await resolve(scene, mixed.root())

    assert [check.outcome for check in of_power(scene, resolution).checks] == [Outcome.ALTERED]


async def test_late_rows_without_rows_or_in_two_parts_are_altered(scene: Scene) -> None:
    first = scene.rows(power(scene))
    none = replace(late(scene), rows=())
    for roots in ((none.root(),), (late(scene).root(), late(scene, 2).root())):
        resolution = await resolve(scene, first.root(), *roots)
        assert [check.outcome for check in of_power(scene, resolution).checks] == [Outcome.ALTERED]


def test_statement_out_of_turn_cannot_be_made(scene: Scene) -> None:
    request = scene.request().request
    for roots in ((late(scene).root(),), (late(scene, 2).root(),), (scene.rows(power(scene)).root(),) * 2):
        with pytest.raises(ModelError, match="out of turn"):
            statement(scene, request, *roots)


async def test_supplement_is_deposited_in_its_turn_and_once(scene: Scene) -> None:
    assert await supplement(scene, late(scene, 2).root()) == ["GL-CHN-061"]
    assert await supplement(scene, late(scene).root()) == [None]
    assert await supplement(scene, late(scene).root()) == [None]  # the same again changes nothing
    assert await supplement(scene, late(scene, value="8").root()) == ["GL-CHN-060"]
    assert await supplement(scene, replace(late(scene, 2), rows=()).root()) == ["GL-CHN-003"]
    assert await supplement(scene, late(scene, 2).root(), late(scene, 3).root()) == [None, None]
    deposit = await scene.application.ask("integrity:GetDeposit", power(scene), period_of(power(scene)))
    assert deposit.parts() == (
        scene.rows(power(scene)).root().part(),
        *(late(scene, number).root().part() for number in (1, 2, 3)),
    )


async def test_supplements_end_at_their_limit(scene: Scene) -> None:
    roots = tuple(late(scene, number).root() for number in range(1, MAX_SUPPLEMENTS + 2))
    assert await supplement(scene, *roots) == [None] * MAX_SUPPLEMENTS + ["GL-CHN-008"]


async def test_supplement_before_any_deposit_is_refused(scene: Scene) -> None:
    another = replace(late(scene), period=Period("2018-09-15"))
    assert await supplement(scene, another.root()) == ["GL-CHN-061"]


async def test_supplement_left_out_of_the_statement_is_altered_and_named_it_is_intact(scene: Scene) -> None:
    await supplement(scene, late(scene).root())
    first = scene.rows(power(scene))

    hidden = await resolve(scene, first.root())
    whole = await resolve(scene, first.root(), late(scene).root())
    more = await resolve(scene, first.root(), late(scene).root(), late(scene, 2).root())

    outcomes = [of_power(scene, one).checks[0].outcome for one in (hidden, whole, more)]
    assert outcomes == [Outcome.ALTERED, Outcome.INTACT, Outcome.LATE_ROWS]
    assert of_power(scene, whole).checks[0].deposited_rows() == 4


async def test_delivery_leads_to_every_deposit_of_a_period_and_holds_no_late_row(scene: Scene) -> None:
    await supplement(scene, late(scene).root())
    first = scene.rows(power(scene))
    resolution = await resolve(scene, first.root(), late(scene).root(), late(scene, 2).root())
    order = await scene.order(resolution, await scene.pay_in(TOTAL))
    target = resolution.target(scene.systems["monitoring"])
    assert target is not None
    others = [scene.rows(one.field) for one in target.forwarded() if one.field != power(scene)]
    whole = Delivery(order=order.id, owner=target.system, periods=(first, late(scene), *others))

    check_delivery(whole, order, target)

    for periods in (
        (first, *others),
        (late(scene), *others),
        (first, late(scene, value="8"), *others),
        (*whole.periods, late(scene, 2)),
    ):
        with pytest.raises(RowsUnproven):
            check_delivery(replace(whole, periods=periods), order, target)
    with pytest.raises(ModelError, match="stands in two deposits"):
        replace(whole, periods=(first, replace(first, supplement=1), *others))


async def test_reader_who_may_not_see_a_field_verifies_the_others(scene: Scene) -> None:
    """Each field has a tree of its own: nothing of a field that is not delivered is needed."""
    resolution = await scene.resolve(altered="ac_power")
    order = await scene.order(resolution, await scene.pay_in(TOTAL))
    target = resolution.target(scene.systems["monitoring"])
    assert target is not None
    assert order.amount_milliyuan == TOTAL - PRICES["ac_power"]
    irradiance = scene.rows(scene.device("monitoring").field("irradiance"))

    check_delivery(Delivery(order=order.id, owner=target.system, periods=(irradiance,)), order, target)

    proof, root = irradiance.proof(1), irradiance.root()
    leaf = irradiance.rows[1].leaf(irradiance.field, irradiance.period)
    assert proof.proves(leaf, root=root.root, size=root.rows)


async def test_thousand_fields_are_deposited_in_one_transaction(scene: Scene) -> None:
    system, own_code = scene.systems["monitoring"], scene.device("monitoring").own_code
    owner = scene.owners["monitoring"]
    entries = [
        field_entry(f"{own_code}.{device}", f"f{name}", Frequency.DAY)
        for device in range(10)
        for name in range(100)
    ]
    devices = sorted({entry.own_code for entry in entries})

    await owner.once(
        "registry:RegisterDevices",
        system,
        tuple(DeviceEntry(own_code=one, name="inverter", kind="inverter") for one in devices),
    )
    results = await owner.once("registry:RegisterFields", system, tuple(entries))
    assert all(result.accepted for result in results)
    fields = [system.device(entry.own_code).field(entry.name) for entry in entries]
    roots = tuple(replace(scene.rows(field), period=Period("2018-09-14")).root() for field in fields)

    committed = await owner.commit("integrity:DepositRoots", system, roots)

    for field, root in ((fields[0], roots[0]), (fields[999], roots[999])):
        deposit = await owner.ask("integrity:GetDeposit", field, Period("2018-09-14"))
        assert (deposit.root, deposit.tx_id) == (root, committed.tx_id)
