"""HPKE: the published vectors, a second implementation from RFC 9180's text, and what must not open."""

from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from gridledger.crypto.dataset_key import DatasetKey
from gridledger.crypto.errors import KeyMalformed, WrappingBroken
from gridledger.crypto.secret_key import SecretKey
from gridledger.crypto.wrapping import (
    WRAPPED_BYTES,
    RecipientKey,
    RecipientSecret,
    open_sealed,
    seal_to,
    unwrap,
    wrap,
)
from gridledger.model.digest import Digest

FILE = Path(__file__).parent / "vectors/hpke.json"
VECTORS: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))["vectors"]
KEM = b"KEM\x00\x20"


def labeled_extract(salt: bytes, label: bytes, text: bytes, suite: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + text, "sha256")


def labeled_expand(key: bytes, label: bytes, info: bytes, length: int, suite: bytes) -> bytes:
    text = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.digest(key, text + b"\x01", "sha256")[:length]


def opening(enc: bytes, secret: bytes, info: bytes, aead: int) -> tuple[bytes, bytes, bytes]:
    """Decap and KeySchedule of RFC 9180 for base mode: shared secret, key, base nonce."""
    private = X25519PrivateKey.from_private_bytes(secret)
    shared = private.exchange(X25519PublicKey.from_public_bytes(enc))
    context = enc + private.public_key().public_bytes_raw()
    prk = labeled_extract(b"", b"eae_prk", shared, KEM)
    shared_secret = labeled_expand(prk, b"shared_secret", context, 32, KEM)
    suite = b"HPKE\x00\x20\x00\x01" + aead.to_bytes(2, "big")
    schedule = (
        b"\x00"
        + labeled_extract(b"", b"psk_id_hash", b"", suite)
        + labeled_extract(b"", b"info_hash", info, suite)
    )
    extracted = labeled_extract(shared_secret, b"secret", b"", suite)
    key = labeled_expand(extracted, b"key", schedule, 32 if aead == 2 else 16, suite)
    return shared_secret, key, labeled_expand(extracted, b"base_nonce", schedule, 12, suite)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"aead{vector['aead_id']}")
def test_second_implementation_meets_the_published_vectors(vector: dict[str, Any]) -> None:
    raw = {name: bytes.fromhex(text) for name, text in vector.items() if isinstance(text, str)}
    shared_secret, key, nonce = opening(raw["enc"], raw["skRm"], raw["info"], vector["aead_id"])
    assert (shared_secret, key, nonce) == (raw["shared_secret"], raw["key"], raw["base_nonce"])
    for number, message in enumerate(vector["encryptions"]):
        used = (int.from_bytes(nonce, "big") ^ number).to_bytes(12, "big")
        sealed = AESGCM(key).encrypt(used, bytes.fromhex(message["pt"]), bytes.fromhex(message["aad"]))
        assert sealed.hex() == message["ct"]


def test_recipient_of_the_vectors_has_their_public_key() -> None:
    for vector in VECTORS:
        secret = RecipientSecret(SecretKey(bytes.fromhex(vector["skRm"])))
        assert secret.public.raw.hex() == vector["pkRm"]


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80))
def test_wrapped_key_opens_by_the_second_implementation(raw: bytes, info: bytes) -> None:
    held = bytes.fromhex(VECTORS[0]["skRm"])
    wrapped = wrap(SecretKey(raw), RecipientSecret(SecretKey(held)).public, info=info)
    assert len(wrapped) == WRAPPED_BYTES
    _, key, nonce = opening(wrapped[:32], held, info, 2)
    assert AESGCM(key).decrypt(nonce, wrapped[32:], b"") == raw


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80))
def test_key_sealed_by_the_second_implementation_is_unwrapped(raw: bytes, info: bytes) -> None:
    # Encap is Decap with the roles of the keys exchanged, but for the order of the context.
    recipient = RecipientSecret(SecretKey(bytes.fromhex(VECTORS[0]["skRm"])))
    ephemeral = X25519PrivateKey.generate()
    enc = ephemeral.public_key().public_bytes_raw()
    _, key, nonce = opening(enc, bytes.fromhex(VECTORS[0]["skRm"]), info, 2)
    wrapped = enc + AESGCM(key).encrypt(nonce, raw, b"")
    assert unwrap(wrapped, recipient, info=info) == SecretKey(raw)


