"""Queues in simulated time: stations that serve one after the other, and gatherings that go in rounds."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count
from typing import Generic, TypeVar

__all__ = ["Rounds", "Simulation", "Station"]

T = TypeVar("T")
Then = Callable[[], None]


class Simulation:
    """Events in the order of their times; those of one moment in the order in which they were made."""

    def __init__(self) -> None:
        self.now = 0.0
        self._queue: list[tuple[float, int, Then]] = []
        self._order = count()

    def after(self, seconds: float, then: Then) -> None:
        """Do something so many seconds from now."""
        heapq.heappush(self._queue, (self.now + seconds, next(self._order), then))

    def run(self, until: float = float("inf")) -> None:
        """Let time pass until nothing is left to happen, or to a moment."""
        while self._queue and self._queue[0][0] <= until:
            self.now, _, then = heapq.heappop(self._queue)
            then()


class Station:
    """So many servers with one queue, first come, first served.

    Parameters
    ----------
    simulation : Simulation
        Whose time passes.
    servers : int
        Cores of a machine, or the one loop of a process.
    """

    def __init__(self, simulation: Simulation, servers: int) -> None:
        if servers < 1:
            raise ValueError("a station has a server at least")
        self._simulation = simulation
        self.servers = servers
        self._free = servers
        self._waiting: deque[tuple[float, Then]] = deque()
        self.busy_s = 0.0
        """Seconds that servers have worked, all together."""

    def serve(self, seconds: float, then: Then) -> None:
        """Work so long for somebody, as soon as it is their turn; then go on."""
        if self._free:
            self._begin(seconds, then)
        else:
            self._waiting.append((seconds, then))

    def serve_parts(self, seconds: float, parts: int, then: Then) -> None:
        """Work for somebody in parts of the same size, which may be done at the same time."""
        left = max(1, parts)
        share = seconds / left

        def done() -> None:
            nonlocal left
            left -= 1
            if not left:
                then()

        for _ in range(max(1, parts)):
            self.serve(share, done)

    def utilisation(self, seconds: float) -> float:
        """Return which share of so many seconds its servers have worked."""
        return self.busy_s / (self.servers * seconds)

    def _begin(self, seconds: float, then: Then) -> None:
        self._free -= 1
        self.busy_s += seconds

        def done() -> None:
            self._free += 1
            if self._waiting:
                self._begin(*self._waiting.popleft())
            then()

        self._simulation.after(seconds, done)


class Rounds(Generic[T]):
    """What waits goes together, one round after the other: blocks of an orderer, bundles of a client.

    Parameters
    ----------
    simulation : Simulation
        Whose time passes.
    begin : callable
        Begins a round with what goes in it; calls the function that it is given when the next one may begin.
    most : int
        Of one round.
    most_weight : float, optional
        Sum of weights of one round; what is heavier alone goes alone.
    patience_s : float, default 0
        How long the first one waits for others where no round is under way and the next is not full.
    """

    def __init__(
        self,
        simulation: Simulation,
        begin: Callable[[Sequence[T], Then], None],
        *,
        most: int,
        most_weight: float = float("inf"),
        patience_s: float = 0.0,
    ) -> None:
        self._simulation = simulation
        self._begin = begin
        self._most = most
        self._most_weight = most_weight
        self._patience_s = patience_s
        self._waiting: deque[tuple[T, float, float]] = deque()
        self._weight = 0.0
        self._under_way = False
        self._began = 0.0
        self.busy_s = 0.0
        """Seconds in which a round was under way."""
        self.rounds = 0
        self.carried = 0

    def add(self, one: T, weight: float = 0.0) -> None:
        """Wait for a round."""
        self._waiting.append((one, weight, self._simulation.now))
        self._weight += weight
        if self._is_full() or self._patience_s <= 0:
            self._go()
        elif not self._under_way and len(self._waiting) == 1:
            self._simulation.after(self._patience_s, self._go_if_waited)

    def _is_full(self) -> bool:
        return len(self._waiting) >= self._most or self._weight >= self._most_weight

    def _go_if_waited(self) -> None:
        # A time that is counted in seconds may come out the smallest bit short.
        if self._waiting and self._simulation.now - self._waiting[0][2] >= self._patience_s * (1 - 1e-9):
            self._go()

    def _go(self) -> None:
        if self._under_way or not self._waiting:
            return
        taken: list[T] = []
        weight = 0.0
        while self._waiting and len(taken) < self._most:
            one, own, _ = self._waiting[0]
            if taken and weight + own > self._most_weight:
                break
            self._waiting.popleft()
            taken.append(one)
            weight += own
        self._weight -= weight
        self._under_way, self._began = True, self._simulation.now
        self.rounds += 1
        self.carried += len(taken)
        self._begin(taken, self._ended)

    def _ended(self) -> None:
        self._under_way = False
        self.busy_s += self._simulation.now - self._began
        if not self._waiting:
            return
        waited = self._simulation.now - self._waiting[0][2]
        if self._is_full() or waited >= self._patience_s * (1 - 1e-9):
            self._go()
        else:
            self._simulation.after(self._patience_s - waited, self._go_if_waited)
