"""Certificates of ownership: who answers for a field, since when, in a form that is checked offline.

    certificate = await certify(party, field)
    verified = verify_certificate(certificate, trust)

What a certificate shows, and by what:

| what | by |
|---|---|
| the transaction that registered the field was ordered, at this place of the chain | a quorum of orderers |
| who made it, and that two organisations executed it alike | signatures of creator and endorsers |
| it was valid, and the field is its owner's now | a read endorsed by peers of two organisations |
| which other systems share the same field | the same read |

Source: CN112508707B, [0079].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gridledger.client import BlockTransaction
from gridledger.client.block_proof import make_block_proof, verify_blocks
from gridledger.client.block_search import configurations_of, transaction_of
from gridledger.client.channel_trust import ChannelTrust
from gridledger.client.endorsed_read import (
    read_endorsed,
    verify_endorsed_read,
    verify_transaction,
    written_by,
)
from gridledger.client.errors import ProofRefused
from gridledger.exchange.handoff import until_seen
from gridledger.exchange.party import Party
from gridledger.model.argument import decode_argument
from gridledger.model.device import RegisteredField
from gridledger.model.errors import ModelError
from gridledger.model.identifier import FieldIdentifier
from gridledger.model.keys import KeyPrefix
from gridledger.model.ownership import Ownership
from gridledger.model.proof import LEAST_ORGANISATIONS, OwnershipCertificate

__all__ = ["VerifiedOwnership", "certify", "verify_certificate"]

_CONTRACT: Final = "catalogue"
_FUNCTION: Final = "GetOwnership"


@dataclass(frozen=True, kw_only=True)
class VerifiedOwnership:
    """What a certificate proves."""

    ownership: Ownership
    """The record, the owner, its rivals, and the ledger's time mark at the read."""
    channel: str
    block_number: int
    block_hash: bytes
    """Of its header: whoever has the chain finds the block by it."""
    orderers: int
    """How many signed the block; a quorum at least."""
    tx_id: str
    registered_by: str
    """MSP of the transaction's creator."""
    claimed_time_ms: int
    """When the creator says that it registered the field."""
    executed_by: tuple[str, ...]
    """MSPs whose peers endorsed the registration."""
    read_by: tuple[str, ...]
    """MSPs whose peers endorsed the read."""


async def certify(
    party: Party, field: FieldIdentifier, *, organizations: Sequence[str] = ()
) -> OwnershipCertificate:
    """Collect what proves a field's ownership.

    Parameters
    ----------
    party : Party
        Any member of the channel.
    field : FieldIdentifier
    organizations : sequence of str, optional
        MSPs whose peers read the record; two of the channel by default.

    Raises
    ------
    NotFound
        There is no such field.
    EndorseError
        Peers of two organisations did not answer alike.
    ProofRefused
        The block is not signed as Fabric's orderers sign (SmartBFT, Raft) or devnet's.
    ModelError
        The block is too long for a certificate.

    Notes
    -----
    Nothing is submitted. Asks for one block per configuration of the channel, besides the registration's.
    """
    network = party.network
    ownership = await until_seen(lambda: party.ledger.ownership(field))
    block = await network.block_of(ownership.registered_tx)
    trust, configurations = await configurations_of(network, block)
    contract = network.contract(None, _CONTRACT)
    asked = organizations or sorted(trust.peers)[:LEAST_ORGANISATIONS]
    reading = await read_endorsed(contract, _FUNCTION, field, organizations=asked)
    return OwnershipCertificate(
        field=field,
        registration=make_block_proof(block, trust),
        configurations=configurations,
        reading=reading,
    )


def verify_certificate(certificate: OwnershipCertificate, trust: ChannelTrust) -> VerifiedOwnership:
    """Check a certificate, without asking anybody.

    Parameters
    ----------
    certificate : OwnershipCertificate
    trust : ChannelTrust
        What the verifier believes of the channel, from another source than the certificate.

    Raises
    ------
    ProofRefused
        Anything in it does not hold.
    """
    block, trust = verify_blocks(certificate.configurations, certificate.registration, trust)
    answer = verify_endorsed_read(certificate.reading, trust)
    if answer.arguments != (f"{_CONTRACT}:{_FUNCTION}".encode(), str(certificate.field).encode()):
        raise ProofRefused(f"the read is not of {certificate.field}")
    try:
        ownership = decode_argument(Ownership, answer.result)
    except ModelError as error:
        raise ProofRefused("the read's answer is no ownership") from error
    _check_ownership(certificate.field, ownership)
    registration = transaction_of(block, ownership.registered_tx)
    executed = verify_transaction(registration, trust)
    if (executed.channel, executed.chaincode) != (answer.channel, answer.chaincode):
        raise ProofRefused("the registration is of another channel or chaincode than the read")
    _check_written(registration, executed.chaincode, ownership.field)
    return VerifiedOwnership(
        ownership=ownership,
        channel=answer.channel,
        block_number=block.number,
        block_hash=block.header_hash,
        orderers=len(certificate.registration.signatures),
        tx_id=registration.tx_id,
        registered_by=registration.creator_msp_id,
        claimed_time_ms=registration.claimed_time_ms,
        executed_by=executed.organisations,
        read_by=answer.organisations,
    )


def _check_ownership(field: FieldIdentifier, ownership: Ownership) -> None:
    """Check that the parts of the answer are of the field; contracts that two organisations run say so."""
    if (
        ownership.field.identifier != field
        or ownership.device.identifier != field.device
        or ownership.owner.identifier != field.system
    ):
        raise ProofRefused(f"the read's answer is not of {field}")


def _check_written(transaction: BlockTransaction, chaincode: str, field: RegisteredField) -> None:
    """Check that the transaction wrote the field's record, at the same time as the one that was read."""
    identifier = field.identifier
    parts = (KeyPrefix.FIELD.value, str(identifier.system), identifier.device.own_code, identifier.name)
    # A composite key: each part between zero characters.
    key = "".join(("\0", *(f"{part}\0" for part in parts)))
    written = written_by(transaction.read_write_set).get((chaincode, key))
    if written is None:
        raise ProofRefused(f"transaction {transaction.tx_id} did not register {identifier}")
    try:
        first = RegisteredField.from_bytes(written)
    except ModelError as error:
        raise ProofRefused(f"what transaction {transaction.tx_id} wrote is no field") from error
    if (first.identifier, first.registered_ms) != (identifier, field.registered_ms):
        raise ProofRefused(f"transaction {transaction.tx_id} registered another field")
