"""A channel of Fabric as queues: endorse, order, validate and commit, with the times that were measured.

A call is endorsed by two organisations' peers and their chaincode, goes to the orderers, waits for its block,
is agreed on by SmartBFT in three messages (pre-prepare, prepare, commit), and is validated and committed by
every peer, one block after the other. SmartBFT has one proposal under way at a time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tests.bench.scale_queues import Rounds, Simulation, Station

__all__ = [
    "BlockCosts",
    "Channel",
    "Costs",
    "Offered",
    "Outcome",
    "Resource",
    "Sites",
    "simulate_closed",
    "simulate_open",
    "utilisation",
]

_PHASES = 3
"""Messages one after the other in which consenters agree on a block."""

_CLIENTS = 10**6
"""Cores of clients, who are many."""


class Resource(StrEnum):
    """What a channel may run out of."""

    MACHINE = "machine"
    ENDORSING = "endorsing peers"
    """Cores of the peers of an organisation that endorse."""
    CHAINCODE = "chaincode"
    """Its processes, each with one core."""
    ORDERERS = "orderers"
    """Cores of one orderer."""
    ROUNDS = "ordering rounds"
    """The time in which a proposal is under way: the next one begins after it."""
    COMMITTING = "committing"
    """The time in which a block is validated and committed by a peer: the next one begins after it."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What one transaction costs, in seconds of a core."""

    client_s: float = 0.0
    endorse_s: float
    """Of a peer that endorses it."""
    chaincode_s: float
    """Of one organisation's chaincode."""
    order_s: float
    """Of one orderer."""
    validate_s: float
    """Of one peer, for what many cores do at the same time."""
    commit_s: float
    """Of one peer, for what is done one transaction after the other."""
    bytes: float
    """In a block."""
    away_s: float = 0.0
    """How much farther than others its client is from its peer, one way."""

    @property
    def total_s(self) -> float:
        """Of all: two peers, two chaincode processes, four orderers, the client."""
        peers = self.endorse_s + self.validate_s + self.commit_s
        return self.client_s + 2 * (peers + self.chaincode_s) + 4 * self.order_s


@dataclass(frozen=True, kw_only=True)
class BlockCosts:
    """What one block costs beside its transactions, in seconds of a core."""

    order_s: float = 0.0
    """Of one orderer."""
    commit_s: float = 0.0
    """Of one peer."""


