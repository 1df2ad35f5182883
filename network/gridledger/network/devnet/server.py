"""The gRPC server of one organisation: its peer's services and the orderer's, on one TLS port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import grpc
import grpc.aio
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import proposal_pb2, proposal_response_pb2
from google.protobuf.message import DecodeError, Message

from gridledger.model.errors import NetworkSetupError
from gridledger.network.devnet.deliver import DeliverService, Render
from gridledger.network.devnet.endorser import Endorser
from gridledger.network.devnet.errors import Malformed, ProposalRefused
from gridledger.network.devnet.gateway import GatewayService
from gridledger.network.devnet.orderer import Orderer, OrderingRefused
from gridledger.network.devnet.proposal import Proposal
from gridledger.network.devnet.rpc_error import RpcError, abort

__all__ = ["PeerServer"]

_MESSAGE_LIMIT: Final = 100 * 1024 * 1024
_STOP_SECONDS: Final = 1.0
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", _MESSAGE_LIMIT),
    ("grpc.max_send_message_length", _MESSAGE_LIMIT),
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 0),
)
_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_Unary: TypeAlias = "Callable[[bytes, _Context], Awaitable[bytes]]"


class PeerServer:
    """One organisation's listener.

    Parameters
    ----------
    address : str
        Host and port.
    certificate, key : Path
        The peer's TLS certificate and key.
    gateway, endorser, deliver, orderer : GatewayService, Endorser, DeliverService, Orderer
        What it serves; the orderer's own service is there for tools that broadcast themselves.
    """

    def __init__(
        self,
        *,
        address: str,
        certificate: Path,
        key: Path,
        gateway: GatewayService,
        endorser: Endorser,
        deliver: DeliverService,
        orderer: Orderer,
    ) -> None:
        self._orderer = orderer
        self._address = address
        self._gateway = gateway
        self._endorser = endorser
        self._deliver = deliver
        self._server = grpc.aio.server(options=_OPTIONS)
        for service, methods in self._services().items():
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
        credentials = grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])
        try:
            port = self._server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise NetworkSetupError(f"cannot listen on {address}: {error}") from error
        if port == 0:
            raise NetworkSetupError(f"cannot listen on {address}")

    async def start(self) -> None:
        """Begin to serve."""
        await self._server.start()

    async def stop(self) -> None:
        """Stop serving; calls at work have a second to end."""
        await self._server.stop(_STOP_SECONDS)

    def _services(self) -> Mapping[str, Mapping[str, grpc.RpcMethodHandler]]:
        gateway = self._gateway
        return {
            "gateway.Gateway": {
                "Evaluate": grpc.unary_unary_rpc_method_handler(
                    _unary(gateway_pb2.EvaluateRequest, gateway.evaluate)
                ),
                "Endorse": grpc.unary_unary_rpc_method_handler(
                    _unary(gateway_pb2.EndorseRequest, gateway.endorse)
                ),
                "Submit": grpc.unary_unary_rpc_method_handler(
                    _unary(gateway_pb2.SubmitRequest, gateway.submit)
                ),
                "CommitStatus": grpc.unary_unary_rpc_method_handler(
                    _unary(gateway_pb2.SignedCommitStatusRequest, gateway.commit_status)
                ),
                "ChaincodeEvents": grpc.unary_stream_rpc_method_handler(self._chaincode_events),
            },
            "orderer.AtomicBroadcast": {
                "Broadcast": grpc.stream_stream_rpc_method_handler(self._broadcast),
                # The two responses differ by name only where whole blocks are delivered.
                "Deliver": grpc.stream_stream_rpc_method_handler(self._delivery(DeliverService.block)),
            },
            "protos.Endorser": {
                "ProcessProposal": grpc.unary_unary_rpc_method_handler(
                    _unary(proposal_pb2.SignedProposal, self._process_proposal)
                )
            },
            "protos.Deliver": {
                "Deliver": grpc.stream_stream_rpc_method_handler(self._delivery(DeliverService.block)),
                "DeliverFiltered": grpc.stream_stream_rpc_method_handler(
                    self._delivery(DeliverService.filtered_block)
                ),
                "DeliverWithPrivateData": grpc.stream_stream_rpc_method_handler(
                    self._delivery(DeliverService.block_and_private_data)
                ),
            },
        }

    async def _process_proposal(
        self, signed: proposal_pb2.SignedProposal
    ) -> proposal_response_pb2.ProposalResponse:
        try:
            return await self._endorser.process(Proposal.parse(signed))
        except (Malformed, ProposalRefused) as refusal:
            raise RpcError(grpc.StatusCode.UNKNOWN, refusal.message) from refusal

    async def _broadcast(self, requests: AsyncIterator[bytes], context: _Context) -> AsyncIterator[bytes]:
        del context
        status = common_pb2.Status
        async for request in requests:
            response = ab_pb2.BroadcastResponse(status=status.SUCCESS)
            try:
                self._orderer.submit(common_pb2.Envelope.FromString(request))
            except DecodeError as error:
                response = ab_pb2.BroadcastResponse(status=status.BAD_REQUEST, info=str(error))
            except OrderingRefused as refusal:
                response = ab_pb2.BroadcastResponse(status=refusal.status, info=refusal.message)
            yield response.SerializeToString()
            if response.status != status.SUCCESS:
                return

    async def _chaincode_events(self, data: bytes, context: _Context) -> AsyncIterator[bytes]:
        try:
            request = _parse(gateway_pb2.SignedChaincodeEventsRequest, data)
            async for response in self._gateway.chaincode_events(request):
                yield response.SerializeToString()
        except RpcError as error:
            await abort(context, error)

    def _delivery(self, render: Render) -> Callable[[AsyncIterator[bytes], _Context], AsyncIterator[bytes]]:
        async def deliver(requests: AsyncIterator[bytes], context: _Context) -> AsyncIterator[bytes]:
            del context
            async for request in requests:
                status = 0
                async for response in self._deliver.deliver(request, render):
                    status = response.status
                    yield response.SerializeToString()
                if status != common_pb2.Status.SUCCESS:
                    return

        return deliver


def _parse(kind: Any, data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise RpcError(grpc.StatusCode.INTERNAL, f"grpc: error unmarshalling request: {error}") from error


def _unary(kind: Any, function: Callable[[Any], Awaitable[Message]]) -> _Unary:
    """Return a handler of serialised messages around a function of messages."""

    async def handle(data: bytes, context: _Context) -> bytes:
        try:
            response = await function(_parse(kind, data))
        except RpcError as error:
            await abort(context, error)
        return bytes(response.SerializeToString())

    return handle
