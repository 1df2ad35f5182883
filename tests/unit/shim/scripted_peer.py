"""A peer whose every message the test writes itself."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2, proposal_response_pb2

from gridledger.shim import Chaincode, Response
from gridledger.shim.peer_stream import PeerStream
from gridledger.shim.wire import MessageType

__all__ = ["CHANNEL", "ScriptedPeer"]

CHANNEL = "energy"
_DEADLINE_S = 10.0
_Message = chaincode_shim_pb2.ChaincodeMessage


class ScriptedPeer:
    """Sends what the test says, and hands over what the chaincode sends; nothing is answered by itself."""

    def __init__(self, chaincode: Chaincode, *, transaction_deadline_s: float = 60.0) -> None:
        self.chaincode = chaincode
        self.deadline_s = transaction_deadline_s
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        self.stream = PeerStream(
            self.chaincode,
            "probe:0",
            send=self._outbox.put_nowait,
            transaction_deadline_s=self.deadline_s,
        )
        self.stream.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.hang_up()

    async def ready(self, *, batch: int = 0, keys: int = 0) -> Self:
        """Take the registration and announce the sizes of batches (0: none)."""
        assert (await self.receive()).type == MessageType.REGISTER
        announced = chaincode_pb2.ChaincodeAdditionalParams(
            use_write_batch=batch > 0,
            max_size_write_batch=batch,
            use_get_multiple_keys=keys > 0,
            max_size_get_multiple_keys=keys,
        )
        self.send(MessageType.REGISTERED)
        self.send(MessageType.READY, announced.SerializeToString())
        return self

    def send_bytes(self, data: bytes) -> None:
        self.stream.receive(data)

    def send(
        self, kind: int, payload: bytes = b"", tx_id: str = "", channel: str = CHANNEL, proposal: bytes = b""
    ) -> None:
        message = _Message(type=kind, payload=payload, txid=tx_id, channel_id=channel)
        if proposal:
            message.proposal.proposal_bytes = proposal
        self.send_bytes(message.SerializeToString())

    def call(self, tx_id: str, *args: bytes, channel: str = CHANNEL, proposal: bytes = b"") -> None:
        payload = chaincode_pb2.ChaincodeInput(args=args).SerializeToString()
        self.send(MessageType.TRANSACTION, payload, tx_id, channel, proposal)

    def answer(self, request: Any, payload: bytes = b"") -> None:
        self.send(MessageType.RESPONSE, payload, request.txid, request.channel_id)

    def refuse(self, request: Any, text: str) -> None:
        self.send(MessageType.ERROR, text.encode(), request.txid, request.channel_id)

    async def receive(self) -> Any:
        """Return the chaincode's next message."""
        return _Message.FromString(await asyncio.wait_for(self._outbox.get(), _DEADLINE_S))

    async def expect(self, kind: MessageType) -> Any:
        """Return the chaincode's next message, which is of this type."""
        message = await self.receive()
        assert MessageType(message.type) is kind, message
        return message

    async def completed(self) -> Response:
        """Return the answer of a transaction that ends now."""
        message = await self.expect(MessageType.COMPLETED)
        parsed = proposal_response_pb2.Response.FromString(message.payload)
        return Response(parsed.status, parsed.message, parsed.payload)

    async def is_silent(self) -> bool:
        """Tell whether the chaincode has nothing more to say once all its tasks have run."""
        for _ in range(20):
            await asyncio.sleep(0)
        return self._outbox.empty()

    async def hang_up(self) -> None:
        self.stream.close()
        await self.stream.wait_closed()
