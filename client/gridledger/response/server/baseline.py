"""Baseline and performance: what a site would have taken without the demand, and by how much it took less.

The baseline is the mean of the highest loads of the same interval on days before without a demand then:
"high 5 of 10", as many programmes have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gridledger.model.errors import ConfigError
from gridledger.response.message import Demand

__all__ = ["HighOf", "Performance", "performance_of"]

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, kw_only=True)
class HighOf:
    """Which days make a baseline."""

    days: int = 10
    """Days before, without a demand in the interval."""
    highest: int = 5
    """How many of them count: those with the highest loads."""

    def __post_init__(self) -> None:
        if not 1 <= self.highest <= self.days <= 60:
            raise ConfigError("want 1 <= highest <= days <= 60", key="highest, days", source="baseline")

    def baseline_wh(self, loads: Mapping[int, int], start_ms: int, demanded: frozenset[int]) -> int | None:
        """Return the baseline of an interval; None where no day before has a load.

        Parameters
        ----------
        loads : mapping of int to int
            Watt-hours by the interval's start.
        start_ms : int
        demanded : frozenset of int
            Starts of intervals with a demand: they do not count.
        """
        days = [start_ms - DAY_MS * back for back in range(1, 2 * self.days + 1)]
        found = [loads[day] for day in days if day in loads and day not in demanded][: self.days]
        counted = sorted(found, reverse=True)[: self.highest]
        return sum(counted) // len(counted) if counted else None


@dataclass(frozen=True, kw_only=True)
class Performance:
    """What came of a demand at a site."""

    demand: str
    site: str
    promised_wh: int | None
    """What its user terminal answered; None where it did not."""
    baseline_wh: int | None
    actual_wh: int | None
    """None before the reading is there."""

    @property
    def reduced_wh(self) -> int | None:
        """Baseline less actual load; negative where the site took more."""
        if self.baseline_wh is None or self.actual_wh is None:
            return None
        return self.baseline_wh - self.actual_wh


def performance_of(
    demand: Demand,
    site: str,
    loads: Mapping[int, int],
    promised_wh: int | None,
    demanded: frozenset[int],
    rule: HighOf,
) -> Performance:
    """Hold a site's load in a demand's interval against its baseline."""
    return Performance(
        demand=demand.id,
        site=site,
        promised_wh=promised_wh,
        baseline_wh=rule.baseline_wh(loads, demand.start_ms, demanded),
        actual_wh=loads.get(demand.start_ms),
    )
