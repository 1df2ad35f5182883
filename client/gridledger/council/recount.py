"""An election's count, done again by whoever does not take the contract's word for it."""

from __future__ import annotations

from collections.abc import Iterable

from gridledger.model.council import Council, Election, ElectionState, Hindrance, Vote
from gridledger.model.council_count import Standing, count_votes

__all__ = ["differences"]

_OF_THE_ORDER = (Hindrance.SEATS, Hindrance.ORGANISATION)
"""What follows from the count; all else was known of the candidate before."""


def differences(election: Election, votes: Iterable[Vote], council: Council | None = None) -> tuple[str, ...]:
    """Say where an election's result is not what its votes lead to.

    Parameters
    ----------
    election : Election
        Counted.
    votes : iterable of Vote
        All that stand on the ledger.
    council : Council, optional
        The one of this election, if it sits.

    Returns
    -------
    tuple of str
        Members of the result that differ; empty where all is as it should be.

    Notes
    -----
    Credits are those of the moment of the count, as the result has them: what they were then the ledger's
    history of the systems says.
    """
    result = election.result
    if result is None:
        return ("result",)
    standings = {
        one.candidate: Standing(
            organisation=one.organisation,
            credit=one.credit,
            since_ms=one.since_ms,
            hindrance=None if one.hindrance in _OF_THE_ORDER else one.hindrance,
        )
        for one in result.tallies
    }
    again = count_votes(election.rules, votes, standings, counted_ms=result.counted_ms)
    found = [name for name, value in vars(result).items() if vars(again)[name] != value]
    decided = len(again.elected) == election.rules.seats
    if election.state is not (ElectionState.DECIDED if decided else ElectionState.VOID):
        found.append("state")
    if council is not None and [one.id for one in council.members] != sorted(again.elected):
        found.append("members")
    return tuple(found)
