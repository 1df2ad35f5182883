"""What a change of the consenters tells on its way."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gridledger.network.consenter_plan import ConsenterChange

__all__ = ["ChangeEvent", "StepReport"]


class ChangeEvent(StrEnum):
    """What has happened in a step."""

    ORDERED = "ordered"
    """The configuration update stands in the chain."""
    FINISHED = "finished"
    """The added one has synced, or the removed one has been let go."""
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, kw_only=True, slots=True)
class StepReport:
    """One event of a change."""

    event: ChangeEvent
    number: int
    """Which step, from 1."""
    steps: int
    """How many there are."""
    change: ConsenterChange
    address: str
    quorum: int
    """How many consenters have to sign from now on."""
    seconds: float
    """Since the step began."""
