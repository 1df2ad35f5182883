"""Stealth addresses: found by their view secret alone, opened by their spend secret alone."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridledger.crypto.cryptonote import point
from gridledger.crypto.cryptonote.keys import generate_key_image, secret_key_to_public_key
from gridledger.crypto.cryptonote.ring import check_ring_signature
from gridledger.crypto.cryptonote.scalar import ORDER
from gridledger.crypto.cryptonote.signature import check_signature
from gridledger.crypto.cryptonote.signing import generate_ring_signature, generate_signature
from gridledger.crypto.cryptonote.stealth import OneTimeKey, Sent, SpendSecret, StealthAddress, ViewSecret
from gridledger.crypto.errors import AddressMalformed, KeyMalformed, PointOutOfGroup, ScalarMalformed
from gridledger.crypto.sealing import open_seal, seal
from gridledger.crypto.secret_key import SecretKey

TORSION = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
SMALL = [point.IDENTITY, bytes(32), TORSION, (2**255 - 20).to_bytes(32, "little"), b"\xff" * 32]
"""Points of small order, and what is no point's encoding."""
HASH = bytes(range(32))
DEVICE, OTHER = SpendSecret.generate(), SpendSecret.generate()
SENT = Sent.to(DEVICE.address)


def test_receiver_alone_finds_and_opens() -> None:
    sealed = seal(SENT.sealing_key.reveal(), b"1.25 kWh", SENT.key.public_key)
    assert list(DEVICE.view.scan([Sent.to(OTHER.address).key, SENT.key])) == [SENT.key]
    assert open_seal(DEVICE.open(SENT.key).sealing_key.reveal(), sealed, SENT.key.public_key) == b"1.25 kWh"
    assert not OTHER.view.owns(SENT.key)
    with pytest.raises(KeyMalformed):
        OTHER.open(SENT.key)


def test_view_secret_finds_and_has_no_way_to_the_seal() -> None:
    gateway = ViewSecret(SecretKey(DEVICE.view.reveal().reveal()), DEVICE.address.spend_key)
    assert gateway.owns(SENT.key)
    derivation = gateway.derive(SENT.key)
    assert derivation is not None
    assert SecretKey(derivation) != SENT.sealing_key
    assert not hasattr(gateway, "open")


def test_one_time_secret_signs_receipts_and_rings() -> None:
    secret = DEVICE.open(SENT.key)
    x = secret.secret_key.reveal()
    assert secret_key_to_public_key(x) == secret.public_key == SENT.key.public_key
    assert check_signature(HASH, SENT.key.public_key, generate_signature(HASH, SENT.key.public_key, x))
    ring = sorted([SENT.key.public_key, *(Sent.to(OTHER.address).key.public_key for _ in range(3))])
    image = generate_key_image(SENT.key.public_key, x)
    signature = generate_ring_signature(HASH, image, ring, x, ring.index(SENT.key.public_key))
    assert check_ring_signature(HASH, image, ring, signature)


def test_keys_at_one_address_have_nothing_in_common() -> None:
    keys = [Sent.to(DEVICE.address).key for _ in range(8)]
    assert len({key.public_key for key in keys} | {key.sender_key for key in keys}) == 16
    public = b"".join(key.public_key + key.sender_key for key in keys)
    assert DEVICE.address.spend_key not in public
    assert DEVICE.address.view_key not in public


@given(st.sampled_from(["public_key", "sender_key"]), st.integers(0, 255))
@settings(max_examples=40, deadline=None)
def test_key_with_a_flipped_bit_is_nobodys(field: str, bit: int) -> None:
    flipped = int.from_bytes(getattr(SENT.key, field), "little") ^ 1 << bit
    assert not DEVICE.view.owns(replace(SENT.key, **{field: flipped.to_bytes(32, "little")}))


def test_key_with_another_tag_is_passed_over() -> None:
    tags = [bytes([tag]) for tag in range(256)]
    assert [t for t in tags if DEVICE.view.owns(replace(SENT.key, view_tag=t))] == [SENT.key.view_tag]


