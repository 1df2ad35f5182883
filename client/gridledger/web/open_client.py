"""Call open routes without a name: nothing is signed, and no reply is believed for its signer's sake.

async with OpenClient(url) as client:
    taken = await client.call("POST", "/v1/envelopes", offered, gives=Taken)
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self, TypeVar

import httpx

from gridledger.web.origin import Origin
from gridledger.web.problem import read_problem
from gridledger.web.route import Payload
from gridledger.web.settings import Patience

__all__ = ["OpenClient"]

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
        self._origin = Origin(
            url, patience=patience, tls_root_certificate=tls_root_certificate, transport=transport
        )
        self.url = self._origin.url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._origin.close()

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
        return await self._origin.until_answered(
            lambda: self._attempt(method, path, body, gives, query), may_repeat=True
        )

    async def _attempt(
        self, method: str, path: str, body: bytes, gives: type[Given], query: Mapping[str, str] | None
    ) -> Given:
        response, reply = await self._origin.exchange(self._origin.request(method, path, body, query))
        if response.status_code != 200:
            raise read_problem(response.status_code, reply)
        return gives.from_bytes(reply)
