"""Commits: whoever waits for a transaction hears of it, and events are read off committed blocks."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from fabric_protos.peer import chaincode_event_pb2

from gridledger.client.validation import ValidationCode
from gridledger.network.devnet.ledger import Ledger
from gridledger.network.devnet.transaction import Transaction

__all__ = ["Commits"]

_KEPT_BLOCKS: Final = 256
"""Blocks whose events are kept parsed, for those who follow closely; older ones are parsed again."""


class Commits:
    """Tells of committed transactions.

    Parameters
    ----------
    ledger : Ledger
        Where they stand.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: dict[str, list[asyncio.Future[tuple[int, int]]]] = {}
        self._events: OrderedDict[int, list[chaincode_event_pb2.ChaincodeEvent]] = OrderedDict()

    def committed(self, number: int, transactions: Sequence[Transaction], codes: Sequence[int]) -> None:
        """Take note of a block; the orderer calls it."""
        self._keep(number, _events(transactions, codes))
        for transaction, code in zip(transactions, codes, strict=True):
            for waiter in self._waiting.pop(transaction.transaction_id, ()):
                if not waiter.done():
                    waiter.set_result((number, code))

    def _keep(self, number: int, events: list[chaincode_event_pb2.ChaincodeEvent]) -> None:
        self._events[number] = events
        if len(self._events) > _KEPT_BLOCKS:
            self._events.popitem(last=False)

    async def wait(self, transaction_id: str) -> tuple[int, int]:
        """Return a transaction's block and validation code, once it is committed; never, if it is not."""
        with self._ledger.snapshot() as snapshot:
            found = snapshot.transaction(transaction_id)
        if found is not None:
            return found.version.block, found.code
        waiter: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()
        waiters = self._waiting.setdefault(transaction_id, [])
        waiters.append(waiter)
        try:
            return await waiter
        finally:
            if waiter in waiters:
                waiters.remove(waiter)
            if not waiters:
                self._waiting.pop(transaction_id, None)

    def events(self, number: int) -> list[chaincode_event_pb2.ChaincodeEvent]:
        """Return the events of a block's valid transactions, in order."""
        kept = self._events.get(number)
        if kept is None:
            with self._ledger.snapshot() as snapshot:
                rows = snapshot.envelopes(number)
            transactions = [Transaction.parse(data) for _, data in rows]
            kept = _events(transactions, [code for code, _ in rows])
            self._keep(number, kept)
        return kept


def _events(
    transactions: Sequence[Transaction], codes: Sequence[int]
) -> list[chaincode_event_pb2.ChaincodeEvent]:
    return [
        transaction.action.event
        for transaction, code in zip(transactions, codes, strict=True)
        if code == ValidationCode.VALID
        and transaction.action is not None
        and transaction.action.event is not None
    ]
