"""Scalars, points and keys: what is taken, what is refused, and that integers and libsodium agree."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridledger.crypto.cryptonote import edwards, point
from gridledger.crypto.cryptonote.hash_to_point import hash_to_ec, hash_to_point
from gridledger.crypto.cryptonote.keccak import cn_fast_hash
from gridledger.crypto.cryptonote.keys import (
    derive_public_key,
    derive_secret_key,
    derive_view_tag,
    generate_key_derivation,
    generate_key_image,
    secret_key_to_public_key,
    underive_public_key,
)
from gridledger.crypto.cryptonote.scalar import ORDER, ZERO, check_scalar, hash_to_scalar
from gridledger.crypto.cryptonote.signature import check_signature
from gridledger.crypto.cryptonote.signing import generate_keys, generate_signature, random_scalar
from gridledger.crypto.errors import (
    KeyMalformed,
    PointMalformed,
    PointOutOfGroup,
    RingMalformed,
    ScalarMalformed,
)

TORSION = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
PUBLIC, SECRET = generate_keys()
HASH = bytes(range(32))
TOO_LARGE = ORDER.to_bytes(32, "little")

scalars = st.integers(0, ORDER - 1).map(lambda value: value.to_bytes(32, "little"))


@given(scalars, st.integers(0, 7))
@settings(max_examples=20, deadline=None)
def test_integers_and_libsodium_multiply_alike(scalar: bytes, torsion: int) -> None:
    decoded = edwards.decode(PUBLIC)
    assert decoded is not None
    ours = edwards.encode(edwards.multiply(int.from_bytes(scalar, "little"), decoded))
    assert ours == point.multiply_any(scalar, PUBLIC) == point.multiply(scalar, PUBLIC, "it")
    mixed = PUBLIC
    for _ in range(torsion):
        mixed = point.add(mixed, TORSION)
    # What a torsion part of order 8 adds is its multiple by the scalar modulo 8.
    wanted = ours
    for _ in range(int.from_bytes(scalar, "little") * torsion % 8):
        wanted = point.add(wanted, TORSION)
    assert point.multiply_any(scalar, mixed) == wanted


@given(st.binary(min_size=32, max_size=32))
@settings(max_examples=50, deadline=None)
def test_integers_and_libsodium_decode_alike(data: bytes) -> None:
    assert point.check_key(data) == (edwards.decode(data) is not None)
    assert point.check_key(hash_to_point(data))
    assert point.in_group(hash_to_ec(data))


@given(st.binary(min_size=32, max_size=32))
@settings(max_examples=100, deadline=None)
def test_integers_and_libsodium_hash_to_the_same_point(data: bytes) -> None:
    mapped = edwards.decode(hash_to_point(cn_fast_hash(data)))
    assert mapped is not None
    assert edwards.encode(edwards.multiply(8, mapped)) == hash_to_ec(data)


@given(scalars, st.integers(0, 7))
@settings(max_examples=20, deadline=None)
def test_derivation_forgets_torsion(secret: bytes, torsion: int) -> None:
    mixed = PUBLIC
    for _ in range(torsion):
        mixed = point.add(mixed, TORSION)
    assert generate_key_derivation(mixed, secret) == generate_key_derivation(PUBLIC, secret)
    assert generate_key_derivation(TORSION, secret) == point.IDENTITY


def test_both_sides_derive_the_same() -> None:
    public, secret = generate_keys()
    assert generate_key_derivation(public, SECRET) == generate_key_derivation(PUBLIC, secret)


@given(st.integers(0, 2**64 - 1))
@settings(max_examples=20, deadline=None)
def test_one_time_keys_are_pairs_and_lead_back(index: int) -> None:
    derivation = generate_key_derivation(*generate_keys())
    one_time = derive_public_key(derivation, index, PUBLIC)
    assert secret_key_to_public_key(derive_secret_key(derivation, index, SECRET)) == one_time
    assert underive_public_key(derivation, index, one_time) == PUBLIC


@pytest.mark.parametrize("index", [-1, 2**64])
def test_index_out_of_its_range_is_refused(index: int) -> None:
    for call in (
        lambda: derive_public_key(HASH, index, PUBLIC),
        lambda: derive_secret_key(HASH, index, SECRET),
        lambda: underive_public_key(HASH, index, PUBLIC),
        lambda: derive_view_tag(HASH, index),
    ):
        with pytest.raises(ScalarMalformed):
            call()


@pytest.mark.parametrize("scalar", [TOO_LARGE, b"", bytes(31), bytes(33), bytes([0xFF]) * 32])
def test_what_is_no_scalar_is_refused_and_not_shown(scalar: bytes) -> None:
    assert not check_scalar(scalar)
    for call in (
        lambda: secret_key_to_public_key(scalar),
        lambda: generate_key_derivation(PUBLIC, scalar),
        lambda: derive_secret_key(HASH, 0, scalar),
        lambda: generate_key_image(PUBLIC, scalar),
    ):
        with pytest.raises(ScalarMalformed) as raised:
            call()
        assert not scalar or scalar.hex() not in f"{raised.value!r}{raised.value.fields}"


@pytest.mark.parametrize("data", [b"", bytes(31), bytes([2]) + bytes(31), bytes([0xFF]) * 32])
def test_what_is_no_point_is_refused(data: bytes) -> None:
    for call in (
        lambda: generate_key_derivation(data, SECRET),
        lambda: derive_public_key(HASH, 0, data),
        lambda: underive_public_key(HASH, 0, data),
        lambda: point.require_group(data, "it"),
        lambda: point.multiply(SECRET, data, "it"),
    ):
        with pytest.raises(PointMalformed):
            call()


def test_group_is_told_from_the_curve() -> None:
    point.require_group(PUBLIC, "it")
    for outside in (TORSION, point.IDENTITY, point.add(PUBLIC, TORSION)):
        point.require_point(outside, "it")
        with pytest.raises(PointOutOfGroup):
            point.require_group(outside, "it")


def test_zero_is_a_scalar_with_the_identity_as_its_multiple() -> None:
    assert secret_key_to_public_key(ZERO) == generate_key_derivation(PUBLIC, ZERO) == point.IDENTITY
    assert point.multiply_any(ZERO, PUBLIC) == point.IDENTITY
    with pytest.raises(PointMalformed):
        hash_to_ec(bytes(31))
    with pytest.raises(PointMalformed):
        hash_to_point(bytes(33))


def test_random_scalars_are_canonical_and_differ() -> None:
    drawn = {random_scalar() for _ in range(200)}
    assert len(drawn) == 200
    assert all(map(check_scalar, drawn))


@given(st.binary(max_size=300))
def test_hashes_are_scalars(data: bytes) -> None:
    assert check_scalar(hash_to_scalar(data))


@given(st.integers(0, 511))
@settings(max_examples=40, deadline=None)
def test_any_flipped_bit_of_a_signature_fails(bit: int) -> None:
    signature = generate_signature(HASH, PUBLIC, SECRET)
    assert check_signature(HASH, PUBLIC, signature)
    broken = bytearray(signature)
    broken[bit // 8] ^= 1 << bit % 8
    assert not check_signature(HASH, PUBLIC, bytes(broken))


def test_signature_of_something_else_or_malformed_fails() -> None:
    signature = generate_signature(HASH, PUBLIC, SECRET)
    other = generate_keys()[0]
    answer = int.from_bytes(signature[32:], "little") + ORDER
    for given_hash, key, given_signature in (
        (bytes(32), PUBLIC, signature),
        (HASH[:31], PUBLIC, signature),
        (HASH, other, signature),
        (HASH, bytes([2]) + bytes(31), signature),
        (HASH, PUBLIC, signature[:63]),
        (HASH, PUBLIC, signature + b"\0"),
        (HASH, PUBLIC, ZERO + signature[32:]),
        (HASH, PUBLIC, signature[:32] + answer.to_bytes(32, "little")),
    ):
        assert not check_signature(given_hash, key, given_signature)


def test_signature_with_a_secret_of_another_key_is_not_made() -> None:
    with pytest.raises(KeyMalformed):
        generate_signature(HASH, generate_keys()[0], SECRET)
    with pytest.raises(RingMalformed):
        generate_signature(b"", PUBLIC, SECRET)


def test_random_bytes_are_no_signature() -> None:
    for _ in range(2_000):
        assert not check_signature(os.urandom(32), os.urandom(32), os.urandom(64))
