"""The simulated council and PBFT: their arithmetic against what the simulation sends."""

from __future__ import annotations

import pytest
from tests.bench.council_plot import write_plot
from tests.bench.council_simulation import (
    Costs,
    messages_of_council,
    messages_of_pbft,
    simulate_council,
    simulate_pbft,
    sweep,
)

from gridledger.model.council import survived_faults

FLAT = Costs(link_median_ms=10, link_sigma=0, make_ms=0, check_ms=0)


@pytest.mark.parametrize("nodes", [4, 5, 6, 7, 10, 13, 20, 40])
def test_messages_are_those_of_the_formulas(nodes: int) -> None:
    found = simulate_pbft(nodes)
    assert found is not None
    assert found.messages == messages_of_pbft(nodes) == 2 * nodes**2 - nodes + 1
    for super_nodes in range(4, nodes + 1, 3):
        decision = simulate_council(nodes, super_nodes)
        assert decision is not None
        assert decision.messages == messages_of_council(nodes, super_nodes)
        assert decision.messages == super_nodes**2 + 2 * super_nodes + nodes - 1


def test_times_are_those_of_their_steps_where_only_links_take_time() -> None:
    # Request, pre-prepare, prepare, commit, reply.
    pbft = simulate_pbft(10, costs=FLAT)
    assert pbft is not None
    assert pbft.decided_ms == pytest.approx(50)
    # Request, passing on, copy, review, reply; then order and answer beside the reply.
    council = simulate_council(10, 4, costs=FLAT)
    assert council is not None
    assert council.decided_ms == pytest.approx(50)
    assert council.settled_ms == pytest.approx(60)


@pytest.mark.parametrize("super_nodes", [4, 7, 10, 13])
def test_as_many_silent_nodes_as_are_survived_stop_nothing_and_one_more_does(super_nodes: int) -> None:
    faulty = survived_faults(super_nodes)
    assert simulate_council(20, super_nodes, faulty=faulty) is not None
    assert simulate_council(20, super_nodes, faulty=faulty + 1) is None
    assert simulate_pbft(super_nodes, faulty=faulty) is not None
    assert simulate_pbft(super_nodes, faulty=faulty + 1) is None


def test_same_seed_gives_the_same_and_the_plot_has_a_line_a_scheme() -> None:
    points = sweep(range(4, 11, 3), (4, 7), runs=3)
    assert points == sweep(range(4, 11, 3), (4, 7), runs=3)
    assert [(one.nodes, one.super_nodes) for one in points][-3:] == [(10, None), (10, 4), (10, 7)]
    assert all(name in write_plot(points) for name in ("PBFT among all n", "4 super nodes", "7 super nodes"))
