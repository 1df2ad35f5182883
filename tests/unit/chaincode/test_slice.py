"""The slice from registration to settlement, step by step."""

from __future__ import annotations

from tests.unit.chaincode.scene import PRICES, TOTAL, Scene

from gridledger.model.events import Event
from gridledger.model.states import Outcome


async def test_slice_intact_fields_are_paid_and_settled(scene: Scene) -> None:
    notes = await scene.pay_in(10_000)
    resolution = await scene.resolve()
    assert {target.system for target in resolution.targets} == {scene.systems[name] for name in scene.owners}
    assert all(
        check.outcome is Outcome.INTACT
        for target in resolution.targets
        for field in target.fields
        for check in field.checks
    )

    order = await scene.order(resolution, notes)
    assert order.amount_milliyuan == TOTAL
    contracts = tuple(scene.countersign(scene.contract(order, name), name) for name in scene.owners)
    committed = await scene.application.commit("trade:DepositContracts", "c1", contracts)
    assert committed.event is not None
    assert committed.event[0] == Event.ORDER_SETTLED

    page = await scene.application.ask("trade:ListNotes", scene.systems["lifecycle"], "")
    assert [money.amount_milliyuan for money in page.money] == [10_000 - TOTAL]
    page = await scene.application.ask("trade:ListDeltas", scene.systems["monitoring"], "")
    assert [money.amount_milliyuan for money in page.money] == [PRICES["ac_power"] + PRICES["irradiance"]]


async def test_slice_altered_field_is_withheld_alone_and_costs_nothing(scene: Scene) -> None:
    resolution = await scene.resolve(altered="ac_power")

    target = resolution.target(scene.systems["monitoring"])
    assert target is not None
    assert [(one.field.name, one.withheld) for one in target.fields] == [
        ("ac_power", True),
        ("irradiance", False),
    ]
    verdict = await scene.application.ask("integrity:GetVerdict", resolution.id)
    assert [(str(line.field), str(line.check.period)) for line in verdict.altered()] == [
        (str(scene.device("monitoring").field("ac_power")), "2018-09-14")
    ]
    order = await scene.order(resolution, await scene.pay_in(TOTAL))
    assert order.amount_milliyuan == TOTAL - PRICES["ac_power"]
