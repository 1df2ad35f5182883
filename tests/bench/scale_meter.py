"""A meter that takes steps: makes calls, waits for both peers, and says what came of them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from tests.bench.edge_ground import timed
from tests.bench.ground import Ground
from tests.bench.scale_footprint import Blocks, Footprint, Groups, blocks_between, commit_ms
from tests.bench.scale_steps import Operation, Step

from gridledger.client import Network as Channel

__all__ = ["Call", "Meter"]

Call = Callable[[], Awaitable[object]]
_IDLE_S = 6.0
_EVEN_S = 120.0


@dataclass
class Meter:
    """Measures steps on one network."""

    ground: Ground
    channels: Sequence[Channel]
    """One through the peer of each organisation, that of the measured peer first."""
    steps: list[Step] = field(default_factory=list)
    _idle: tuple[float, float] = (0.0, 0.0)

    async def idle(self, groups: Groups) -> None:
        """Measure what peers and orderers use when nothing happens."""
        await self._even()
        before = groups.cpu_ms()
        await asyncio.sleep(_IDLE_S)
        after = groups.cpu_ms()
        self._idle = ((after[2] - before[2]) / _IDLE_S, (after[3] - before[3]) / _IDLE_S)

    async def step(
        self,
        operation: Operation,
        units: int,
        calls: Sequence[Call],
        *,
        groups: Groups,
        chaincode: str,
        in_flight: int,
        delays_s: list[float] | None = None,
    ) -> Step:
        """Make calls that do an operation so many times in all; an error ends the benchmark.

        Parameters
        ----------
        operation, units : Operation, int
            What they do.
        calls : sequence of callables
            Each a transaction, or several one after the other.
        groups : Groups
            Whose CPU counts.
        chaincode : str
            Whose writes count.
        in_flight : int
            Calls at the same time.
        delays_s : list of float, optional
            How long each took, if the calls measure that themselves.
        """
        before = sum(one.units for one in self.steps if one.operation is operation)
        height, kept, used = await self._even(), Footprint.of(self.ground), groups.cpu_ms()
        took = await timed(calls, in_flight)
        delays = delays_s or took.delays_s
        # The other peer has its part of the work to do, too.
        last, now = await self._even(), groups.cpu_ms()
        left = Footprint.of(self.ground)
        blocks = Blocks(transactions=0, envelope_bytes=0, writes=0, write_bytes=0)
        if last > height:
            blocks = await blocks_between(self.channels[0], height, last - 1, chaincode)
        client, code, peers, orderers = (after - b for after, b in zip(now, used, strict=True))
        found = Step(
            operation=operation,
            units=units,
            before=before,
            transactions=blocks.transactions or units,
            blocks=last - height,
            in_flight=in_flight,
            seconds=took.seconds,
            p50_ms=1e3 * median(delays),
            p95_ms=1e3 * (quantiles(delays, n=20)[18] if len(delays) > 1 else delays[0]),
            client_ms=client,
            chaincode_ms=code,
            peer_ms=max(0.0, peers - self._idle[0] * took.seconds),
            orderer_ms=max(0.0, orderers - self._idle[1] * took.seconds),
            commit_ms=commit_ms(self.ground, height, last - 1),
            envelope_bytes=blocks.envelope_bytes,
            writes=blocks.writes,
            write_bytes=blocks.write_bytes,
            chain_disk=left.chain - kept.chain,
            index_disk=left.index - kept.index,
            state_disk=left.state - kept.state,
            history_disk=left.history - kept.history,
        )
        self.steps.append(found)
        sys.stderr.write(f"{operation.value}: {units:,} more in {took.seconds:.1f} s\n")
        return found

    async def _even(self) -> int:
        """Wait until all peers have the same last block for a while; return the height."""
        async with asyncio.timeout(_EVEN_S):
            while True:
                first = [(await one.chain_info()).height for one in self.channels]
                await asyncio.sleep(0.3)
                second = [(await one.chain_info()).height for one in self.channels]
                if len({*first, *second}) == 1:
                    return second[0]
