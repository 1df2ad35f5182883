"""What every step of a gateway's transactions shares."""

from __future__ import annotations

from dataclasses import dataclass

from gridledger.client.deadlines import Deadlines
from gridledger.client.retry import RetryPolicy
from gridledger.client.signing_identity import SigningIdentity
from gridledger.client.transport import Transport

__all__ = ["Session"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A transport, who speaks through it, and how patiently."""

    transport: Transport
    """The gateway's services."""

    signing: SigningIdentity
    """Who speaks."""

    deadlines: Deadlines
    """How long each step is waited for."""

    retry: RetryPolicy
    """What is tried again."""

    tls_client_hash: bytes = b""
    """SHA-256 of the TLS client certificate, where one is shown."""
