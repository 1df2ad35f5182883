"""Ordering: transactions are taken in, cut into blocks, validated and committed. There is no consensus."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from fabric_protos.common import common_pb2

from gridledger.network.devnet.block import BlockHeader, Signer, data_hash, orderer_metadata
from gridledger.network.devnet.channel import (
    ABSOLUTE_MAX_BYTES,
    CHANNEL_WRITERS,
    PREFERRED_MAX_BYTES,
    Channel,
)
from gridledger.network.devnet.errors import Refused
from gridledger.network.devnet.ledger import BlockWrite, Ledger
from gridledger.network.devnet.private import PrivateData
from gridledger.network.devnet.state import Version
from gridledger.network.devnet.transaction import Transaction
from gridledger.network.devnet.validator import ValidatedBlock, Validator

__all__ = ["Orderer", "OrderingRefused"]

_log = logging.getLogger(__name__)
_QUEUE_LIMIT = 10_000
_LOOK_SECONDS = 0.01
"""While a block waits, the queue is looked at this often: a full block need not wait for the interval."""


class OrderingRefused(Refused):
    """The orderer does not take a transaction.

    Parameters
    ----------
    message : str
        Why.
    status : int
        A `common.Status`.
    """

    code = "GL-NET-038"
    exit_code = 80

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class Orderer:
    """The one orderer, with the one committer behind it.

    Parameters
    ----------
    channel : Channel
        Who may submit.
    ledger : Ledger
        Where blocks go.
    validator : Validator
        Says which transactions hold.
    private_data : PrivateData
        What organisations keep of them.
    signer : Signer
        The orderer's key.
    interval_seconds : float
        How long a block waits for further transactions.
    max_messages : int
        Transactions in a block at most.

    Notes
    -----
    A transaction that was taken in is in memory until its block is on the disk: it is lost if the process is
    killed before. `CommitStatus` answers after the disk has it.
    """

    def __init__(
        self,
        *,
        channel: Channel,
        ledger: Ledger,
        validator: Validator,
        private_data: PrivateData,
        signer: Signer,
        interval_seconds: float,
        max_messages: int,
    ) -> None:
        self._channel = channel
        self._ledger = ledger
        self._validator = validator
        self._private_data = private_data
        self._signer = signer
        self._interval_seconds = interval_seconds
        self._max_messages = max_messages
        self._queue: asyncio.Queue[Transaction] = asyncio.Queue(_QUEUE_LIMIT)
        self._left_over: Transaction | None = None
        self._pending: set[str] = set()
        self._listeners: list[Callable[[int, Sequence[Transaction], Sequence[int]], None]] = []
        self._definition_listeners: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> asyncio.Task[None]:
        """Begin to cut blocks; the returned task ends only if a block could not be written."""
        self._task = asyncio.create_task(self._run(), name="orderer")
        return self._task

    async def close(self) -> None:
        """Stop; the block at work is finished."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def on_commit(self, listener: Callable[[int, Sequence[Transaction], Sequence[int]], None]) -> None:
        """Call `listener(number, transactions, codes)` after every commit."""
        self._listeners.append(listener)

    def on_definition(self, listener: Callable[[], None]) -> None:
        """Call `listener()` after every commit that changed a chaincode's definition or an approval."""
        self._definition_listeners.append(listener)

    def submit(self, envelope: common_pb2.Envelope) -> None:
        """Take a transaction in.

        Raises
        ------
        OrderingRefused
            If it is empty, too large, not signed by a writer of the channel, or the queue is full.
        """
        status = common_pb2.Status
        if not envelope.payload:
            raise OrderingRefused("Message was empty", status=status.BAD_REQUEST)
        size = len(envelope.payload) + len(envelope.signature)
        if size > ABSOLUTE_MAX_BYTES:
            raise OrderingRefused(
                f"message payload is {size} bytes and exceeds maximum allowed {ABSOLUTE_MAX_BYTES} bytes",
                status=status.BAD_REQUEST,
            )
        transaction = Transaction.parse(envelope.SerializeToString())
        header = transaction.channel_header
        if transaction.signed is None:
            raise OrderingRefused("bad payload: the headers do not parse", status=status.BAD_REQUEST)
        if header.channel_id != self._channel.channel_id:
            raise OrderingRefused(f"channel {header.channel_id} is not served", status=status.NOT_FOUND)
        if header.type in (common_pb2.HeaderType.CONFIG_UPDATE, common_pb2.HeaderType.CONFIG):
            raise OrderingRefused(
                "the embedded network does not take configuration updates", status=status.NOT_IMPLEMENTED
            )
        try:
            expires_at = self._channel.msps.deserialize(transaction.signed.identity).expires_at
            self._channel.policies.check_one(CHANNEL_WRITERS, transaction.signed)
        except Refused as refusal:
            raise OrderingRefused(
                f"{refusal.message}: permission denied", status=status.FORBIDDEN
            ) from refusal
        if expires_at < time.time():
            raise OrderingRefused("broadcast client identity expired", status=status.BAD_REQUEST)
        if transaction.request_id in self._pending:
            # As SmartBFT: a request that waits already is taken for taken in.
            return
        with self._ledger.snapshot() as snapshot:
            if snapshot.transaction(transaction.request_id) is not None:
                raise OrderingRefused(
                    "failed to submit request: request already processed", status=status.SERVICE_UNAVAILABLE
                )
        try:
            self._queue.put_nowait(transaction)
        except asyncio.QueueFull as error:
            raise OrderingRefused("the queue is full", status=status.SERVICE_UNAVAILABLE) from error
        self._pending.add(transaction.request_id)

    async def _run(self) -> None:
        while True:
            batch = await self._batch()
            # Once begun, a block is brought to its end: the cancellation that stops the process waits.
            block = asyncio.ensure_future(self._make_block(batch))
            try:
                await asyncio.shield(block)
            except asyncio.CancelledError:
                await block
                raise

    async def _batch(self) -> list[Transaction]:
        """Return the next block's transactions: a first one, and what comes within the interval."""
        first = self._left_over or await self._queue.get()
        self._left_over = None
        batch, size = [first], len(first.envelope)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._interval_seconds
        left = self._interval_seconds
        while left > 0 and self._queue.qsize() + 1 < self._max_messages:
            await asyncio.sleep(min(left, _LOOK_SECONDS))
            left = deadline - loop.time()
        while len(batch) < self._max_messages and not self._queue.empty():
            following = self._queue.get_nowait()
            size += len(following.envelope)
            if size > PREFERRED_MAX_BYTES:
                self._left_over = following
                break
            batch.append(following)
        return batch

    async def _make_block(self, batch: Sequence[Transaction]) -> None:
        number = self._ledger.height
        envelopes = [transaction.envelope for transaction in batch]
        header = BlockHeader(number, self._ledger.last_hash, data_hash(envelopes))
        with self._ledger.snapshot() as snapshot:
            validated = self._validator.validate(number, batch, snapshot)
            write = BlockWrite(
                header=header,
                signatures=orderer_metadata(header, 0, self._signer),
                envelopes=envelopes,
                codes=validated.codes,
                transaction_ids=[transaction.transaction_id for transaction in batch],
                updates=validated.updates,
                changes_lifecycle=validated.changes_lifecycle,
                history=_history(number, validated),
            )
            self._private_data.collect(write, snapshot, validated.valid)
        await self._ledger.commit(write)
        self._pending.difference_update(transaction.request_id for transaction in batch)
        self._private_data.forget(write.transaction_ids, self._ledger.height)
        for listener in self._listeners:
            listener(number, batch, validated.codes)
        if validated.changes_lifecycle:
            for changed in self._definition_listeners:
                changed()


def _history(number: int, validated: ValidatedBlock) -> list[tuple[object, ...]]:
    return [
        (part.name, write.key.encode(), Version(number, index).place)
        for index, _, read_write_set in validated.valid
        for part in read_write_set
        for write in part.public.writes
    ]
