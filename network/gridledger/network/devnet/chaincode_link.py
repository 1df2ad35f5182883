"""A connection to a chaincode's server, with the one call on it."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections import deque
from collections.abc import Callable
from typing import Final

from gridledger.network.devnet.errors import DevnetError, StreamTerminated
from gridledger.network.devnet.installed import ChaincodeAddress
from gridledger.shim.http2 import ClientCall, ClientConnection

__all__ = ["ChaincodeLink"]

_METHOD: Final = "/protos.Chaincode/Connect"
_MESSAGE_LIMIT: Final = 100 * 1024 * 1024
_KEEPALIVE_SECONDS: Final = 60.0


class ChaincodeLink:
    """Messages to and from a chaincode; made by `dial`.

    Parameters
    ----------
    connection : ClientConnection
        An open connection to its server.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self._arrived = asyncio.Event()
        self._ended = asyncio.Event()
        self._waiting: deque[bytes] = deque()
        self._take: Callable[[bytes], None] = self._keep
        self._failure: DevnetError | None = None
        self._connection = connection
        self._call: ClientCall = connection.open(_METHOD, self)
        self.send = self._call.send

    @classmethod
    async def dial(cls, address: ChaincodeAddress) -> ChaincodeLink:
        """Connect to a chaincode's server; whoever calls it sets the deadline.

        Raises
        ------
        OSError, ValueError
            If there is no server, or it is not the one whose certificate is expected.
        """
        host, _, port = address.address.rpartition(":")
        tls = None if address.root_certificate is None else _tls_context(address)
        name = address.server_name or host.strip("[]")
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: ClientConnection(
                f"{name}:{port}", max_message_bytes=_MESSAGE_LIMIT, keepalive_s=_KEEPALIVE_SECONDS
            ),
            host.strip("[]"),
            int(port),
            ssl=tls,
            server_hostname=None if tls is None else name,
        )
        return cls(connection)

    async def first(self) -> bytes:
        """Return the chaincode's first message.

        Raises
        ------
        StreamTerminated
            If the stream ends before it.
        """
        await self._arrived.wait()
        if not self._waiting:
            raise StreamTerminated(f"the chaincode ended the stream before it registered: {self.outcome}")
        return self._waiting.popleft()

    def _keep(self, message: bytes) -> None:
        self._waiting.append(message)
        self._arrived.set()

    def listen(self, take: Callable[[bytes], None]) -> None:
        """Hand over every message from now on; what `take` raises ends the stream."""
        self._take = take
        while self._waiting:
            self.receive(self._waiting.popleft())

    async def ended(self) -> None:
        """Wait until the stream has ended.

        Raises
        ------
        DevnetError
            What the taker of messages raised.
        """
        await self._ended.wait()
        if self._failure is not None:
            raise self._failure

    @property
    def outcome(self) -> str:
        """Why the stream has ended, for a person."""
        return self._call.outcome or "the connection was lost"

    def close(self) -> None:
        """Hang up."""
        self._call.cancel()
        self._connection.close()

    # --- CallHandler

    def receive(self, message: bytes) -> None:
        """Take a message off the connection."""
        if self._failure is not None:
            return
        try:
            self._take(message)
        except DevnetError as error:
            self._failure = error
            self._call.cancel()

    def remote_done(self) -> None:
        """Take note that the chaincode's server ended the call."""

    def end(self) -> None:
        """Take note that the call has ended."""
        self._arrived.set()
        self._ended.set()


def _tls_context(address: ChaincodeAddress) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # As at a peer: the certificate that is given is trusted, whether it is a root or not.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.set_alpn_protocols(["h2"])
    context.load_verify_locations(cadata=address.root_certificate)
    if address.client_certificate and address.client_key:
        # OpenSSL reads keys from files only; this one is its owner's, and gone when it is read.
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as pair:
            pair.write(f"{address.client_key}\n{address.client_certificate}")
            pair.flush()
            context.load_cert_chain(pair.name)
    return context
