"""Sign requests and responses with an identity of the network (RFC 9421, with RFC 9530 digests).

A signed message carries four fields:

    Signer-Certificate: :<base64 of the certificate's DER>:
    Content-Digest: sha-256=:<base64>:
    Signature-Input: gridledger=("@method" "@target-uri" …);created=…;keyid="…";alg="ecdsa-p256-sha256";…
    Signature: gridledger=:<base64 of r and s, 32 bytes each>:

`Signer-Certificate` has the syntax that RFC 9440 gives Client-Cert; it is a field of its own, because proxies
that end TLS must strip or replace Client-Cert, and because responses carry it as well.
"""

from __future__ import annotations

import inspect
import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final

import http_sf
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from gridledger.client.identity import Identity
from gridledger.client.signer import Signer
from gridledger.web.authorities import fingerprint_of
from gridledger.web.message import RequestMessage, ResponseMessage
from gridledger.web.signature_form import (
    ALGORITHM,
    Unspelled,
    content_digest,
    signature_base,
    write_component,
)

__all__ = [
    "CERTIFICATE_FIELD",
    "LABEL",
    "REQUEST_COMPONENTS",
    "REQUEST_TAG",
    "RESPONSE_COMPONENTS",
    "RESPONSE_TAG",
    "Clock",
    "MessageSigner",
]

Clock = Callable[[], float]
"""Seconds since 1970, as time.time() gives them."""

CERTIFICATE_FIELD: Final = "signer-certificate"
LABEL: Final = "gridledger"
REQUEST_TAG: Final = "gridledger-request"
RESPONSE_TAG: Final = "gridledger-response"
REQUEST_COMPONENTS: Final = ("@method", "@target-uri", "content-digest", CERTIFICATE_FIELD)
"""What every request's signature covers; `content-type` joins where there is one."""
RESPONSE_COMPONENTS: Final = ("@status", "content-digest", CERTIFICATE_FIELD)
"""What every response's signature covers; `content-type` joins where there is one."""
BOUND_COMPONENTS: Final = (
    '"@method";req',
    '"@target-uri";req',
    '"content-digest";req',
    f'"signature";req;key="{LABEL}"',
)
"""What binds a response to the one request that it answers."""

_NONCE_BYTES: Final = 16
_CONTENT_TYPE: Final = "content-type"


class MessageSigner:
    """Sign HTTP messages in the name of one identity.

    Parameters
    ----------
    identity : Identity
        Whose certificate goes along with every message.
    signer : Signer
        Its key, in memory or in a device.
    lifetime_s : int, default 60
        Seconds from `created` to `expires` of a request.
    clock : Clock, default time.time
    """

    def __init__(
        self, identity: Identity, signer: Signer, *, lifetime_s: int = 60, clock: Clock = time.time
    ) -> None:
        self.identity = identity
        self.fingerprint = fingerprint_of(identity.x509)
        self._field = http_sf.ser(identity.x509.public_bytes(Encoding.DER))
        self._signer = signer
        self._lifetime_s = lifetime_s
        self._clock = clock

    async def sign_request(self, message: RequestMessage, body: bytes) -> None:
        """Add the four fields to a request.

        Parameters
        ----------
        message : RequestMessage
            Its headers are changed; earlier fields of these names are replaced.
        body : bytes
            What is sent, empty where nothing is.
        """
        created = int(self._clock())
        await self._sign(
            message,
            body,
            covered=_with_content_type(REQUEST_COMPONENTS, message),
            tag=REQUEST_TAG,
            created=created,
            expires=created + self._lifetime_s,
            nonce=secrets.token_urlsafe(_NONCE_BYTES),
        )

    async def sign_response(self, message: ResponseMessage, body: bytes) -> bool:
        """Add the four fields to a response, bound to its request where that carries a signature.

        Parameters
        ----------
        message : ResponseMessage
            Its headers are changed.
        body : bytes
            What is sent.

        Returns
        -------
        bool
            Whether the response is bound to its request. It is not where the request is unsigned or its
            fields cannot be read; no caller of ours accepts such a response.
        """
        covered = _with_content_type(RESPONSE_COMPONENTS, message)
        created = int(self._clock())
        if message.request is not None:
            bound = (*covered, *BOUND_COMPONENTS)
            try:
                await self._sign(message, body, covered=bound, tag=RESPONSE_TAG, created=created)
            except Unspelled:
                message = replace(message, request=None)
            else:
                return True
        await self._sign(message, body, covered=covered, tag=RESPONSE_TAG, created=created)
        return False

    async def _sign(
        self,
        message: RequestMessage | ResponseMessage,
        body: bytes,
        *,
        covered: Sequence[str],
        tag: str,
        created: int,
        expires: int | None = None,
        nonce: str | None = None,
    ) -> None:
        headers = message.headers
        headers[CERTIFICATE_FIELD] = self._field
        headers["content-digest"] = content_digest(body)
        components = [write_component(name) for name in covered]
        parameters = f"({' '.join(components)});created={created}"
        if expires is not None:
            parameters += f";expires={expires}"
        if nonce is not None:
            parameters += f';nonce="{nonce}"'
        parameters += f';keyid="{self.fingerprint}";alg="{ALGORITHM}";tag="{tag}"'
        base = signature_base(message, components, parameters)
        made = self._signer.sign(sha256(base).digest())
        der = await made if inspect.isawaitable(made) else made
        raw = b"".join(part.to_bytes(32, "big") for part in decode_dss_signature(der))
        headers["signature-input"] = f"{LABEL}={parameters}"
        headers["signature"] = f"{LABEL}=:{b64encode(raw).decode('ascii')}:"

    def __repr__(self) -> str:
        return f"MessageSigner({self.identity.msp_id}, {self.fingerprint})"


def _with_content_type(
    components: Sequence[str], message: RequestMessage | ResponseMessage
) -> tuple[str, ...]:
    return (*components, _CONTENT_TYPE) if _CONTENT_TYPE in message.headers else tuple(components)
