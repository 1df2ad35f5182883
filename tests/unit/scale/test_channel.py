"""A channel as queues: its times and its limits against arithmetic."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.bench.scale_channel import (
    BlockCosts,
    Costs,
    Resource,
    Sites,
    simulate_closed,
    simulate_open,
    utilisation,
)

NOTHING = Costs(endorse_s=0, chaincode_s=0, order_s=0, validate_s=0, commit_s=0, bytes=100)
CALL = Costs(
    client_s=0.001, endorse_s=0.001, chaincode_s=0.002, order_s=0.001, validate_s=0.004, commit_s=0.0005,
    bytes=4000,
)  # fmt: skip
BLOCKS = BlockCosts(order_s=0.001, commit_s=0.01)
FAR = Sites(cores=8, client_s=0.001, orderer_s=0.015)


def test_one_transaction_alone_takes_the_sum_of_its_ways_and_the_wait_for_its_block() -> None:
    outcome = simulate_closed(FAR, BlockCosts(), NOTHING, in_flight=1, transactions=1)
    # Client and back twice, the second organisation, to the orderer, three messages, to the peer, client.
    ways = 0.001 * 2 + 0.001 * 2 + 0.001 + 0.015 + 3 * 0.015 + 0.015 + 0.001
    assert outcome.latencies_s == pytest.approx((ways + FAR.interval_s,))
    away = replace(NOTHING, away_s=0.01)
    farther = simulate_closed(FAR, BlockCosts(), away, in_flight=1, transactions=1)
    assert farther.latencies_s == pytest.approx((ways + FAR.interval_s + 4 * 0.01,))


def test_a_shared_machine_does_not_do_more_than_its_cores() -> None:
    machine = Sites(cores=2, shared=True)
    outcome = simulate_closed(machine, BlockCosts(), CALL, in_flight=64, transactions=1000)
    most = machine.cores / CALL.total_s
    assert 0.75 * most < outcome.rate <= most
    assert outcome.utilisation[Resource.MACHINE] <= 1 + 1e-9


def test_what_is_offered_within_the_limits_is_done_and_each_resource_is_used_as_computed() -> None:
    offered = {"call": (100.0, CALL)}
    wanted = utilisation(FAR, BLOCKS, offered)
    outcome = simulate_open(FAR, BLOCKS, offered, transactions=4000, seed=3)
    assert outcome.rate == pytest.approx(100, rel=0.1)
    for resource in (Resource.ENDORSING, Resource.CHAINCODE):
        assert outcome.utilisation[resource] == pytest.approx(wanted[resource], rel=0.1)
    assert outcome.utilisation[Resource.COMMITTING] == pytest.approx(wanted[Resource.COMMITTING], rel=0.3)


def test_more_than_a_resource_can_do_makes_it_the_busiest_and_the_rate_stays() -> None:
    slow = Costs(endorse_s=0.0, chaincode_s=0.02, order_s=0.0, validate_s=0.0, commit_s=0.0, bytes=100)
    offered = {"call": (200.0, slow)}
    wanted = utilisation(FAR, BlockCosts(), offered)
    assert max(wanted, key=lambda one: wanted[one]) is Resource.CHAINCODE
    assert wanted[Resource.CHAINCODE] == pytest.approx(4.0)
    outcome = simulate_open(FAR, BlockCosts(), offered, transactions=2000)
    assert outcome.busiest() is Resource.CHAINCODE
    assert outcome.rate == pytest.approx(50, rel=0.05)
    two = Sites(cores=8, endorsers=2, client_s=0.001, orderer_s=0.015)
    assert utilisation(two, BlockCosts(), offered)[Resource.CHAINCODE] == pytest.approx(2.0)


def test_far_orderers_and_large_transactions_want_more_rounds() -> None:
    large = Costs(endorse_s=0, chaincode_s=0, order_s=0, validate_s=0, commit_s=0, bytes=2 << 20)
    near = Sites(cores=8, client_s=0.001, orderer_s=0.001)
    offered = {"call": (10.0, large)}
    assert utilisation(FAR, BlockCosts(), offered)[Resource.ROUNDS] == pytest.approx(10 * 3 * 0.015)
    assert utilisation(near, BlockCosts(), offered)[Resource.ROUNDS] == pytest.approx(10 * 3 * 0.001)


def test_the_same_seed_gives_the_same_and_nothing_offered_is_refused() -> None:
    offered = {"call": (50.0, CALL)}
    first, second = (simulate_open(FAR, BLOCKS, offered, transactions=300, seed=5) for _ in range(2))
    assert first.latencies_s == second.latencies_s
    with pytest.raises(ValueError, match="offered"):
        simulate_open(FAR, BLOCKS, {}, transactions=1)
