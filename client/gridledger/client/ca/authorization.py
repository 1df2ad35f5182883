"""How a caller proves itself to Fabric CA: by name and secret once, then by its certificate."""

from __future__ import annotations

import base64
import hashlib

from gridledger.client.signing_identity import SigningIdentity
from gridledger.model.errors import ConfigError

__all__ = ["secret_authorization", "token_authorization"]


def secret_authorization(name: str, secret: str) -> str:
    """Return the header for an enrolment by name and secret (RFC 7617).

    Raises
    ------
    ConfigError
        When the name has a colon, or either is empty; the message holds no secret.
    """
    if not name or ":" in name:
        raise ConfigError("want a name without a colon", key="name", source="enrolment", value=name[:80])
    if not secret:
        raise ConfigError("is empty", key="secret", source="enrolment")
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


async def token_authorization(signing: SigningIdentity, method: str, target: str, body: bytes) -> str:
    """Return the header by which an enrolled identity signs a request.

    Parameters
    ----------
    signing : SigningIdentity
        Who asks; the certificate must be one of the authority asked.
    method : str
        HTTP method.
    target : str
        Path and query as they are sent.
    body : bytes
        The body as it is sent.

    Notes
    -----
    Fabric CA from 1.4 on: ``certificate.signature``, where the signature is over
    ``method.target.body.certificate``; all but the method in base64.
    """
    certificate = base64.b64encode(signing.identity.certificate)
    signed = b".".join(
        [method.encode(), base64.b64encode(target.encode()), base64.b64encode(body), certificate]
    )
    signature = await signing.sign(hashlib.sha256(signed).digest())
    return f"{certificate.decode()}.{base64.b64encode(signature).decode()}"
