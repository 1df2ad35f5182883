"""A block as the read model takes it: who wrote which records of the exchange, transaction by transaction."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.x509.oid import NameOID

from gridledger.client import Block, BlockTransaction, ValidationCode
from gridledger.client.write_set import KeyWrite, read_writes
from gridledger.crypto.certificate import load_certificate

__all__ = ["LedgerBlock", "LedgerTransaction"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerTransaction:
    """A valid transaction of the chaincode."""

    block: int
    """Its block."""

    tx_id: str

    time_ms: int
    """The time that its caller claimed, which contracts hold to within two minutes of the chain's."""

    msp_id: str
    """The caller's organisation."""

    actor: str
    """Common name of the caller's certificate."""

    event: str
    """Name of the event that it emitted; empty if it emitted none."""

    writes: tuple[KeyWrite, ...]

    @classmethod
    def from_transaction(
        cls, transaction: BlockTransaction, *, block: int, chaincode: str
    ) -> LedgerTransaction:
        """Read one of a block's transactions."""
        event = transaction.event
        return cls(
            block=block,
            tx_id=transaction.tx_id,
            time_ms=transaction.claimed_time_ms,
            msp_id=transaction.creator_msp_id,
            actor=_common_name(transaction.creator_certificate),
            event="" if event is None else str(event.event_name),
            writes=read_writes(transaction.read_write_set, chaincode),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerBlock:
    """What a block says about the exchange."""

    number: int
    hash: bytes
    """Hash of its header."""

    previous_hash: bytes
    """Hash of the header before; empty for the first block."""

    transactions: tuple[LedgerTransaction, ...]
    """The valid ones that write below the chaincode, in order."""

    @classmethod
    def from_block(cls, block: Block, chaincode: str) -> LedgerBlock:
        """Read a block of the channel.

        Raises
        ------
        ModelError
            If a valid transaction's writes cannot be read.
        """
        found = (
            LedgerTransaction.from_transaction(one, block=block.number, chaincode=chaincode)
            for one in block.transactions
            if one.is_call and one.validation_code is ValidationCode.VALID
        )
        return cls(
            number=block.number,
            hash=block.header_hash,
            previous_hash=block.previous_hash,
            transactions=tuple(one for one in found if one.writes),
        )


def _common_name(certificate: bytes) -> str:
    """Return a certificate's common name; its peers have checked it, so one that has none stays nameless."""
    try:
        names = load_certificate(certificate).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        return ""
    return str(names[0].value) if names else ""
