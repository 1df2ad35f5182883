"""The count of an election and the arithmetic of quorums, for all numbers and all orders."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.model.council import (
    MAX_SEATS,
    ElectionResult,
    ElectionRules,
    Elector,
    Hindrance,
    Vote,
    VoteEntry,
    quorum,
    survived_faults,
)
from gridledger.model.council_count import Standing, count_votes, followed_votes
from gridledger.model.errors import ModelError
from gridledger.model.identifier import SystemIdentifier

ROOT = SystemIdentifier("88.1042")
CANDIDATES = [f"{number:032x}" for number in range(10)]
ORGANISATIONS = [f"Org{number}MSP" for number in range(8)]


@pytest.mark.parametrize("nodes", range(1, MAX_SEATS + 1))
def test_quorum_outvotes_the_faulty_and_is_reached_without_them(nodes: int) -> None:
    approvals, faulty = quorum(nodes), survived_faults(nodes)
    assert 3 * approvals >= 2 * nodes + 1 > 3 * (approvals - 1)
    assert 3 * faulty <= nodes - 1 < 3 * (faulty + 1)
    # Two decisions have an honest super node in common, and those that are honest decide alone.
    assert 2 * approvals - nodes > faulty
    assert approvals <= nodes - faulty


def vote(organisation: str, *candidates: str, delegate: str | None = None) -> Vote:
    entry = VoteEntry(candidates=tuple(sorted(candidates)), delegate=delegate)
    return Vote(root=ROOT, election=1, organisation=organisation, entry=entry, cast_ms=1)


def rules(weights: dict[str, int], seats: int = 2, per_organisation: int = MAX_SEATS) -> ElectionRules:
    electors = tuple(Elector(organisation=one, weight=weights[one]) for one in sorted(weights))
    return ElectionRules(
        seats=seats, seats_per_organisation=per_organisation, term_ms=60_000, electors=electors
    )


def counted(law: ElectionRules, votes: list[Vote], standings: dict[str, Standing]) -> ElectionResult:
    return count_votes(law, votes, standings, counted_ms=5)


entries = st.one_of(
    st.sets(st.sampled_from(CANDIDATES), min_size=1).map(lambda s: VoteEntry(candidates=tuple(sorted(s)))),
    st.sampled_from(ORGANISATIONS).map(lambda one: VoteEntry(delegate=one)),
)
hindrances = st.sampled_from([None, None, None, Hindrance.CREDIT])
standing_of = st.builds(
    Standing,
    organisation=st.sampled_from(ORGANISATIONS[:3]),
    credit=st.integers(60, 62),
    since_ms=st.integers(1, 3),
    hindrance=hindrances,
)


@given(
    weights=st.dictionaries(st.sampled_from(ORGANISATIONS), st.integers(1, 3), min_size=1),
    cast=st.dictionaries(st.sampled_from(ORGANISATIONS), entries),
    standings=st.dictionaries(st.sampled_from(CANDIDATES), standing_of),
    seats=st.integers(1, 12),
    per_organisation=st.integers(1, 4),
    seed=st.integers(0, 10**6),
)
def test_count_is_proof_against_permutation_and_gives_seats_in_order(
    weights: dict[str, int],
    cast: dict[str, VoteEntry],
    standings: dict[str, Standing],
    seats: int,
    per_organisation: int,
    seed: int,
) -> None:
    law = rules(weights, seats, per_organisation)
    votes = [
        Vote(root=ROOT, election=1, organisation=one, entry=entry, cast_ms=1)
        for one, entry in cast.items()
        if one in weights
    ]
    result = counted(law, votes, standings)
    shuffled, drawn = list(votes), list(standings.items())
    random.Random(seed).shuffle(shuffled)
    random.Random(seed).shuffle(drawn)
    assert counted(law, shuffled, dict(drawn)).to_bytes() == result.to_bytes()

    places = [(-one.weight, -one.credit, one.since_ms, one.candidate) for one in result.tallies]
    assert places == sorted(set(places))
    assert len(result.elected) <= seats
    assert result.weight_cast <= result.weight_total == sum(weights.values())
    of = [one.organisation for one in result.tallies if one.hindrance is None]
    assert all(of.count(one) <= per_organisation for one in of)
    assert all(standings[one].hindrance is None for one in result.elected)
    # Nobody is passed over who could have had a seat.
    for tally in result.tallies:
        if tally.hindrance is Hindrance.SEATS:
            assert len(result.elected) == seats
        if tally.hindrance is Hindrance.ORGANISATION:
            assert of.count(tally.organisation) == per_organisation


@pytest.mark.parametrize("seats", [1, 2, 3, 7, 10])
def test_any_number_of_candidates_can_be_elected(seats: int) -> None:
    standings = {
        one: Standing(organisation=one, credit=80, since_ms=number) for number, one in enumerate(CANDIDATES)
    }
    result = counted(rules({"A": 1}, seats), [vote("A", *CANDIDATES)], standings)
    assert result.elected == tuple(CANDIDATES[:seats])


def test_ties_are_decided_by_credit_then_time_then_id() -> None:
    a, b, c, d = CANDIDATES[:4]
    standings = {
        d: Standing(organisation="D", credit=90, since_ms=9),
        c: Standing(organisation="C", credit=80, since_ms=1),
        a: Standing(organisation="A", credit=80, since_ms=2),
        b: Standing(organisation="B", credit=80, since_ms=2),
    }
    result = counted(rules({"A": 1}, 4), [vote("A", a, b, c, d)], standings)
    assert result.elected == (d, c, a, b)


def test_delegated_vote_follows_its_delegate_and_dies_in_a_circle() -> None:
    law = rules({"A": 1, "B": 2, "C": 4, "D": 8, "E": 16, "F": 32})
    votes = [
        vote("A", CANDIDATES[0]),
        vote("B", delegate="A"),
        vote("C", delegate="B"),
        vote("D", delegate="E"),
        vote("E", delegate="D"),
        vote("F", delegate="nobody"),
    ]
    assert followed_votes(law, votes) == dict.fromkeys("ABC", (CANDIDATES[0],))
    result = counted(law, votes, {CANDIDATES[0]: Standing(organisation="A", credit=70, since_ms=1)})
    assert (result.tallies[0].weight, result.tallies[0].votes) == (7, 3)
    assert (result.weight_cast, result.weight_total) == (7, 63)


def test_candidate_that_nobody_knows_has_no_seat() -> None:
    result = counted(rules({"A": 1}), [vote("A", CANDIDATES[0])], {})
    assert [one.hindrance for one in result.tallies] == [Hindrance.CANDIDACY]


@pytest.mark.parametrize(
    "entry", [{}, {"candidates": ("0" * 32,), "delegate": "A"}, {"candidates": ("1" * 32, "0" * 32)}]
)
def test_vote_of_another_form_is_refused(entry: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        VoteEntry(**entry)  # type: ignore[arg-type]