@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=2))
def test_hostile_keys_are_nobodys(public_key: bytes, sender_key: bytes, view_tag: bytes) -> None:
    key = OneTimeKey(public_key=public_key, sender_key=sender_key, view_tag=view_tag)
    assert not DEVICE.view.owns(key)


def test_sender_key_with_torsion_is_read_as_published() -> None:
    assert DEVICE.view.owns(replace(SENT.key, sender_key=point.add(SENT.key.sender_key, TORSION)))


@given(st.integers(1, ORDER - 1))
@settings(max_examples=4, deadline=None)
def test_scan_finds_what_is_owned_and_nothing_else(number: int) -> None:
    """By every view secret, those included that X25519 cannot take, and whatever the keys are."""
    spend = SecretKey(number.to_bytes(32, "little"))
    device = SpendSecret(spend)
    for view in (device.view, ViewSecret(spend, device.address.spend_key)):
        own = [Sent.to(view.address).key for _ in range(3)]
        twisted = [replace(key, sender_key=point.add(key.sender_key, TORSION)) for key in own]
        small = [replace(SENT.key, sender_key=key, view_tag=bytes([t])) for key in SMALL for t in range(3)]
        tagged = [replace(SENT.key, view_tag=bytes([tag])) for tag in range(0, 256, 4)]
        keys = [*own, SENT.key, *twisted, *small, *tagged, replace(own[0], sender_key=b"short"), own[0]]
        assert list(view.scan(keys)) == [key for key in keys if view.owns(key)]
        assert {*own, *twisted} <= set(view.scan(keys))


@pytest.mark.parametrize("number", [1, 2, ORDER - 1, 2**252, 2**252 - 1, 2**251, 2**251 - 1])
def test_scan_finds_keys_of_view_secrets_at_the_edges(number: int) -> None:
    view = ViewSecret(SecretKey(number.to_bytes(32, "little")), DEVICE.address.spend_key)
    keys = [Sent.to(view.address).key for _ in range(4)]
    assert list(view.scan([SENT.key, *keys])) == keys


@given(st.integers(1, ORDER - 1))
@settings(max_examples=10, deadline=None)
def test_address_is_read_from_its_text(number: int) -> None:
    address = SpendSecret(SecretKey(number.to_bytes(32, "little"))).address
    assert StealthAddress.parse(str(address)) == address


@given(st.integers(0, 143), st.sampled_from("0123456789abcdefABCZ :"))
@settings(max_examples=60, deadline=None)
def test_address_with_a_changed_letter_is_refused(at: int, letter: str) -> None:
    text = str(DEVICE.address)
    assert len(text) == 144
    changed = text[:at] + letter + text[at + 1 :]
    if changed != text:
        with pytest.raises(AddressMalformed):
            StealthAddress.parse(changed)


@pytest.mark.parametrize("text", ["", "stealth:", "stealth:00", "stealth:é", str(DEVICE.address)[8:]])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressMalformed):
        StealthAddress.parse(text)


def test_address_out_of_the_group_is_refused() -> None:
    with pytest.raises(PointOutOfGroup):
        StealthAddress(spend_key=point.add(DEVICE.address.spend_key, TORSION), view_key=SENT.key.public_key)
    with pytest.raises(PointOutOfGroup):
        StealthAddress(spend_key=DEVICE.address.spend_key, view_key=point.IDENTITY)


@pytest.mark.parametrize("number", [0, ORDER, 2**256 - 1])
def test_secret_that_is_no_scalar_is_refused(number: int) -> None:
    with pytest.raises(ScalarMalformed):
        SpendSecret(SecretKey(number.to_bytes(32, "little")))


def test_secrets_are_in_no_repr_and_not_pickled() -> None:
    opened = DEVICE.open(SENT.key)
    secrets = [DEVICE.reveal(), DEVICE.view.reveal(), opened.secret_key, opened.sealing_key]
    for shown in (DEVICE, DEVICE.view, opened, SENT):
        assert not [secret for secret in secrets if secret.reveal().hex() in f"{shown!r} {shown}"]
        with pytest.raises(TypeError):
            pickle.dumps(shown)
