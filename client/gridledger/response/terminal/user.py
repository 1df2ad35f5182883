"""What a user terminal does: reads the published demands, decides, and answers each once.

Source: CN115334117A, claim 3 (the response is determined from the published demand).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gridledger.model.errors import ConfigError
from gridledger.response.message import Demand, DemandPage, DemandReply
from gridledger.response.record_store import Clock, wall_clock_ms
from gridledger.response.terminal.business import Business

__all__ = ["DemandSource", "FixedShare", "ReplyRule", "UserTerminal"]


class ReplyRule(Protocol):
    """Decides how a user answers."""

    def decide(self, demand: Demand) -> int | None:
        """Return by how many watt-hours the user will reduce its load; None to leave it unanswered."""


@dataclass(frozen=True, kw_only=True)
class FixedShare:
    """Promises the same share of each demand."""

    per_mille: int = 59
    """Of the whole reduction; 59 is one of 17 houses."""

    def __post_init__(self) -> None:
        if not 0 <= self.per_mille <= 1000:
            raise ConfigError("want 0 to 1000", key="per_mille", source="reply", value=str(self.per_mille))

    def decide(self, demand: Demand) -> int | None:
        """Return the share, rounded down."""
        return demand.reduction_wh * self.per_mille // 1000


class DemandSource(Protocol):
    """Where published demands are read."""

    async def demands(self, since_ms: int) -> DemandPage:
        """Return demands that begin at a time or later."""


class UserTerminal:
    """Answers demands through a business module.

    Parameters
    ----------
    business : Business
    source : DemandSource
    rule : ReplyRule
    clock : callable, optional
        Milliseconds since 1970: demands that have begun are not answered.
    """

    def __init__(
        self, business: Business, source: DemandSource, rule: ReplyRule, clock: Clock = wall_clock_ms
    ) -> None:
        self._business = business
        self._source = source
        self._rule = rule
        self._clock = clock
        self._seen: set[str] = set()

    async def step(self) -> int:
        """Answer the demands that are new; return how many were answered.

        Notes
        -----
        After a restart a demand may be answered a second time, as a record of its own: the server counts a
        terminal's first reply to a demand.
        """
        answered = 0
        for demand in (await self._source.demands(self._clock())).demands:
            if demand.id in self._seen:
                continue
            reduction_wh = self._rule.decide(demand)
            if reduction_wh is not None:
                await self._business.accept(
                    DemandReply(demand=demand.id, reduction_wh=reduction_wh).to_bytes()
                )
                answered += 1
            self._seen.add(demand.id)
        return answered
