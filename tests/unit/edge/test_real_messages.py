"""What an adversary guesses of who sent what from records of real houses, sealed and signed for real."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass

import pytest
from tests.integration.edge.households import HOUSES, hourly_records
from tests.unit.edge.guessing import FEATURES, Seen, guess_by, guess_by_rounds

from gridledger.crypto.cryptonote.stealth import SpendSecret
from gridledger.edge.issuer import make_batch
from gridledger.edge.membership_wallet import FoundKey, OwnKey, find_own_keys, open_own_key
from gridledger.edge.ring_drawing import draw_own
from gridledger.edge.sealed_record import publish_address
from gridledger.edge.side_device import PeriodKeys, sign_envelope
from gridledger.model.edge import IssuedBatch, MembershipPeriod
from gridledger.model.edge_page import BatchAt
from gridledger.model.identifier import SystemIdentifier

HOURS, NODES, RING, KEYS_EACH = 8, 3, 11, 64
NODE_IDS = [f"{number:032x}" for number in range(NODES)]
_random = secrets.SystemRandom()


@dataclass
class Keys:
    """A wallet in memory: what is asked here is what is sent, not what stands on a disk."""

    secret: SpendSecret
    unused: dict[int, FoundKey]

    def take(self, *_: object) -> OwnKey:
        return open_own_key(self.secret, self.unused.pop(draw_own(list(self.unused))))


def send_hours() -> list[Seen]:
    """Let each house seal and sign the record of each hour, at a moment that it draws."""
    period = MembershipPeriod(
        issuer=SystemIdentifier("88.1042.1"),
        number=1,
        devices=HOUSES,
        keys_per_device=KEYS_EACH,
        ring_size=RING,
        envelope_bytes=256,
        starts_ms=0,
        ends_ms=1,
        planned_ms=0,
    )
    houses = [SpendSecret.generate() for _ in range(HOUSES)]
    places = [house for _ in range(KEYS_EACH) for house in _random.sample(houses, HOUSES)]
    entry = make_batch(0, [publish_address(house.address) for house in places])
    batch = IssuedBatch(origin=entry.origin, count=len(entry.keys), view_tags=entry.view_tags)
    known = PeriodKeys(period=period, keys=entry.keys)
    grid = publish_address(SpendSecret.generate().address)
    seen = []
    wallets = []
    for house in houses:
        found = find_own_keys(house.view, [BatchAt(first=0, batch=batch)], entry.keys)
        assert sorted(period.round_of(one.place) for one in found) == list(range(KEYS_EACH))
        wallets.append(Keys(house, {one.place: one for one in found}))
    records = [list(hourly_records(1 + number, HOURS)) for number in range(HOUSES)]
    for hour in range(HOURS):
        ranks: Counter[str] = Counter()
        for number in _random.sample(range(HOUSES), HOUSES):
            wallet, record, node = wallets[number], records[number][hour], NODE_IDS[number % NODES]
            offered = sign_envelope(wallet, known, record, grid, node=node)  # type: ignore[arg-type]
            statement = offered.signed.statement
            seen.append(
                Seen(
                    house=number,
                    node=statement.node,
                    hour=hour,
                    rank=ranks[node],
                    size=len(offered.envelope) + len(offered.signed.to_bytes()),
                    ring=statement.ring,
                    round_=period.round_of(statement.ring[0]),
                    first_byte=statement.envelope.raw[0],
                    view_tag=statement.view_tag,
                )
            )
            ranks[node] += 1
    return seen


@pytest.mark.timeout(600)
def test_messages_of_real_houses_give_no_advantage() -> None:
    seen = send_hours()
    assert len(seen) == HOUSES * HOURS
    assert min(Counter(node for node, _ in {(one.node, one.house) for one in seen}).values()) >= 5
    guesses = {name: guess_by(seen, feature) for name, feature in FEATURES.items()}
    guesses["rounds"] = guess_by_rounds(seen)
    for name, guess in guesses.items():
        print(f"by {name}: {guess.right:.1%} right, {guess.chance:.1%} by chance, {guess.advantage:+.1%}")
    assert all(abs(guess.advantage) < guess.bound for guess in guesses.values()), guesses
