"""Addresses of devices, and one-time keys at them, which nobody else can lead back to the address.

    address        B ‖ A              public spend key, public view key
    text           "stealth:" and the hexadecimal of B ‖ A ‖ first 4 bytes of H(B ‖ A)
    view secret    a = Hs(b)          one secret to keep: the view key follows from the spend key
    one-time key   P, R, view tag     R = r G with a fresh r each; P, tag and D as in module keys
    sealing key    HKDF-SHA256(H(D ‖ 8 r B), salt P ‖ R, info "gridledger/stealth/1" ‖ 0x00)

The receiver computes 8 r B as 8 b R. Since b is in it, who has the view secret alone (a gateway that scans
for its devices) finds what is for them and cannot open it. Every one-time key has an R of its own: two with
the same R would be seen to have one receiver.

Draws random numbers, so no contract imports it.

References
----------
Zeng et al., power data storage and sharing method based on blockchain and data lake, figure 3.
Nicolas van Saberhagen, CryptoNote v 2.0 (2013), section 4.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Self

from gridledger.crypto.cryptonote import point
from gridledger.crypto.cryptonote.keccak import cn_fast_hash
from gridledger.crypto.cryptonote.keys import (
    derive_public_key,
    derive_secret_key,
    derive_view_tag,
    generate_key_derivation,
    secret_key_to_public_key,
)
from gridledger.crypto.cryptonote.scalar import ZERO, hash_to_scalar
from gridledger.crypto.cryptonote.signing import generate_keys, random_scalar
from gridledger.crypto.cryptonote.tag_sieve import TagSieve
from gridledger.crypto.errors import AddressMalformed, KeyMalformed, PointMalformed, ScalarMalformed
from gridledger.crypto.secret_key import SecretKey

__all__ = ["OneTimeKey", "OneTimeSecret", "Sent", "SpendSecret", "StealthAddress", "ViewSecret"]

_SCHEME = "stealth:"
_CHECKSUM_BYTES = 4
_INFO = b"gridledger/stealth/1\x00"
_INDEX = 0
_TAKEN = 500


@dataclass(frozen=True, kw_only=True)
class StealthAddress:
    """Where a device receives: public, and never on what is sent to it.

    Raises
    ------
    PointMalformed, PointOutOfGroup
        A key is no point of the prime-order group.
    """

    spend_key: bytes
    """B, 32 bytes."""
    view_key: bytes
    """A, 32 bytes."""

    def __post_init__(self) -> None:
        point.require_group(self.spend_key, "the spend key")
        point.require_group(self.view_key, "the view key")

    def __str__(self) -> str:
        raw = self.spend_key + self.view_key
        return _SCHEME + (raw + cn_fast_hash(raw)[:_CHECKSUM_BYTES]).hex()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of an address.

        Raises
        ------
        AddressMalformed
            It is none: another length, other digits, a wrong check sum, or keys that are none.
        """
        digits = text.removeprefix(_SCHEME)
        try:
            raw = bytes.fromhex(digits)
            keys, checksum = raw[: 2 * point.POINT_BYTES], raw[2 * point.POINT_BYTES :]
            if digits != raw.hex() or not text.startswith(_SCHEME):
                raise AddressMalformed("an address is written in small hexadecimal digits after its scheme")
            if len(checksum) != _CHECKSUM_BYTES or cn_fast_hash(keys)[:_CHECKSUM_BYTES] != checksum:
                raise AddressMalformed("an address's check sum is not that of its keys", length=len(text))
            return cls(spend_key=keys[: point.POINT_BYTES], view_key=keys[point.POINT_BYTES :])
        except (ValueError, PointMalformed) as error:
            raise AddressMalformed("this is no address", length=len(text)) from error


@dataclass(frozen=True, kw_only=True)
class OneTimeKey:
    """A key that belongs to an address, which only its two sides know; what is published of it."""

    public_key: bytes
    """P, 32 bytes."""
    sender_key: bytes
    """R, 32 bytes: with it the receiver finds that P is its own."""
    view_tag: bytes
    """One byte: by it 255 of 256 keys of others are passed over."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A new one-time key, and what its sender seals with."""

    key: OneTimeKey
    sealing_key: SecretKey
    """Known to the sender and to who has the address's spend secret."""

    @classmethod
    def to(cls, address: StealthAddress) -> Self:
        """Make a one-time key at an address.

        Examples
        --------
        >>> device = SpendSecret.generate()
        >>> sent = Sent.to(device.address)
        >>> device.view.owns(sent.key), SpendSecret.generate().view.owns(sent.key)
        (True, False)
        >>> device.open(sent.key).sealing_key == sent.sealing_key
        True
        """
        sender_key, r = generate_keys()
        derivation = generate_key_derivation(address.view_key, r)
        key = OneTimeKey(
            public_key=derive_public_key(derivation, _INDEX, address.spend_key),
            sender_key=sender_key,
            view_tag=derive_view_tag(derivation, _INDEX),
        )
        shared = derivation + generate_key_derivation(address.spend_key, r)
        return cls(key=key, sealing_key=_sealing_key(key, shared))


