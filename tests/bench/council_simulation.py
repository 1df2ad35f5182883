"""Simulate one decision: PBFT among all n nodes beside the paper's scheme, r super nodes elected among n.

    make simulate-council                       # table; with OUT=docs/figures also raw data and plot

Both run on the same simulated network. A message takes its link's time, which is drawn for each message; a
node works on one message at a time: it makes one for each receiver, and checks the signature of each that
comes. Nobody is faulty, or `faulty` nodes are silent. What is simulated is messages and their times, not the
transactions that carry them here: there the ordering service agrees on each.

PBFT, by Castro and Liskov: request, pre-prepare, prepare, commit, reply. The scheme: Luo and Jin, section
4.2: the user's request to a local node and on to the master (steps 2 to 4), copies to the super nodes (5),
each one's review to all others (6), then the block to all nodes and orders to delete (7), whose answers come
back (8).
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

from tests.bench.council_plot import write_plot

from gridledger.model.council import quorum, survived_faults

__all__ = [
    "Costs",
    "Decision",
    "Point",
    "messages_of_council",
    "messages_of_pbft",
    "simulate_council",
    "simulate_pbft",
    "sweep",
]

NODES = range(4, 41)
SUPER_NODES = (4, 7, 13)
RUNS = 25
LINKS_MS = (10.0, 0.5)
"""Between sites, and within one."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What a message costs, in milliseconds."""

    link_median_ms: float = 10.0
    link_sigma: float = 0.3
    """Of the logarithm of a link's time: 0.3 has 95 of 100 below 1.6 times the median."""
    make_ms: float = 0.03
    """To make and send a message, its signature's share included."""
    check_ms: float = 0.12
    """To check a message's ECDSA P-256 signature and digest it."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What one decision took."""

    messages: int
    decided_ms: float
    """When the user has the decision."""
    settled_ms: float
    """When nothing is under way any more: every node has the block, every copy is gone."""
    busiest_ms: float
    """How long the busiest node worked on it: what bounds decisions a second."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """A number of nodes, and medians over all runs."""

    link_ms: float
    """Median time of a link."""
    nodes: int
    super_nodes: int | None
    """None: PBFT among all."""
    messages: int
    decided_ms: float
    settled_ms: float
    busiest_ms: float


def messages_of_pbft(nodes: int) -> int:
    """Return the messages of a decision by PBFT: 2n^2 - n + 1.

    Request (1), pre-prepare (n-1), prepare (n-1)^2, commit n(n-1), reply (n).
    """
    return 2 * nodes * nodes - nodes + 1


def messages_of_council(nodes: int, super_nodes: int) -> int:
    """Return the messages of a decision by r super nodes of n: r^2 + 2r + n - 1.

    Request and passing on (2), copies (r-1), reviews r(r-1), block (n-1), orders to delete and their answers
    2(r-1), reply (1). The request comes to another node than the master.
    """
    r = super_nodes
    return 2 + (r - 1) + r * (r - 1) + (nodes - 1) + 2 * (r - 1) + 1


class _Net:
    """Nodes that work on one message at a time, and links between them; node -1 is the user."""

    def __init__(self, costs: Costs, chance: random.Random, silent: frozenset[int]) -> None:
        self._costs = costs
        self._chance = chance
        self._silent = silent
        self._free: dict[int, float] = {}
        self._queue: list[tuple[float, int, int, Callable[[], None]]] = []
        self._order = count()
        self._worked: defaultdict[int, float] = defaultdict(float)
        self.now = 0.0
        self.sent = 0

    def send(self, sender: int, receivers: Iterable[int], work: Callable[[int], None]) -> None:
        """Send a message to each receiver, which does its work when it has checked it."""
        if sender in self._silent:
            return
        for receiver in receivers:
            made = max(self.now, self._free.get(sender, 0.0)) + self._costs.make_ms
            self._free[sender] = made
            self._work(sender, self._costs.make_ms)
            self.sent += 1
            link = self._costs.link_median_ms * self._chance.lognormvariate(0, self._costs.link_sigma)
            arrives = made + link
            heapq.heappush(self._queue, (arrives, next(self._order), receiver, _bound(work, receiver)))

    def _work(self, node: int, work_ms: float) -> None:
        if node >= 0:
            self._worked[node] += work_ms

    def run(self, decided: Sequence[float]) -> Decision | None:
        """Deliver until nothing is under way; tell what it took to decide, None where nobody did."""
        last = 0.0
        while self._queue:
            # In the order of arrival: what a node sends now arrives anywhere later than what it works on.
            arrives, _, receiver, work = heapq.heappop(self._queue)
            self.now = max(arrives, self._free.get(receiver, 0.0)) + self._costs.check_ms
            self._free[receiver] = self.now
            self._work(receiver, self._costs.check_ms)
            last = max(last, self.now)
            work()
        if not decided:
            return None
        busiest = max(self._worked.values())
        return Decision(messages=self.sent, decided_ms=decided[0], settled_ms=last, busiest_ms=busiest)


def simulate_pbft(
    nodes: int, *, costs: Costs | None = None, seed: int = 0, faulty: int = 0
) -> Decision | None:
    """Simulate PBFT among all nodes, node 0 the primary; None where it never decides.

    Parameters
    ----------
    nodes : int
    costs : Costs, optional
    seed : int, default 0
        Of the links' times.
    faulty : int, default 0
        The last nodes are silent.
    """
    net = _Net(costs or Costs(), random.Random(seed), _last(nodes, faulty))
    # Prepared by pre-prepare and prepares of a quorum, committed by commits of one; each one's own count.
    wanted = quorum(nodes)
    prepares, commits, replies = [0] * nodes, [0] * nodes, 0
    has_request, is_prepared, has_replied = [False] * nodes, [False] * nodes, [False] * nodes
    decided: list[float] = []

    def others(node: int) -> Iterable[int]:
        return (one for one in range(nodes) if one != node)

    def reply(_: int) -> None:
        nonlocal replies
        replies += 1
        if replies == survived_faults(nodes) + 1:
            decided.append(net.now)

    def go_on(node: int) -> None:
        if has_request[node] and not is_prepared[node] and prepares[node] >= wanted:
            is_prepared[node] = True
            commits[node] += 1
            net.send(node, others(node), commit)
        if is_prepared[node] and not has_replied[node] and commits[node] >= wanted:
            has_replied[node] = True
            net.send(node, [-1], reply)

    def commit(node: int) -> None:
        commits[node] += 1
        go_on(node)

    def prepare(node: int) -> None:
        prepares[node] += 1
        go_on(node)

    def pre_prepare(node: int) -> None:
        has_request[node] = True
        # The primary's stands for its prepare.
        prepares[node] += 2 if node else 1
        if node:
            net.send(node, others(node), prepare)
        go_on(node)

    def request(node: int) -> None:
        net.send(node, range(1, nodes), pre_prepare)
        pre_prepare(node)

    net.send(-1, [0], request)
    return net.run(decided)


def simulate_council(
    nodes: int, super_nodes: int, *, costs: Costs | None = None, seed: int = 0, faulty: int = 0
) -> Decision | None:
    """Simulate the paper's scheme; None where its time runs out.

    Super nodes are nodes 0 to r-1, node 0 the master; the user's local node is the last one.

    Parameters
    ----------
    nodes, super_nodes : int
    costs : Costs, optional
    seed : int, default 0
        Of the links' times.
    faulty : int, default 0
        The last super nodes are silent.
    """
    r = super_nodes
    net = _Net(costs or Costs(), random.Random(seed), _last(r, faulty))
    wanted = quorum(r)
    approvals = [0] * r
    decided: list[float] = []

    def reply(_: int) -> None:
        decided.append(net.now)

    def review(node: int) -> None:
        approvals[node] += 1
        if node == 0 and approvals[0] == wanted:
            net.send(0, [-1], reply)
            net.send(0, range(1, nodes), lambda _: None)
            net.send(0, range(1, r), lambda one: net.send(one, [0], lambda _: None))

    def copy(node: int) -> None:
        net.send(node, (one for one in range(r) if one != node), review)
        review(node)

    def master(node: int) -> None:
        net.send(node, range(1, r), copy)
        copy(node)

    local = nodes - 1 if nodes > r else r - 1 - faulty
    net.send(-1, [local], lambda node: net.send(node, [0], master))
    return net.run(decided)


def sweep(
    nodes: Sequence[int] = NODES,
    super_nodes: Sequence[int] = SUPER_NODES,
    *,
    costs: Costs | None = None,
    runs: int = RUNS,
) -> list[Point]:
    """Simulate every number of nodes with PBFT among all and with each number of super nodes up to it."""
    points: list[Point] = []
    own = costs or Costs()
    for n in nodes:
        found = [simulate_pbft(n, costs=own, seed=seed) for seed in range(runs)]
        points.append(_point(own, n, None, found))
        for r in super_nodes:
            if r <= n:
                found = [simulate_council(n, r, costs=own, seed=seed) for seed in range(runs)]
                points.append(_point(own, n, r, found))
    return points


def _point(costs: Costs, nodes: int, super_nodes: int | None, decisions: Iterable[Decision | None]) -> Point:
    found = [one for one in decisions if one is not None]
    return Point(
        link_ms=costs.link_median_ms,
        nodes=nodes,
        super_nodes=super_nodes,
        messages=round(statistics.median(one.messages for one in found)),
        decided_ms=round(statistics.median(one.decided_ms for one in found), 2),
        settled_ms=round(statistics.median(one.settled_ms for one in found), 2),
        busiest_ms=round(statistics.median(one.busiest_ms for one in found), 3),
    )


def _last(nodes: int, faulty: int) -> frozenset[int]:
    return frozenset(range(nodes - faulty, nodes))


def _bound(work: Callable[[int], None], receiver: int) -> Callable[[], None]:
    return lambda: work(receiver)


def main() -> None:
    """Simulate, print a table, and write raw data and plot where a folder is named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, help="folder for council-simulation.json and .svg")
    parser.add_argument("--runs", type=int, default=RUNS, help="seeds a point (default %(default)s)")
    chosen = parser.parse_args()
    settings = [Costs(link_median_ms=link) for link in LINKS_MS]
    points = [one for costs in settings for one in sweep(costs=costs, runs=chosen.runs)]
    print("| link, ms | nodes | scheme | messages | decision, ms | settled, ms | busiest node, ms |")
    print("|---|---|---|---|---|---|---|")
    for one in points:
        if one.nodes in (4, 7, 13, 20, 30, 40):
            scheme = "PBFT among all" if one.super_nodes is None else f"{one.super_nodes} super nodes"
            times = f"{one.decided_ms:.1f} | {one.settled_ms:.1f} | {one.busiest_ms:.2f}"
            print(f"| {one.link_ms:g} | {one.nodes} | {scheme} | {one.messages} | {times} |")
    if chosen.out is not None:
        raw = {
            "costs": [asdict(one) for one in settings],
            "runs": chosen.runs,
            "points": [asdict(one) for one in points],
        }
        (chosen.out / "council-simulation.json").write_text(json.dumps(raw, indent=1) + "\n", "utf-8")
        (chosen.out / "council-simulation.svg").write_text(write_plot(points), "utf-8")


if __name__ == "__main__":
    main()