@dataclass(frozen=True, kw_only=True)
class Sites:
    """Machines and the ways between them."""

    cores: int
    """Of a peer for validation, of an orderer, and of an organisation's endorsing peers each."""
    endorsers: int = 1
    """Peers of an organisation that endorse, each with its own chaincode process."""
    shared: bool = False
    """All on one machine with so many cores."""
    client_s: float = 0.0
    """From a client to its peer, one way; the other organisation's peer is as far from that."""
    orderer_s: float = 0.0
    """From a peer to an orderer, and from one orderer to another, one way."""
    interval_s: float = 0.1
    most: int = 500
    most_bytes: float = 2 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a simulated channel did."""

    rate: float
    """Transactions a second."""
    latencies_s: tuple[float, ...] = field(repr=False)
    """Sorted."""
    utilisation: Mapping[Resource, float]
    block: float
    """Transactions a block."""

    def percentile_s(self, percent: float) -> float:
        """Return the latency that so many of a hundred did not exceed."""
        return self.latencies_s[min(len(self.latencies_s) - 1, int(len(self.latencies_s) * percent / 100))]

    def busiest(self) -> Resource:
        """Return the resource that has the least left."""
        return max(self.utilisation, key=lambda name: self.utilisation[name])


@dataclass(eq=False, slots=True)
class _Transaction:
    costs: Costs
    then: Callable[[], None]


class Channel:
    """One channel in a simulation.

    Parameters
    ----------
    simulation : Simulation
        Whose time passes.
    sites : Sites
        Its machines.
    blocks : BlockCosts
        What a block costs beside its transactions.
    """

    def __init__(self, simulation: Simulation, sites: Sites, blocks: BlockCosts) -> None:
        self._simulation = simulation
        self._sites = sites
        self._blocks = blocks
        if sites.shared:
            host = Station(simulation, sites.cores)
            self._clients = self._ordering = self._validating = host
            # Two organisations; a process of Python has one core, wherever it runs.
            self._endorsing = self._chaincode = (host, host)
            self._stations = {Resource.MACHINE: host}
        else:
            self._clients = Station(simulation, _CLIENTS)
            self._ordering = Station(simulation, sites.cores)
            self._validating = Station(simulation, sites.cores)
            peers = sites.cores * sites.endorsers
            self._endorsing = (Station(simulation, peers), Station(simulation, peers))
            self._chaincode = (
                Station(simulation, sites.endorsers),
                Station(simulation, sites.endorsers),
            )
            self._stations = {
                Resource.ENDORSING: self._endorsing[0],
                Resource.CHAINCODE: self._chaincode[0],
                Resource.ORDERERS: self._ordering,
            }
        self._orders: Rounds[_Transaction] = Rounds(
            simulation,
            self._agree,
            most=sites.most,
            most_weight=sites.most_bytes,
            patience_s=sites.interval_s,
        )
        self._commits: Rounds[Sequence[_Transaction]] = Rounds(simulation, self._commit, most=1)

    def submit(self, costs: Costs, then: Callable[[], None]) -> None:
        """Endorse, order and commit a transaction; then go on."""
        after, sites = self._simulation.after, self._sites
        client_s = sites.client_s + costs.away_s
        one = _Transaction(costs, lambda: after(client_s, then))

        def order() -> None:
            self._orders.add(one, costs.bytes)

        def signed() -> None:
            after(client_s + sites.orderer_s, order)

        def endorsed() -> None:
            after(sites.client_s + client_s, lambda: self._clients.serve(costs.client_s / 2, signed))

        def second() -> None:
            # The gateway asks the other organisation once it knows from its own who has to endorse.
            after(sites.client_s, lambda: self._endorse(1, costs, endorsed))

        def first() -> None:
            after(client_s, lambda: self._endorse(0, costs, second))

        self._clients.serve(costs.client_s / 2, first)

    def utilisation(self, seconds: float) -> dict[Resource, float]:
        """Return the share of the time in which each resource worked."""
        found = {name: one.utilisation(seconds) for name, one in self._stations.items()}
        if not self._sites.shared:
            found[Resource.ROUNDS] = self._orders.busy_s / seconds
            found[Resource.COMMITTING] = self._commits.busy_s / seconds
        return found

    @property
    def block(self) -> float:
        """Transactions a block."""
        return self._orders.carried / max(1, self._orders.rounds)

    def _endorse(self, organisation: int, costs: Costs, then: Callable[[], None]) -> None:
        chaincode = self._chaincode[organisation]
        self._endorsing[organisation].serve(costs.endorse_s, lambda: chaincode.serve(costs.chaincode_s, then))

    def _agree(self, block: Sequence[_Transaction], next_round: Callable[[], None]) -> None:
        work = self._blocks.order_s + sum(one.costs.order_s for one in block)
        times = 4 if self._sites.shared else 1

        def agreed() -> None:
            next_round()
            self._simulation.after(self._sites.orderer_s, lambda: self._commits.add(block))

        def ordered() -> None:
            self._simulation.after(_PHASES * self._sites.orderer_s, agreed)

        self._ordering.serve_parts(times * work, min(self._sites.cores, max(times, len(block))), ordered)

    def _commit(self, blocks: Sequence[Sequence[_Transaction]], next_block: Callable[[], None]) -> None:
        (block,) = blocks
        validate = sum(one.costs.validate_s for one in block)
        commit = self._blocks.commit_s + sum(one.costs.commit_s for one in block)
        times = 2 if self._sites.shared else 1

        def committed() -> None:
            next_block()
            for one in block:
                one.then()

        def validated() -> None:
            if self._sites.shared:
                self._validating.serve_parts(times * commit, times, committed)
            else:
                self._simulation.after(commit, committed)

        parts = min(self._sites.cores, times * len(block))
        self._validating.serve_parts(times * validate, parts, validated)


Offered = Mapping[str, tuple[float, Costs]]
"""By name: transactions a second, and what each costs."""


def utilisation(sites: Sites, blocks: BlockCosts, offered: Offered) -> dict[Resource, float]:
    """Return how much of each resource an offered load wants; over 1, it is not to be had.

    Notes
    -----
    A transaction opens a block, which takes what comes in its interval, up to its limits: so few transactions
    want nearly a block each. The time that a block waits for others is no work.
    """
    total = _sum(offered, lambda _: 1.0)
    a_second = max(
        total / (1 + total * sites.interval_s),
        total / sites.most,
        _sum(offered, lambda one: one.bytes) / sites.most_bytes,
    )
    # As many cores work at a block as it has transactions.
    at_once = min(float(sites.cores), total / a_second)
    order_s = _sum(offered, lambda one: one.order_s) + a_second * blocks.order_s
    commit_s = _sum(offered, lambda one: one.commit_s) + a_second * blocks.commit_s
    return {
        Resource.ENDORSING: _sum(offered, lambda one: one.endorse_s) / (sites.cores * sites.endorsers),
        Resource.CHAINCODE: _sum(offered, lambda one: one.chaincode_s) / sites.endorsers,
        Resource.ORDERERS: order_s / sites.cores,
        Resource.ROUNDS: a_second * _PHASES * sites.orderer_s + order_s / at_once,
        Resource.COMMITTING: _sum(offered, lambda one: one.validate_s) / at_once + commit_s,
    }


def _sum(offered: Offered, of: Callable[[Costs], float]) -> float:
    return sum(rate * of(costs) for rate, costs in offered.values())


def simulate_closed(
    sites: Sites, blocks: BlockCosts, costs: Costs, *, in_flight: int, transactions: int
) -> Outcome:
    """Keep so many transactions in flight until so many are done."""
    simulation = Simulation()
    channel = Channel(simulation, sites, blocks)
    latencies: list[float] = []
    left = transactions

    def go() -> None:
        nonlocal left
        if not left:
            return
        left -= 1
        began = simulation.now

        def done() -> None:
            latencies.append(simulation.now - began)
            go()

        channel.submit(costs, done)

    for _ in range(min(in_flight, transactions)):
        go()
    simulation.run()
    return _outcome(simulation, channel, latencies)


def simulate_open(
    sites: Sites,
    blocks: BlockCosts,
    offered: Offered,
    *,
    transactions: int,
    seed: int = 0,
) -> Outcome:
    """Let transactions come by chance, each kind at its rate, until so many have come.

    Parameters
    ----------
    sites, blocks : Sites, BlockCosts
        The channel.
    offered : Offered
        What comes.
    transactions : int
        Of all kinds together.
    seed : int, default 0
        Of chance.
    """
    rates = [rate for rate, _ in offered.values()]
    every = sum(rates)
    if every <= 0:
        raise ValueError("want something that is offered")
    simulation, chance = Simulation(), random.Random(seed)
    channel = Channel(simulation, sites, blocks)
    latencies: list[float] = []
    kinds = [costs for _, costs in offered.values()]
    left = transactions

    def come() -> None:
        nonlocal left
        left -= 1
        began = simulation.now
        (costs,) = chance.choices(kinds, rates)
        channel.submit(costs, lambda: latencies.append(simulation.now - began))
        if left > 0:
            simulation.after(chance.expovariate(every), come)

    come()
    simulation.run()
    return _outcome(simulation, channel, latencies)


def _outcome(simulation: Simulation, channel: Channel, latencies: Sequence[float]) -> Outcome:
    seconds = max(simulation.now, 1e-9)
    return Outcome(
        rate=len(latencies) / seconds,
        latencies_s=tuple(sorted(latencies)),
        utilisation=channel.utilisation(seconds),
        block=channel.block,
    )
