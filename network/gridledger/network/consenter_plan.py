"""How the consenter set of a channel becomes that of an elected council: one change at a time.

An added consenter that has not synced raises the quorum at once and cannot vote, so each addition waits until
it has; additions and removals take turns, so that the set never grows by more than one. Every change
rewrites the channel's BlockValidation to a quorum of the new set.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from gridledger.client.channel_trust import quorum_of
from gridledger.network.errors import ConsentersStop

__all__ = ["ConsenterChange", "ConsenterStep", "plan_consenters"]


class ConsenterChange(StrEnum):
    """What a configuration update does to the set."""

    ADD = "add"
    """And then wait until the added one has synced."""
    REMOVE = "remove"


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsenterStep:
    """One configuration update."""

    change: ConsenterChange

    address: str
    """Whom it adds or removes."""

    consenters: tuple[str, ...]
    """The set after it, sorted."""

    quorum: int
    """How many of the set must sign a block after it: what BlockValidation asks for."""


def plan_consenters(
    current: Collection[str], wanted: Collection[str], *, lost: Collection[str] = ()
) -> tuple[ConsenterStep, ...]:
    """Plan the changes from one set to another.

    Parameters
    ----------
    current, wanted : collection of str
        Addresses.
    lost : collection of str, default ()
        Those that do not run: they count for the quorum while they are in the set, and vote for nothing.

    Returns
    -------
    tuple of ConsenterStep
        None where both are the same. Those that are lost are removed before others.

    Raises
    ------
    ConsentersStop
        If at some step fewer would run than have to sign, or nobody is wanted.

    Examples
    --------
    >>> [f"{one.change} {one.address}, {one.quorum}" for one in plan_consenters("abcd", "bcde")]
    ['add e, 4', 'remove a, 3']
    """
    if not wanted:
        raise ConsentersStop("no consenter is wanted", consenters=[], quorum=0)
    present = set(current)
    _require_runs(present, lost)
    added = sorted(set(wanted) - present)
    removed = sorted(present - set(wanted), key=lambda one: (one not in lost, one))
    steps: list[ConsenterStep] = []
    while added or removed:
        # What does not run leaves first; otherwise the set grows before it shrinks.
        if removed and (not added or removed[0] in lost or len(present) > max(len(current), 1)):
            address, change = removed.pop(0), ConsenterChange.REMOVE
            present.remove(address)
        else:
            address, change = added.pop(0), ConsenterChange.ADD
            present.add(address)
        _require_runs(present, lost)
        steps.append(
            ConsenterStep(
                change=change,
                address=address,
                consenters=tuple(sorted(present)),
                quorum=quorum_of(len(present)),
            )
        )
    return tuple(steps)


def _require_runs(present: Collection[str], lost: Collection[str]) -> None:
    quorum = quorum_of(len(present))
    running = len(set(present) - set(lost))
    if running < quorum:
        raise ConsentersStop(
            f"{running} of {len(present)} consenters would run, and {quorum} have to sign",
            consenters=sorted(present),
            quorum=quorum,
        )
