"""Every boundary between two steps, enumerated from the transition table, and how each is met."""

from __future__ import annotations

from tests.unit.response.fakes import InvalidNow, Killed
from tests.unit.response.world import ERRORS, World

from gridledger.response.errors import RecordRefusal
from gridledger.response.record_store import Moment
from gridledger.response.state import TRANSITIONS, Happening, Side

__all__ = ["BOUNDARIES", "BOUNDARY_IDS", "check", "keep_s", "provoke", "work"]

# No answer and an unknown outcome write nothing: these are tried as faults of the network.
_WRITTEN = [
    (line.side, line.happening)
    for line in TRANSITIONS
    if line.happening not in {Happening.NO_ANSWER, Happening.OUTCOME_UNKNOWN}
]
BOUNDARIES = [
    (side, what, moment)
    for side, what in dict.fromkeys(_WRITTEN)
    # What the server refuses is written with what it completes, in one transaction.
    if (side, what) != (Side.SERVER, Happening.REFUSED)
    for moment in Moment
]
BOUNDARY_IDS = ["-".join(one) for one in BOUNDARIES]


def keep_s(happening: Happening) -> float:
    """Return how long rows are kept where something is to happen."""
    return 0 if happening is Happening.CLEANED else 10.0**9


def check(world: World, happening: Happening) -> None:
    """Check that nothing was lost or doubled where something was killed at a boundary."""
    refused = {2} if happening is Happening.REFUSED else set()
    world.check(refused=refused, cleaned=happening is Happening.CLEANED)


def provoke(world: World, happening: Happening) -> None:
    """Let happen what does not happen by itself."""
    if happening is Happening.REFUSED:
        world.judge = lambda _, one: RecordRefusal.IMPLAUSIBLE if one.number == 2 else None
    if happening is Happening.INVALID:
        left = [1, 1]

        def invalid(step: str) -> None:
            if step == "validate" and left:
                left.pop()
                raise InvalidNow

        world.ledger.fault = invalid


async def work(world: World, steps: int) -> None:
    """Accept records and let all modules work; what is killed begins again."""
    for _ in range(steps):
        try:
            if len(world.accepted) < 8:
                world.accept()
            await world.once()
        except Killed:
            world.restart()
        except ERRORS:
            continue
