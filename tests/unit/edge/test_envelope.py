"""Sealing, the wallet, a storage node's own store, and which nodes keep a copy."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.crypto.cryptonote.stealth import SpendSecret
from gridledger.crypto.errors import SealBroken
from gridledger.edge.envelope_store import EnvelopeStore
from gridledger.edge.errors import (
    EnvelopeMissing,
    EnvelopeUnreadable,
    NoKeyLeft,
    RecordTooLong,
    RegisterIncomplete,
)
from gridledger.edge.issuer import make_batch
from gridledger.edge.membership_wallet import MembershipWallet
from gridledger.edge.node_shares import content_of
from gridledger.edge.passing_on import PassedEnvelope, read_bundle
from gridledger.edge.replication import holders
from gridledger.edge.sealed_record import open_record, publish_address, room, seal_record
from gridledger.model.digest import Digest
from gridledger.model.edge import IssuedBatch, MembershipPeriod, NodeEntry, StorageNode
from gridledger.model.edge_page import BatchAt
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.states import ApplicationState
from gridledger.model.system import Agent

ISSUER = SystemIdentifier("88.1042.1")
BYTES = 128
PERIOD = MembershipPeriod(
    issuer=ISSUER,
    number=1,
    devices=3,
    keys_per_device=2,
    ring_size=3,
    envelope_bytes=BYTES,
    starts_ms=0,
    ends_ms=1,
    planned_ms=0,
)
RECEIVER = SpendSecret.generate()
ADDRESS = publish_address(RECEIVER.address)


@given(st.binary(max_size=room(BYTES)))
def test_record_comes_back_whole(record: bytes) -> None:
    sealed = seal_record(record, ADDRESS, envelope_bytes=BYTES)
    assert len(sealed.envelope) == BYTES
    assert open_record(sealed.envelope, sealed.key, RECEIVER.open(sealed.key)) == record


def test_record_that_does_not_fit_is_refused() -> None:
    with pytest.raises(RecordTooLong):
        seal_record(bytes(room(BYTES) + 1), ADDRESS, envelope_bytes=BYTES)


@given(st.integers(0, 8 * BYTES - 1))
def test_changed_envelope_does_not_open(bit: int) -> None:
    sealed = seal_record(b"1.5", ADDRESS, envelope_bytes=BYTES)
    changed = bytearray(sealed.envelope)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealBroken):
        open_record(bytes(changed), sealed.key, RECEIVER.open(sealed.key))


def test_envelope_of_another_key_does_not_open() -> None:
    first, second = (seal_record(b"1.5", ADDRESS, envelope_bytes=BYTES) for _ in range(2))
    with pytest.raises(SealBroken):
        open_record(first.envelope, second.key, RECEIVER.open(second.key))


def test_wallet_uses_each_key_once_and_remembers(tmp_path: Path) -> None:
    other = SpendSecret.generate()
    addresses = [publish_address(SpendSecret.generate().address), publish_address(other.address)]
    entry = make_batch(0, [ADDRESS, *addresses, addresses[0], ADDRESS, addresses[1]])
    batch = IssuedBatch(origin=entry.origin, count=6, view_tags=entry.view_tags)
    found = [BatchAt(first=0, batch=batch)]
    with MembershipWallet(tmp_path / "wallet.db", RECEIVER) as wallet:
        assert wallet.learn(PERIOD, found, entry.keys) == 2
        first = wallet.take(ISSUER, 1)
        assert first.public == entry.keys[first.place]
        assert "secret" not in repr(first)
    with MembershipWallet(tmp_path / "wallet.db", RECEIVER) as wallet:
        wallet.learn(PERIOD, found, entry.keys)
        assert wallet.left(ISSUER, 1) == 1
        assert {first.place, wallet.take(ISSUER, 1).place} == {0, 4}
        with pytest.raises(NoKeyLeft):
            wallet.take(ISSUER, 1)
        with pytest.raises(NoKeyLeft):
            wallet.take(ISSUER, 2)


def test_device_without_a_key_in_each_round_is_warned(tmp_path: Path) -> None:
    other = publish_address(SpendSecret.generate().address)
    for addresses in ([ADDRESS, ADDRESS, other, other, other, other], [ADDRESS, *[other] * 5]):
        entry = make_batch(0, addresses)
        batch = IssuedBatch(origin=entry.origin, count=6, view_tags=entry.view_tags)
        with MembershipWallet(tmp_path / "wallet.db", RECEIVER) as wallet:
            with pytest.raises(RegisterIncomplete):
                wallet.learn(PERIOD, [BatchAt(first=0, batch=batch)], entry.keys)
            assert wallet.left(ISSUER, 1) == 0


def test_store_keeps_confirms_withdraws(tmp_path: Path) -> None:
    now = 1_000.0
    with EnvelopeStore(tmp_path / "node.db", clock=lambda: now) as store:
        kept, waiting = store.keep(b"kept", deposit="d" * 64), Digest.of(b"waiting")
        store.offer(b"waiting", "e" * 64)
        store.offer(b"waiting", "f" * 64)
        assert (store.read(kept), len(store)) == (b"kept", 2)
        assert store.having([waiting, kept, Digest.of(b"absent")]) == sorted([waiting, kept])
        assert store.unsettled(1_000_000) == []
        assert store.unsettled(1_000_001) == [(waiting, "e" * 64), (waiting, "f" * 64)]
        store.withdraw(kept, "d" * 64)
        store.withdraw(waiting, "e" * 64)
        assert store.having([waiting, kept]) == sorted([waiting, kept])
        store.withdraw(waiting, "f" * 64)
        assert not store.has(waiting)
        store.offer(b"waiting", "e" * 64)
        store.confirm(waiting, "e" * 64)
        store.withdraw(waiting, "e" * 64)
        assert store.has(waiting)
        assert store.unsettled(2_000_000) == []
        with pytest.raises(EnvelopeMissing):
            store.read(Digest.of(b"absent"))
    assert (tmp_path / "node.db").stat().st_mode & 0o077 == 0


def test_store_gives_no_rotten_envelope(tmp_path: Path) -> None:
    with EnvelopeStore(tmp_path / "node.db") as store:
        digest = store.keep(b"envelope")
    database = sqlite3.connect(tmp_path / "node.db", isolation_level=None)
    database.execute("UPDATE envelope SET body = ?", (b"rotten!!",))
    database.close()
    with EnvelopeStore(tmp_path / "node.db") as store, pytest.raises(EnvelopeMissing):
        store.read(digest)


def node(number: int) -> StorageNode:
    return StorageNode(
        id=f"{number:032x}",
        root=SystemIdentifier("88.1042"),
        entry=NodeEntry(name=f"node {number}", server="http://127.0.0.1:1"),
        agent=Agent(msp_id="Org1MSP", subject="node", public_key=bytes(33)),
        state=ApplicationState.APPROVED,
        registered_ms=0,
    )


def test_copies_are_on_the_origin_and_others_and_few_move() -> None:
    nodes = [node(number) for number in range(1, 6)]
    moved = 0
    for number in range(200):
        envelope = Digest.of(b"%d" % number)
        before = holders(envelope, nodes, origin=nodes[0].id, factor=3)
        assert before[0] == nodes[0].id
        assert len(set(before)) == 3
        after = holders(envelope, nodes[:-1], origin=nodes[0].id, factor=3)
        # Only copies of the node that went find another place.
        assert set(before) - {nodes[-1].id} <= set(after)
        moved += before != after
    assert 0 < moved < 200
    assert holders(Digest.of(b"x"), nodes[:2], origin="f" * 32, factor=3) != []
    assert len(holders(Digest.of(b"x"), nodes[:2], origin="f" * 32, factor=3)) == 2


def test_content_is_the_same_in_any_order() -> None:
    digests = [Digest.of(b"a"), Digest.of(b"b")]
    assert content_of(digests) == content_of(reversed(digests))
    assert content_of(digests) != content_of(digests[:1])


def test_bundle_is_read_line_by_line() -> None:
    passed = [PassedEnvelope(deposit=f"{number:064x}", envelope=b"sealed") for number in range(2)]
    assert read_bundle(b"".join(one.to_bytes() + b"\n" for one in passed)) == passed
    with pytest.raises(EnvelopeUnreadable):
        read_bundle(b"{}\n")
