"""Settings of servers and callers: objects whose docstrings say what each value is for."""

from __future__ import annotations

from dataclasses import dataclass

from gridledger.model.errors import ModelError

__all__ = ["Limits", "Patience", "Window"]


@dataclass(frozen=True, kw_only=True)
class Window:
    """How far a signature's `created` may lie from the verifier's clock."""

    max_age_s: int = 60
    """Oldest accepted signature, in seconds: 1 to 3600. Nonces are kept that long."""
    max_future_s: int = 5
    """Youngest accepted signature lies this many seconds ahead, 0 to 300: what clocks may differ."""

    def __post_init__(self) -> None:
        _check(
            "window",
            max_age_s="" if 1 <= self.max_age_s <= 3600 else "must be 1 to 3600",
            max_future_s="" if 0 <= self.max_future_s <= 300 else "must be 0 to 300",
        )


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one request may cost a server."""

    body_bytes: int = 1 << 20
    """Longest body, in bytes. A longer one is refused before it is read to its end."""
    deadline_s: float = 30.0
    """Seconds from the request's first byte to the answer, reading included."""
    in_flight: int = 256
    """Requests under way at once; further ones are turned away as Overloaded. Bounds the memory of bodies."""

    def __post_init__(self) -> None:
        _check(
            "limits",
            body_bytes="" if self.body_bytes >= 0 else "must not be negative",
            deadline_s="" if self.deadline_s > 0 else "must be positive",
            in_flight="" if self.in_flight > 0 else "must be positive",
        )


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long and how often a caller tries."""

    deadline_s: float = 15.0
    """Seconds for one call with all its attempts and the waits between them."""
    connect_s: float = 3.0
    """Seconds to establish one connection."""
    attempts: int = 3
    """How often one call is sent at most; only what is known to have done nothing is sent again."""
    first_wait_s: float = 0.1
    """Seconds before the second attempt; doubles each time."""
    reply_bytes: int = 16 << 20
    """Longest reply that is read, in bytes."""

    def __post_init__(self) -> None:
        _check(
            "patience",
            deadline_s="" if self.deadline_s > 0 else "must be positive",
            connect_s="" if self.connect_s > 0 else "must be positive",
            attempts="" if self.attempts >= 1 else "must be at least 1",
            first_wait_s="" if self.first_wait_s >= 0 else "must not be negative",
            reply_bytes="" if self.reply_bytes > 0 else "must be positive",
        )


def _check(subject: str, **verdicts: str) -> None:
    problems = {name: verdict for name, verdict in verdicts.items() if verdict}
    if problems:
        raise ModelError(problems, subject=subject)
