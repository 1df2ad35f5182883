"""States that records walk through."""

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "ApplicationState",
    "CallState",
    "CandidateState",
    "Doubt",
    "IdentifierState",
    "OrderState",
    "Outcome",
    "RunState",
]


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


class CandidateState(StrEnum):
    """An association that two owners have to confirm."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class Doubt(StrEnum):
    """Why two devices are not associated without their owners' word."""

    SIMILAR = "similar"
    """Only one declares the identity; the other declares one that resembles it."""

    CONTRADICTION = "contradiction"
    """Both declare the identity, and different ones of another scheme."""


class OrderState(StrEnum):
    """One line of an order: money is held; then it is settled with the contract, or it returns."""

    HELD = "held"
    SETTLED = "settled"
    RETURNED = "returned"


class Outcome(StrEnum):
    """Outcome of a tamper check of one field and period."""

    INTACT = "intact"
    """The owner's actual root and number of rows are those that it deposited."""

    LATE_ROWS = "late-rows"
    """They are, and the owner has rows beside them that were not deposited, which do not count."""

    ALTERED = "altered"
    """They are not."""

    NOT_DEPOSITED = "not-deposited"
    """Nothing was deposited for the period, so nothing of it can be proven."""

    UNANSWERED = "unanswered"
    """The owner signed no actual root for it."""

    @property
    def forwards(self) -> bool:
        """Whether the deposited rows of the period are delivered."""
        return self in (Outcome.INTACT, Outcome.LATE_ROWS)

    @property
    def withholds(self) -> bool:
        """Whether the whole field is withheld for it."""
        return self in (Outcome.ALTERED, Outcome.UNANSWERED)


class RunState(StrEnum):
    """How what terminal and server anchored of a run compares."""

    AGREEMENT = "agreement"
    """Both anchored the same root over the same number of records."""

    MISMATCH = "mismatch"
    """Both anchored it, and differently."""

    ABSENCE = "absence"
    """Only one side has anchored it."""

    SERVER_ALONE = "server-alone"
    """Its terminal has no key on the ledger: the server has anchored it, and nobody else will."""
