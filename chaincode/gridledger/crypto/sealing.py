"""Seals: AES-256-GCM with a random nonce in front.

    seal = nonce (12 bytes) ‖ ciphertext ‖ tag (16 bytes)

Notes
-----
A key may seal 2^32 texts at most (NIST SP 800-38D, 8.3: random nonces of 96 bits). GCM does not commit to its
key: a seal that opens under one key may be made to open under another; who must know that all readers see the
same text compares digests.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gridledger.crypto.errors import SealBroken

__all__ = ["SEAL_BYTES", "open_seal", "open_seal_into", "seal", "seal_into"]

_NONCE_BYTES = 12
SEAL_BYTES = _NONCE_BYTES + 16
"""What a seal adds to a text."""


def seal(key: bytes, text: bytes | memoryview, associated: bytes) -> bytes:
    """Seal a text.

    Parameters
    ----------
    key : bytes of length 32
        See `SecretKey.reveal`.
    text : bytes
        What is sealed; its length can be seen.
    associated : bytes
        Not sealed and not stored, yet the seal opens beside the same only: what the text is, and where it
        stands.

    Returns
    -------
    bytes of length ``len(text) + SEAL_BYTES``

    Examples
    --------
    >>> open_seal(bytes(32), seal(bytes(32), b"21.5 kWh", b"reading"), b"reading")
    b'21.5 kWh'
    """
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, text, associated)


def seal_into(
    key: bytes, text: bytes | memoryview, associated: bytes, sealed: bytearray | memoryview
) -> None:
    """Write the seal of a text into a buffer of ``len(text) + SEAL_BYTES``; see `seal`."""
    nonce = os.urandom(_NONCE_BYTES)
    with memoryview(sealed) as view:
        view[:_NONCE_BYTES] = nonce
        AESGCM(key).encrypt_into(nonce, text, associated, view[_NONCE_BYTES:])


def open_seal(key: bytes, sealed: bytes | memoryview, associated: bytes) -> bytes:
    """Return the text of a seal.

    Raises
    ------
    SealBroken
        Key, associated data or bytes are not those of the sealing.
    """
    with _parts(sealed) as (nonce, rest):
        return AESGCM(key).decrypt(nonce, rest, associated)


def open_seal_into(
    key: bytes, sealed: bytes | memoryview, associated: bytes, text: bytearray | memoryview
) -> None:
    """Write the text of a seal into a buffer of its length, since new memory costs more than opening does.

    Raises
    ------
    SealBroken
        As `open_seal`; the buffer holds nothing of use then.
    """
    with _parts(sealed) as (nonce, rest):
        AESGCM(key).decrypt_into(nonce, rest, associated, text)


@contextmanager
def _parts(sealed: bytes | memoryview) -> Iterator[tuple[memoryview, memoryview]]:
    """Take nonce and ciphertext of a seal; what the library says of them is said as our error."""
    if len(sealed) < SEAL_BYTES:
        raise SealBroken(f"a seal has {SEAL_BYTES} bytes or more, not {len(sealed)}", length=len(sealed))
    view = memoryview(sealed)
    try:
        yield view[:_NONCE_BYTES], view[_NONCE_BYTES:]
    except InvalidTag as error:
        raise SealBroken("the seal does not open", length=len(sealed)) from error
