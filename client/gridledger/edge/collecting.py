"""Collecting a period's envelopes as their receiver: one that cannot be had or read keeps no other back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from gridledger.crypto.cryptonote.stealth import ViewSecret
from gridledger.crypto.errors import SealBroken
from gridledger.edge.edge_ledger import EdgeLedger
from gridledger.edge.errors import EnvelopeMissing, EnvelopeUnreadable
from gridledger.edge.receiver import Receiver, scan
from gridledger.model.errors import GridLedgerError
from gridledger.model.identifier import SystemIdentifier

__all__ = ["Collected", "collect_period"]


@dataclass(frozen=True, kw_only=True)
class Collected:
    """An envelope for the receiver: its record, or why there is none."""

    deposit: str
    record: bytes | None = field(default=None, repr=False)
    problem: GridLedgerError | None = None


async def collect_period(
    receiver: Receiver,
    view: ViewSecret,
    ledger: EdgeLedger,
    issuer: SystemIdentifier,
    period: int,
    *,
    sign: bool,
) -> AsyncIterator[Collected]:
    """Fetch and open the envelopes of a period that are for an address, in the order of their deposits.

    Parameters
    ----------
    receiver : Receiver
    view : ViewSecret
        Of the receiver's address.
    ledger : EdgeLedger
    issuer : SystemIdentifier
    period : int
    sign : bool
        Whether a receipt is deposited for each envelope that opens.

    Notes
    -----
    Any member of a ring may deposit what is for this address and does not open, and a storage node may have
    lost what it had: both are said, and the others come.
    """
    async for found in scan(view, ledger.deposits(issuer, period)):
        deposit = await ledger.deposit(found.at.deposit)
        try:
            envelope = await receiver.fetch(found, deposit.signed.statement.envelope)
            record = receiver.open(found, envelope)
        except (EnvelopeMissing, EnvelopeUnreadable, SealBroken) as error:
            yield Collected(deposit=found.at.deposit, problem=error)
            continue
        if sign:
            await receiver.acknowledge(found, deposit)
        yield Collected(deposit=found.at.deposit, record=record)
