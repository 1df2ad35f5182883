"""Connections to servers that are kept for the next request: HTTP/1.1 over asyncio's streams.

What httpx brings for this serves several event loops, proxies and HTTP/2; of a short request between two
servers it was most of the CPU time.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from typing import Final

import h11
import httpx

__all__ = ["KeptConnections"]

_MOST: Final = 100
"""Connections at the same time; further requests wait."""
_IDLE_S: Final = 4.0
"""Servers close what is idle for 5 s."""
_READ_BYTES: Final = 1 << 16

_Origin = tuple[str, str, int]


class _Connection:
    """One connection, for one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._protocol = h11.Connection(h11.CLIENT)
        self._idle_since = 0.0

    @property
    def is_fit(self) -> bool:
        """Whether another request may be sent: nothing came unasked, and it is not old."""
        return (
            self._protocol.our_state is h11.IDLE
            and not self._reader.at_eof()
            and not self._writer.is_closing()
            and time.monotonic() - self._idle_since < _IDLE_S
        )

    async def send(self, request: httpx.Request, body: bytes) -> h11.Response:
        """Send a request in one piece, and return the head of its response."""
        head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
        parts = [self._protocol.send(head), self._protocol.send(h11.Data(data=body)) if body else b""]
        parts.append(self._protocol.send(h11.EndOfMessage()))
        self._writer.write(b"".join(part for part in parts if part))
        await self._writer.drain()
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                return event

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the response's body as it comes."""
        while True:
            event = await self._event()
            if isinstance(event, h11.EndOfMessage):
                return
            if isinstance(event, h11.Data):
                yield bytes(event.data)

    def end(self) -> None:
        """Get ready for the next request, or close where the response did not come to its end."""
        protocol = self._protocol
        if (
            protocol.our_state is h11.DONE
            and protocol.their_state is h11.DONE
            and not protocol.trailing_data[0]
        ):
            protocol.start_next_cycle()
            self._idle_since = time.monotonic()
        else:
            self.close()

    def close(self) -> None:
        self._writer.close()

    async def wait_closed(self) -> None:
        """Close and wait until the socket is."""
        self.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            return  # It was broken before: nothing was under way.

    async def _event(self) -> h11.Event:
        while True:
            event = self._protocol.next_event()
            if isinstance(event, h11.Event):
                return event
            if event is not h11.NEED_DATA:
                raise h11.RemoteProtocolError("the server goes on where the response has ended")
            self._protocol.receive_data(await self._reader.read(_READ_BYTES))


class _Body(httpx.AsyncByteStream):
    """A response's body; closing it frees the connection."""

    def __init__(self, connection: _Connection, free: Callable[[_Connection], None]) -> None:
        self._connection = connection
        self._free = free
        self._is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._connection.body():
                yield part
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        except OSError as error:
            raise httpx.ReadError(str(error)) from error

    async def aclose(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._free(self._connection)


class KeptConnections(httpx.AsyncBaseTransport):
    """What carries requests, with connections that are kept.

    Parameters
    ----------
    verify : ssl.SSLContext
        For `https`.

    Notes
    -----
    Of the request's timeouts that for connecting counts; who calls bounds the whole. A connection whose
    response was not read to its end is closed.
    """

    def __init__(self, verify: ssl.SSLContext) -> None:
        self._verify = verify
        self._idle: dict[_Origin, list[_Connection]] = {}
        self._under_way = asyncio.Semaphore(_MOST)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; raises httpx's TransportError as its own transports do."""
        body = await request.aread()
        url = request.url
        origin = (url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80))
        await self._under_way.acquire()
        connection = None
        try:
            connection = self._kept(origin) or await self._connect(origin, request)
            head = await connection.send(request, body)
        except BaseException as error:
            self._under_way.release()
            if connection is not None:
                connection.close()
            if isinstance(error, h11.LocalProtocolError):
                raise httpx.LocalProtocolError(str(error)) from error
            if isinstance(error, h11.RemoteProtocolError):
                raise httpx.RemoteProtocolError(str(error)) from error
            if isinstance(error, OSError):
                raise httpx.ReadError(str(error)) from error
            raise
        return httpx.Response(
            head.status_code,
            headers=list(head.headers),
            stream=_Body(connection, lambda used: self._free(origin, used)),
        )

    async def aclose(self) -> None:
        """Close what is idle."""
        idle = [connection for kept in self._idle.values() for connection in kept]
        self._idle.clear()
        await asyncio.gather(*(connection.wait_closed() for connection in idle))

    def _kept(self, origin: _Origin) -> _Connection | None:
        kept = self._idle.get(origin, [])
        while kept:
            connection = kept.pop()
            if connection.is_fit:
                return connection
            connection.close()
        return None

    def _free(self, origin: _Origin, connection: _Connection) -> None:
        self._under_way.release()
        connection.end()
        if connection.is_fit:
            self._idle.setdefault(origin, []).append(connection)

    async def _connect(self, origin: _Origin, request: httpx.Request) -> _Connection:
        scheme, host, port = origin
        timeouts = request.extensions.get("timeout", {})
        tls = self._verify if scheme == "https" else None
        try:
            async with asyncio.timeout(timeouts.get("connect")) as deadline:
                reader, writer = await asyncio.open_connection(host, port, ssl=tls)
        except OSError as error:
            if isinstance(error, TimeoutError) and deadline.expired():
                raise httpx.ConnectTimeout(f"no connection within {timeouts['connect']:g} s") from error
            raise httpx.ConnectError(str(error)) from error
        return _Connection(reader, writer)
