"""What a third party checks offline: a block with its orderers' signatures, an endorsed read, a certificate.

Everything here is bytes as Fabric signed them, and nothing stands here that no signature or hash covers:
`gridledger.client.block_proof` and `endorsed_read` check them, `gridledger.exchange.certificate` the whole.

Source: CN112508707B, [0079] (the deposit secures the data right).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from gridledger.model.identifier import FieldIdentifier
from gridledger.model.record import ModelValue, Record, record, value

__all__ = [
    "LEAST_ORGANISATIONS",
    "BlockProof",
    "EndorsedRead",
    "Endorsement",
    "OrdererSignature",
    "OwnershipCertificate",
]

LEAST_ORGANISATIONS = 2
"""Organisations whose peers sign a read: validation codes are signed by nobody, and one alone could lie."""

MAX_SIGNATURES = 256


@value
class OrdererSignature(ModelValue):
    """An orderer's signature over a block."""

    identifier_header: bytes
    """The ``common.IdentifierHeader`` that was signed: the orderer's number among the consenters, a nonce;
    empty where orderers have no numbers."""
    signature_header: bytes | None = None
    """The ``common.SignatureHeader`` that was signed instead, with a certificate (Fabric's Raft)."""
    certificate: bytes
    """The orderer's certificate, DER."""
    signature: bytes

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if bool(self.identifier_header) == bool(self.signature_header):
            yield "identifier_header", "want this or signature_header"

    @property
    def header(self) -> bytes:
        """What of the two was signed."""
        return self.signature_header or self.identifier_header


@value
class BlockProof(ModelValue):
    """A block with what its orderers signed; its hash of the entries is computed, not given."""

    number: Annotated[int, Field(ge=0)]
    previous_hash: bytes
    entries: tuple[bytes, ...]
    """The ``common.Envelope`` of each transaction, as ordered."""
    metadata: bytes
    """The ``common.OrdererBlockMetadata`` that was signed: which configuration was in force, consensus."""
    signatures: tuple[OrdererSignature, ...]

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if not self.entries:
            yield "entries", "there are none"
        if len(self.signatures) > MAX_SIGNATURES:
            yield "signatures", f"are more than {MAX_SIGNATURES}"


@value
class Endorsement(ModelValue):
    """A peer's signature over what it answered."""

    endorser: bytes
    """Its ``msp.SerializedIdentity``."""
    signature: bytes


@value
class EndorsedRead(ModelValue):
    """A query that peers of several organisations answered alike; it was not submitted."""

    channel_header: bytes
    signature_header: bytes
    payload: bytes
    """The ``protos.ChaincodeProposalPayload``: what was asked."""
    response: bytes
    """The ``protos.ProposalResponsePayload``: what was answered."""
    endorsements: tuple[Endorsement, ...]

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if not 1 <= len(self.endorsements) <= MAX_SIGNATURES:
            yield "endorsements", f"want 1 to {MAX_SIGNATURES}"


@record("ownership-certificate/1")
class OwnershipCertificate(Record):
    """Who answers for a field, since when, and how that can be checked without asking anybody."""

    field: FieldIdentifier
    registration: BlockProof
    """The block with the transaction that registered the field."""
    configurations: tuple[BlockProof, ...]
    """The channel's configuration blocks after the first, up to the one in force at the registration."""
    reading: EndorsedRead
    """`catalogue:GetOwnership` of the field."""
