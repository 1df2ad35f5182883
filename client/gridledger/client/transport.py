"""The gateway's services over gRPC: one typed call a service, its failures as the errors of the step."""

from __future__ import annotations

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Any, Protocol, TypeVar

import grpc
import grpc.aio
from fabric_protos.gateway import gateway_pb2_grpc
from fabric_protos.peer import events_pb2_grpc

from gridledger.client.errors import (
    CommitStatusError,
    EndorseError,
    EvaluateError,
    EventsError,
    RpcError,
    SubmitError,
)
from gridledger.client.status_details import TRAILER, read_details

__all__ = ["BlockKind", "GrpcTransport", "Message", "Transport", "read_rpc_error"]

# Messages of the official protos; their package has no type stubs.
Message = Any

_Error = TypeVar("_Error", bound=RpcError)


class BlockKind(StrEnum):
    """What a stream of blocks carries."""

    FULL = "Deliver"
    FILTERED = "DeliverFiltered"
    PRIVATE = "DeliverWithPrivateData"


class Transport(Protocol):
    """What the steps need of a gateway; a test gives its own."""

    async def evaluate(self, request: Message, tx_id: str, timeout: float) -> Message:
        """Send an ``EvaluateRequest``; raise `EvaluateError`."""
        ...

    async def endorse(self, request: Message, tx_id: str, timeout: float) -> Message:
        """Send an ``EndorseRequest``; raise `EndorseError`."""
        ...

    async def submit(self, request: Message, tx_id: str, timeout: float) -> Message:
        """Send a ``SubmitRequest``; raise `SubmitError`."""
        ...

    async def commit_status(self, request: Message, tx_id: str, timeout: float) -> Message:
        """Send a ``SignedCommitStatusRequest``; raise `CommitStatusError`."""
        ...

    def chaincode_events(self, request: Message) -> AsyncIterator[Message]:
        """Stream ``ChaincodeEventsResponse``; raise `EventsError`. Closing the iterator ends the call."""
        ...

    def blocks(self, kind: BlockKind, request: Message) -> AsyncIterator[Message]:
        """Stream ``DeliverResponse``; raise `EventsError`. Closing the iterator ends the call."""
        ...

    async def close(self) -> None:
        """Close what the transport opened."""
        ...


class GrpcTransport:
    """The services of a gateway peer.

    Parameters
    ----------
    channel : grpc.aio.Channel
        An open channel.
    owns_channel : bool
        Whether `close` closes the channel.
    """

    def __init__(self, channel: grpc.aio.Channel, *, owns_channel: bool) -> None:
        gateway = gateway_pb2_grpc.GatewayStub(channel)
        deliver = events_pb2_grpc.DeliverStub(channel)
        self._channel = channel
        self._owns_channel = owns_channel
        self._evaluate = gateway.Evaluate
        self._endorse = gateway.Endorse
        self._submit = gateway.Submit
        self._commit_status = gateway.CommitStatus
        self._chaincode_events = gateway.ChaincodeEvents
        self._blocks = {kind: getattr(deliver, kind.value) for kind in BlockKind}

    async def evaluate(self, request: Message, tx_id: str, timeout: float) -> Message:
        """See `Transport.evaluate`."""
        try:
            return await self._evaluate(request, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            raise read_rpc_error(EvaluateError, error, tx_id) from error

    async def endorse(self, request: Message, tx_id: str, timeout: float) -> Message:
        """See `Transport.endorse`."""
        try:
            return await self._endorse(request, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            raise read_rpc_error(EndorseError, error, tx_id) from error

    async def submit(self, request: Message, tx_id: str, timeout: float) -> Message:
        """See `Transport.submit`."""
        try:
            return await self._submit(request, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            raise read_rpc_error(SubmitError, error, tx_id) from error

    async def commit_status(self, request: Message, tx_id: str, timeout: float) -> Message:
        """See `Transport.commit_status`."""
        try:
            return await self._commit_status(request, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            raise read_rpc_error(CommitStatusError, error, tx_id) from error

    async def chaincode_events(self, request: Message) -> AsyncIterator[Message]:
        """See `Transport.chaincode_events`."""
        call = self._chaincode_events(request)
        try:
            async for response in call:
                yield response
        except grpc.aio.AioRpcError as error:
            raise read_rpc_error(EventsError, error, "") from error
        finally:
            call.cancel()

    async def blocks(self, kind: BlockKind, request: Message) -> AsyncIterator[Message]:
        """See `Transport.blocks`."""
        call = self._blocks[kind]()
        try:
            # The stream stays open for writing: the peer takes its end as the client's leaving.
            await call.write(request)
            async for response in call:
                yield response
        except grpc.aio.AioRpcError as error:
            raise read_rpc_error(EventsError, error, "") from error
        finally:
            call.cancel()

    async def close(self) -> None:
        """See `Transport.close`."""
        if self._owns_channel:
            await self._channel.close()


def read_rpc_error(kind: type[_Error], error: grpc.aio.AioRpcError, tx_id: str) -> _Error:
    """Turn gRPC's error into ours, with what each node behind the gateway said."""
    trailers = error.trailing_metadata() or ()
    details = [detail for key, value in trailers if key == TRAILER for detail in read_details(value)]
    return kind(error.details() or "no message", tx_id=tx_id, grpc_status=error.code().name, details=details)
