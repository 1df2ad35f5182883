"""What fills a read model: the channel's blocks, one after the other, until it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from gridledger.client import Network
from gridledger.exchange.readmodel.ledger_block import LedgerBlock
from gridledger.exchange.readmodel.read_model import ReadModel
from gridledger.host.metrics import READ_MODEL_BLOCK

__all__ = ["Feeder"]

_DEADLINE_S: Final = 30.0
"""How long the peer may take for the first block that it is known to have."""


class Feeder:
    """Fills a model from a channel.

    Parameters
    ----------
    model : ReadModel
        Made by `ReadModel.feed`; the opener closes it.
    network : Network
        The channel.
    chaincode : str
        The chaincode whose records it takes.
    on_block : callable, optional
        Called with each block that was taken.

    Notes
    -----
    It goes on with the block after the last one whose rows are in the file, so it may be killed at any
    moment: what was not committed comes again, what was does not. A stream that breaks is opened again where
    it stood. Whole blocks are read, since only they say who sent a transaction and all that it wrote.
    """

    def __init__(
        self,
        model: ReadModel,
        network: Network,
        chaincode: str,
        *,
        on_block: Callable[[LedgerBlock], None] | None = None,
    ) -> None:
        self._model = model
        self._network = network
        self._chaincode = chaincode
        self._on_block = on_block

    async def catch_up(self) -> int:
        """Take all blocks that the peer has now, and return how many there were.

        Raises
        ------
        ChainDiffers, ReadModelUnusable
            See `ReadModel.take`.
        EventsError, EvaluateError
            The peer does not answer.
        TimeoutError
            A block that the peer has did not come.
        """
        height = (await self._network.chain_info()).height
        start = self._model.next_block
        if start >= height:
            return 0
        async with self._network.block_events(start_block=start, stop_block=height - 1) as blocks:
            for _ in range(start, height):
                async with asyncio.timeout(_DEADLINE_S):
                    block = await anext(blocks)
                await self._take(LedgerBlock.from_block(block, self._chaincode))
        return height - start

    async def follow(self) -> None:
        """Take blocks as they are committed, until cancelled; raises what `catch_up` raises."""
        async with self._network.block_events(start_block=self._model.next_block) as blocks:
            async for block in blocks:
                await self._take(LedgerBlock.from_block(block, self._chaincode))

    async def _take(self, block: LedgerBlock) -> None:
        # The thread cannot be stopped: whoever cancels waits for the block to be whole.
        work = asyncio.ensure_future(asyncio.to_thread(self._model.take, block))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            await work
            raise
        READ_MODEL_BLOCK.set(block.number)
        if self._on_block is not None:
            self._on_block(block)
