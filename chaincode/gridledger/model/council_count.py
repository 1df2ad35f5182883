"""The count of an election: from votes and standings to seats, the same whoever counts and in any order.

1. A delegated vote follows its delegate, and that one's, to an organisation with candidates; where there is
   none, or the chain leads back to itself, it is not cast.
2. Every candidate on it gets the whole weight of the organisation.
3. Candidates stand in the order of weight, then credit, then time of their registration (the earlier first),
   then id. The first three decide ties by what nobody can choose afterwards; ids make the order total.
4. Seats go down this order to those whom nothing hinders, while their organisation has seats left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gridledger.model.council import (
    ElectionResult,
    ElectionRules,
    Hindrance,
    Tally,
    Vote,
)
from gridledger.model.digest import Digest

__all__ = ["Standing", "count_votes", "digest_of_votes", "followed_votes"]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a count knows of a candidate besides its votes."""

    organisation: str | None
    credit: int
    since_ms: int
    hindrance: Hindrance | None = None
    """What keeps it from any seat."""


_NOBODY = Standing(organisation=None, credit=0, since_ms=0, hindrance=Hindrance.CANDIDACY)


def followed_votes(rules: ElectionRules, votes: Iterable[Vote]) -> dict[str, tuple[str, ...]]:
    """Return the candidates of each elector whose vote is cast, by itself or by its delegates.

    Notes
    -----
    As many steps as there are electors at most, for each of them.
    """
    cast = {vote.organisation: vote.entry for vote in votes}
    found: dict[str, tuple[str, ...]] = {}
    for elector in rules.electors:
        at: str | None = elector.organisation
        seen: set[str] = set()
        while at is not None and at in cast and at not in seen:
            seen.add(at)
            if cast[at].delegate is None:
                found[elector.organisation] = cast[at].candidates
            at = cast[at].delegate
    return found


def digest_of_votes(votes: Iterable[Vote]) -> Digest:
    """Return the digest that a result has of its votes."""
    ordered = sorted(votes, key=lambda vote: vote.organisation)
    return Digest.of(b"".join(vote.to_bytes() for vote in ordered))


def count_votes(
    rules: ElectionRules, votes: Iterable[Vote], standings: Mapping[str, Standing], *, counted_ms: int
) -> ElectionResult:
    """Count an election.

    Parameters
    ----------
    rules : ElectionRules
        Those that it was opened under.
    votes : iterable of Vote
        At most one of each elector; in any order.
    standings : mapping of str to Standing
        By candidate; who is missing has no candidacy.
    counted_ms : int
        When, milliseconds since 1970.

    Returns
    -------
    ElectionResult
        With a tally for everybody who got a vote. The election decides if as many have seats as there are.
    """
    all_votes = list(votes)
    followed = followed_votes(rules, all_votes)
    weights: dict[str, int] = {}
    voters: dict[str, int] = {}
    for elector in rules.electors:
        for candidate in followed.get(elector.organisation, ()):
            weights[candidate] = weights.get(candidate, 0) + elector.weight
            voters[candidate] = voters.get(candidate, 0) + 1
    known = {candidate: standings.get(candidate, _NOBODY) for candidate in weights}
    ordered = sorted(weights, key=lambda one: (-weights[one], -known[one].credit, known[one].since_ms, one))
    seats: dict[str, int] = {}
    tallies: list[Tally] = []
    for candidate in ordered:
        standing = known[candidate]
        hindrance = standing.hindrance
        if hindrance is None and sum(seats.values()) == rules.seats:
            hindrance = Hindrance.SEATS
        organisation = standing.organisation or ""
        if hindrance is None and seats.get(organisation, 0) == rules.seats_per_organisation:
            hindrance = Hindrance.ORGANISATION
        if hindrance is None:
            seats[organisation] = seats.get(organisation, 0) + 1
        tallies.append(
            Tally(
                candidate=candidate,
                organisation=standing.organisation,
                weight=weights[candidate],
                votes=voters[candidate],
                credit=standing.credit,
                since_ms=standing.since_ms,
                hindrance=hindrance,
            )
        )
    return ElectionResult(
        counted_ms=counted_ms,
        votes=len(all_votes),
        weight_cast=sum(one.weight for one in rules.electors if one.organisation in followed),
        weight_total=sum(one.weight for one in rules.electors),
        vote_digest=digest_of_votes(all_votes),
        tallies=tuple(tallies),
    )
