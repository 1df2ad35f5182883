"""Houses replayed under a programme's rule, with faults; `tests.bench.response_scene` does it for a year."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.response.replay import Replay

from gridledger.model.errors import ConfigError
from gridledger.response.server.chart import draw_report
from gridledger.response.server.demand import Load
from gridledger.response.server.programme import ProgrammeRule

# As Xcel Energy publishes Peak Partner Rewards (Colorado): June to September, Monday to Friday, 12 to 20 h,
# an event a day and 15 a year; its baseline is that of `HighOf`: the highest 5 of 10 days.
PEAK_PARTNER = ProgrammeRule(
    programme="Peak Partner Rewards",
    first_month=6,
    last_month=9,
    weekdays=True,
    start_hour=12,
    end_hour=20,
    events_daily=1,
    max_events=15,
)


@pytest.mark.timeout(600)
async def test_days_of_houses_with_faults_lose_nothing_and_are_reported(tmp_path: Path) -> None:
    replay = Replay(tmp_path, PEAK_PARTNER, houses=3, hours=10 * 24, faults=0.02)
    await replay.run()
    account = replay.account()
    assert account.is_clean, account
    assert account.accepted >= 3 * 10 * 24
    found = replay.report()
    assert found
    assert replay.lost
    assert replay.killed
    for demand, performances in found:
        start = datetime.fromtimestamp(demand.start_ms / 1000, UTC)
        assert start.weekday() < 5
        assert 12 <= start.hour < 20
        assert {one.site for one in performances} <= {"house-1", "house-2", "house-3"}
    picture = ET.fromstring(draw_report(found))  # noqa: S314 (our own)
    names = [one.text for one in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"house-1", "house-2", "house-3"} <= set(names)
    replay.close()


def test_report_without_a_demand_is_a_picture_all_the_same() -> None:
    ET.fromstring(draw_report([]))  # noqa: S314 (our own)


@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=24 * 40),
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(1, 3),
    st.integers(1, 6),
)
def test_demands_keep_the_terms(values: list[int], first: int, last: int, daily: int, yearly: int) -> None:
    rule = ProgrammeRule(
        programme="x",
        first_month=first,
        last_month=last,
        events_daily=daily,
        max_events=yearly,
        start_hour=8,
        window=3,
    )
    begin_ms = 1_640_000_000_000 // 3_600_000 * 3_600_000
    loads = [
        Load(start_ms=begin_ms + hour * 3_600_000, length_s=3600, energy_wh=one, readings=1)
        for hour, one in enumerate(values)
    ]
    found = [datetime.fromtimestamp(one.start_ms / 1000, UTC) for one in rule.derive(loads, 0)]
    months = set(range(first, last + 1)) if first <= last else set(range(first, 13)) | set(range(1, last + 1))
    assert {one.month for one in found} <= months
    assert all(one.hour >= 8 for one in found)
    for group, limit in (([one.date() for one in found], daily), ([one.year for one in found], yearly)):
        assert all(group.count(each) <= limit for each in group)
    assert rule.derive(loads, 0) == rule.derive(loads, 0)


@pytest.mark.parametrize("wrong", [{"first_month": 0}, {"start_hour": 24}, {"max_events": 0}, {"window": 0}])
def test_terms_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        ProgrammeRule(programme="x", **wrong)
