"""The time mark: a moment on the ledger that decisions by time are held against."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gridledger.model.record import Record, record

__all__ = ["MAX_DISTANCE_MS", "RENEWAL_PERIOD_S", "TimeMark"]

MAX_DISTANCE_MS = 120_000
"""A claimed time further from the mark is refused: two renewals may fail before anybody notices."""

RENEWAL_PERIOD_S = 60
"""How often each organisation's agent renews the mark."""


@record("time-mark/1")
class TimeMark(Record):
    """The claimed time of the transaction that renewed the mark last."""

    time_ms: Annotated[int, Field(ge=0)]
    """Milliseconds since 1970-01-01T00:00:00Z."""

    msp_id: str
    """Organisation whose agent renewed it."""
