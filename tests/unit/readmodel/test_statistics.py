"""Statistics, against sums that the test makes itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.chaincode.scene import PRICES, TOTAL, field_entry
from tests.unit.readmodel.conftest import Watched

from gridledger.exchange.readmodel import (
    RevenueBy,
    StatisticsQuery,
    count_hours,
    count_queries,
    list_unused,
    list_use,
    sum_revenue,
)
from gridledger.model.change import DeviceMove
from gridledger.model.errors import ModelError
from gridledger.model.period import Frequency
from gridledger.model.states import IdentifierState

ALL = StatisticsQuery()


async def trade(watched: Watched, *, altered: str = "", settle: bool = True) -> int:
    """Ask, order and settle once; return what was paid."""
    scene = watched.scene
    resolution = await scene.resolve(altered=altered)
    order = await scene.order(resolution, await scene.pay_in(TOTAL), hold_ms=5_000)
    owners = [name for name in scene.owners if order.line(scene.systems[name])]
    if settle:
        signed = tuple(scene.countersign(scene.contract(order, name), name) for name in owners)
        await scene.application.once("trade:DepositContracts", signed)
    else:
        scene.peer.time_ms += 60_000
        await scene.agent.submit("ledger:RenewTimeMark")
        systems = tuple(scene.systems[name] for name in owners)
        await scene.application.submit("trade:ReturnHolds", order.id, systems)
    watched.chain.feed(watched.model)
    return order.amount_milliyuan


async def test_revenue_is_what_was_paid_by_owner_field_and_application(watched: Watched) -> None:
    paid = [await trade(watched), await trade(watched, altered="ac_power"), await trade(watched)]
    returned = await trade(watched, settle=False)
    assert returned == TOTAL
    by_field = {one.by.rpartition("#")[2]: one for one in sum_revenue(watched.model, RevenueBy.FIELD, ALL)}
    assert {name: one.amount_milliyuan for name, one in by_field.items()} == {
        name: price * (2 if name == "ac_power" else 3) for name, price in PRICES.items()
    }
    assert by_field["ac_power"].sales == 2
    by_owner = {one.by: one.amount_milliyuan for one in sum_revenue(watched.model, RevenueBy.OWNER, ALL)}
    (by_application,) = sum_revenue(watched.model, RevenueBy.APPLICATION, ALL)
    assert sum(by_owner.values()) == by_application.amount_milliyuan == sum(paid)
    amounts = [one.amount_milliyuan for one in sum_revenue(watched.model, RevenueBy.OWNER, ALL)]
    assert amounts == sorted(amounts, reverse=True)
    owner = str(watched.scene.systems["construction"])
    (one,) = sum_revenue(watched.model, RevenueBy.OWNER, replace(ALL, owner=owner))
    assert (one.by, one.amount_milliyuan) == (owner, 3 * PRICES["dc_size"])


async def test_queries_are_counted_by_application_function_and_owner(watched: Watched) -> None:
    await trade(watched)
    await trade(watched, altered="irradiance")
    owner = str(watched.scene.systems["monitoring"])
    (found,) = count_queries(watched.model, replace(ALL, owner=owner))
    assert (found.application, found.function) == (str(watched.scene.systems["lifecycle"]), "maintenance")
    assert (found.resolutions, found.fields, found.withheld) == (2, 4, 1)
    assert count_queries(watched.model, replace(ALL, application="88.9999")) == ()
    assert count_queries(watched.model, replace(ALL, from_ms=found.last_ms + 1)) == ()
    assert len(count_queries(watched.model, replace(ALL, until_ms=found.last_ms))) == 3
    assert len(count_queries(watched.model, replace(ALL, limit=1))) == 1


async def test_unused_fields_are_those_that_no_resolution_names(watched: Watched) -> None:
    scene = watched.scene
    assert len(list_unused(watched.model, ALL)) == 4
    await trade(watched)
    assert list_unused(watched.model, ALL) == ()
    system = scene.systems["construction"]
    entry = field_entry("R27", "idle", Frequency.ONCE)
    await scene.owners["construction"].once("registry:RegisterFields", system, (entry,))
    watched.chain.feed(watched.model)
    (idle,) = list_unused(watched.model, ALL)
    assert (idle.field, idle.published) == (str(scene.device("construction").field("idle")), 0)
    assert list_unused(watched.model, replace(ALL, owner=str(scene.systems["monitoring"]))) == ()


async def test_hours_are_those_of_the_clock_that_is_meant(watched: Watched) -> None:
    await trade(watched)
    (number,) = [one.hour for one in count_hours(watched.model, ALL) if one.resolutions]
    # The peer's clock begins at 1,700,000,000 s: 22:13 UTC.
    assert number == 22
    china = count_hours(watched.model, ALL, offset_minutes=480)
    assert [one.hour for one in china if one.resolutions] == [6]
    assert [one.hour for one in china] == list(range(24))
    owner = str(watched.scene.systems["monitoring"])
    assert sum(one.resolutions for one in count_hours(watched.model, replace(ALL, owner=owner))) == 1
    assert sum(one.resolutions for one in count_hours(watched.model, replace(ALL, owner="88.9"))) == 0


async def test_owner_is_told_what_became_of_its_fields(watched: Watched) -> None:
    await trade(watched)
    await trade(watched, altered="ac_power")
    owner = str(watched.scene.systems["monitoring"])
    power, irradiance = list_use(watched.model, owner)
    assert (power.resolutions, power.withheld, power.sales) == (2, 1, 1)
    assert power.amount_milliyuan == PRICES["ac_power"]
    assert (irradiance.resolutions, irradiance.sales) == (2, 2)
    assert irradiance.published == 1
    assert list_use(watched.model, owner, after=power.field) == (irradiance,)
    assert list_use(watched.model, owner, limit=1) == (power,)
    assert list_use(watched.model, "88.9999") == ()


async def test_use_goes_on_under_a_new_identifier(watched: Watched) -> None:
    await trade(watched)
    device = watched.scene.device("monitoring")
    move = DeviceMove(device=device, to=device.system.device("MTR-NEW"))
    await watched.scene.owners["monitoring"].once("registry:MoveDevices", device.system, (move,))
    watched.chain.feed(watched.model)
    told = {one.field: one for one in list_use(watched.model, str(device.system))}
    old, new = told[str(device.field("ac_power"))], told[str(move.to.field("ac_power"))]
    assert (old.state, new.state) == (IdentifierState.REVOKED, IdentifierState.ACTIVE)
    assert (new.sales, new.amount_milliyuan, new.last_ms) == (1, PRICES["ac_power"], old.last_ms)
    assert list_unused(watched.model, ALL) == ()


def test_wrong_limits_are_refused() -> None:
    for wrong in (0, 1001):
        with pytest.raises(ModelError):
            StatisticsQuery(limit=wrong)
