"""The gRPC server of one organisation: its peer's services and the orderer's, on one TLS port."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import grpc
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
from gridledger.network.devnet.grpc_method import streaming, unary
from gridledger.network.devnet.orderer import Orderer, OrderingRefused
from gridledger.network.devnet.proposal import Proposal
from gridledger.network.devnet.rpc_error import RpcError
from gridledger.shim.http2 import Listener, OpenCall, ServerConnection

__all__ = ["PeerServer"]

_MESSAGE_LIMIT: Final = 100 * 1024 * 1024
_MAX_CALLS: Final = 10_000
"""Calls of one client at a time: each transaction in flight has one."""
_KEEPALIVE_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 1.0
_FLUSH_SECONDS: Final = 0.5
_LOOK_SECONDS: Final = 0.02


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
        self._context = _tls_context(certificate, key)
        self._methods = self._services()
        self._listener = Listener(self._connect)

    async def start(self) -> None:
        """Begin to serve.

        Raises
        ------
        NetworkSetupError
            If the address cannot be listened on.
        """
        try:
            await self._listener.start(self._address, self._context)
        except (OSError, ValueError) as error:
            raise NetworkSetupError(f"cannot listen on {self._address}: {error}") from error

    async def stop(self) -> None:
        """Stop serving; calls at work have a second to end."""
        self._listener.refuse()
        for _ in range(int(_STOP_SECONDS / _LOOK_SECONDS)):
            if not self._listener.has_calls:
                break
            await asyncio.sleep(_LOOK_SECONDS)
        await self._listener.finish("the network is stopping", flush_s=_FLUSH_SECONDS)

    def _connect(self) -> ServerConnection:
        return ServerConnection(
            self._methods,
            max_message_bytes=_MESSAGE_LIMIT,
            max_calls=_MAX_CALLS,
            keepalive_s=_KEEPALIVE_SECONDS,
        )

    def _services(self) -> Mapping[str, OpenCall]:
        gateway, block = self._gateway, DeliverService.block
        return {
            "/gateway.Gateway/Evaluate": _method(gateway_pb2.EvaluateRequest, gateway.evaluate),
            "/gateway.Gateway/Endorse": _method(gateway_pb2.EndorseRequest, gateway.endorse),
            "/gateway.Gateway/Submit": _method(gateway_pb2.SubmitRequest, gateway.submit),
            "/gateway.Gateway/CommitStatus": _method(
                gateway_pb2.SignedCommitStatusRequest, gateway.commit_status
            ),
            "/gateway.Gateway/ChaincodeEvents": streaming(self._chaincode_events),
            "/orderer.AtomicBroadcast/Broadcast": streaming(self._broadcast),
            # The two responses differ by name only where whole blocks are delivered.
            "/orderer.AtomicBroadcast/Deliver": streaming(self._delivery(block)),
            "/protos.Endorser/ProcessProposal": _method(proposal_pb2.SignedProposal, self._process_proposal),
            "/protos.Deliver/Deliver": streaming(self._delivery(block)),
            "/protos.Deliver/DeliverFiltered": streaming(self._delivery(DeliverService.filtered_block)),
            "/protos.Deliver/DeliverWithPrivateData": streaming(
                self._delivery(DeliverService.block_and_private_data)
            ),
        }

    async def _process_proposal(
        self, signed: proposal_pb2.SignedProposal
    ) -> proposal_response_pb2.ProposalResponse:
        try:
            return await self._endorser.process(Proposal.parse(signed))
        except (Malformed, ProposalRefused) as refusal:
            raise RpcError(grpc.StatusCode.UNKNOWN, refusal.message) from refusal

    async def _broadcast(self, requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
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

    async def _chaincode_events(self, requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for data in requests:
            request = _parse(gateway_pb2.SignedChaincodeEventsRequest, data)
            async for response in self._gateway.chaincode_events(request):
                yield response.SerializeToString()

    def _delivery(self, render: Render) -> Callable[[AsyncIterator[bytes]], AsyncIterator[bytes]]:
        async def deliver(requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
            async for request in requests:
                status = 0
                async for response in self._deliver.deliver(request, render):
                    status = response.status
                    yield response.SerializeToString()
                if status != common_pb2.Status.SUCCESS:
                    return

        return deliver


def _tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise NetworkSetupError(f"cannot use {certificate} with {key}: {error}") from error
    return context


def _parse(kind: Any, data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise RpcError(grpc.StatusCode.INTERNAL, f"grpc: error unmarshalling request: {error}") from error


def _method(kind: Any, function: Callable[[Any], Awaitable[Message]]) -> OpenCall:
    """Return the method around a function of messages."""

    async def answer(data: bytes) -> bytes:
        return bytes((await function(_parse(kind, data))).SerializeToString())

    return unary(answer)
