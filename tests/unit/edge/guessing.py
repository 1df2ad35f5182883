"""An adversary that guesses which house sent an envelope, and how much better than chance it does.

It is given what nobody should have: who sent the first half of all envelopes. From these it learns how often
each house goes with each thing that it sees; of the second half it names the likeliest house.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

__all__ = ["FEATURES", "Guess", "Seen", "guess_by", "guess_by_owners", "guess_by_rounds"]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """An envelope as an adversary sees it, and who sent it."""

    house: int
    node: str
    hour: int
    rank: int
    """How many came before it through its node in its hour."""
    size: int
    """Bytes of the envelope, the statement and the signature."""
    ring: tuple[int, ...]
    round_: int
    """Of the ring: each house has one key in it."""
    first_byte: int
    """Of the envelope's digest."""
    view_tag: int


FEATURES: dict[str, Callable[[Seen], Hashable]] = {
    "node": lambda one: 0,
    "time": lambda one: one.rank,
    "size": lambda one: one.size,
    "bytes": lambda one: (one.first_byte // 32, one.view_tag // 128),
    "ring": lambda one: (one.ring[0] % 17 // 4, one.ring[-1] % 17 // 4),
}
"""What an adversary may guess by, beside the node."""


@dataclass(frozen=True, kw_only=True)
class Guess:
    """How often an adversary was right, and how often one is who only knows the node."""

    guesses: int
    right: float
    chance: float

    @property
    def advantage(self) -> float:
        """Right guesses beyond chance, as a share of all."""
        return self.right - self.chance

    @property
    def deviation(self) -> float:
        """Standard deviation of the share that an adversary who knows nothing has right."""
        return math.sqrt(self.chance * (1 - self.chance) / self.guesses)

    @property
    def bound(self) -> float:
        """What an adversary who knows nothing stays below, but once in a billion."""
        return 6 * self.deviation


def guess_by(seen: Sequence[Seen], feature: Callable[[Seen], Hashable]) -> Guess:
    """Guess by one thing that is seen, within the houses of the envelope's node."""
    half = len(seen) // 2
    counts: defaultdict[Hashable, Counter[int]] = defaultdict(Counter)
    for one in seen[:half]:
        counts[one.node, feature(one)][one.house] += 1
    houses = _houses(seen)
    right = sum(
        max(houses[one.node], key=lambda house, one=one: (counts[one.node, feature(one)][house], house))
        == one.house
        for one in seen[half:]
    )
    return _guess(seen[half:], right, houses)


def guess_by_rounds(seen: Sequence[Seen]) -> Guess:
    """Leave out the houses of the node that are known to have used their key of the ring's round."""
    half = len(seen) // 2
    used: defaultdict[int, set[int]] = defaultdict(set)
    for one in seen[:half]:
        used[one.round_].add(one.house)
    houses = _houses(seen)
    right = sum(1 / len(houses[one.node] - used[one.round_]) for one in seen[half:])
    return _guess(seen[half:], right, houses)


def guess_by_owners(seen: Sequence[Seen], owner: Sequence[int], *, by_node: bool) -> Guess:
    """Guess as the issuer, who knows whose each key is: the house with most keys of the ring.

    Parameters
    ----------
    seen : sequence of Seen
    owner : sequence of int
        House of the key at each place.
    by_node : bool
        Whether a storage node tells it which houses it serves.
    """
    houses = _houses(seen)
    right = 0.0
    for one in seen:
        among = houses[one.node] if by_node else {house for some in houses.values() for house in some}
        counts = Counter(owner[place] for place in one.ring if owner[place] in among)
        most = max(counts.values(), default=0)
        best = [house for house, count in counts.items() if count == most]
        right += (one.house in best) / max(1, len(best))
    guess = _guess(seen, right, houses)
    return guess if by_node else Guess(guesses=guess.guesses, right=guess.right, chance=1 / len(set(owner)))


def _houses(seen: Sequence[Seen]) -> dict[str, set[int]]:
    houses: defaultdict[str, set[int]] = defaultdict(set)
    for one in seen:
        houses[one.node].add(one.house)
    return houses


def _guess(seen: Sequence[Seen], right: float, houses: dict[str, set[int]]) -> Guess:
    chance = sum(1 / len(houses[one.node]) for one in seen) / len(seen)
    return Guess(guesses=len(seen), right=right / len(seen), chance=chance)
