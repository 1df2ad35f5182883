"""What a server notes of every request."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from gridledger.host.metrics import (
    HTTP_RECEIVED_BYTES,
    HTTP_REFUSALS,
    HTTP_REQUESTS,
    HTTP_SECONDS,
    HTTP_SENT_BYTES,
)

__all__ = ["Access", "AccessHook", "count_request", "log_access"]

_log = logging.getLogger("gridledger.web.access")


@dataclass(frozen=True, kw_only=True)
class Access:
    """One request and how it ended; neither query nor body: they may hold what must stay sealed."""

    request_id: str
    method: str
    path: str
    status: int
    code: str
    """The error's code; empty where it was answered."""
    msp_id: str
    """The caller's organisation; empty where it is not known."""
    fingerprint: str
    """The caller's certificate; empty where it is not known."""
    bytes_in: int
    bytes_out: int
    seconds: float


AccessHook = Callable[[Access], None]


def log_access(access: Access) -> None:
    """Write one line to the log `gridledger.web.access`: the default hook."""
    _log.info(
        "%s %s %r %d %s %s %s %d %d %.6f",
        access.request_id,
        access.method,
        access.path,
        access.status,
        access.code or "-",
        access.msp_id or "-",
        access.fingerprint[:16] or "-",
        access.bytes_in,
        access.bytes_out,
        access.seconds,
    )


def count_request(
    *, method: str, route: str, status: int, code: str, received: int, sent: int, seconds: float
) -> None:
    """Count a request for Prometheus.

    Parameters
    ----------
    method, route : str
        A method of any name, and the template of the path, empty where there is none: what callers make up
        is no label.
    status : int
    code : str
        The error's code; empty where it was answered.
    received, sent : int
        Bytes of the bodies.
    seconds : float
    """
    known, template = (method if route else "other"), route or "none"
    HTTP_REQUESTS.labels(known, template, str(status)).inc()
    HTTP_SECONDS.labels(template).observe(seconds)
    HTTP_RECEIVED_BYTES.inc(received)
    HTTP_SENT_BYTES.inc(sent)
    if code:
        HTTP_REFUSALS.labels(code).inc()
