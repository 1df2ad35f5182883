"""A port that clients connect to, and the connections that came of it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from weakref import WeakSet

from gridledger.shim.http2.message_stream import GrpcStatus
from gridledger.shim.http2.server_connection import ServerConnection

__all__ = ["Listener"]

_BACKLOG = 100


class Listener:
    """Listens, and stops in two steps: no new calls, then no connections.

    Parameters
    ----------
    connect : callable
        Returns the connection that serves the next client.
    """

    def __init__(self, connect: Callable[[], ServerConnection]) -> None:
        self._connect = connect
        self._server: asyncio.Server | None = None
        # Weak: who connects and never gets through TLS is heard of only once.
        self._connections: WeakSet[ServerConnection] = WeakSet()

    async def start(self, address: str, context: ssl.SSLContext | None) -> int:
        """Listen and return the port.

        Parameters
        ----------
        address : str
            Host and port; port 0 is any that is free.
        context : ssl.SSLContext, optional
            For TLS.

        Raises
        ------
        OSError, ValueError, OverflowError
            If the address is none, or is taken.
        """
        host, _, port = address.rpartition(":")
        self._server = await asyncio.get_running_loop().create_server(
            self._accept, host.strip("[]") or None, int(port), ssl=context, backlog=_BACKLOG
        )
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def is_listening(self) -> bool:
        """Whether it has started and not begun to stop."""
        return self._server is not None

    @property
    def has_calls(self) -> bool:
        """Whether a call is running."""
        return any(connection.has_calls for connection in self._connections)

    def refuse(self) -> None:
        """Stop listening and take no more calls; the running ones go on."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in self._connections:
            connection.go_away()

    async def finish(self, message: str, *, flush_s: float) -> None:
        """End what still runs as UNAVAILABLE, and close every connection.

        Parameters
        ----------
        message : str
            What clients are told.
        flush_s : float
            How long to wait for clients to close their side, which not all do.
        """
        connections = [connection for connection in self._connections if connection.is_open]
        for connection in connections:
            connection.finish(GrpcStatus.UNAVAILABLE, message)
        if connections:
            await asyncio.wait([connection.closed for connection in connections], timeout=flush_s)
        for connection in connections:
            connection.abort()

    def _accept(self) -> ServerConnection:
        connection = self._connect()
        self._connections.add(connection)
        connection.closed.add_done_callback(lambda _: self._connections.discard(connection))
        return connection
