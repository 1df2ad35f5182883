"""The demand: what the loads that IoT terminals sent make necessary, by a rule that can be exchanged.

Source: CN115334117A, claim 3: the server determines the demand from the data of the IoT terminals.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gridledger.model.errors import ConfigError
from gridledger.response.message import Demand

__all__ = ["DemandRule", "Load", "PeakRule", "load_rule"]


@dataclass(frozen=True, kw_only=True)
class Load:
    """What all sites together took in one interval."""

    start_ms: int
    length_s: int
    energy_wh: int
    readings: int
    """How many records make it."""


class DemandRule(Protocol):
    """Derives demands from loads."""

    history_days: int
    """How far back it wants loads."""

    def derive(self, loads: Sequence[Load], now_ms: int) -> list[Demand]:
        """Return the demands that loads, in order of time, make necessary; the same for the same loads."""


@dataclass(frozen=True, kw_only=True)
class PeakRule:
    """Finds peaks, and asks for a reduction at the same time of a later day.

    Parameters
    ----------
    window : int, default 24
        Intervals before one that it is held against, 1 to 10,000.
    excess_percent : int, default 30
        By how much a load must exceed their mean to be a peak, 0 to 1,000.
    lead_s : int, default 86400
        Seconds from the peak to the demand: a peak is expected again a day later.
    share_percent : int, default 100
        How much of the excess is asked for, 1 to 100.
    """

    window: int = 24
    excess_percent: int = 30
    lead_s: int = 86_400
    share_percent: int = 100

    history_days = 60
    """How far back loads are read."""

    def __post_init__(self) -> None:
        limits = {"window": (1, 10_000), "excess_percent": (0, 1_000), "lead_s": (0, 31 * 86_400),
                  "share_percent": (1, 100)}  # fmt: skip
        wrong = [name for name, (low, high) in limits.items() if not low <= getattr(self, name) <= high]
        if wrong:
            raise ConfigError("is out of range", key=", ".join(wrong), source="demand")

    def derive(self, loads: Sequence[Load], now_ms: int) -> list[Demand]:
        """Return a demand for each peak that has a whole window before it.

        Notes
        -----
        Integers only; linear in the loads.
        """
        return [self.demand_of(peak, excess_wh, now_ms) for peak, excess_wh in self.peaks(loads)]

    def peaks(self, loads: Sequence[Load]) -> Iterator[tuple[Load, int]]:
        """Give each peak with its excess in watt-hours, in order of time."""
        total = sum(one.energy_wh for one in loads[: self.window])
        for place in range(self.window, len(loads)):
            peak = loads[place]
            # The mean of the window, raised by the excess; all of it in watt-hours.
            bound = total * (100 + self.excess_percent) // (100 * self.window)
            if peak.energy_wh > bound:
                yield peak, peak.energy_wh - bound
            total += peak.energy_wh - loads[place - self.window].energy_wh

    def start_of(self, peak: Load) -> int:
        """Return when the demand for a peak begins, milliseconds."""
        return peak.start_ms + self.lead_s * 1000

    def demand_of(self, peak: Load, excess_wh: int, now_ms: int) -> Demand:
        """Make the demand for a peak."""
        start_ms = self.start_of(peak)
        return Demand(
            id=f"peak-{start_ms}",
            start_ms=start_ms,
            length_s=peak.length_s,
            reduction_wh=excess_wh * self.share_percent // 100,
            load_wh=peak.energy_wh,
            readings=peak.readings,
            rule=f"peak window={self.window} excess={self.excess_percent}% share={self.share_percent}%",
            published_ms=now_ms,
        )


def load_rule(name: str, values: Mapping[str, Any]) -> DemandRule:
    """Make a rule of a class that is named `module:Class`.

    Raises
    ------
    ConfigError
        There is no such class, or it does not take these values.
    """
    module, _, attribute = name.partition(":")
    try:
        rule: DemandRule = getattr(importlib.import_module(module), attribute)(**values)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ConfigError(f"cannot be used: {error}", key="rule", source="demand", value=name) from error
    return rule
