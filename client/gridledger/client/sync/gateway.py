"""A gateway whose calls wait for their end."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import grpc.aio

from gridledger.client import gateway as asynchronous
from gridledger.client.connection import Connection
from gridledger.client.deadlines import Deadlines
from gridledger.client.identity import Identity
from gridledger.client.retry import RetryPolicy
from gridledger.client.signer import Signer
from gridledger.client.sync.event_loop import call
from gridledger.client.sync.events import (
    BlockAndPrivateDataEventsRequest,
    BlockEventsRequest,
    ChaincodeEventsRequest,
    FilteredBlockEventsRequest,
)
from gridledger.client.sync.face import Face, awaited, plain_as
from gridledger.client.sync.network import Network
from gridledger.client.sync.steps import Commit, Proposal, Transaction

__all__ = ["Gateway"]


class Gateway(Face[asynchronous.Gateway]):
    """See `gridledger.client.Gateway`; a context manager."""

    @classmethod
    def connect(
        cls,
        connection: Connection,
        *,
        signer: Signer | None = None,
        deadlines: Deadlines | None = None,
        retry: RetryPolicy | None = None,
    ) -> Self:
        """See `gridledger.client.Gateway.connect`."""
        return cls(
            call(
                lambda: asynchronous.Gateway.connect(
                    connection, signer=signer, deadlines=deadlines, retry=retry
                )
            )
        )

    @classmethod
    def from_channel(
        cls,
        channel: grpc.aio.Channel,
        identity: Identity,
        *,
        signer: Signer | None = None,
        deadlines: Deadlines | None = None,
        retry: RetryPolicy | None = None,
        tls_client_hash: bytes = b"",
    ) -> Self:
        """See `gridledger.client.Gateway.from_channel`; open the channel by `sync.event_loop.call`."""
        return cls(
            call(
                lambda: asynchronous.Gateway.from_channel(
                    channel,
                    identity,
                    signer=signer,
                    deadlines=deadlines,
                    retry=retry,
                    tls_client_hash=tls_client_hash,
                )
            )
        )

    @property
    def identity(self) -> Identity:
        """As whom the gateway speaks."""
        return self.asynchronous.identity

    network = plain_as(asynchronous.Gateway.network, Network)
    new_proposal = plain_as(asynchronous.Gateway.new_proposal, Proposal)
    new_signed_proposal = plain_as(asynchronous.Gateway.new_signed_proposal, Proposal)
    new_transaction = plain_as(asynchronous.Gateway.new_transaction, Transaction)
    new_signed_transaction = plain_as(asynchronous.Gateway.new_signed_transaction, Transaction)
    new_commit = plain_as(asynchronous.Gateway.new_commit, Commit)
    new_signed_commit = plain_as(asynchronous.Gateway.new_signed_commit, Commit)
    new_chaincode_events_request = plain_as(
        asynchronous.Gateway.new_chaincode_events_request, ChaincodeEventsRequest
    )
    new_signed_chaincode_events_request = plain_as(
        asynchronous.Gateway.new_signed_chaincode_events_request, ChaincodeEventsRequest
    )
    new_block_events_request = plain_as(asynchronous.Gateway.new_block_events_request, BlockEventsRequest)
    new_signed_block_events_request = plain_as(
        asynchronous.Gateway.new_signed_block_events_request, BlockEventsRequest
    )
    new_filtered_block_events_request = plain_as(
        asynchronous.Gateway.new_filtered_block_events_request, FilteredBlockEventsRequest
    )
    new_signed_filtered_block_events_request = plain_as(
        asynchronous.Gateway.new_signed_filtered_block_events_request, FilteredBlockEventsRequest
    )
    new_block_and_private_data_events_request = plain_as(
        asynchronous.Gateway.new_block_and_private_data_events_request, BlockAndPrivateDataEventsRequest
    )
    new_signed_block_and_private_data_events_request = plain_as(
        asynchronous.Gateway.new_signed_block_and_private_data_events_request,
        BlockAndPrivateDataEventsRequest,
    )
    close = awaited(asynchronous.Gateway.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
