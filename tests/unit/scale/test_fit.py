"""Lines through points: exact where points lie on one, with their distance where not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bench.scale_fit import Growth, fit_growth, fit_shares, likelier

SIZES = [1000.0, 4000.0, 16_000.0, 64_000.0]


@settings(max_examples=50, deadline=None)
@given(st.floats(0.1, 1e3), st.floats(1e-3, 1e3), st.sampled_from(list(Growth)))
def test_points_on_a_line_give_the_line(intercept: float, slope: float, growth: Growth) -> None:
    fit = fit_growth(SIZES, [intercept + slope * growth.of(one) for one in SIZES], growth)
    assert fit.slope == pytest.approx(slope, rel=1e-6)
    assert fit.largest_residual < 1e-9
    assert fit.at(256_000) == pytest.approx(intercept + slope * growth.of(256_000), rel=1e-6)


def test_a_point_off_the_line_is_a_residual() -> None:
    fit = fit_growth(SIZES, [1000, 4000, 16_000, 80_000])
    assert 0.05 < fit.largest_residual < 0.25
    assert fit.rms_residual < fit.largest_residual


def test_growth_that_lies_nearer_is_chosen_and_the_linear_one_where_both_do() -> None:
    assert likelier(SIZES, [3 * one for one in SIZES]).growth is Growth.LINEAR
    assert likelier(SIZES, [one * math.log2(one) for one in SIZES]).growth is Growth.LOGARITHMIC
    assert likelier(SIZES[:2], [1.0, 2.0]).growth is Growth.LINEAR


@settings(max_examples=50, deadline=None)
@given(st.floats(0.1, 100), st.floats(1e-3, 10))
def test_shares_of_transactions_and_items_are_found(a: float, b: float) -> None:
    transactions, items = [30.0, 2.0, 8.0], [300.0, 4000.0, 16_000.0]
    values = [a * t + b * i for t, i in zip(transactions, items, strict=True)]
    assert fit_shares(transactions, items, values) == pytest.approx((a, b), rel=1e-4)


def test_no_share_is_below_nothing() -> None:
    a, b = fit_shares([1.0, 1.0, 1.0], [10.0, 100.0, 1000.0], [1.0, 0.5, 0.4])
    assert a >= 0
    assert b >= 0


@pytest.mark.parametrize(
    ("units", "values"),
    [([], []), ([1.0], [1.0]), ([1.0, 2.0], [1.0]), ([1.0, 2.0], [0.0, 1.0]), ([1.0, math.nan], [1.0, 1.0])],
)
def test_points_that_say_nothing_are_refused(units: list[float], values: list[float]) -> None:
    with pytest.raises(ValueError, match="want"):
        fit_growth(units, values)
