"""Money: yuan in, yuan out, and nothing that leaves the domain."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.model.errors import ModelError
from gridledger.model.money import (
    MAX_MILLIYUAN,
    add_amounts,
    check_amount,
    format_yuan,
    multiply_amount,
    parse_yuan,
    subtract_amount,
)

amounts = st.integers(0, MAX_MILLIYUAN)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", 0),
        ("0.001", 1),
        ("0.1", 100),
        ("12", 12_000),
        ("12.34", 12_340),
        ("12.345", 12_345),
        ("9007199254740.991", MAX_MILLIYUAN),
    ],
)
def test_yuan_are_read_as_milliyuan(text: str, amount: int) -> None:
    assert parse_yuan(text) == amount


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        ".5",
        "5.",
        "-1",
        "+1",
        "01",
        "1.2345",
        "1,5",
        "1 000",
        "1e3",
        "¥5",
        " 1",
        "1\n",
        "１",
        "1.٣",
        "NaN",
    ],
)
def test_text_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="want yuan as digits"):
        parse_yuan(text)


@pytest.mark.parametrize("text", ["9007199254740.992", "99999999999999", "9" * 5000])
def test_too_much_is_refused(text: str) -> None:
    with pytest.raises(ModelError):
        parse_yuan(text)


@given(amounts)
def test_amounts_read_back(amount: int) -> None:
    assert parse_yuan(format_yuan(amount)) == amount


@given(st.text(max_size=20))
def test_any_text_is_an_amount_or_refused(text: str) -> None:
    try:
        amount = parse_yuan(text)
    except ModelError:
        return
    assert 0 <= amount <= MAX_MILLIYUAN


@pytest.mark.parametrize("bad", [-1, MAX_MILLIYUAN + 1, True, 1.0, "1", None])
def test_what_is_no_amount_is_refused_everywhere(bad: Any) -> None:
    for compute in (
        lambda: check_amount(bad),
        lambda: format_yuan(bad),
        lambda: add_amounts([1, bad]),
        lambda: subtract_amount(bad, 0),
        lambda: subtract_amount(MAX_MILLIYUAN, bad),
        lambda: multiply_amount(bad, 1),
    ):
        with pytest.raises(ModelError):
            compute()


@given(st.lists(amounts, max_size=4))
def test_sum_is_exact_or_refused(many: list[int]) -> None:
    if sum(many) <= MAX_MILLIYUAN:
        assert add_amounts(many) == sum(many)
    else:
        with pytest.raises(ModelError):
            add_amounts(many)


@given(amounts, amounts)
def test_difference_is_exact_or_refused(amount: int, taken: int) -> None:
    if taken <= amount:
        assert subtract_amount(amount, taken) == amount - taken
    else:
        with pytest.raises(ModelError):
            subtract_amount(amount, taken)


@given(amounts, st.integers(-3, 2**60))
def test_product_is_exact_or_refused(amount: int, count: int) -> None:
    if count >= 0 and amount * count <= MAX_MILLIYUAN:
        assert multiply_amount(amount, count) == amount * count
    else:
        with pytest.raises(ModelError):
            multiply_amount(amount, count)


@pytest.mark.parametrize("count", [True, 1.0, "2"])
def test_count_that_is_no_integer_is_refused(count: Any) -> None:
    with pytest.raises(ModelError):
        multiply_amount(1, count)
