"""Signatures of agents: one spelling, one key, one message."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from gridledger.model.errors import CryptoError
from gridledger.model.signature import SignatureInvalid, verify_signature

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = KEY.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
MESSAGE = b"what was signed"
R, S = utils.decode_dss_signature(KEY.sign(MESSAGE, ec.ECDSA(hashes.SHA256())))
LOW, HIGH = min(S, ORDER - S), max(S, ORDER - S)
GOOD = utils.encode_dss_signature(R, LOW)


def test_verify_good_signature_holds() -> None:
    verify_signature(PUBLIC, MESSAGE, GOOD)


def test_verify_high_s_is_refused() -> None:
    with pytest.raises(SignatureInvalid, match="s is high"):
        verify_signature(PUBLIC, MESSAGE, utils.encode_dss_signature(R, HIGH))


def test_verify_other_message_or_key_is_refused() -> None:
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(SignatureInvalid):
        verify_signature(PUBLIC, MESSAGE + b".", GOOD)
    with pytest.raises(SignatureInvalid):
        verify_signature(other.public_bytes(Encoding.X962, PublicFormat.CompressedPoint), MESSAGE, GOOD)


@pytest.mark.parametrize(
    "key", [b"", bytes(33), PUBLIC[:-1], b"\x05" + PUBLIC[1:]], ids=["empty", "zeros", "cut", "other-form"]
)
def test_verify_key_that_is_no_point_is_refused(key: bytes) -> None:
    with pytest.raises(CryptoError):
        verify_signature(key, MESSAGE, GOOD)


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_verify_garbage_is_refused(signature: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        verify_signature(PUBLIC, MESSAGE, signature)


@settings(deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_verify_one_byte_changed_is_refused(place: int, change: int) -> None:
    changed = bytearray(GOOD)
    changed[place] ^= change
    with pytest.raises(SignatureInvalid):
        verify_signature(PUBLIC, MESSAGE, bytes(changed))
