"""A channel whose calls wait for their end."""

from __future__ import annotations

from gridledger.client import network as asynchronous
from gridledger.client.block import Block
from gridledger.client.chaincode_events import ChaincodeEvent
from gridledger.client.checkpoint import InMemoryCheckpoint
from gridledger.client.filtered_block import FilteredBlock
from gridledger.client.private_data import BlockAndPrivateData
from gridledger.client.sync.checkpoint import Checkpoint
from gridledger.client.sync.contract import Contract
from gridledger.client.sync.events import (
    BlockAndPrivateDataEventsRequest,
    BlockEventsRequest,
    ChaincodeEventsRequest,
    Events,
    FilteredBlockEventsRequest,
)
from gridledger.client.sync.face import Face, awaited, plain_as
from gridledger.client.sync.steps import Commit

__all__ = ["Network"]


class Network(Face[asynchronous.Network]):
    """See `gridledger.client.Network`."""

    @property
    def channel(self) -> str:
        """Name of the channel."""
        return self.asynchronous.channel

    contract = plain_as(asynchronous.Network.contract, Contract)
    commit = plain_as(asynchronous.Network.commit, Commit)
    settle = awaited(asynchronous.Network.settle)
    chain_info = awaited(asynchronous.Network.chain_info)
    block = awaited(asynchronous.Network.block)
    block_of = awaited(asynchronous.Network.block_of)
    transaction = awaited(asynchronous.Network.transaction)
    chaincode_events_request = plain_as(asynchronous.Network.chaincode_events_request, ChaincodeEventsRequest)
    block_events_request = plain_as(asynchronous.Network.block_events_request, BlockEventsRequest)
    filtered_block_events_request = plain_as(
        asynchronous.Network.filtered_block_events_request, FilteredBlockEventsRequest
    )
    block_and_private_data_events_request = plain_as(
        asynchronous.Network.block_and_private_data_events_request, BlockAndPrivateDataEventsRequest
    )

    def chaincode_events(
        self,
        chaincode: str | None = None,
        *,
        start_block: int | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Events[ChaincodeEvent]:
        """See `gridledger.client.Network.chaincode_events`."""
        kept = _keep(checkpoint)
        return Events(self.asynchronous.chaincode_events(chaincode, start_block=start_block, checkpoint=kept))

    def block_events(
        self,
        *,
        start_block: int | None = None,
        stop_block: int | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Events[Block]:
        """See `gridledger.client.Network.block_events`."""
        return Events(
            self.asynchronous.block_events(
                start_block=start_block, stop_block=stop_block, checkpoint=_keep(checkpoint)
            )
        )

    def filtered_block_events(
        self,
        *,
        start_block: int | None = None,
        stop_block: int | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Events[FilteredBlock]:
        """See `gridledger.client.Network.filtered_block_events`."""
        return Events(
            self.asynchronous.filtered_block_events(
                start_block=start_block, stop_block=stop_block, checkpoint=_keep(checkpoint)
            )
        )

    def block_and_private_data_events(
        self,
        *,
        start_block: int | None = None,
        stop_block: int | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Events[BlockAndPrivateData]:
        """See `gridledger.client.Network.block_and_private_data_events`."""
        return Events(
            self.asynchronous.block_and_private_data_events(
                start_block=start_block, stop_block=stop_block, checkpoint=_keep(checkpoint)
            )
        )


def _keep(checkpoint: Checkpoint | None) -> InMemoryCheckpoint | None:
    """Return where a reader stopped: of a checkpoint a stream reads the position only."""
    return None if checkpoint is None else InMemoryCheckpoint(checkpoint.position)
