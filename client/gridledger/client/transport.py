"""The gateway's services over gRPC: one typed call a service, its failures as the errors of the step."""

from __future__ import annotations

import asyncio
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

__all__ = ["BlockKind", "GrpcTransport", "Message", "Stream", "Transport", "read_rpc_error"]

# Messages of the official protos; their package has no type stubs.
Message = Any

_Error = TypeVar("_Error", bound=RpcError)


class BlockKind(StrEnum):
    """What a stream of blocks carries."""

    FULL = "Deliver"
    FILTERED = "DeliverFiltered"
    PRIVATE = "DeliverWithPrivateData"


class Stream(Protocol):
    """Messages that a node sends until one side ends it."""

    async def read(self) -> Message | None:
        """Wait for the next message; None at the end. Raise `EventsError`."""
        ...

    def cancel(self) -> None:
        """End the call; whoever waits in `read` gets None."""
        ...


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

    def chaincode_events(self, request: Message) -> Stream:
        """Stream ``ChaincodeEventsResponse`` for a ``SignedChaincodeEventsRequest``."""
        ...

    def blocks(self, kind: BlockKind, request: Message) -> Stream:
        """Stream ``DeliverResponse`` for an ``Envelope`` with a ``SeekInfo``."""
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

    def chaincode_events(self, request: Message) -> Stream:
        """See `Transport.chaincode_events`."""
        return _GrpcStream(self._chaincode_events(request))

    def blocks(self, kind: BlockKind, request: Message) -> Stream:
        """See `Transport.blocks`."""
        return _GrpcStream(self._blocks[kind](), request)

    async def close(self) -> None:
        """See `Transport.close`."""
        if self._owns_channel:
            await self._channel.close()


class _GrpcStream:
    """A stream over gRPC; one that is written to stays open for it, since peers take its end as leaving."""

    def __init__(self, call: Message, request: Message | None = None) -> None:
        self._call = call
        self._request = request
        self._cancelled = False

    async def read(self) -> Message | None:
        """See `Stream.read`."""
        try:
            if self._request is not None:
                request, self._request = self._request, None
                await self._call.write(request)
            message = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise read_rpc_error(EventsError, error, "") from error
        except asyncio.CancelledError:
            if self._cancelled:
                return None
            raise
        return None if message is grpc.aio.EOF else message

    def cancel(self) -> None:
        """See `Stream.cancel`."""
        self._cancelled = True
        self._call.cancel()


def read_rpc_error(kind: type[_Error], error: grpc.aio.AioRpcError, tx_id: str) -> _Error:
    """Turn gRPC's error into ours, with what each node behind the gateway said."""
    trailers = error.trailing_metadata() or ()
    details = [detail for key, value in trailers if key == TRAILER for detail in read_details(value)]
    return kind(error.details() or "no message", tx_id=tx_id, grpc_status=error.code().name, details=details)
