"""What `/health` answers. The reply is signed and bound to the request: it shows who holds the key."""

from __future__ import annotations

from gridledger.model.record import ModelValue, value

__all__ = ["HEALTH_PATH", "Health"]

HEALTH_PATH = "/health"


@value
class Health(ModelValue):
    """A server that works."""

    service: str
    """Its title."""
    version: str
    msp_id: str
    """The organisation in whose name it answers."""
    fingerprint: str
    """SHA-256 of the certificate that signs its replies."""
