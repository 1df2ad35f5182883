"""A channel of the network."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from gridledger.client.block import Block, BlockTransaction
from gridledger.client.block_events import (
    BlockAndPrivateDataEventsRequest,
    BlockEventsRequest,
    FilteredBlockEventsRequest,
)
from gridledger.client.chain_info import ChainInfo
from gridledger.client.chaincode_events import ChaincodeEvent, ChaincodeEventsRequest
from gridledger.client.checkpoint import Checkpoint, Position
from gridledger.client.commit import Commit, CommitStatus
from gridledger.client.contract import Contract
from gridledger.client.deadlines import Deadlines
from gridledger.client.events import Events, EventSource
from gridledger.client.filtered_block import FilteredBlock
from gridledger.client.outcome import Outcome
from gridledger.client.private_data import BlockAndPrivateData
from gridledger.client.session import Session
from gridledger.client.transaction import Transaction
from gridledger.model.errors import ConfigError

__all__ = ["Network"]

_Event = TypeVar("_Event")


class Network:
    """A channel: its contracts, its blocks and its events; made by `Gateway.network`."""

    __slots__ = ("_chaincode", "_session", "channel")

    channel: str
    """Name of the channel."""

    def __init__(self, session: Session, *, channel: str, chaincode: str | None = None) -> None:
        self._session = session
        self._chaincode = chaincode
        self.channel = channel

    def contract(self, chaincode: str | None = None, name: str | None = None) -> Contract:
        """Return a contract.

        Parameters
        ----------
        chaincode : str, optional
            Name of the chaincode; the connection's by default.
        name : str, optional
            Name of the contract; the chaincode's default one by default.

        Raises
        ------
        ConfigError
            When neither names a chaincode.
        """
        return Contract(self._session, channel=self.channel, chaincode=self._choose(chaincode), name=name)

    def commit(self, tx_id: str) -> Commit:
        """Return the question for the outcome of any transaction of the channel."""
        return Commit.create(self._session, channel=self.channel, tx_id=tx_id)

    async def settle(self, transaction: bytes, *, deadlines: Deadlines | None = None) -> CommitStatus:
        """Send an endorsed transaction until its outcome is known; for envelopes that outlive a process.

        Parameters
        ----------
        transaction : bytes
            `Transaction.to_bytes` of a signed one; sent again it is the same transaction, and commits once.
        deadlines : Deadlines, optional
            The gateway's by default.

        Raises
        ------
        SubmitError, OutcomeUnknown
            When the outcome is not known; it may be asked for again with the same bytes.
        ModelError
            When the bytes are none.
        """
        session = self._session
        carried = Transaction.from_bytes(session, transaction)
        return await Outcome(carried, deadlines=deadlines or session.deadlines, retry=session.retry).settle()

    async def chain_info(self, *, timeout: float | None = None) -> ChainInfo:
        """Return how far the gateway's organisation has the chain; EvaluateError when it does not answer."""
        answer = await self.contract("qscc").evaluate("GetChainInfo", self.channel, timeout=timeout)
        return ChainInfo.from_bytes(answer)

    async def block(self, number: int, *, timeout: float | None = None) -> Block:
        """Return a block by its number; EvaluateError when there is none yet or no answer."""
        answer = await self.contract("qscc").evaluate(
            "GetBlockByNumber", self.channel, number, timeout=timeout
        )
        return Block.from_bytes(answer)

    async def block_of(self, tx_id: str, *, timeout: float | None = None) -> Block:
        """Return the block that holds a transaction; EvaluateError when there is none or no answer."""
        answer = await self.contract("qscc").evaluate("GetBlockByTxID", self.channel, tx_id, timeout=timeout)
        return Block.from_bytes(answer)

    async def transaction(self, tx_id: str, *, timeout: float | None = None) -> BlockTransaction:
        """Return an ordered transaction by its id; EvaluateError when there is none or no answer."""
        answer = await self.contract("qscc").evaluate(
            "GetTransactionByID", self.channel, tx_id, timeout=timeout
        )
        return BlockTransaction.from_bytes(answer)

    def chaincode_events(
        self,
        chaincode: str | None = None,
        *,
        start_block: int | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Events[ChaincodeEvent]:
        """Return the events of a chaincode's valid transactions.

        Parameters
        ----------
        chaincode : str, optional
            Name of the chaincode; the connection's by default.
        start_block : int, optional
            First block; from now on by default.
        checkpoint : Checkpoint, optional
            Where a reader stopped before: if it has a position, that one counts. The reader records in it
            what it has done; that is not done here, so that an event whose handling failed comes again.

        Returns
        -------
        Events of ChaincodeEvent
            To be closed, best by ``async with``.
        """
        request = self.chaincode_events_request(chaincode, start_block=start_block)
        return self._events(request, start_block, checkpoint)

    def block_events(
        self,
        *,
        start_block: int | None = None,
        stop_block: int | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Events[Block]:
        """Return whole blocks.

        Parameters
        ----------
        start_block : int, optional
            First block; from now on by default.
        stop_block : int, optional
            Last block; none by default.
        checkpoint : Checkpoint, optional
            See `chaincode_events`.
        """
        request = self.block_events_request(start_block=start_block, stop_block=stop_block)
        return self._events(request, start_block, checkpoint)

    def filtered_block_events(
        self,
        *,
        start_block: int | None = None,
        stop_block: int | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Events[FilteredBlock]:
        """Return blocks without the content of their transactions; see `block_events`."""
        request = self.filtered_block_events_request(start_block=start_block, stop_block=stop_block)
        return self._events(request, start_block, checkpoint)

    def block_and_private_data_events(
        self,
        *,
        start_block: int | None = None,
        stop_block: int | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Events[BlockAndPrivateData]:
        """Return whole blocks with the private data that the organisation may see; see `block_events`."""
        request = self.block_and_private_data_events_request(start_block=start_block, stop_block=stop_block)
        return self._events(request, start_block, checkpoint)

    def chaincode_events_request(
        self, chaincode: str | None = None, *, start_block: int | None = None
    ) -> ChaincodeEventsRequest:
        """Return the request of `chaincode_events`, to be signed elsewhere."""
        return ChaincodeEventsRequest.create(
            self._session, channel=self.channel, chaincode=self._choose(chaincode), start_block=start_block
        )

    def block_events_request(
        self, *, start_block: int | None = None, stop_block: int | None = None
    ) -> BlockEventsRequest:
        """Return the request of `block_events`, to be signed elsewhere."""
        return BlockEventsRequest.create(
            self._session, channel=self.channel, start_block=start_block, stop_block=stop_block
        )

    def filtered_block_events_request(
        self, *, start_block: int | None = None, stop_block: int | None = None
    ) -> FilteredBlockEventsRequest:
        """Return the request of `filtered_block_events`, to be signed elsewhere."""
        return FilteredBlockEventsRequest.create(
            self._session, channel=self.channel, start_block=start_block, stop_block=stop_block
        )

    def block_and_private_data_events_request(
        self, *, start_block: int | None = None, stop_block: int | None = None
    ) -> BlockAndPrivateDataEventsRequest:
        """Return the request of `block_and_private_data_events`, to be signed elsewhere."""
        return BlockAndPrivateDataEventsRequest.create(
            self._session, channel=self.channel, start_block=start_block, stop_block=stop_block
        )

    def _choose(self, chaincode: str | None) -> str:
        chosen = chaincode or self._chaincode
        if not chosen:
            raise ConfigError("is missing, and the connection names none", key="chaincode", source="Network")
        return chosen

    def _events(
        self, request: EventSource[_Event], start_block: int | None, checkpoint: Checkpoint | None
    ) -> Events[_Event]:
        position = checkpoint.position if checkpoint is not None else None
        if position is None and start_block is not None:
            position = Position(start_block)
        locate: Callable[[], Awaitable[Position]] = self._now
        return Events(request, position=position, locate=locate, retry=self._session.retry.streams)

    async def _now(self) -> Position:
        info = await self.chain_info()
        return Position(info.height)
