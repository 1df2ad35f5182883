"""What benchmarks of the edge share: an edge on a network of their own, and calls so many at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median

from tests.bench.ground import BOTH, Ground
from tests.integration.edge.edge_world import EdgeWorld, edge_world
from tests.integration.exchange import CHAINCODE, enrol

from gridledger.client import Gateway
from gridledger.client.time_mark import TimeMarkAgent
from gridledger.model.roles import Role

__all__ = ["Timed", "edge", "timed"]


@dataclass(frozen=True, kw_only=True)
class Timed:
    """How long calls took, each and all together."""

    delays_s: list[float]
    seconds: float

    @property
    def rate(self) -> float:
        """Calls a second."""
        return len(self.delays_s) / self.seconds

    @property
    def median_ms(self) -> float:
        return 1e3 * median(self.delays_s)

    @property
    def max_ms(self) -> float:
        return 1e3 * max(self.delays_s)


async def timed(calls: Sequence[Callable[[], Awaitable[object]]], in_flight: int) -> Timed:
    """Make all calls, so many of them at the same time; an error ends the benchmark."""
    gate = asyncio.Semaphore(in_flight)

    async def one(call: Callable[[], Awaitable[object]]) -> float:
        async with gate:
            began = time.perf_counter()
            await call()
            return time.perf_counter() - began

    began = time.perf_counter()
    delays = await asyncio.gather(*(one(call) for call in calls))
    return Timed(delays_s=list(delays), seconds=time.perf_counter() - began)


@asynccontextmanager
async def edge(ground: Ground) -> AsyncIterator[EdgeWorld]:
    """Deploy the contracts, and give an edge with 17 houses and three storage nodes."""
    await asyncio.to_thread(ground.network.deploy, CHAINCODE, "gridledger.chaincode:GridLedger", policy=BOTH)
    connection = await asyncio.to_thread(enrol, ground.network, "org1", "marker", Role.AGENT)
    async with Gateway.connect(connection) as gateway, TimeMarkAgent(gateway.network()):
        contract = gateway.network().contract(CHAINCODE, "ledger")
        async with asyncio.timeout(60):
            while await contract.evaluate("ReadTimeMark") in (b"", b"null"):  # noqa: ASYNC110 (a ledger's)
                await asyncio.sleep(0.1)
        async with edge_world(ground.network, ground.folder, ("88.9342", "88.9442"), "bench") as world:
            yield world
