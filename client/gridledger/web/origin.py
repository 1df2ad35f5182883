"""One server as a client sees it: requests, connections that are kept, patience, replies within bounds."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeVar
from urllib.parse import urlsplit

import httpx

from gridledger.model.errors import ConfigError, GridLedgerError
from gridledger.web.connections import KeptConnections
from gridledger.web.errors import Fault, ReplyUnknown, ReplyUnproven, ServiceUnavailable
from gridledger.web.route import JSON
from gridledger.web.settings import Patience

__all__ = ["Origin"]

_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""What httpx raises before a byte of the request has left."""
_ADDRESSES: Final = 100
"""Paths whose parsed addresses are kept."""

Answer = TypeVar("Answer")


class Origin:
    """Sends requests to one server.

    Parameters
    ----------
    url : str
        Its origin, as `https://host:port`.
    patience : Patience, default Patience()
    tls_root_certificate : str, optional
        File of the authority of the server's TLS certificate; default those that httpx trusts.
    transport : httpx.AsyncBaseTransport, optional
        What carries the requests.

    Raises
    ------
    ConfigError
        If `url` is no origin.
    """

    def __init__(
        self,
        url: str,
        *,
        patience: Patience | None = None,
        tls_root_certificate: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path.strip("/") or parts.query:
            raise ConfigError(
                "not an origin: want scheme://host:port", key="url", source=type(self).__name__, value=url
            )
        self.url = f"{parts.scheme}://{parts.netloc}"
        self._patience = patience or Patience()
        self._transport = transport or KeptConnections(
            ssl.create_default_context(cafile=tls_root_certificate)
        )
        self._addresses: dict[str, httpx.URL] = {}
        self._extensions = {
            "timeout": httpx.Timeout(self._patience.deadline_s, connect=self._patience.connect_s).as_dict()
        }

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    def request(self, method: str, path: str, body: bytes, query: Mapping[str, str] | None) -> httpx.Request:
        """Build a request; `path` is from the first slash, with its parts escaped."""
        return httpx.Request(
            method,
            self._address(path),
            content=body or None,
            params=query,
            headers={"accept": JSON, "accept-encoding": "identity"}
            | ({"content-type": JSON} if body else {}),
            extensions=self._extensions,
        )

    async def until_answered(self, attempt: Callable[[], Awaitable[Answer]], *, may_repeat: bool) -> Answer:
        """Try until an answer is there or patience ends.

        Parameters
        ----------
        attempt : callable
            Sends the request once.
        may_repeat : bool
            Whether it may be sent again when it is unknown whether it arrived. Errors that say `retriable`
            are tried again in any case, since nothing was done.

        Raises
        ------
        GridLedgerError
            That of the last attempt.
        ReplyUnknown
            If the deadline passed.
        """
        wait_s = self._patience.first_wait_s
        tried = 1
        try:
            async with asyncio.timeout(self._patience.deadline_s):
                while True:
                    try:
                        return await attempt()
                    except GridLedgerError as error:
                        repeat = error.retriable or (may_repeat and isinstance(error, ReplyUnknown))
                        if not repeat or tried == self._patience.attempts:
                            raise
                    tried += 1
                    await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads callers
                    wait_s *= 2
        except TimeoutError as error:
            deadline = f"{self._patience.deadline_s:g} s"
            raise ReplyUnknown(f"{self.url} did not answer within {deadline}", url=self.url) from error

    async def exchange(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        """Send a request and read the whole reply.

        Raises
        ------
        ServiceUnavailable
            If not a byte of it has left.
        ReplyUnknown
            If no whole reply came: the server may have acted.
        ReplyUnproven
            If the reply is longer than `patience` allows.
        """
        try:
            response = await self._transport.handle_async_request(request)
            return response, await self._read(response)
        except _NOT_SENT as error:
            raise ServiceUnavailable(f"{self.url} cannot be reached: {error}", url=self.url) from error
        except httpx.TransportError as error:
            reason = f"no reply from {self.url}: {type(error).__name__} {error}"
            raise ReplyUnknown(reason, url=self.url) from error

    async def _read(self, response: httpx.Response) -> bytes:
        limit = self._patience.reply_bytes
        body = bytearray()
        stream = response.stream
        if not isinstance(stream, httpx.AsyncByteStream):
            raise TypeError("the transport is not asynchronous")
        try:
            async for part in stream:
                body += part
                if len(body) > limit:
                    raise ReplyUnproven(f"the reply is longer than {limit} bytes", reason=Fault.MALFORMED)
        finally:
            await stream.aclose()
        return bytes(body)

    def _address(self, path: str) -> httpx.URL:
        """Return the address of a path; most are called again and again."""
        address = self._addresses.get(path)
        if address is None:
            address = httpx.URL(self.url + path)
            if len(self._addresses) < _ADDRESSES:
                self._addresses[path] = address
        return address
