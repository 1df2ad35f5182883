"""Following the chain: each event of the chaincode handled once, from where the agent stopped before."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from gridledger.client import Block, Checkpoint, InMemoryCheckpoint, ValidationCode
from gridledger.host.metrics import LAKE_AGENT_RESULTS
from gridledger.lake.ledger.lake_ledger import LakeLedger
from gridledger.model.device import ItemResult
from gridledger.model.errors import GridLedgerError

__all__ = ["EventFollower", "patiently"]

T = TypeVar("T")

_ATTEMPTS: Final = 4
_FIRST_WAIT_S: Final = 0.5


class EventFollower(ABC):
    """An agent of the lake.

    Parameters
    ----------
    ledger : LakeLedger
        As whom it acts.
    checkpoint : Checkpoint, optional
        Where it stopped before; a new one begins with the channel's first block.
    on_result : callable, optional
        Told of everything that it did or refused to do.
    clock : callable, optional
        Returns the time in milliseconds since 1970; the machine's by default.

    Notes
    -----
    A block counts as done once all its events were handled. An agent that was killed handles that block's
    events again, so handling one twice must change nothing.
    """

    def __init__(
        self,
        ledger: LakeLedger,
        checkpoint: Checkpoint | None = None,
        on_result: Callable[[ItemResult], None] | None = None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self._now_ms = clock or _machine_ms
        self._ledger = ledger
        self._checkpoint = InMemoryCheckpoint() if checkpoint is None else checkpoint
        self._on_result = on_result

    @abstractmethod
    async def handle(self, name: str, payload: bytes) -> tuple[ItemResult, ...]:
        """Handle an event of the contract; return what was done about it."""

    async def catch_up(self) -> tuple[ItemResult, ...]:
        """Handle what the blocks so far tell of; return what was done."""
        results: list[ItemResult] = []
        network = self._ledger.network
        while True:
            height = (await network.chain_info()).height
            position = self._checkpoint.position
            if position is not None and position.block_number >= height:
                return tuple(results)
            blocks = network.block_events(start_block=0, stop_block=height - 1, checkpoint=self._checkpoint)
            async with blocks:
                async for block in blocks:
                    results += await self._take(block)
                    if block.number >= height - 1:
                        break

    async def run(self) -> None:
        """Follow the chain until cancelled.

        Raises
        ------
        EventsError
            The stream ended and could not be opened again.
        GridLedgerError
            Something is unavailable for longer than is waited for: the block comes again at the next start.
        """
        blocks = self._ledger.network.block_events(start_block=0, checkpoint=self._checkpoint)
        async with blocks:
            async for block in blocks:
                await self._take(block)

    async def _take(self, block: Block) -> list[ItemResult]:
        results: list[ItemResult] = []
        for transaction in block.transactions:
            event = transaction.event
            ours = transaction.chaincode == self._ledger.chaincode
            if event is None or not ours or transaction.validation_code is not ValidationCode.VALID:
                continue
            results += await self.handle(event.event_name, event.payload)
        for result in results:
            LAKE_AGENT_RESULTS.labels("done" if result.accepted else "refused").inc()
        self._tell(results)
        await self._checkpoint.record_block(block.number)
        return results

    def _tell(self, results: list[ItemResult]) -> None:
        if self._on_result is not None:
            for result in results:
                self._on_result(result)


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Do what may be tried again while its errors say so, four times at most within some seconds."""
    wait_s = _FIRST_WAIT_S
    for _ in range(_ATTEMPTS - 1):
        try:
            return await work()
        except GridLedgerError as error:
            if not error.retriable:
                raise
        await asyncio.sleep(wait_s)
        wait_s *= 2
    return await work()


def _machine_ms() -> int:
    return time.time_ns() // 1_000_000
