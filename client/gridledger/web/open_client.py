"""Call open routes without a name: nothing is signed, and no reply is believed for its signer's sake.

async with OpenClient(url) as client:
    taken = await client.call("POST", "/v1/envelopes", offered, gives=Taken)
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self, TypeVar
from urllib.parse import urlsplit

import httpx

from gridledger.model.errors import ConfigError, GridLedgerError
from gridledger.web.connections import KeptConnections
from gridledger.web.errors import Fault, ReplyUnknown, ReplyUnproven, ServiceUnavailable
from gridledger.web.problem import read_problem
from gridledger.web.route import JSON, Payload
from gridledger.web.settings import Patience

__all__ = ["OpenClient"]

_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)

Given = TypeVar("Given", bound=Payload)


class OpenClient:
    """Calls the open routes of one server, as nobody in particular.

    Parameters
    ----------
    url : str
        The server's origin, as `https://host:port`.
    patience : Patience, default Patience()
    tls_root_certificate : str, optional
        File of the authority of the server's TLS certificate; default those that httpx trusts.
    transport : httpx.AsyncBaseTransport, optional
        What carries the requests: a proxy that hides where they come from, or a test's.

    Notes
    -----
    For requests that do nothing more when they come twice: they are sent again where no reply came. What is
    answered must prove itself, by a digest that the caller knows or by what stands on the ledger.
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
                "not an origin: want scheme://host:port", key="url", source="OpenClient", value=url
            )
        self.url = f"{parts.scheme}://{parts.netloc}"
        self._patience = patience or Patience()
        self._transport = transport or KeptConnections(
            ssl.create_default_context(cafile=tls_root_certificate)
        )
        self._extensions = {
            "timeout": httpx.Timeout(self._patience.deadline_s, connect=self._patience.connect_s).as_dict()
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def call(
        self,
        method: str,
        path: str,
        value: Payload | None = None,
        *,
        gives: type[Given],
        query: Mapping[str, str] | None = None,
    ) -> Given:
        """Send a request and return the answer.

        Parameters
        ----------
        method : str
        path : str
            From the first slash, with its parts escaped.
        value : Payload, optional
            The body.
        gives : type
            What the answer's body is.
        query : mapping of str to str, optional

        Raises
        ------
        ContractError, ModelError, ServiceError
            What the server answered, as the same class.
        ReplyUnknown
            If no reply came: the server may have acted.
        ReplyUnproven
            If the reply is longer than `patience` allows.
        ServiceUnavailable
            If the server could not be reached.
        """
        body = b"" if value is None else value.to_bytes()
        wait_s = self._patience.first_wait_s
        attempt = 1
        try:
            async with asyncio.timeout(self._patience.deadline_s):
                while True:
                    try:
                        return await self._attempt(method, path, body, gives, query)
                    except GridLedgerError as error:
                        repeat = error.retriable or isinstance(error, ReplyUnknown)
                        if not repeat or attempt == self._patience.attempts:
                            raise
                    attempt += 1
                    await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads callers
                    wait_s *= 2
        except TimeoutError as error:
            deadline = f"{self._patience.deadline_s:g} s"
            raise ReplyUnknown(f"{self.url} did not answer within {deadline}", url=self.url) from error

    async def _attempt(
        self, method: str, path: str, body: bytes, gives: type[Given], query: Mapping[str, str] | None
    ) -> Given:
        request = httpx.Request(
            method,
            self.url + path,
            content=body or None,
            params=query,
            headers={"accept": JSON, "accept-encoding": "identity"}
            | ({"content-type": JSON} if body else {}),
            extensions=self._extensions,
        )
        try:
            response = await self._transport.handle_async_request(request)
            reply = await self._read(response)
        except _NOT_SENT as error:
            raise ServiceUnavailable(f"{self.url} cannot be reached: {error}", url=self.url) from error
        except httpx.TransportError as error:
            reason = f"no reply from {self.url}: {type(error).__name__} {error}"
            raise ReplyUnknown(reason, url=self.url) from error
        if response.status_code != 200:
            raise read_problem(response.status_code, reply)
        return gives.from_bytes(reply)

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
