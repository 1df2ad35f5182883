"""Days and periods: the parts of a field's rows that are deposited at once.

A field's frequency says how its rows are parted: all at once (`once`), by month (`2018-09`) or by day
(`2018-09-14`). Days and months are those of UTC.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from enum import StrEnum
from typing import Self

from gridledger.model.errors import ModelError
from gridledger.model.scalar import TextScalar

__all__ = ["Day", "Frequency", "Period", "periods_between"]

_DAY = re.compile(r"[12][0-9]{3}-[01][0-9]-[0-3][0-9]", re.ASCII)
_MONTH = re.compile(r"[12][0-9]{3}-(0[1-9]|1[0-2])", re.ASCII)


class Frequency(StrEnum):
    """How often a field's rows are deposited."""

    ONCE = "once"
    """All rows together: a register's entries."""

    MONTH = "month"
    DAY = "day"


class Day(TextScalar):
    """A day of UTC, written `2018-09-14`, from 1000 to 2999.

    Examples
    --------
    >>> Day.parse("2018-09-14").following()
    Day('2018-09-15')
    """

    __slots__ = ()
    json_pattern = "^[12][0-9]{3}-[01][0-9]-[0-3][0-9]$"

    def __init__(self, text: str) -> None:
        if _DAY.fullmatch(text) is None:
            raise ModelError({"": "want a day, YYYY-MM-DD"}, subject="day")
        try:
            date.fromisoformat(text)
        except ValueError as error:
            raise ModelError({"": "no such day"}, subject="day") from error
        self._text = text

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a day; raises ModelError for any other text."""
        return cls(text)

    def following(self) -> Day:
        """Return the next day; raises ModelError after 2999-12-31."""
        return Day((date.fromisoformat(self._text) + timedelta(days=1)).isoformat())

    def start_ms(self) -> int:
        """Return when it begins, in milliseconds since 1970."""
        return (date.fromisoformat(self._text) - date(1970, 1, 1)).days * 86_400_000

    def days_until(self, last: Day) -> int:
        """Return the number of days up to another, both counted; 0 or less if the other is earlier."""
        return (date.fromisoformat(last._text) - date.fromisoformat(self._text)).days + 1


class Period(TextScalar):
    """A period: `once`, a month such as `2018-09`, or a day such as `2018-09-14`.

    Examples
    --------
    >>> Period.parse("2018-09").frequency
    <Frequency.MONTH: 'month'>
    >>> Period.of(Frequency.MONTH, Day("2018-09-14"))
    Period('2018-09')
    """

    __slots__ = ("frequency",)
    json_pattern = "^(once|[12][0-9]{3}-[01][0-9](-[0-3][0-9])?)$"

    def __init__(self, text: str) -> None:
        self._text = text
        self.frequency = _frequency_of(text)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a period; raises ModelError for any other text."""
        return cls(text)

    @classmethod
    def of(cls, frequency: Frequency, day: Day) -> Self:
        """Return the period of a frequency that holds a day."""
        if frequency is Frequency.ONCE:
            return cls(frequency.value)
        return cls(str(day)[:7] if frequency is Frequency.MONTH else str(day))

    def days(self) -> tuple[Day, Day] | None:
        """Return the first and last day; None for `once`, which has none."""
        if self.frequency is Frequency.ONCE:
            return None
        if self.frequency is Frequency.DAY:
            return Day(self._text), Day(self._text)
        first = date.fromisoformat(f"{self._text}-01")
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        return Day(first.isoformat()), Day(last.isoformat())


def periods_between(frequency: Frequency, first: Day, last: Day) -> tuple[Period, ...]:
    """Return the periods of a frequency that hold a day from `first` to `last`, in order.

    Parameters
    ----------
    frequency : Frequency
    first, last : Day
        Both are counted; nothing lies between them if `last` is earlier.

    Notes
    -----
    Linear in the number of days; callers bound it.

    Examples
    --------
    >>> [str(p) for p in periods_between(Frequency.MONTH, Day("2018-09-14"), Day("2018-10-02"))]
    ['2018-09', '2018-10']
    """
    if last < first:
        return ()
    if frequency is Frequency.ONCE:
        return (Period(frequency.value),)
    found: dict[Period, None] = {}
    day = first
    while day < last:
        found[Period.of(frequency, day)] = None
        day = day.following()
    found[Period.of(frequency, last)] = None
    return tuple(found)


def _frequency_of(text: str) -> Frequency:
    if text == Frequency.ONCE:
        return Frequency.ONCE
    if _MONTH.fullmatch(text):
        return Frequency.MONTH
    Day(text)
    return Frequency.DAY
