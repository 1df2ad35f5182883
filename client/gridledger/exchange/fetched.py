"""What comes of queries."""

from __future__ import annotations

from dataclasses import dataclass

from gridledger.model.delivery import Delivery
from gridledger.model.errors import GridLedgerError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.notice import SettledLine
from gridledger.model.resolution import Resolution
from gridledger.model.trade import CountersignedContract, Order
from gridledger.web import Evidence

__all__ = ["Fetched", "QueryResult"]


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What came of one line of an order."""

    owner: SystemIdentifier
    delivery: Delivery | None = None
    """Proven rows."""
    contract: CountersignedContract | None = None
    """Signed by both."""
    evidence: Evidence | None = None
    """The owner's signed answer."""
    error: GridLedgerError | None = None
    """Why there is nothing; the hold returns after its deadline."""


@dataclass(frozen=True, kw_only=True)
class QueryResult:
    """A whole query."""

    resolution: Resolution
    order: Order
    fetched: tuple[Fetched, ...]
    settled: tuple[SettledLine, ...]
