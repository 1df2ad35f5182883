"""A peer whose calls wait for their end."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from gridledger.client import peer as asynchronous
from gridledger.client.connection import Connection
from gridledger.client.signer import Signer
from gridledger.client.sync.event_loop import call
from gridledger.client.sync.face import Face, awaited

__all__ = ["Peer"]


class Peer(Face[asynchronous.Peer]):
    """See `gridledger.client.Peer`; a context manager."""

    @classmethod
    def connect(cls, connection: Connection, *, signer: Signer | None = None) -> Self:
        """See `gridledger.client.Peer.connect`."""
        return cls(call(lambda: asynchronous.Peer.connect(connection, signer=signer)))

    process = awaited(asynchronous.Peer.process)
    call = awaited(asynchronous.Peer.call)
    join_channel = awaited(asynchronous.Peer.join_channel)
    channels = awaited(asynchronous.Peer.channels)
    chain_info = awaited(asynchronous.Peer.chain_info)
    block = awaited(asynchronous.Peer.block)
    transaction = awaited(asynchronous.Peer.transaction)
    install = awaited(asynchronous.Peer.install)
    installed = awaited(asynchronous.Peer.installed)
    request_snapshot = awaited(asynchronous.Peer.request_snapshot)
    cancel_snapshot = awaited(asynchronous.Peer.cancel_snapshot)
    pending_snapshots = awaited(asynchronous.Peer.pending_snapshots)
    join_by_snapshot = awaited(asynchronous.Peer.join_by_snapshot)
    joining_snapshot = awaited(asynchronous.Peer.joining_snapshot)
    close = awaited(asynchronous.Peer.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
