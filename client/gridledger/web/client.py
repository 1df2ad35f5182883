"""Call a server of ours: sign the request, verify the reply, raise its errors as our own classes.

async with SignedClient(url, signer=signer, authorities=authorities, msp_id="Org2MSP") as client:
    reply = await client.call("POST", "/v1/answers", question, gives=Answer)
    reply.value, reply.signer, reply.evidence
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

import httpx

from gridledger.client.gathering import Gathering
from gridledger.model.errors import GridLedgerError
from gridledger.web.authorities import Authorities, Caller
from gridledger.web.bundle import BUNDLES_PATH, MAX_REQUESTS, BundledRequest, ReplyBundle, RequestBundle
from gridledger.web.errors import Fault, ReplyUnknown, ReplyUnproven, ServiceUnavailable
from gridledger.web.evidence import Evidence
from gridledger.web.health import HEALTH_PATH, Health
from gridledger.web.message import HeaderLines, RequestMessage, ResponseMessage
from gridledger.web.origin import Origin
from gridledger.web.problem import read_problem
from gridledger.web.route import Payload
from gridledger.web.settings import Patience, Window
from gridledger.web.signing import Clock, MessageSigner
from gridledger.web.verification import ResponseVerifier, Verified

__all__ = ["Reply", "SignedClient"]

_IDEMPOTENT: Final = frozenset({"GET", "PUT", "DELETE"})

_BUNDLE_BYTES: Final = 512 * 1024
"""Bodies of a bundle: written as text they are within what servers read of one message by default."""
_PATIENCE_S: Final = 0.03
"""Answers take as long."""

Given = TypeVar("Given", bound=Payload)


@dataclass(frozen=True)
class _Raw:
    """A body that is not read yet."""

    data: bytes

    def to_bytes(self) -> bytes:
        return self.data

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        return cls(data)


@dataclass(frozen=True, kw_only=True)
class Reply(Generic[Given]):
    """A verified answer."""

    value: Given
    signer: Caller
    """Who answered."""
    evidence: Evidence = field(repr=False)
    """Request and answer as they were sent: proof for a third party."""


class SignedClient:
    """Calls one server.

    Parameters
    ----------
    url : str
        The server's origin, as `https://host:port`.
    signer : MessageSigner
        In whose name requests are signed.
    authorities : Authorities
        Whom replies may be signed by.
    msp_id : str, optional
        The organisation that must have signed the replies: the owner's.
    fingerprint : str, optional
        The certificate that must have signed the replies.
    patience : Patience, default Patience()
    window : Window, default Window()
        How far a reply's time may lie from this clock.
    tls_root_certificate : str, optional
        File of the authority of the server's TLS certificate; default those that httpx trusts.
    transport : httpx.AsyncBaseTransport, optional
        What carries the requests, for tests and proxies.
    clock : Clock, default time.time
    """

    def __init__(
        self,
        url: str,
        *,
        signer: MessageSigner,
        authorities: Authorities,
        msp_id: str | None = None,
        fingerprint: str | None = None,
        patience: Patience | None = None,
        window: Window | None = None,
        tls_root_certificate: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock = time.time,
    ) -> None:
        self._origin = Origin(
            url, patience=patience, tls_root_certificate=tls_root_certificate, transport=transport
        )
        self.url = self._origin.url
        self._signer = signer
        self._verifier = ResponseVerifier(
            authorities, msp_id=msp_id, fingerprint=fingerprint, window=window, clock=clock
        )
        self._gathering = Gathering(
            self._send_alone,
            self._send_bundle,
            separable=lambda error: not isinstance(error, ServiceUnavailable | ReplyUnknown),
            most=MAX_REQUESTS,
            most_bytes=_BUNDLE_BYTES,
            patience_s=_PATIENCE_S,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._origin.close()

    async def health(self) -> Reply[Health]:
        """Ask whether the server works; its signature shows that it holds the key of `reply.signer`."""
        return await self.call("GET", HEALTH_PATH, gives=Health)

    async def call(
        self,
        method: str,
        path: str,
        value: Payload | None = None,
        *,
        gives: type[Given],
        query: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
    ) -> Reply[Given]:
        """Send a request and return the verified answer.

        Parameters
        ----------
        method : str
            GET, POST, PUT or DELETE.
        path : str
            From the first slash, with its parts escaped.
        value : Payload, optional
            The body.
        gives : type
            What the answer's body is; Nothing for none.
        query : mapping of str to str, optional
        idempotent : bool, optional
            Whether the request may be sent again when it is unknown whether it arrived; default yes for GET,
            PUT and DELETE.

        Raises
        ------
        ContractError, ModelError, ServiceError
            What the server answered, as the same class; RemoteFailure for trouble of its own.
        ReplyUnproven
            If the reply's signature does not hold. Its content is not used.
        ReplyUnknown
            If no reply came: the server may have acted.
        ServiceUnavailable
            If the server could not be reached.

        Notes
        -----
        Every attempt is signed anew. Errors that say `retriable` are tried again, since nothing was done;
        a missing reply only where the request is idempotent.
        """
        body = b"" if value is None else value.to_bytes()
        return await self._send(method, path, body, gives, query, idempotent=idempotent)

    async def call_bundled(self, path: str, value: Payload, *, gives: type[Given]) -> Reply[Given]:
        """Send a POST that may be sent again, together with what waits at the same time.

        Parameters
        ----------
        path : str
            A route that takes part in bundles.
        value : Payload
            The body.
        gives : type
            What the answer's body is.

        Raises
        ------
        GridLedgerError
            See `call`.

        Notes
        -----
        The evidence of a reply is that of its bundle. Errors of one request leave the others alone.
        """
        body = value.to_bytes()
        request = BundledRequest(path=path, body=body)
        found = await self._gathering.add(request, len(path) + len(body))
        return Reply(value=gives.from_bytes(found.value.data), signer=found.signer, evidence=found.evidence)

    async def _send_alone(self, request: BundledRequest) -> Reply[_Raw]:
        return await self._send("POST", request.path, request.body, _Raw, None, idempotent=True)

    async def _send_bundle(self, requests: list[BundledRequest]) -> list[Reply[_Raw] | GridLedgerError]:
        bundle = RequestBundle(requests=tuple(requests))
        reply = await self.call("POST", BUNDLES_PATH, bundle, gives=ReplyBundle, idempotent=True)
        if len(reply.value.replies) != len(requests):
            raise ReplyUnproven("the bundle has another number of replies", reason=Fault.MALFORMED)
        return [
            Reply(value=_Raw(one.body), signer=reply.signer, evidence=reply.evidence)
            if one.status == 200
            else read_problem(one.status, one.body)
            for one in reply.value.replies
        ]

    async def _send(
        self,
        method: str,
        path: str,
        body: bytes,
        gives: type[Given],
        query: Mapping[str, str] | None,
        *,
        idempotent: bool | None,
    ) -> Reply[Given]:
        """Send a request, again if need be, until it is answered."""
        may_repeat = method in _IDEMPOTENT if idempotent is None else idempotent
        return await self._origin.until_answered(
            lambda: self._attempt(method, path, body, gives, query), may_repeat=may_repeat
        )

    async def _attempt(
        self, method: str, path: str, body: bytes, gives: type[Given], query: Mapping[str, str] | None
    ) -> Reply[Given]:
        request = self._origin.request(method, path, body, query)
        message = RequestMessage(
            method=request.method, url=str(request.url), headers=HeaderLines.from_raw(request.headers.raw)
        )
        await self._signer.sign_request(message, body)
        request.headers = httpx.Headers(message.headers.to_raw())
        response, reply_body = await self._origin.exchange(request)
        verified, evidence = self._verify(message, body, response, reply_body)
        if response.status_code != 200:
            raise read_problem(response.status_code, reply_body)
        return Reply(value=gives.from_bytes(reply_body), signer=verified.caller, evidence=evidence)

    def _verify(
        self, request: RequestMessage, body: bytes, response: httpx.Response, reply_body: bytes
    ) -> tuple[Verified, Evidence]:
        headers = HeaderLines.from_raw(response.headers.raw)
        if response.is_server_error and "signature" not in headers:
            # A proxy's or an attacker's: the request may have gone through.
            raise ReplyUnknown(f"{self.url} answered {response.status_code}, unsigned", url=self.url)
        message = ResponseMessage(status_code=response.status_code, headers=headers, request=request)
        evidence = Evidence(
            request=request,
            request_body=body,
            status=response.status_code,
            headers=headers,
            body=reply_body,
        )
        return self._verifier.verify(message, reply_body), evidence
