"""Reports of VENs as what terminals send: loads from USAGE, a reply from LOAD_SHED_DELTA_AVAILABLE.

Other payloads are kept with their report, and make no record.

Source: OpenADR 3.1.0, the object report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gridledger.response.message import Demand, DemandReply, LoadReading
from gridledger.response.openadr.objects import (
    Interval,
    IntervalPeriod,
    ReportRequest,
    ReportResource,
    ValuesMap,
)
from gridledger.web import RequestMalformed

__all__ = ["Reported", "read_report", "seconds_of"]

USAGE: Final = "USAGE"
SHED: Final = "LOAD_SHED_DELTA_AVAILABLE"

_WATT_HOURS: Final = {"WH": 1, "KWH": 1_000, "MWH": 1_000_000}
_MOST_KWH: Final = 10**9
_SECONDS: Final = {"W": 604_800, "D": 86_400, "H": 3600, "M": 60, "S": 1}
_PARTS: Final = re.compile(r"(\d+)(?:\.\d+)?([WDHMS])")


@dataclass(frozen=True, kw_only=True)
class Reported:
    """What a report says."""

    loads: tuple[LoadReading, ...]
    """By their start; what several resources took in an interval is added up."""
    reply: DemandReply | None
    """What the VEN will reduce, over all its resources."""


def seconds_of(duration: str) -> int:
    """Return the whole seconds of a duration; RequestMalformed for years, months and negative ones.

    Examples
    --------
    >>> seconds_of("PT1H30M"), seconds_of("P1D")
    (5400, 86400)
    """
    date, _, time = duration.partition("T")
    if date.startswith("-") or "Y" in date or "M" in date:
        raise RequestMalformed("a duration is in weeks, days, hours, minutes and seconds")
    return sum(int(number) * _SECONDS[unit] for number, unit in _PARTS.findall(f"{date}{time}"))


def read_report(report: ReportRequest, demand: Demand) -> Reported:
    """Read a report on a demand's event.

    Raises
    ------
    RequestMalformed
        A value is no energy, or an interval has no time.
    """
    loads: dict[tuple[int, int], int] = {}
    shed_wh: int | None = None
    for kind, value, period in _values(report, demand):
        energy_wh = _energy(report, kind, value)
        if kind == SHED:
            # Some name a decrease by its sign, some by the payload's name.
            shed_wh = (shed_wh or 0) + abs(energy_wh)
        else:
            loads[period] = loads.get(period, 0) + energy_wh
    readings = [
        LoadReading(start_ms=start_ms, length_s=length_s, energy_wh=energy_wh)
        for (start_ms, length_s), energy_wh in sorted(loads.items())
    ]
    reply = None if shed_wh is None else DemandReply(demand=demand.id, reduction_wh=shed_wh)
    return Reported(loads=tuple(readings), reply=reply)


def _values(report: ReportRequest, demand: Demand) -> Iterator[tuple[str, ValuesMap, tuple[int, int]]]:
    for resource in report.resources:
        for place, interval in enumerate(resource.intervals):
            for payload in interval.payloads:
                if payload.type in {USAGE, SHED}:
                    yield payload.type, payload, _period(resource, place, interval, demand)


def _period(resource: ReportResource, place: int, interval: Interval, demand: Demand) -> tuple[int, int]:
    """Return start and length of an interval: its own, else by its place after its resource's or event's."""
    own, common = interval.interval_period or IntervalPeriod(), resource.interval_period or IntervalPeriod()
    duration = own.duration or common.duration
    length_s = demand.length_s if duration is None else seconds_of(duration)
    if own.start is not None:
        return _milliseconds(own.start), length_s
    start_ms = demand.start_ms if common.start is None else _milliseconds(common.start)
    return start_ms + 1000 * length_s * place, length_s


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp()) * 1000 + time.microsecond // 1000


def _energy(report: ReportRequest, kind: str, payload: ValuesMap) -> int:
    units = {one.payload_type: one.units for one in report.payload_descriptors or ()}
    factor = _WATT_HOURS.get(units.get(kind) or "KWH")
    if factor is None:
        raise RequestMalformed(f"{kind} is in one of {', '.join(_WATT_HOURS)}")
    values = payload.values
    if len(values) != 1 or isinstance(values[0], bool) or not isinstance(values[0], int | float):
        raise RequestMalformed(f"{kind} has one value, a number")
    if abs(values[0]) > _MOST_KWH:
        raise RequestMalformed(f"{kind} is beyond {_MOST_KWH:,}")
    return round(values[0] * factor)
