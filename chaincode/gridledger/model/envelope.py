"""Envelopes: what a side device signs with a ring, and what their receivers sign.

The bytes of an envelope stay with storage nodes. On the ledger stand their digest, a one-time key that only
the receiver can sign with, and a ring signature by one of the membership keys that the statement names.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, StringConstraints

from gridledger.model.dataset import DatasetIdentifier, VersionNumber
from gridledger.model.digest import Digest
from gridledger.model.edge import (
    LEAST_RING,
    MOST_ENVELOPE_BYTES,
    MOST_RING,
    NodeId,
    PeriodNumber,
    Place,
    Point,
)
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import ModelValue, Record, record, value

__all__ = [
    "MAX_PASSED",
    "SIGNATURE_BYTES",
    "DepositId",
    "EnvelopeDeposit",
    "EnvelopeReceipt",
    "EnvelopeStatement",
    "KeyImageUse",
    "LakePassage",
    "PassageEntry",
    "SignedEnvelope",
    "SignedEnvelopeReceipt",
]

SIGNATURE_BYTES = 64
"""Of one key: two scalars. A ring signature has as many of them as the ring has keys."""

MAX_PASSED = 500
"""Envelopes that one version of a dataset passes on: 32 KB of identifiers."""

DepositId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Signature = Annotated[bytes, Field(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)]


@record("envelope-statement/1")
class EnvelopeStatement(Record):
    """What a side device signs: SHA-256 of these bytes is the message of its ring signature."""

    issuer: SystemIdentifier
    period: PeriodNumber
    ring: tuple[Place, ...]
    """Places of the ring's membership keys, ascending: their order says nothing."""
    envelope: Digest
    """Of the sealed bytes."""
    size_bytes: Annotated[int, Field(ge=0, le=MOST_ENVELOPE_BYTES)]
    one_time_key: Point
    """Derived from the receiver's stealth address: nobody else can sign with it."""
    origin: Point
    """The transaction public key that it was derived with."""
    view_tag: Annotated[int, Field(ge=0, le=255)]
    node: NodeId
    """The storage node that keeps and submits it; no other may."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if not LEAST_RING <= len(self.ring) <= MOST_RING:
            yield "ring", f"want {LEAST_RING} to {MOST_RING} places"
        if list(self.ring) != sorted(set(self.ring)):
            yield "ring", "want ascending places, each once"

    @property
    def id(self) -> str:
        """SHA-256 of the bytes, in hexadecimal: the deposit's id."""
        return str(Digest.of(self.to_bytes()))


@value
class SignedEnvelope(ModelValue):
    """A statement with its key image and ring signature."""

    statement: EnvelopeStatement
    key_image: Point
    """Of the membership key that signed: the same for each message that it would sign."""
    signature: Annotated[bytes, Field(max_length=SIGNATURE_BYTES * MOST_RING)]

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if len(self.signature) != SIGNATURE_BYTES * len(self.statement.ring):
            yield "signature", f"want {SIGNATURE_BYTES} bytes a key of the ring"


@record("envelope-deposit/1")
class EnvelopeDeposit(Record):
    """A deposited envelope; written once."""

    signed: SignedEnvelope
    deposited_ms: int


@record("key-image/1")
class KeyImageUse(Record):
    """A membership key was used; nobody can say which."""

    deposit: DepositId


@record("envelope-receipt/1")
class EnvelopeReceipt(Record):
    """What a receiver signs with the one-time key of an envelope that it opened."""

    deposit: DepositId
    envelope: Digest


@record("signed-envelope-receipt/1")
class SignedEnvelopeReceipt(Record):
    """An envelope receipt and its signature by the deposit's one-time key."""

    receipt: EnvelopeReceipt
    signature: Signature


@value
class PassageEntry(ModelValue):
    """The envelopes that a version of a dataset holds, by their deposits."""

    dataset: DatasetIdentifier
    number: VersionNumber
    deposits: tuple[DepositId, ...]
    """In the order of the dataset's records; each once."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if not 1 <= len(self.deposits) <= MAX_PASSED or len(set(self.deposits)) != len(self.deposits):
            yield "deposits", f"want 1 to {MAX_PASSED}, each once"


@record("lake-passage/1")
class LakePassage(Record):
    """Envelopes were passed on into a lake: which version of which dataset holds them."""

    entry: PassageEntry
    root: Digest
    """Of the version, as its custodian computed it."""
    passed_ms: int
