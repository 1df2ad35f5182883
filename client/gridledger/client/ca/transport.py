"""Requests to a Fabric CA server: HTTP/1.1 over TLS, one after the other, each with a deadline."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from typing import Final

import httpx

from gridledger.client.ca.authorization import token_authorization
from gridledger.client.ca.errors import CaReplyInvalid, CaUnanswered, CaUnavailable
from gridledger.client.ca.reply import Result, read_reply
from gridledger.client.ca_address import CaAddress
from gridledger.client.signing_identity import SigningIdentity
from gridledger.crypto.certificate import load_certificates
from gridledger.model.errors import ConfigError

__all__ = ["CaTransport"]

_MOST_BYTES: Final = 16 << 20
"""Of an answer: Fabric CA lists names without pages, and 40,000 of ours are that long."""
_PATH: Final = "/api/v1/"
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class CaTransport:
    """Sends requests and returns results.

    Parameters
    ----------
    address : CaAddress
        Where to.
    deadline_s : float
        How long a request may take.
    transport : httpx.AsyncBaseTransport, optional
        What carries the requests; a test's.

    Raises
    ------
    ConfigError
        When the TLS roots cannot be read.
    """

    def __init__(
        self,
        address: CaAddress,
        *,
        deadline_s: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.address = address
        self._deadline_s = deadline_s
        # No proxy and no .netrc of the environment: a secret goes to this server or nowhere.
        self._client = httpx.AsyncClient(
            base_url=address.url,
            verify=_tls(address) if transport is None else True,
            transport=transport,
            timeout=httpx.Timeout(deadline_s),
            trust_env=False,
            follow_redirects=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def call(
        self,
        method: str,
        endpoint: str,
        value: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        authorization: str = "",
        by: SigningIdentity | None = None,
    ) -> Result:
        """Send a request and return its result.

        Parameters
        ----------
        method : str
            HTTP method.
        endpoint : str
            Path below ``/api/v1/``, its parts escaped.
        value : mapping, optional
            The body.
        query : mapping of str to str, optional
            The query.
        authorization : str, optional
            The header, where there is one already.
        by : SigningIdentity, optional
            Who signs the request.

        Raises
        ------
        CaRefused, CaUnavailable, CaUnanswered, CaReplyInvalid
            As each says.
        """
        body = b"" if value is None else json.dumps(value, separators=(",", ":")).encode()
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        if body:
            headers["content-type"] = "application/json"
        request = self._client.build_request(
            method, _PATH + endpoint, content=body or None, params=query, headers=headers
        )
        if by is not None:
            authorization = await token_authorization(by, method, request.url.raw_path.decode("ascii"), body)
        if authorization:
            request.headers["authorization"] = authorization
        status, reply = await self._exchange(request)
        return read_reply(status, reply)

    async def _exchange(self, request: httpx.Request) -> tuple[int, bytes]:
        url = self.address.url
        try:
            async with asyncio.timeout(self._deadline_s):
                response = await self._client.send(request, stream=True)
                try:
                    return response.status_code, await _read(response)
                finally:
                    await response.aclose()
        except _NOT_SENT as error:
            raise CaUnavailable(
                f"{url} cannot be reached: {error or type(error).__name__}", url=url
            ) from error
        except (httpx.TransportError, TimeoutError) as error:
            raise CaUnanswered(
                f"{url} did not answer whole: {type(error).__name__}; it may have acted", url=url
            ) from error


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    if "content-encoding" in response.headers:
        raise CaReplyInvalid("the certificate authority's answer is compressed, unasked")
    async for part in response.aiter_bytes():
        body += part
        if len(body) > _MOST_BYTES:
            raise CaReplyInvalid(f"the certificate authority's answer is longer than {_MOST_BYTES} bytes")
    return bytes(body)


def _tls(address: CaAddress) -> ssl.SSLContext:
    roots = address.read_tls_roots()
    if roots is None:
        return ssl.create_default_context()
    try:
        load_certificates(roots)
        context = ssl.create_default_context(cadata=roots.decode("ascii"))
    except (ValueError, ssl.SSLError) as error:
        raise ConfigError(
            "want X.509 certificates in PEM", key="tls_root_cert", source=address.source
        ) from error
    # A root may be the server's own certificate, or an authority below the one that signed it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
