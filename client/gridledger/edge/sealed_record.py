"""Sealing of a record to a stealth address.

    P, R, tag, key   of `gridledger.crypto.cryptonote.stealth`: a new one-time key at the receiver's address
    text             record ‖ 0x80 ‖ 0x00 …, up to the period's length less 28 bytes
    envelope         AES-256-GCM(key, text; associated = "gridledger/envelope/1" ‖ 0x00 ‖ R ‖ P)

Every envelope of a period has the same length, and nothing of it or its statement is the same twice.

Source: Zeng et al., figure 3; CryptoNote 2.0, section 4.3.
"""

from __future__ import annotations

from dataclasses import dataclass

from gridledger.crypto.cryptonote.stealth import OneTimeKey, OneTimeSecret, Sent, StealthAddress
from gridledger.crypto.sealing import SEAL_BYTES, open_seal, seal
from gridledger.edge.errors import EnvelopeUnreadable, RecordTooLong
from gridledger.model.digest import Digest
from gridledger.model.edge import PublishedAddress

__all__ = ["SealedRecord", "as_address", "open_record", "publish_address", "room", "seal_record"]

_LABEL = b"gridledger/envelope/1\x00"
_END = 0x80


@dataclass(frozen=True, kw_only=True)
class SealedRecord:
    """An envelope, and what its receiver finds and opens it by."""

    envelope: bytes
    key: OneTimeKey

    @property
    def digest(self) -> Digest:
        """SHA-256 of the envelope."""
        return Digest.of(self.envelope)


def room(envelope_bytes: int) -> int:
    """Return how long a record may be in envelopes of a length.

    Examples
    --------
    >>> room(256)
    227
    """
    return envelope_bytes - SEAL_BYTES - 1


def seal_record(record: bytes, address: PublishedAddress, *, envelope_bytes: int) -> SealedRecord:
    """Seal a record so that only the holder of a stealth address finds and opens it.

    Parameters
    ----------
    record : bytes
        At most ``room(envelope_bytes)``; its length cannot be seen.
    address : PublishedAddress
        The receiver's.
    envelope_bytes : int
        How long envelopes of the period are.

    Raises
    ------
    RecordTooLong
        It does not fit.
    CryptoError
        The address is malformed.
    """
    if len(record) > room(envelope_bytes):
        raise RecordTooLong(len(record), room(envelope_bytes))
    sent = Sent.to(as_address(address))
    text = (record + bytes([_END])).ljust(envelope_bytes - SEAL_BYTES, b"\x00")
    return SealedRecord(envelope=seal(sent.sealing_key.reveal(), text, _associated(sent.key)), key=sent.key)


def open_record(envelope: bytes, key: OneTimeKey, secret: OneTimeSecret) -> bytes:
    """Open an envelope with the secrets of its one-time key.

    Raises
    ------
    SealBroken
        It was sealed to somebody else, or its bytes were changed.
    EnvelopeUnreadable
        It opens, but what it holds is no padded record.
    """
    text = open_seal(secret.sealing_key.reveal(), envelope, _associated(key))
    record, end, padding = text.rpartition(bytes([_END]))
    if not end or padding.strip(b"\x00"):
        raise EnvelopeUnreadable("what the envelope holds is no padded record")
    return record


def as_address(published: PublishedAddress) -> StealthAddress:
    """Read an address that stands on the ledger; raises CryptoError where its keys are none."""
    return StealthAddress(spend_key=published.spend_key, view_key=published.view_key)


def publish_address(address: StealthAddress) -> PublishedAddress:
    """Write an address as it stands on the ledger."""
    return PublishedAddress(spend_key=address.spend_key, view_key=address.view_key)


def _associated(key: OneTimeKey) -> bytes:
    return _LABEL + key.sender_key + key.public_key
