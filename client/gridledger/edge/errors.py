"""What programs of the edge can meet beyond the errors of servers: GL-SRV-050 to GL-SRV-057.

ServiceError                GL-SRV-001  exit 70
├─ RecordTooLong            GL-SRV-050  exit 75  413
├─ EnvelopeUnreadable       GL-SRV-051  exit 75  422
├─ NoKeyLeft                GL-SRV-052  exit 75  409
├─ EnvelopeRefused          GL-SRV-053  exit 75  422
├─ EnvelopeMissing          GL-SRV-054  exit 75  404
├─ RegisterIncomplete       GL-SRV-055  exit 75  502
├─ NotTheReceiver           GL-SRV-056  exit 73  403
└─ ReceiptUnproven          GL-SRV-057  exit 78  502
"""

from __future__ import annotations

from gridledger.web.errors import WebError

__all__ = [
    "EnvelopeMissing",
    "EnvelopeRefused",
    "EnvelopeUnreadable",
    "NoKeyLeft",
    "NotTheReceiver",
    "ReceiptUnproven",
    "RecordTooLong",
    "RegisterIncomplete",
]


class RecordTooLong(WebError):
    """A record does not fit into the envelopes of its period.

    Parameters
    ----------
    length, limit : int
        Bytes.
    """

    code = "GL-SRV-050"
    exit_code = 75
    status = 413

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"the record has {length} bytes, and {limit} fit", length=length, limit=limit)


class EnvelopeUnreadable(WebError):
    """An envelope opens, and what it holds is not what its form says."""

    code = "GL-SRV-051"
    exit_code = 75
    status = 422


class NoKeyLeft(WebError):
    """A side device has no unused membership key of the period: each signs one message."""

    code = "GL-SRV-052"
    exit_code = 75
    status = 409


class EnvelopeRefused(WebError):
    """A storage node does not take an envelope: other bytes than its statement's, or for another node."""

    code = "GL-SRV-053"
    exit_code = 75
    status = 422


class EnvelopeMissing(WebError):
    """No storage node that was asked has the envelope; `digest` names it."""

    code = "GL-SRV-054"
    exit_code = 75
    status = 404


class RegisterIncomplete(WebError):
    """The keys of a period that came are not all of its keys."""

    code = "GL-SRV-055"
    exit_code = 75
    status = 502


class NotTheReceiver(WebError):
    """A fetch is not signed by the one-time key of its envelope, or not for this node and moment."""

    code = "GL-SRV-056"
    exit_code = 73
    status = 403


class ReceiptUnproven(WebError):
    """What a storage node gave as a receipt is not signed by the one-time key that the device sealed to."""

    code = "GL-SRV-057"
    exit_code = 78
    status = 502