class ViewSecret:
    """What finds the one-time keys of a device; it neither signs with them nor opens what is sealed to them.

    Parameters
    ----------
    secret : SecretKey
        The secret view key, a.
    spend_key : bytes of length 32
        The public spend key, B.

    Raises
    ------
    ScalarMalformed
        `secret` is no canonical scalar, or zero.
    PointMalformed, PointOutOfGroup
        `spend_key` is no point of the prime-order group.
    """

    __slots__ = ("_secret", "_sieve", "address")

    def __init__(self, secret: SecretKey, spend_key: bytes) -> None:
        self._secret = secret
        self._sieve = TagSieve(secret, _INDEX)
        self.address = StealthAddress(spend_key=spend_key, view_key=_public_key(secret))
        """Whose keys it finds."""

    def __repr__(self) -> str:
        return f"ViewSecret(address={str(self.address)!r})"

    def reveal(self) -> SecretKey:
        """Return the secret view key, for who hands it to a gateway."""
        return self._secret

    def owns(self, key: OneTimeKey) -> bool:
        """Say whether a one-time key is at this address; False for what is no key at all."""
        return self.derive(key) is not None

    def derive(self, key: OneTimeKey) -> bytes | None:
        """Return the derivation of a one-time key at this address, a secret; None for a key of others."""
        try:
            derivation = generate_key_derivation(key.sender_key, self._secret.reveal())
        except PointMalformed:
            return None
        if derive_view_tag(derivation, _INDEX) != key.view_tag:
            return None
        derived = derive_public_key(derivation, _INDEX, self.address.spend_key)
        return derivation if derived == key.public_key else None

    def scan(self, keys: Iterable[OneTimeKey]) -> Iterator[OneTimeKey]:
        """Yield those of the keys that are at this address.

        Notes
        -----
        Keys are taken 500 at a time. An X25519 and two hashes a key, and a derivation and two multiples more
        for one's own and one in 128 others.
        """
        coming = iter(keys)
        while taken := tuple(islice(coming, _TAKEN)):
            may_be = self._sieve.sift([key.sender_key for key in taken], [key.view_tag for key in taken])
            yield from (key for key, may in zip(taken, may_be, strict=True) if may and self.owns(key))


class SpendSecret:
    """All secrets of a device's address.

    Parameters
    ----------
    secret : SecretKey
        The secret spend key, b; the view key follows from it.

    Raises
    ------
    ScalarMalformed
        `secret` is no canonical scalar, or zero.
    """

    __slots__ = ("_secret", "view")

    def __init__(self, secret: SecretKey) -> None:
        self._secret = secret
        spend_key = _public_key(secret)
        self.view = ViewSecret(SecretKey(hash_to_scalar(secret.reveal())), spend_key)
        """What a gateway gets that scans for the device."""

    def __repr__(self) -> str:
        return f"SpendSecret(address={str(self.address)!r})"

    @classmethod
    def generate(cls) -> Self:
        """Draw the secrets of a new address."""
        return cls(SecretKey(random_scalar()))

    @property
    def address(self) -> StealthAddress:
        """Where the device receives."""
        return self.view.address

    def reveal(self) -> SecretKey:
        """Return the secret spend key, for who keeps it in a file."""
        return self._secret

    def open(self, key: OneTimeKey) -> OneTimeSecret:
        """Return the secrets of a one-time key at this address.

        Raises
        ------
        KeyMalformed
            The key is at another address.
        """
        derivation = self.view.derive(key)
        if derivation is None:
            raise KeyMalformed("the one-time key is at another address")
        spend_secret = self._secret.reveal()
        shared = derivation + generate_key_derivation(key.sender_key, spend_secret)
        return OneTimeSecret(
            public_key=key.public_key,
            secret_key=SecretKey(derive_secret_key(derivation, _INDEX, spend_secret)),
            sealing_key=_sealing_key(key, shared),
        )


@dataclass(frozen=True, kw_only=True)
class OneTimeSecret:
    """What only the receiver knows of a one-time key."""

    public_key: bytes
    """P, 32 bytes."""
    secret_key: SecretKey
    """x, with x G = P: signs receipts, and rings that P stands in."""
    sealing_key: SecretKey
    """The same as the sender's."""


def _public_key(secret: SecretKey) -> bytes:
    raw = secret.reveal()
    if raw == ZERO:
        raise ScalarMalformed("a secret key is not zero", what="the secret key")
    return secret_key_to_public_key(raw)


def _sealing_key(key: OneTimeKey, shared: bytes) -> SecretKey:
    hashed = SecretKey(cn_fast_hash(shared))
    return hashed.derive(salt=key.public_key + key.sender_key, info=_INFO)
