"""Deliveries: every row proves itself, alone or with all others; salts hide what is not shown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridledger.model.delivery import DeliveredPeriod, DeliveredRow, Delivery
from gridledger.model.errors import ModelError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.merkle import row_leaf
from gridledger.model.period import Period

OWNER = SystemIdentifier("88.1042.2")
FIELD = OWNER.device("MTR01").field("ac_power")
DAY = Period("2018-09-14")
ROWS = st.lists(
    st.builds(
        DeliveredRow,
        key=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20),
        value=st.none() | st.text(max_size=20),
        salt=st.binary(min_size=16, max_size=16),
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda row: row.key,
)


def period(rows: list[DeliveredRow]) -> DeliveredPeriod:
    return DeliveredPeriod(field=FIELD, period=DAY, rows=tuple(sorted(rows, key=lambda row: row.key)))


@settings(deadline=None)
@given(ROWS)
def test_period_each_row_proves_itself(rows: list[DeliveredRow]) -> None:
    whole = period(rows)
    root = whole.root()

    assert root.rows == len(rows)
    assert whole.leaves() == [row.leaf(FIELD, DAY) for row in whole.rows]
    for index, row in enumerate(whole.rows):
        assert whole.proof(index).proves(row.leaf(FIELD, DAY), root=root.root, size=root.rows)


@settings(deadline=None)
@given(ROWS, st.data())
def test_period_any_change_leads_elsewhere(rows: list[DeliveredRow], data: st.DataObject) -> None:
    whole = period(rows)
    index = data.draw(st.integers(0, len(rows) - 1))
    row = whole.rows[index]
    value = data.draw(st.none() | st.text(max_size=20))
    if value == row.value:
        value = f"{row.value}."
    changed = replace(row, value=value)
    others = whole.rows[:index] + whole.rows[index + 1 :]

    assert period([*others, changed]).root() != whole.root()
    assert period([*others]).root() != whole.root() if others else True
    elsewhere = replace(whole, field=OWNER.device("MTR02").field("ac_power"))
    assert elsewhere.root().root != whole.root().root


@settings(deadline=None)
@given(ROWS)
def test_delivery_bytes_read_back(rows: list[DeliveredRow]) -> None:
    delivery = Delivery(order="0" * 64, owner=OWNER, periods=(period(rows),))

    assert Delivery.from_bytes(delivery.to_bytes()) == delivery
    assert delivery.rows() == len(rows)


def test_delivery_out_of_order_or_twice_is_refused() -> None:
    rows = [DeliveredRow(key=key, value="1", salt=bytes(16)) for key in "ab"]
    with pytest.raises(ModelError):
        DeliveredPeriod(field=FIELD, period=DAY, rows=tuple(reversed(rows)))
    with pytest.raises(ModelError):
        DeliveredPeriod(field=FIELD, period=DAY, rows=(rows[0], rows[0]))
    with pytest.raises(ModelError):
        Delivery(order="0" * 64, owner=OWNER, periods=(period(rows), period(rows)))


@pytest.mark.parametrize("salt", [b"", bytes(15), bytes(17)])
def test_row_salt_of_another_length_is_refused(salt: bytes) -> None:
    with pytest.raises(ModelError):
        DeliveredRow(key="a", salt=salt)


def test_leaf_of_null_is_not_that_of_a_text() -> None:
    salt = bytes(16)
    leaves = {
        DeliveredRow(key="a", value=value, salt=salt).leaf(FIELD, DAY) for value in (None, "", "None", "null")
    }
    assert len(leaves) == 4
    assert row_leaf({"field": str(FIELD), "key": "a", "period": str(DAY)}, salt) in leaves
