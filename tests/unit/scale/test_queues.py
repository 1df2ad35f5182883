"""Queues in simulated time, against what closed forms say of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial

import pytest
from tests.bench.scale_queues import Rounds, Simulation, Station

SERVED = 20_000


def mean_wait(utilisation: float, service: Callable[[random.Random], float], servers: int = 1) -> float:
    """Let customers come by chance to a station whose mean service takes 1; return their mean wait for it."""
    simulation, chance = Simulation(), random.Random(17)
    station = Station(simulation, servers)
    waits: list[float] = []

    def come(left: int) -> None:
        came, needs = simulation.now, service(chance)
        station.serve(needs, lambda: waits.append(simulation.now - came - needs))
        if left:
            simulation.after(chance.expovariate(utilisation * servers), lambda: come(left - 1))

    come(SERVED)
    simulation.run()
    assert len(waits) == SERVED + 1
    return sum(waits) / len(waits)


@pytest.mark.parametrize("utilisation", [0.4, 0.7])
def test_a_queue_of_random_services_waits_as_m_m_1(utilisation: float) -> None:
    expected = utilisation / (1 - utilisation)
    assert mean_wait(utilisation, lambda chance: chance.expovariate(1)) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("utilisation", [0.4, 0.7])
def test_a_queue_of_equal_services_waits_half_as_long_as_m_d_1(utilisation: float) -> None:
    expected = utilisation / (2 * (1 - utilisation))
    assert mean_wait(utilisation, lambda _: 1.0) == pytest.approx(expected, rel=0.1)


def test_two_servers_with_one_queue_wait_as_m_m_2() -> None:
    # Erlang C for two servers: the mean wait is r^2 / (1 - r^2) services.
    expected = 0.7**2 / (1 - 0.7**2)
    assert mean_wait(0.7, lambda chance: chance.expovariate(1), servers=2) == pytest.approx(expected, rel=0.1)


def test_a_station_counts_its_work_and_shares_out_parts() -> None:
    simulation = Simulation()
    station = Station(simulation, 2)
    ends: list[float] = []
    station.serve_parts(4.0, 4, lambda: ends.append(simulation.now))
    simulation.run()
    assert ends == [2.0]
    assert station.busy_s == pytest.approx(4.0)
    assert station.utilisation(4.0) == pytest.approx(0.5)


def test_a_station_without_servers_is_refused() -> None:
    with pytest.raises(ValueError, match="a server at least"):
        Station(Simulation(), 0)


def rounds_of(arrivals: Sequence[float], **settings: float) -> list[tuple[float, int]]:
    simulation = Simulation()
    begun: list[tuple[float, int]] = []

    def begin(taken: Sequence[int], ended: Callable[[], None]) -> None:
        begun.append((simulation.now, len(taken)))
        simulation.after(0.5, ended)

    rounds: Rounds[int] = Rounds(simulation, begin, **settings)  # type: ignore[arg-type]
    for number, moment in enumerate(arrivals):
        simulation.after(moment, partial(rounds.add, number, 1.0))
    simulation.run()
    return begun


def test_rounds_wait_for_others_then_go_together_and_one_at_a_time() -> None:
    assert rounds_of([0.0, 0.05, 0.2, 0.3], most=10, patience_s=0.1) == [(0.1, 2), (pytest.approx(0.6), 2)]


def test_a_full_round_does_not_wait() -> None:
    assert rounds_of([0.0, 0.01, 0.02], most=2, patience_s=0.1) == [(0.01, 2), (pytest.approx(0.51), 1)]
    heavy = rounds_of([0.0, 0.01, 0.02], most=10, most_weight=2.0, patience_s=0.1)
    assert heavy == [(0.01, 2), (pytest.approx(0.51), 1)]


def test_what_is_too_heavy_goes_alone() -> None:
    assert rounds_of([0.0, 0.0], most=10, most_weight=0.5, patience_s=0.1) == [(0.0, 1), (0.5, 1)]
