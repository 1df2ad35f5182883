"""Days and periods."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridledger.model.errors import ModelError
from gridledger.model.period import Day, Frequency, Period, periods_between

DATES = st.dates(min_value=date(1000, 1, 1), max_value=date(2999, 12, 30))


@pytest.mark.parametrize(
    "text", ["2018-9-14", "2018-02-30", "3000-01-01", "0999-12-31", "", "２018-09-14", "x"]
)
def test_day_malformed_is_refused(text: str) -> None:
    with pytest.raises(ModelError):
        Day.parse(text)


@pytest.mark.parametrize("text", ["2018", "2018-13", "2018-00", "Once", "", "2018-09-31"])
def test_period_malformed_is_refused(text: str) -> None:
    with pytest.raises(ModelError):
        Period.parse(text)


@settings(deadline=None)
@given(DATES)
def test_day_following_is_the_next_date(day: date) -> None:
    assert str(Day(day.isoformat()).following()) == (day + timedelta(days=1)).isoformat()


@settings(deadline=None)
@given(DATES, st.integers(0, 800))
def test_periods_between_cover_each_day_once(first: date, length: int) -> None:
    last = min(first + timedelta(days=length), date(2999, 12, 31))
    start, end = Day(first.isoformat()), Day(last.isoformat())
    days = periods_between(Frequency.DAY, start, end)
    months = periods_between(Frequency.MONTH, start, end)

    assert len(days) == start.days_until(end) == len(set(days))
    assert [str(month) for month in months] == sorted({str(day)[:7] for day in days})
    assert periods_between(Frequency.ONCE, start, end) == (Period("once"),)
    for month in months:
        bounds = month.days()
        assert bounds is not None
        assert Period.of(Frequency.MONTH, bounds[0]) == Period.of(Frequency.MONTH, bounds[1]) == month


def test_periods_between_backwards_are_none() -> None:
    assert periods_between(Frequency.DAY, Day("2018-09-15"), Day("2018-09-14")) == ()


def test_period_of_a_frequency_is_read_from_its_text() -> None:
    assert [Period(text).frequency for text in ("once", "2018-09", "2018-09-14")] == list(Frequency)
    assert Period("once").days() is None
    assert Period("2020-02").days() == (Day("2020-02-01"), Day("2020-02-29"))
