"""Who sent an envelope cannot be told from its bytes, moment, size, node, or ring."""

from __future__ import annotations

import secrets
from collections import Counter
from pathlib import Path

import pytest
from tests.unit.edge.guessing import FEATURES, Seen, guess_by, guess_by_owners, guess_by_rounds

from gridledger.crypto.cryptonote.stealth import SpendSecret
from gridledger.edge.issuer import make_batch
from gridledger.edge.membership_wallet import MembershipWallet
from gridledger.edge.ring_drawing import draw_own, draw_ring
from gridledger.edge.sealed_record import publish_address, room, seal_record
from gridledger.edge.side_device import PeriodKeys, sign_envelope
from gridledger.model.edge import IssuedBatch, MembershipPeriod
from gridledger.model.edge_page import BatchAt
from gridledger.model.identifier import SystemIdentifier

HOUSES, NODES, RING, KEYS_EACH = 17, 3, 11, 120
_random = secrets.SystemRandom()


def owners(keys_each: int = KEYS_EACH) -> list[int]:
    """Say whose key stands where, in rounds, as an issuer does it."""
    return [house for _ in range(keys_each) for house in _random.sample(range(HOUSES), HOUSES)]


def play(owner: list[int], hours: int, *, in_turn: bool = False) -> list[Seen]:
    """Let every house send each hour, at a moment that it draws or in turn."""
    unused = {house: [p for p, one in enumerate(owner) if one == house] for house in range(HOUSES)}
    seen = []
    for hour in range(hours):
        order = list(range(HOUSES)) if in_turn else _random.sample(range(HOUSES), HOUSES)
        ranks: Counter[str] = Counter()
        for house in order:
            node = f"node-{house % NODES}"
            place = draw_own(unused[house])
            unused[house].remove(place)
            seen.append(
                Seen(
                    house=house,
                    node=node,
                    hour=hour,
                    rank=ranks[node],
                    size=256,
                    ring=draw_ring(place, HOUSES, RING),
                    round_=place // HOUSES,
                    first_byte=secrets.randbelow(256),
                    view_tag=secrets.randbelow(256),
                )
            )
            ranks[node] += 1
    return seen


@pytest.mark.parametrize("name", sorted(FEATURES))
def test_feature_gives_no_advantage(name: str) -> None:
    guess = guess_by(play(owners(), 100), FEATURES[name])
    assert abs(guess.advantage) < guess.bound


def test_guessing_finds_houses_that_send_in_turn() -> None:
    """The adversary is able to: houses that send in the same order each hour are all found by time."""
    assert guess_by(play(owners(), 20, in_turn=True), FEATURES["time"]).right == 1.0


def test_keys_that_are_all_used_tell_by_their_rounds_who_is_left() -> None:
    """Each house has one key in a round: who knows half of the senders leaves out those that used theirs."""
    guess = guess_by_rounds(play(owners(200), 200))
    print(f"by rounds, as many keys as messages: {guess.right:.1%} right, {guess.advantage:+.1%}")
    assert guess.advantage > guess.bound


def test_keys_in_plenty_leave_rounds_that_tell_nothing() -> None:
    guess = guess_by_rounds(play(owners(8 * 60), 60))
    print(f"by rounds, eight times as many keys: {guess.right:.1%} right, {guess.advantage:+.1%}")
    assert abs(guess.advantage) < guess.bound


def test_issuer_has_no_more_than_the_ring_leaves() -> None:
    """Who knows whose each key is has a ring of as many houses as keys, each as likely."""
    owner = owners()
    guess = guess_by_owners(play(owner, 60), owner, by_node=False)
    assert abs(guess.right - 1 / RING) < guess.bound


def test_every_place_is_drawn_as_often() -> None:
    keys, size, draws = 20, 5, 4_000  # one round
    own, member = Counter[int](), Counter[int]()
    for _ in range(draws):
        place = secrets.randbelow(keys)
        ring = draw_ring(place, keys, size)
        assert len(set(ring)) == size
        member.update(ring)
        own[ring.index(place)] += 1
    expected = draws * size / keys
    assert all(abs(member[place] - expected) < 7 * expected**0.5 for place in range(keys))
    # Where the signer stands in the ring says nothing either.
    assert all(abs(own[index] - draws / size) < 7 * (draws / size) ** 0.5 for index in range(size))


def test_ring_may_be_all_keys() -> None:
    assert draw_ring(2, 5, 5) == (0, 1, 2, 3, 4)
    assert draw_ring(7, 5, 5) == (5, 6, 7, 8, 9)


def test_messages_of_all_devices_have_one_form(tmp_path: Path) -> None:
    """Sealed and signed for real: equal in length member by member, and no value twice."""
    devices = [SpendSecret.generate() for _ in range(4)]
    entry = make_batch(0, [publish_address(one.address) for _ in range(2) for one in devices])
    period = MembershipPeriod(
        issuer=SystemIdentifier("88.1042.1"),
        number=1,
        devices=4,
        keys_per_device=2,
        ring_size=4,
        envelope_bytes=256,
        starts_ms=0,
        ends_ms=1,
        planned_ms=0,
    )
    batch = IssuedBatch(origin=entry.origin, count=len(entry.keys), view_tags=entry.view_tags)
    receiver = publish_address(SpendSecret.generate().address)
    known = PeriodKeys(period=period, keys=entry.keys)
    offered = []
    for number, secret in enumerate(devices):
        with MembershipWallet(tmp_path / f"{number}.db", secret) as wallet:
            assert wallet.learn(period, [BatchAt(first=0, batch=batch)], entry.keys) == 2
            offered += [
                sign_envelope(wallet, known, record, receiver, node="0" * 32)
                for record in (b"", b"x" * room(256))
            ]
            assert wallet.left(period.issuer, 1) == 0
    assert {(len(one.envelope), len(one.signed.signature)) for one in offered} == {(256, 256)}
    for values in (
        [one.envelope for one in offered],
        [one.signed.key_image for one in offered],
        [one.signed.statement.one_time_key for one in offered],
        [one.signed.statement.origin for one in offered],
    ):
        assert len(set(values)) == len(offered)


def test_same_record_is_sealed_differently_each_time() -> None:
    address = publish_address(SpendSecret.generate().address)
    first, second = (seal_record(b"1.5", address, envelope_bytes=128) for _ in range(2))
    assert first.envelope != second.envelope
    assert first.key.public_key != second.key.public_key
