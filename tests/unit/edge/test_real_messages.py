"""What an adversary guesses of who sent what from records of real houses, sealed and signed for real."""

from __future__ import annotations

import secrets
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from tests.integration.edge.households import HOUSES, hourly_records
from tests.unit.edge.guessing import FEATURES, Seen, guess_by, guess_by_rounds

from gridledger.crypto.cryptonote.stealth import SpendSecret
from gridledger.edge.issuer import make_batch
from gridledger.edge.membership_wallet import MembershipWallet
from gridledger.edge.sealed_record import publish_address
from gridledger.edge.side_device import PeriodKeys, sign_envelope
from gridledger.model.edge import IssuedBatch, MembershipPeriod
from gridledger.model.edge_page import BatchAt
from gridledger.model.identifier import SystemIdentifier

HOURS, NODES, RING, KEYS_EACH = 8, 3, 11, 64
NODE_IDS = [f"{number:032x}" for number in range(NODES)]
_random = secrets.SystemRandom()


def send_hours(folder: Path) -> list[Seen]:
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
    with ExitStack() as stack:
        wallets = []
        for number, house in enumerate(houses):
            wallets.append(stack.enter_context(MembershipWallet(folder / f"{number}.db", house)))
            assert wallets[-1].learn(period, [BatchAt(first=0, batch=batch)], entry.keys) == KEYS_EACH
        records = [list(hourly_records(1 + number, HOURS)) for number in range(HOUSES)]
        for hour in range(HOURS):
            ranks: Counter[str] = Counter()
            for number in _random.sample(range(HOUSES), HOUSES):
                node = NODE_IDS[number % NODES]
                offered = sign_envelope(wallets[number], known, records[number][hour], grid, node=node)
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


def test_messages_of_real_houses_give_no_advantage(tmp_path: Path) -> None:
    seen = send_hours(tmp_path)
    assert len(seen) == HOUSES * HOURS
    assert min(Counter(node for node, _ in {(one.node, one.house) for one in seen}).values()) >= 5
    guesses = {name: guess_by(seen, feature) for name, feature in FEATURES.items()}
    guesses["rounds"] = guess_by_rounds(seen)
    for name, guess in guesses.items():
        print(f"by {name}: {guess.right:.1%} right, {guess.chance:.1%} by chance, {guess.advantage:+.1%}")
    assert all(abs(guess.advantage) < guess.bound for guess in guesses.values()), guesses
