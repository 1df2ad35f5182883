"""Blocks without content: which transactions stand in them, and how they ended."""

from __future__ import annotations

from dataclasses import dataclass

from gridledger.client.chaincode_events import ChaincodeEvent
from gridledger.client.transport import Message
from gridledger.client.validation import ValidationCode

__all__ = ["FilteredBlock", "FilteredTransaction"]


@dataclass(frozen=True, kw_only=True, slots=True)
class FilteredTransaction:
    """A transaction without its content."""

    tx_id: str
    """Transaction id; empty for configuration."""

    validation_code: ValidationCode
    """What the peer found."""

    events: tuple[ChaincodeEvent, ...]
    """What the contract emitted; filtered blocks leave out the payload."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FilteredBlock:
    """A block without the content of its transactions."""

    channel: str
    """Name of the channel."""

    number: int
    """Place in the chain, from 0."""

    transactions: tuple[FilteredTransaction, ...]
    """In order."""

    @classmethod
    def from_message(cls, message: Message) -> FilteredBlock:
        """Build it from a ``protos.FilteredBlock``."""
        return cls(
            channel=message.channel_id,
            number=message.number,
            transactions=tuple(
                FilteredTransaction(
                    tx_id=one.txid,
                    validation_code=ValidationCode(one.tx_validation_code),
                    events=tuple(
                        _to_event(action.chaincode_event, message.number)
                        for action in one.transaction_actions.chaincode_actions
                        if action.chaincode_event.event_name
                    ),
                )
                for one in message.filtered_transactions
            ),
        )


def _to_event(event: Message, block_number: int) -> ChaincodeEvent:
    return ChaincodeEvent(
        block_number=block_number,
        tx_id=event.tx_id,
        chaincode=event.chaincode_id,
        name=event.event_name,
        payload=event.payload,
    )
