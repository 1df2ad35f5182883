"""States that records walk through."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["ApplicationState", "CallState", "IdentifierState", "OrderState", "Verdict"]


class CallState(StrEnum):
    """What stands under a call key; nothing stands there before the call."""

    DONE = "done"
    CANCELLED = "cancelled"


class ApplicationState(StrEnum):
    """An application for a system identifier."""

    APPLIED = "applied"
    APPROVED = "approved"
    REJECTED = "rejected"


class IdentifierState(StrEnum):
    """The life of an identifier: planned, registered, allocated, active, suspended (and active again),
    revoked."""

    PLANNED = "planned"
    REGISTERED = "registered"
    ALLOCATED = "allocated"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class OrderState(StrEnum):
    """An order: money is held, then either the receipt and the settlement follow, or the hold returns."""

    HELD = "held"
    RECEIVED = "received"
    SETTLED = "settled"
    RETURNED = "returned"


class Verdict(StrEnum):
    """Outcome of a tamper check."""

    INTACT = "intact"
    ALTERED = "altered"
