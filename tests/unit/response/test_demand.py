"""Demands from loads, baselines, and what user terminals answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.response.fakes import SYSTEM, Clock, FakeLink, entry

from gridledger.model.errors import ConfigError
from gridledger.model.response import TerminalIdentifier, TerminalKind
from gridledger.response.database import SQLiteDatabase
from gridledger.response.message import (
    Demand,
    DemandPage,
    DemandReply,
    LoadReading,
    RecordsMessage,
    SentRecord,
)
from gridledger.response.server import BusinessSettings, DemandRegister, Load, PeakRule, ServerBusiness
from gridledger.response.server.baseline import DAY_MS, HighOf
from gridledger.response.server.demand import load_rule
from gridledger.response.server.store import ServerStore
from gridledger.response.terminal import Business, TerminalStore
from gridledger.response.terminal.user import FixedShare, UserTerminal

HOUR_MS = 3_600_000


def loads(*values: int) -> list[Load]:
    return [
        Load(start_ms=place * HOUR_MS, length_s=3600, energy_wh=value, readings=17)
        for place, value in enumerate(values)
    ]


def test_peak_asks_for_its_excess_a_day_later() -> None:
    (found,) = PeakRule(window=4, excess_percent=50).derive(loads(100, 100, 100, 100, 190, 100), 7)
    assert found.start_ms == 4 * HOUR_MS + DAY_MS
    assert (found.reduction_wh, found.load_wh, found.published_ms) == (40, 190, 7)


@given(st.lists(st.integers(0, 10**6), max_size=60), st.integers(1, 12), st.integers(0, 200))
def test_peaks_are_those_of_the_definition(values: list[int], window: int, excess: int) -> None:
    found = {one.load_wh for one in PeakRule(window=window, excess_percent=excess).derive(loads(*values), 0)}
    expected = {
        value
        for place, value in enumerate(values)
        if place >= window and value > sum(values[place - window : place]) * (100 + excess) // (100 * window)
    }
    assert found == expected


def test_rule_is_named_by_its_class() -> None:
    rule = load_rule("gridledger.response.server.demand:PeakRule", {"window": 3})
    assert rule == PeakRule(window=3)
    for name, values in (
        ("nothing:Here", {}),
        ("math:Nothing", {}),
        (f"{PeakRule.__module__}:PeakRule", {"x": 1}),
    ):
        with pytest.raises(ConfigError):
            load_rule(name, values)
    with pytest.raises(ConfigError):
        PeakRule(window=0)


def test_baseline_is_the_mean_of_the_highest_days_without_demands() -> None:
    start_ms = 30 * DAY_MS
    known = {start_ms - back * DAY_MS: 100 * back for back in range(1, 8)}
    rule = HighOf(days=4, highest=2)
    assert rule.baseline_wh(known, start_ms, frozenset()) == 350
    assert rule.baseline_wh(known, start_ms, frozenset({start_ms - 4 * DAY_MS})) == 400
    assert rule.baseline_wh({}, start_ms, frozenset()) is None


@pytest.fixture
def store(tmp_path: Path) -> ServerStore:
    return ServerStore(SQLiteDatabase(tmp_path / "server.db"), SYSTEM, clock=Clock(10 * HOUR_MS))


def _send(store: ServerStore, name: str, site: str, values: list[int]) -> None:
    terminal = TerminalIdentifier(SYSTEM, name)
    records = tuple(
        SentRecord(
            number=place + 1,
            run=place + 1,
            time_ms=0,
            salt=bytes(16),
            data=LoadReading(start_ms=place * HOUR_MS, length_s=3600, energy_wh=value).to_bytes(),
        )
        for place, value in enumerate(values)
    )
    message = RecordsMessage(terminal=terminal, records=records)
    store.receive(message, message.to_bytes(), lambda _, __: None)
    store.complete()


async def test_demand_waits_for_all_terminals_and_is_answered_once(
    tmp_path: Path, store: ServerStore
) -> None:
    names = ("a.iot", "b.iot")
    for name in names:
        store.add_terminal(entry(TerminalIdentifier(SYSTEM, name)))
    user = TerminalIdentifier(SYSTEM, "a.user")
    store.add_terminal(entry(user, TerminalKind.USER))
    register = DemandRegister(store._database)
    rule = PeakRule(window=2, excess_percent=10)
    server = ServerBusiness(store, register, BusinessSettings(rule=rule))
    values = [100, 100, 300]

    _send(store, names[0], "a", values)
    assert await server.derive() == 0
    _send(store, names[1], "b", values)
    assert await server.derive() == 1
    assert await server.derive() == 0
    (demand,) = register.demands()
    assert (demand.load_wh, demand.reduction_wh, demand.readings) == (600, 380, 2)

    terminal = TerminalStore(SQLiteDatabase(tmp_path / "user.db"), user, clock=store.clock)
    business = Business(terminal, FakeLink(store, server.judge))

    class Source:
        async def demands(self, since_ms: int) -> DemandPage:
            return DemandPage(demands=tuple(register.demands(since_ms)))

    answering = UserTerminal(business, Source(), FixedShare(per_mille=500), store.clock)
    assert await answering.step() == 1
    assert await answering.step() == 0
    await business.step()
    store.complete()
    (performance,) = register.performance(demand, HighOf())
    assert (performance.promised_wh, performance.baseline_wh, performance.actual_wh) == (190, 600, None)

    late = UserTerminal(business, Source(), FixedShare(), lambda: demand.start_ms + 1)
    assert await late.step() == 0
    await business.accept(_reply("unknown"))
    refused: list[tuple[int, str]] = []
    business._on_refused = lambda number, code: refused.append((number, code))
    await business.step()
    assert refused == [(2, "no-demand")]


def test_intervals_count_once_and_derive_what_a_new_process_derives(store: ServerStore) -> None:
    store.add_terminal(entry(TerminalIdentifier(SYSTEM, "a.iot")))
    rule = PeakRule(window=3, excess_percent=10)
    register = DemandRegister(store._database)
    values = [100, 120, 90, 100, 500, 100, 80, 300, 100, 90]
    derived: list[Demand] = []

    class Counting:
        history_days = rule.history_days
        calls = 0

        def derive(self, loads: Sequence[Load], now_ms: int) -> list[Demand]:
            self.calls += 1
            return rule.derive(loads, now_ms)

    counting = Counting()
    for count in range(1, len(values) + 1):
        _send(store, "a.iot", "a", values[:count])
        derived += register.publish(counting, 0)
        assert register.publish(counting, 0) == []
    assert counting.calls == len(values), "derived without a new interval"
    assert {one.id for one in derived} == {one.id for one in rule.derive(register.loads(), 0)}
    assert DemandRegister(store._database).publish(rule, 0) == []


def _reply(demand: str) -> bytes:
    return DemandReply(demand=demand, reduction_wh=1).to_bytes()


def test_judge_refuses_what_no_terminal_sends(store: ServerStore) -> None:
    server = ServerBusiness(store, DemandRegister(store._database), BusinessSettings(most_wh=10))

    def judged(data: bytes, time_ms: int = 0) -> str | None:
        one = SentRecord(number=1, run=1, time_ms=time_ms, salt=bytes(16), data=data)
        return server.judge(entry(), one)

    good = LoadReading(start_ms=0, length_s=3600, energy_wh=10).to_bytes()
    assert judged(good) is None
    assert judged(b"{}") == "malformed"
    assert judged(LoadReading(start_ms=0, length_s=3600, energy_wh=11).to_bytes()) == "implausible"
    assert judged(good, time_ms=10**12) == "implausible"
    future = LoadReading(start_ms=10**12, length_s=3600, energy_wh=10).to_bytes()
    assert judged(future) == "implausible"


def test_demand_survives_its_bytes() -> None:
    (demand,) = PeakRule(window=1, excess_percent=0).derive(loads(1, 2), 3)
    assert Demand.from_bytes(demand.to_bytes()) == demand
