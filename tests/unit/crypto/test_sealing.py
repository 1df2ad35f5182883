"""Seals and secret keys: round trips, a published vector, and what must not open or show."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.crypto.dataset_key import DatasetKey
from gridledger.crypto.errors import KeyMalformed, SealBroken
from gridledger.crypto.sealing import SEAL_BYTES, open_seal, seal
from gridledger.crypto.secret_key import SecretKey
from gridledger.crypto.wrapping import RecipientSecret

KEY = bytes(range(32))


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_seal_opens_to_its_text(text: bytes, associated: bytes) -> None:
    sealed = seal(KEY, text, associated)
    assert len(sealed) == len(text) + SEAL_BYTES
    assert open_seal(KEY, sealed, associated) == text


def test_seal_is_aes_256_gcm_with_the_nonce_in_front() -> None:
    # Test case 14 of "The Galois/Counter Mode of Operation" (McGrew and Viega): zero key, nonce and text.
    sealed = bytes(12) + bytes.fromhex("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
    assert open_seal(bytes(32), sealed, b"") == bytes(16)


def test_same_text_is_never_sealed_to_the_same_bytes() -> None:
    assert len({seal(KEY, b"text", b"")[:12] for _ in range(100)}) == 100


def test_seal_with_any_bit_changed_does_not_open() -> None:
    sealed = seal(KEY, b"21.5 kWh", b"row 1")
    for bit in range(len(sealed) * 8):
        broken = bytearray(sealed)
        broken[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealBroken):
            open_seal(KEY, bytes(broken), b"row 1")


@given(st.binary(max_size=80))
def test_hostile_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(SealBroken):
        open_seal(KEY, data, b"")


def test_other_key_or_associated_data_does_not_open() -> None:
    sealed = seal(KEY, b"text", b"row 1")
    with pytest.raises(SealBroken):
        open_seal(bytes(32), sealed, b"row 1")
    with pytest.raises(SealBroken):
        open_seal(KEY, sealed, b"row 2")


def test_derived_keys_follow_rfc_5869() -> None:
    # HKDF-SHA256 of 32 bytes is Extract and one step of Expand.
    import hmac

    prk = hmac.digest(b"salt", KEY, "sha256")
    expected = hmac.digest(prk, b"info\x01", "sha256")
    assert SecretKey(KEY).derive(salt=b"salt", info=b"info").reveal() == expected


def test_no_repr_shows_a_secret() -> None:
    secret = SecretKey(KEY)
    shown = "".join(
        map(
            repr,
            (
                secret,
                [secret],
                DatasetKey(dataset=bytes(16), epoch=1, secret=secret),
                RecipientSecret(secret),
            ),
        )
    )
    for hidden in (KEY.hex(), repr(KEY)[2:20], str(list(KEY))[1:20]):
        assert hidden not in shown
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_key_of_other_length_is_refused(length: int) -> None:
    with pytest.raises(KeyMalformed):
        SecretKey(bytes(length))


def test_saved_key_is_loaded_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "owner.key"
    key = SecretKey.generate()
    key.save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert SecretKey.load(path) == key
    with pytest.raises(KeyMalformed):
        SecretKey.generate().save(path)
    assert SecretKey.load(path) == key
    assert [entry.name for entry in tmp_path.iterdir()] == ["owner.key"]


def test_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "owner.key"
    SecretKey.generate().save(path)
    path.chmod(0o640)
    with pytest.raises(KeyMalformed):
        SecretKey.load(path)


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "é"])
def test_file_without_a_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "owner.key"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(KeyMalformed):
        SecretKey.load(path)
    with pytest.raises(KeyMalformed):
        SecretKey.load(tmp_path / "missing")
