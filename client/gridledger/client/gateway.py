"""The gateway peer: where a program's calls start."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import grpc.aio

from gridledger.client.block_events import (
    BlockAndPrivateDataEventsRequest,
    BlockEventsRequest,
    FilteredBlockEventsRequest,
)
from gridledger.client.chaincode_events import ChaincodeEventsRequest
from gridledger.client.channel import open_channel, tls_client_hash
from gridledger.client.commit import Commit
from gridledger.client.connection import Connection
from gridledger.client.deadlines import Deadlines
from gridledger.client.identity import Identity
from gridledger.client.network import Network
from gridledger.client.proposal import Proposal
from gridledger.client.retry import RetryPolicy
from gridledger.client.session import Session
from gridledger.client.signer import Signer
from gridledger.client.signing_identity import SigningIdentity
from gridledger.client.transaction import Transaction
from gridledger.client.transport import GrpcTransport
from gridledger.model.errors import ConfigError

__all__ = ["Gateway"]


class Gateway:
    """One identity's way into the network, through one peer.

    Notes
    -----
    Made by `connect` or `from_channel`, inside a running event loop. Close it with `close`, or use it as an
    asynchronous context manager.
    """

    def __init__(self, session: Session, *, channel: str | None = None, chaincode: str | None = None) -> None:
        self._session = session
        self._channel = channel
        self._chaincode = chaincode

    @classmethod
    def connect(
        cls,
        connection: Connection,
        *,
        signer: Signer | None = None,
        deadlines: Deadlines | None = None,
        retry: RetryPolicy | None = None,
    ) -> Gateway:
        """Open a channel to the gateway peer; the network is touched by the first call.

        Parameters
        ----------
        connection : Connection
            Where to, and as whom.
        signer : Signer, optional
            Who signs; the connection's private key by default. With neither, every step is signed offline.
        deadlines : Deadlines, optional
            How long each step is waited for.
        retry : RetryPolicy, optional
            What is tried again.

        Raises
        ------
        ConfigError
            When certificate, key or TLS material cannot be read.
        """
        signing = SigningIdentity.from_connection(connection, signer)
        client_hash = tls_client_hash(connection)
        transport = GrpcTransport(open_channel(connection), owns_channel=True)
        session = Session(
            transport=transport,
            signing=signing,
            deadlines=deadlines or Deadlines(),
            retry=retry or RetryPolicy(),
            tls_client_hash=client_hash,
        )
        return cls(session, channel=connection.channel, chaincode=connection.chaincode)

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
    ) -> Gateway:
        """Use a gRPC channel that is open already, and that stays open when the gateway closes.

        Parameters
        ----------
        channel : grpc.aio.Channel
            To the gateway peer.
        identity : Identity
            As whom.
        signer, deadlines, retry
            See `connect`.
        tls_client_hash : bytes, optional
            SHA-256 of the TLS client certificate (DER) that the channel shows; peers with mutual TLS want it
            in requests for blocks.
        """
        session = Session(
            transport=GrpcTransport(channel, owns_channel=False),
            signing=SigningIdentity(identity, signer),
            deadlines=deadlines or Deadlines(),
            retry=retry or RetryPolicy(),
            tls_client_hash=tls_client_hash,
        )
        return cls(session)

    @property
    def identity(self) -> Identity:
        """As whom the gateway speaks."""
        return self._session.signing.identity

    def network(self, channel: str | None = None) -> Network:
        """Return a channel of the network.

        Parameters
        ----------
        channel : str, optional
            Its name; the connection's by default.

        Raises
        ------
        ConfigError
            When neither names a channel.
        """
        chosen = channel or self._channel
        if not chosen:
            raise ConfigError(
                "is missing, and the connection names none", key="channel", source="Gateway.network"
            )
        return Network(self._session, channel=chosen, chaincode=self._chaincode)

    def new_proposal(self, data: bytes) -> Proposal:
        """Build a proposal from `Proposal.to_bytes`; ModelError when the bytes are none."""
        return Proposal.from_bytes(self._session, data)

    def new_signed_proposal(self, data: bytes, signature: bytes) -> Proposal:
        """Build a proposal from `Proposal.to_bytes` and the signature of its digest."""
        return Proposal.from_bytes(self._session, data, signature)

    def new_transaction(self, data: bytes) -> Transaction:
        """Build a transaction from `Transaction.to_bytes`; ModelError when the bytes are none."""
        return Transaction.from_bytes(self._session, data)

    def new_signed_transaction(self, data: bytes, signature: bytes) -> Transaction:
        """Build a transaction from `Transaction.to_bytes` and the signature of its digest."""
        return Transaction.from_bytes(self._session, data, signature)

    def new_commit(self, data: bytes) -> Commit:
        """Build a question for an outcome from `Commit.to_bytes`; ModelError when the bytes are none."""
        return Commit.from_bytes(self._session, data)

    def new_signed_commit(self, data: bytes, signature: bytes) -> Commit:
        """Build a question for an outcome from `Commit.to_bytes` and the signature of its digest."""
        return Commit.from_bytes(self._session, data, signature)

    def new_chaincode_events_request(self, data: bytes) -> ChaincodeEventsRequest:
        """Build a request from `ChaincodeEventsRequest.to_bytes`; ModelError when the bytes are none."""
        return ChaincodeEventsRequest.from_bytes(self._session, data)

    def new_signed_chaincode_events_request(self, data: bytes, signature: bytes) -> ChaincodeEventsRequest:
        """Build a request from `ChaincodeEventsRequest.to_bytes` and the signature of its digest."""
        return ChaincodeEventsRequest.from_bytes(self._session, data, signature)

    def new_block_events_request(self, data: bytes) -> BlockEventsRequest:
        """Build a request from its `to_bytes`; ModelError when the bytes are none."""
        return BlockEventsRequest.from_bytes(self._session, data)

    def new_signed_block_events_request(self, data: bytes, signature: bytes) -> BlockEventsRequest:
        """Build a request from its `to_bytes` and the signature of its digest."""
        return BlockEventsRequest.from_bytes(self._session, data, signature)

    def new_filtered_block_events_request(self, data: bytes) -> FilteredBlockEventsRequest:
        """Build a request from its `to_bytes`; ModelError when the bytes are none."""
        return FilteredBlockEventsRequest.from_bytes(self._session, data)

    def new_signed_filtered_block_events_request(
        self, data: bytes, signature: bytes
    ) -> FilteredBlockEventsRequest:
        """Build a request from its `to_bytes` and the signature of its digest."""
        return FilteredBlockEventsRequest.from_bytes(self._session, data, signature)

    def new_block_and_private_data_events_request(self, data: bytes) -> BlockAndPrivateDataEventsRequest:
        """Build a request from its `to_bytes`; ModelError when the bytes are none."""
        return BlockAndPrivateDataEventsRequest.from_bytes(self._session, data)

    def new_signed_block_and_private_data_events_request(
        self, data: bytes, signature: bytes
    ) -> BlockAndPrivateDataEventsRequest:
        """Build a request from its `to_bytes` and the signature of its digest."""
        return BlockAndPrivateDataEventsRequest.from_bytes(self._session, data, signature)

    async def close(self) -> None:
        """Close the channel, if the gateway opened it; calls under way end with an error."""
        await self._session.transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
