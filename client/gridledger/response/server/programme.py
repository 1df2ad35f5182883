"""A programme's rule: peaks lead to demands only as its terms allow: season, days, hours, how often.

Source: CN115334117A, claim 3; the terms are those that utilities publish of their programmes (season, days of
the week, hours, events a day and a year, notice).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from gridledger.model.errors import ConfigError
from gridledger.response.message import Demand
from gridledger.response.server.demand import Load, PeakRule

__all__ = ["ProgrammeRule"]


@dataclass(frozen=True, kw_only=True)
class ProgrammeRule:
    """Publishes the demands of a `PeakRule` that a programme allows.

    Parameters
    ----------
    programme : str
        Its name; part of each demand's rule.
    first_month, last_month : int
        The season, 1 to 12; it may run over the turn of the year.
    weekdays : bool
        Whether events fall on Monday to Friday only.
    start_hour, end_hour : int
        Local hours between which events lie, 0 to 24.
    events_daily, max_events : int
        How many events there are a day and a calendar year, at most.
    utc_offset_h : int, default 0
        What local time is ahead of UTC.
    window, excess_percent, lead_s, share_percent
        As for `PeakRule`; the lead is the notice that users get, and more.
    """

    programme: str
    first_month: int = 1
    last_month: int = 12
    weekdays: bool = False
    start_hour: int = 0
    end_hour: int = 24
    events_daily: int = 1
    max_events: int = 15
    utc_offset_h: int = 0
    window: int = PeakRule.window
    excess_percent: int = PeakRule.excess_percent
    lead_s: int = PeakRule.lead_s
    share_percent: int = PeakRule.share_percent

    history_days = 366
    """How far back loads are read: events of the calendar year are counted."""

    def __post_init__(self) -> None:
        limits = {
            "programme": 1 <= len(self.programme) <= 80,
            "first_month": 1 <= self.first_month <= 12,
            "last_month": 1 <= self.last_month <= 12,
            "start_hour": 0 <= self.start_hour < self.end_hour <= 24,
            "events_daily": 1 <= self.events_daily <= 24,
            "max_events": 1 <= self.max_events <= 10_000,
            "utc_offset_h": -14 <= self.utc_offset_h <= 14,
        }
        wrong = [name for name, good in limits.items() if not good]
        if wrong:
            raise ConfigError("is out of range", key=", ".join(wrong), source="demand")
        self._peaks()

    def derive(self, loads: Sequence[Load], now_ms: int) -> list[Demand]:
        """Return the demands of all peaks that the terms allow, the earliest first.

        Notes
        -----
        Linear in the loads; integers only.
        """
        found: list[Demand] = []
        a_day: Counter[date] = Counter()
        a_year: Counter[int] = Counter()
        rule = self._peaks()
        for peak, excess_wh in rule.peaks(loads):
            start_s = rule.start_of(peak) // 1000
            local = datetime.fromtimestamp(start_s, UTC) + timedelta(hours=self.utc_offset_h)
            if not self._in_season(local) or not self._in_hours(local, peak.length_s):
                continue
            day = local.date()
            if a_day[day] >= self.events_daily or a_year[local.year] >= self.max_events:
                continue
            a_day[day] += 1
            a_year[local.year] += 1
            one = rule.demand_of(peak, excess_wh, now_ms)
            found.append(replace(one, rule=f"{self.programme}: {one.rule}"))
        return found

    def _peaks(self) -> PeakRule:
        return PeakRule(
            window=self.window,
            excess_percent=self.excess_percent,
            lead_s=self.lead_s,
            share_percent=self.share_percent,
        )

    def _in_season(self, local: datetime) -> bool:
        first, last = self.first_month, self.last_month
        inside = first <= local.month <= last if first <= last else not last < local.month < first
        return inside and (not self.weekdays or local.weekday() < 5)

    def _in_hours(self, local: datetime, length_s: int) -> bool:
        begins_s = local.hour * 3600 + local.minute * 60 + local.second
        return self.start_hour * 3600 <= begins_s and begins_s + length_s <= self.end_hour * 3600
