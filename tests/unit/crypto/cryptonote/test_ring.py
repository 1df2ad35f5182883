"""Ring signatures: any member signs, any change is seen, and what is malformed has its own refusal."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridledger.crypto.cryptonote import edwards, point
from gridledger.crypto.cryptonote.keys import generate_key_image
from gridledger.crypto.cryptonote.ring import RING_LIMIT, check_ring_signature
from gridledger.crypto.cryptonote.scalar import ORDER
from gridledger.crypto.cryptonote.signing import generate_keys, generate_ring_signature
from gridledger.crypto.errors import (
    KeyMalformed,
    PointMalformed,
    PointOutOfGroup,
    RingMalformed,
    ScalarMalformed,
)

HASH = bytes(range(32))
PAIRS = [generate_keys() for _ in range(4)]
RING = [public_key for public_key, _ in PAIRS]
TORSION = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
"""A point of order 8."""
NO_POINT = bytes([2]) + bytes(31)


def signed(index: int, ring: list[bytes] = RING) -> tuple[bytes, bytes]:
    """Return key image and signature of the member at an index."""
    image = generate_key_image(*PAIRS[index])
    return image, generate_ring_signature(HASH, image, ring, PAIRS[index][1], index)


IMAGE, SIGNATURE = signed(1)


@given(st.integers(1, 6), st.data())
@settings(max_examples=10, deadline=None)
def test_any_member_signs_and_signatures_have_one_shape(size: int, data: st.DataObject) -> None:
    pairs = [generate_keys() for _ in range(size)]
    ring = [public_key for public_key, _ in pairs]
    index = data.draw(st.integers(0, size - 1))
    image = generate_key_image(*pairs[index])
    signature = generate_ring_signature(HASH, image, ring, pairs[index][1], index)
    assert len(signature) == 64 * size
    assert check_ring_signature(HASH, image, ring, signature)


def test_two_signatures_of_a_member_share_the_image_alone() -> None:
    image, signature = signed(1)
    assert image == IMAGE
    assert {signature[at : at + 32] for at in range(0, 256, 32)}.isdisjoint(
        SIGNATURE[at : at + 32] for at in range(0, 256, 32)
    )


def test_images_of_members_differ() -> None:
    assert len({generate_key_image(*pair) for pair in PAIRS}) == len(PAIRS)


@given(st.integers(0, 8 * len(SIGNATURE) - 1))
@settings(max_examples=40, deadline=None)
def test_any_flipped_bit_of_a_signature_fails(bit: int) -> None:
    broken = bytearray(SIGNATURE)
    broken[bit // 8] ^= 1 << bit % 8
    with suppress(ScalarMalformed):
        assert not check_ring_signature(HASH, IMAGE, RING, bytes(broken))


@given(st.integers(0, 255), st.sampled_from(["hash", "image", "key"]))
@settings(max_examples=40, deadline=None)
def test_any_flipped_bit_beside_a_signature_fails(bit: int, where: str) -> None:
    flipped = 1 << bit
    parts = {"hash": HASH, "image": IMAGE, "key": RING[2]}
    parts[where] = (int.from_bytes(parts[where], "little") ^ flipped).to_bytes(32, "little")
    ring = [*RING[:2], parts["key"], RING[3]]
    try:
        assert not check_ring_signature(parts["hash"], parts["image"], ring, SIGNATURE)
    except PointMalformed:
        assert where != "hash"


def test_ring_in_another_order_or_of_others_fails() -> None:
    assert check_ring_signature(HASH, IMAGE, RING, SIGNATURE)
    assert not check_ring_signature(HASH, IMAGE, RING[::-1], SIGNATURE)
    assert not check_ring_signature(HASH, IMAGE, [*RING[:3], generate_keys()[0]], SIGNATURE)
    assert not check_ring_signature(HASH, generate_key_image(*PAIRS[0]), RING, SIGNATURE)


@pytest.mark.parametrize("position", range(8))
def test_scalar_plus_the_order_is_refused(position: int) -> None:
    scalar = int.from_bytes(SIGNATURE[32 * position :][:32], "little") + ORDER
    malleated = SIGNATURE[: 32 * position] + scalar.to_bytes(32, "little") + SIGNATURE[32 * position + 32 :]
    with pytest.raises(ScalarMalformed):
        check_ring_signature(HASH, IMAGE, RING, malleated)


def test_key_image_with_torsion_is_refused() -> None:
    # c_i times the torsion point vanishes where 8 divides all c_i: a second image of the same key would pass.
    with pytest.raises(PointOutOfGroup):
        check_ring_signature(HASH, point.add(IMAGE, TORSION), RING, SIGNATURE)


@pytest.mark.parametrize("multiple", range(8))
def test_key_image_of_small_order_is_refused(multiple: int) -> None:
    torsion = edwards.decode(TORSION)
    assert torsion is not None
    image = edwards.encode(edwards.multiply(multiple, torsion))
    with pytest.raises(PointOutOfGroup):
        check_ring_signature(HASH, image, RING, SIGNATURE)
    with pytest.raises(PointOutOfGroup):  # zero scalars do not hide it
        check_ring_signature(HASH, image, RING, bytes(256))


def test_ring_with_a_key_out_of_the_group_is_refused() -> None:
    for key in (TORSION, point.IDENTITY, point.add(RING[0], TORSION)):
        ring = [key, *RING[1:]]
        with pytest.raises(PointOutOfGroup):
            check_ring_signature(HASH, IMAGE, ring, SIGNATURE)
        with pytest.raises(PointOutOfGroup):
            signed(1, ring)


@pytest.mark.parametrize("key", [NO_POINT, b"", bytes(31), bytes(33), bytes([0xFF]) * 32])
def test_ring_with_what_is_no_point_is_refused(key: bytes) -> None:
    with pytest.raises(PointMalformed):
        check_ring_signature(HASH, IMAGE, [key, *RING[1:]], SIGNATURE)
    with pytest.raises(PointMalformed):
        check_ring_signature(HASH, key, RING, SIGNATURE)


def test_ring_with_a_key_twice_is_refused() -> None:
    ring = [RING[0], RING[1], RING[0], RING[3]]
    with pytest.raises(RingMalformed):
        check_ring_signature(HASH, IMAGE, ring, SIGNATURE)
    with pytest.raises(RingMalformed):
        signed(1, ring)


@pytest.mark.parametrize("size", [0, RING_LIMIT + 1])
def test_ring_of_no_or_too_many_keys_is_refused(size: int) -> None:
    ring = [number.to_bytes(32, "little") for number in range(size)]
    with pytest.raises(RingMalformed):
        check_ring_signature(HASH, IMAGE, ring, bytes(64 * size))


@pytest.mark.parametrize("length", [0, 192, 255, 257, 320])
def test_signature_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(RingMalformed):
        check_ring_signature(HASH, IMAGE, RING, bytes(length))


def test_prefix_hash_of_another_length_is_refused() -> None:
    with pytest.raises(RingMalformed):
        check_ring_signature(HASH[:31], IMAGE, RING, SIGNATURE)


def test_zero_scalars_are_taken_as_numbers() -> None:
    assert not check_ring_signature(HASH, IMAGE, RING, bytes(256))


def test_signer_must_be_in_the_ring_with_its_own_image() -> None:
    with pytest.raises(RingMalformed):
        generate_ring_signature(HASH, IMAGE, RING, PAIRS[1][1], 4)
    with pytest.raises(RingMalformed):
        generate_ring_signature(HASH, IMAGE, RING, PAIRS[1][1], -1)
    with pytest.raises(KeyMalformed):
        generate_ring_signature(HASH, IMAGE, RING, PAIRS[1][1], 2)
    with pytest.raises(KeyMalformed):
        generate_ring_signature(HASH, generate_key_image(*PAIRS[2]), RING, PAIRS[1][1], 1)
    with pytest.raises(ScalarMalformed):
        generate_ring_signature(HASH, IMAGE, RING, bytes([0xFF]) * 32, 1)


def test_random_bytes_are_refused_ten_thousand_times() -> None:
    for _ in range(10_000):
        with suppress(ScalarMalformed, PointMalformed):
            assert not check_ring_signature(os.urandom(32), os.urandom(32), [os.urandom(32)], os.urandom(64))
