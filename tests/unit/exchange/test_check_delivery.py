"""What a data application accepts of an owner: exactly the intact periods that it paid for, row by row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gridledger.exchange.data_application import check_delivery
from gridledger.exchange.errors import RowsUnproven
from gridledger.model.delivery import DeliveredPeriod, DeliveredRow, Delivery
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.integrity import FieldCheck
from gridledger.model.period import Period
from gridledger.model.resolution import TargetField, TargetSystem
from gridledger.model.states import Outcome
from gridledger.model.trade import Order, OrderLine

OWNER, OTHER = SystemIdentifier("88.1042.2"), SystemIdentifier("88.1042.3")
POWER, ENERGY = (OWNER.device("MTR01").field(name) for name in ("ac_power", "energy"))
DAY, NEXT = Period("2018-09-14"), Period("2018-09-15")


def rows(field: object, period: Period, value: str = "") -> DeliveredPeriod:
    made = tuple(DeliveredRow(key=key, value=value or str(period), salt=bytes(16)) for key in "abc")
    return DeliveredPeriod(field=field, period=period, rows=made)  # type: ignore[arg-type]


def target(*outcomes: Outcome) -> TargetSystem:
    """Return a target whose energy is intact on one day, and whose power is as said on two."""
    checks = [
        FieldCheck(period=period, outcome=outcome, root=rows(POWER, period).root().root, rows=3)
        for period, outcome in zip((DAY, NEXT), outcomes, strict=True)
    ]
    energy = FieldCheck(period=DAY, outcome=Outcome.INTACT, root=rows(ENERGY, DAY).root().root, rows=3)
    return TargetSystem(
        system=OWNER,
        server="https://owner.example",
        fields=(
            TargetField(field=POWER, price_milliyuan=1, standard_version=1, checks=tuple(checks)),
            TargetField(field=ENERGY, price_milliyuan=1, standard_version=1, checks=(energy,)),
        ),
    )


INTACT = target(Outcome.INTACT, Outcome.INTACT)
ORDER = Order(
    id="0" * 64,
    application=OTHER,
    resolution="1" * 64,
    lines=(OrderLine(system=OWNER, fields=(POWER, ENERGY), amount_milliyuan=2),),
    placed_ms=0,
    deadline_ms=1,
)
WHOLE = Delivery(
    order=ORDER.id, owner=OWNER, periods=(rows(POWER, DAY), rows(POWER, NEXT), rows(ENERGY, DAY))
)


def test_delivery_as_deposited_is_accepted() -> None:
    check_delivery(WHOLE, ORDER, INTACT)


def test_delivery_of_a_period_that_was_not_deposited_is_not_expected() -> None:
    partly = target(Outcome.INTACT, Outcome.NOT_DEPOSITED)
    with pytest.raises(RowsUnproven, match="was not ordered"):
        check_delivery(WHOLE, ORDER, partly)
    check_delivery(replace(WHOLE, periods=(WHOLE.periods[0], WHOLE.periods[2])), ORDER, partly)


def test_delivery_of_a_withheld_field_is_not_expected() -> None:
    withheld = target(Outcome.INTACT, Outcome.ALTERED)
    check_delivery(replace(WHOLE, periods=WHOLE.periods[2:]), ORDER, withheld)
    with pytest.raises(RowsUnproven, match="was not ordered"):
        check_delivery(WHOLE, ORDER, withheld)


@pytest.mark.parametrize(
    "bad",
    [
        replace(WHOLE, order="2" * 64),
        replace(WHOLE, owner=OTHER),
        replace(WHOLE, periods=WHOLE.periods[:2]),
        replace(WHOLE, periods=(rows(POWER, DAY, "9"), *WHOLE.periods[1:])),
        replace(
            WHOLE,
            periods=(replace(WHOLE.periods[0], rows=WHOLE.periods[0].rows[:2]), *WHOLE.periods[1:]),
        ),
        replace(WHOLE, periods=(*WHOLE.periods, rows(ENERGY, NEXT))),
        replace(
            WHOLE, periods=(replace(WHOLE.periods[1], period=DAY), *WHOLE.periods[2:], rows(POWER, NEXT))
        ),
    ],
    ids=["order", "owner", "period missing", "value", "row missing", "period added", "periods swapped"],
)
def test_delivery_that_differs_is_refused(bad: Delivery) -> None:
    with pytest.raises(RowsUnproven):
        check_delivery(bad, ORDER, INTACT)