def test_changed_bytes_other_recipient_or_other_info_do_not_open() -> None:
    recipient = RecipientSecret.generate()
    wrapped = wrap(SecretKey.generate(), recipient.public, info=b"grant 1")
    for place in range(WRAPPED_BYTES):
        broken = bytearray(wrapped)
        broken[place] ^= 1
        with pytest.raises(WrappingBroken):
            unwrap(bytes(broken), recipient, info=b"grant 1")
    with pytest.raises(WrappingBroken):
        unwrap(wrapped, RecipientSecret.generate(), info=b"grant 1")
    with pytest.raises(WrappingBroken):
        unwrap(wrapped, recipient, info=b"grant 2")


@given(st.binary(max_size=200))
def test_hostile_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(WrappingBroken):
        unwrap(data, RecipientSecret(SecretKey(bytes(range(32)))), info=b"")


@pytest.mark.parametrize("raw", [bytes(32), b"\x01" + bytes(31), b"", bytes(31), bytes(33)])
def test_public_key_of_small_order_or_wrong_length_is_refused(raw: bytes) -> None:
    with pytest.raises(KeyMalformed):
        RecipientKey(raw)


def test_dataset_key_opens_for_its_dataset_epoch_and_subject_only() -> None:
    recipient = RecipientSecret.generate()
    key = DatasetKey.first(bytes(16)).rotated()
    subject = Digest.of(b"request 7, decided")
    wrapped = key.wrap(recipient.public, subject=subject)
    assert DatasetKey.unwrap(wrapped, recipient, dataset=bytes(16), epoch=2, subject=subject) == key
    for dataset, epoch, other in (
        (bytes(15) + b"\x01", 2, subject),
        (bytes(16), 1, subject),
        (bytes(16), 2, Digest.of(b"request 8, decided")),
    ):
        with pytest.raises(WrappingBroken):
            DatasetKey.unwrap(wrapped, recipient, dataset=dataset, epoch=epoch, subject=other)


def test_rotated_key_has_nothing_of_the_one_before() -> None:
    first = DatasetKey.first(bytes(16))
    second = first.rotated()
    assert (second.dataset, second.epoch) == (first.dataset, 2)
    assert second.secret != first.secret


@pytest.mark.parametrize(
    ("dataset", "epoch"), [(bytes(15), 1), (bytes(17), 1), (bytes(16), 0), (bytes(16), 2**63)]
)
def test_dataset_key_with_wrong_identifier_or_epoch_is_refused(dataset: bytes, epoch: int) -> None:
    with pytest.raises(KeyMalformed):
        DatasetKey(dataset=dataset, epoch=epoch, secret=SecretKey(bytes(32)))


def test_text_of_any_length_is_sealed_to_its_recipient() -> None:
    recipient = RecipientSecret.generate()
    for text in (b"", b"datasets/1", bytes(5000)):
        sealed = seal_to(text, recipient.public, info=b"here")
        assert len(sealed) == len(text) + 48
        assert open_sealed(sealed, recipient, info=b"here") == text


def test_sealed_text_opens_for_nobody_else_and_nothing_else() -> None:
    recipient = RecipientSecret.generate()
    sealed = seal_to(b"datasets/1", recipient.public, info=b"here")
    for other, info, data in (
        (RecipientSecret.generate(), b"here", sealed),
        (recipient, b"there", sealed),
        (recipient, b"here", sealed[:-1]),
        (recipient, b"here", b""),
        (recipient, b"here", sealed[:32] + bytes([sealed[32] ^ 1]) + sealed[33:]),
    ):
        with pytest.raises(WrappingBroken):
            open_sealed(data, other, info=info)
