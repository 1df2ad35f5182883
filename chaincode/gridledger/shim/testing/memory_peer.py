"""A peer in memory that speaks the chaincode protocol."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from fabric_protos.common import common_pb2
from fabric_protos.peer import (
    chaincode_pb2,
    chaincode_shim_pb2,
    proposal_pb2,
    proposal_response_pb2,
)
from google.protobuf.timestamp_pb2 import Timestamp

from gridledger.model.argument import Argument, encode_argument
from gridledger.model.errors import ContractError
from gridledger.shim.chaincode import Chaincode
from gridledger.shim.peer_stream import PeerStream
from gridledger.shim.response import Response
from gridledger.shim.testing.caller import Caller, make_caller
from gridledger.shim.testing.memory_ledger import MemoryLedger, Refused, Simulation
from gridledger.shim.wire import MessageType

__all__ = ["Committed", "MemoryPeer"]

_START_MS = 1_700_000_000_000
_DEADLINE_S = 30.0

_Shim = chaincode_shim_pb2


@dataclass(frozen=True)
class Committed:
    """What a submitted transaction left: result, event, id."""

    payload: bytes
    tx_id: str
    event: tuple[str, bytes] | None


class MemoryPeer:
    """A peer with one channel and one chaincode.

    Parameters
    ----------
    chaincode : Chaincode
        The one under test.
    channel : str, default "energy"
        The channel's name.
    batch_size : int, default 1000
        Writes and keys that it takes in one message; 0 announces neither.

    Attributes
    ----------
    ledger : MemoryLedger
        What is committed; tests may read and change it.
    requests : list of str
        Types of the messages that the chaincode sent, in their order.
    time_ms : int
        Claimed time of the next transaction; each one takes a second.
    """

    def __init__(self, chaincode: Chaincode, *, channel: str = "energy", batch_size: int = 1000) -> None:
        self.ledger = MemoryLedger()
        self.requests: list[str] = []
        self.time_ms = _START_MS
        self._chaincode = chaincode
        self._channel = channel
        self._batch_size = batch_size
        self._caller: Caller | None = None
        self._numbers = itertools.count(1)
        self._running: dict[str, tuple[Simulation, asyncio.Future[Any]]] = {}
        self._stream: PeerStream | None = None

    async def __aenter__(self) -> Self:
        self._stream = PeerStream(
            self._chaincode, "memory:0", send=self._take, transaction_deadline_s=_DEADLINE_S
        )
        self._stream.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._stream is not None:
            self._stream.close()
            await self._stream.wait_closed()

    async def evaluate(
        self,
        function: str,
        *arguments: Argument,
        caller: Caller | None = None,
        transient: Mapping[str, bytes] | None = None,
        time_ms: int | None = None,
    ) -> bytes:
        """Call a function, write nothing and return its result.

        Parameters
        ----------
        function : str
            `contract:Function`.
        *arguments : Argument
            Written as the client writes them.
        caller : Caller, optional
            By default one of Org1MSP without roles.
        transient : mapping of str to bytes, optional
            Transient data.
        time_ms : int, optional
            Claimed time; by default `self.time_ms`.

        Raises
        ------
        ContractError
            As the class that the contract refused with; a plain one with status and message for another
            error.
        """
        _, response, _, _ = await self._run(function, arguments, caller, transient, time_ms)
        return response.payload

    async def submit(
        self,
        function: str,
        *arguments: Argument,
        caller: Caller | None = None,
        transient: Mapping[str, bytes] | None = None,
        time_ms: int | None = None,
    ) -> Committed:
        """Call a function and write what it wrote; parameters and errors as for `evaluate`."""
        simulation, response, tx_id, event = await self._run(function, arguments, caller, transient, time_ms)
        self.ledger.commit(simulation, tx_id, self.time_ms)
        self.time_ms += 1000
        return Committed(response.payload, tx_id, event)

    # --- a transaction

    async def _run(
        self,
        function: str,
        arguments: Iterable[Argument],
        caller: Caller | None,
        transient: Mapping[str, bytes] | None,
        time_ms: int | None,
    ) -> tuple[Simulation, Response, str, tuple[str, bytes] | None]:
        if caller is None:
            caller = self._caller = self._caller or make_caller()
        nonce = next(self._numbers).to_bytes(24, "big")
        tx_id = hashlib.sha256(nonce + caller.serialized).hexdigest()
        args = [function.encode(), *map(encode_argument, arguments)]
        claimed = self.time_ms if time_ms is None else time_ms
        message = _Shim.ChaincodeMessage(
            type=MessageType.TRANSACTION,
            txid=tx_id,
            channel_id=self._channel,
            payload=chaincode_pb2.ChaincodeInput(args=args).SerializeToString(),
        )
        message.proposal.proposal_bytes = self._proposal(tx_id, caller, nonce, claimed, transient or {})
        simulation = Simulation(self.ledger)
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._running[tx_id] = simulation, done
        self._deliver(message.SerializeToString())
        try:
            answer = await asyncio.wait_for(done, _DEADLINE_S)
        finally:
            del self._running[tx_id]
        if answer.type == MessageType.ERROR:
            raise ContractError(answer.payload.decode())
        parsed = proposal_response_pb2.Response.FromString(answer.payload)
        response = Response(parsed.status, parsed.message, parsed.payload)
        if not response.endorsable:
            raise ContractError.from_wire(response.message) or ContractError(
                response.message, status=response.status
            )
        event = None
        if answer.HasField("chaincode_event"):
            event = (answer.chaincode_event.event_name, answer.chaincode_event.payload)
        return simulation, response, tx_id, event

    def _proposal(
        self, tx_id: str, caller: Caller, nonce: bytes, time_ms: int, transient: Mapping[str, bytes]
    ) -> bytes:
        channel_header = common_pb2.ChannelHeader(
            type=common_pb2.HeaderType.ENDORSER_TRANSACTION,
            tx_id=tx_id,
            channel_id=self._channel,
            timestamp=Timestamp(seconds=time_ms // 1000, nanos=time_ms % 1000 * 1_000_000),
        )
        signature_header = common_pb2.SignatureHeader(creator=caller.serialized, nonce=nonce)
        header = common_pb2.Header(
            channel_header=channel_header.SerializeToString(),
            signature_header=signature_header.SerializeToString(),
        )
        payload = proposal_pb2.ChaincodeProposalPayload(TransientMap=transient)
        data: bytes = proposal_pb2.Proposal(
            header=header.SerializeToString(), payload=payload.SerializeToString()
        ).SerializeToString()
        return data

    # --- the chaincode's messages

    def _take(self, data: bytes) -> None:
        message = _Shim.ChaincodeMessage.FromString(data)
        kind = MessageType(message.type)
        self.requests.append(kind.name)
        if kind is MessageType.REGISTER:
            announced = chaincode_pb2.ChaincodeAdditionalParams(
                use_write_batch=self._batch_size > 0,
                max_size_write_batch=self._batch_size,
                use_get_multiple_keys=self._batch_size > 0,
                max_size_get_multiple_keys=self._batch_size,
            )
            self._send(MessageType.REGISTERED)
            self._send(MessageType.READY, announced.SerializeToString())
            return
        if message.txid not in self._running:
            return
        simulation, done = self._running[message.txid]
        if kind in (MessageType.COMPLETED, MessageType.ERROR):
            if not done.done():
                done.set_result(message)
            return
        try:
            self._send(MessageType.RESPONSE, simulation.answer(kind, message.payload), message.txid)
        except Refused as exc:
            self._send(MessageType.ERROR, f"{kind.name} failed: {exc}".encode(), message.txid)

    def _deliver(self, data: bytes) -> None:
        # With the loop's next round, as from a socket: the chaincode has then sent all that it wanted to.
        if self._stream is not None:
            asyncio.get_running_loop().call_soon(self._stream.receive, data)

    def _send(self, kind: MessageType, payload: bytes = b"", tx_id: str = "") -> None:
        message = _Shim.ChaincodeMessage(type=kind, payload=payload, txid=tx_id)
        if tx_id:
            message.channel_id = self._channel
        self._deliver(message.SerializeToString())
