"""How often something is tried again, and how long is waited before."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields

from gridledger.model.errors import ConfigError

__all__ = ["Backoff", "RetryPolicy"]

_jitter = random.SystemRandom()


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """Delays that double, each shortened by a random part, so that those who collided do not meet again."""

    attempts: int
    """How often it is tried again; 0 for never."""

    first: float
    """Longest delay before the first new attempt, in seconds."""

    longest: float
    """Longest delay of all, in seconds."""

    def __post_init__(self) -> None:
        wrong = [
            field.name
            for field in fields(self)
            if isinstance(getattr(self, field.name), bool)
            or not isinstance(getattr(self, field.name), int | float)
            or not 0 <= getattr(self, field.name) <= 86_400
        ]
        if not isinstance(self.attempts, int):
            wrong.append("attempts")
        if wrong:
            raise ConfigError("want a number from 0 to 86400", key=", ".join(wrong), source="Backoff")

    def delay(self, attempt: int) -> float:
        """Return how long to wait before a new attempt.

        Parameters
        ----------
        attempt : int
            1 for the first new attempt.

        Returns
        -------
        float
            Seconds, between half and all of the doubled delay.
        """
        full = min(self.longest, self.first * 2.0 ** min(attempt - 1, 63))
        return full * (0.5 + _jitter.random() / 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """What a gateway tries again by itself; nothing else is."""

    conflicts: Backoff = Backoff(attempts=8, first=0.1, longest=2.0)
    """New transactions after MVCC_READ_CONFLICT or PHANTOM_READ_CONFLICT."""

    endorsements: Backoff = Backoff(attempts=4, first=0.1, longest=0.8)
    """New transactions after `EndorsementsDiffer`: nothing was ordered, and some peer is a block behind."""

    resends: Backoff = Backoff(attempts=12, first=0.25, longest=8.0)
    """The same signed envelope again, while no outcome is known; spread over the outcome's deadline, since
    orderers that are down may be back after half of it."""

    silence: float = 10.0
    """Seconds without an outcome after which an acknowledged envelope is sent again: it may be lost."""

    streams: Backoff = Backoff(attempts=8, first=0.25, longest=5.0)
    """Opening a broken stream of events again from where it stood; counted anew after every event."""
