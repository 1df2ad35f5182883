"""The simulation beside real runs: throughput and latencies of closed loads on this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.scale_channel import Channel, Costs, Sites, simulate_closed
from tests.bench.scale_queues import Rounds, Simulation
from tests.bench.scale_recorded import Recorded, Run
from tests.bench.scale_slopes import Slopes
from tests.bench.scale_steps import Operation

__all__ = ["Compared", "compare_all", "simulate_bundled"]

_MACHINE = Sites(cores=2, shared=True)
_TRANSACTIONS = 1000
_CALLS = 3
"""Bundled calls of a query, one after the other: resolution, order, settlement."""
_BUNDLE = 64
_BUNDLE_PATIENCE_S = 0.15
"""As the client's bundler has it."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A real run and the same one simulated."""

    run: Run
    rate: float
    p50_ms: float
    p95_ms: float

    @property
    def deviation(self) -> float:
        """Of the simulated throughput from the real one, as a share of that."""
        return self.rate / self.run.rate - 1


def compare_all(slopes: Slopes, recorded: Recorded) -> list[Compared]:
    """Simulate what was measured with the slopes, and what other benchmarks recorded."""
    found: list[Compared] = []
    for operation in (Operation.PUT, Operation.DEVICE, Operation.TERMINAL_RUN, Operation.ENVELOPE):
        for step in slopes.of(operation):
            if not step.before and operation is not Operation.PUT:
                continue
            # Envelopes are called one by one; it is their senders' clients that put them together.
            items = 1.0 if operation is Operation.ENVELOPE else step.units / step.transactions
            run = Run(
                name=f"{operation.value}, bench-scale",
                in_flight=step.in_flight,
                rate=step.units / items / step.seconds,
                p50_ms=step.p50_ms,
                p95_ms=step.p95_ms,
                cores=step.cpu_ms / 1e3 / step.seconds,
            )
            found.append(_closed(slopes, run, slopes.costs(operation, items)))
    found.append(_closed(slopes, recorded.client, slopes.costs(Operation.PUT)))
    found.append(_closed(slopes, recorded.envelopes, slopes.costs(Operation.ENVELOPE)))
    query = slopes.costs(Operation.QUERY)
    found.append(_bundled(slopes, recorded.queries, query, calls=_CALLS, callers_do=6))
    found.append(_bundled(slopes, recorded.orders, query, calls=1, callers_do=1))
    return found


def simulate_bundled(
    slopes: Slopes, query: Costs, *, callers: int, calls: int, callers_do: int
) -> tuple[float, Sequence[float]]:
    """Let callers make so many calls one after the other, bundled with those of the others.

    Parameters
    ----------
    slopes : Slopes
        For what a block costs.
    query : Costs
        Of a whole query, a third of which a call costs.
    callers, calls, callers_do : int
        At the same time; a query's; queries of each caller.

    Returns
    -------
    tuple of float and sequence of float
        Queries a second, and how long each took, sorted.
    """
    simulation = Simulation()
    channel = Channel(simulation, _MACHINE, slopes.blocks)
    latencies: list[float] = []

    def carry(bundle: Sequence[Callable[[], None]], next_bundle: Callable[[], None]) -> None:
        def done() -> None:
            next_bundle()
            for one in bundle:
                one()

        channel.submit(_times(query, len(bundle) / _CALLS), done)

    bundler: Rounds[Callable[[], None]] = Rounds(
        simulation, carry, most=_BUNDLE, patience_s=_BUNDLE_PATIENCE_S
    )

    def ask(left: int) -> None:
        began = simulation.now

        def call(number: int) -> None:
            if number < calls:
                bundler.add(lambda: call(number + 1))
                return
            latencies.append(simulation.now - began)
            if left > 1:
                ask(left - 1)

        call(0)

    for _ in range(callers):
        ask(callers_do)
    simulation.run()
    return len(latencies) / simulation.now, sorted(latencies)


def _closed(slopes: Slopes, run: Run, costs: Costs) -> Compared:
    outcome = simulate_closed(
        _MACHINE,
        slopes.blocks,
        costs,
        in_flight=run.in_flight,
        transactions=min(_TRANSACTIONS, 30 * run.in_flight),
    )
    return Compared(
        run=run,
        rate=outcome.rate,
        p50_ms=1e3 * outcome.percentile_s(50),
        p95_ms=1e3 * outcome.percentile_s(95),
    )


def _bundled(slopes: Slopes, run: Run, query: Costs, *, calls: int, callers_do: int) -> Compared:
    rate, latencies = simulate_bundled(
        slopes, query, callers=run.in_flight, calls=calls, callers_do=callers_do
    )
    return Compared(
        run=run,
        rate=rate,
        p50_ms=1e3 * latencies[len(latencies) // 2],
        p95_ms=1e3 * latencies[len(latencies) * 95 // 100],
    )


def _times(costs: Costs, factor: float) -> Costs:
    return Costs(
        client_s=costs.client_s * factor,
        endorse_s=costs.endorse_s * factor,
        chaincode_s=costs.chaincode_s * factor,
        order_s=costs.order_s * factor,
        validate_s=costs.validate_s * factor,
        commit_s=costs.commit_s * factor,
        bytes=costs.bytes * factor,
    )
