"""gRPC over HTTP/2 (RFC 9113) on asyncio: calls answered, and calls made.

A peer keeps one stream to a chaincode open for months, and a chaincode's CPU is mostly what each message on
it costs. grpcio hands each message through a completion queue and several threads. Here the event loop's own
thread reads frames, and all that one round of the loop produced leaves by one system call: less than half of
the CPU. The embedded network uses both sides of it. What is left out is what they do not need: compression,
push, priorities, deadlines at the server.
"""

from __future__ import annotations

from gridledger.shim.http2.client_call import ClientCall
from gridledger.shim.http2.client_connection import ClientConnection
from gridledger.shim.http2.connection import CallHandler
from gridledger.shim.http2.grpc_call import GrpcCall
from gridledger.shim.http2.listener import Listener
from gridledger.shim.http2.message_stream import GrpcStatus
from gridledger.shim.http2.server_connection import OpenCall, ServerConnection

__all__ = [
    "CallHandler",
    "ClientCall",
    "ClientConnection",
    "GrpcCall",
    "GrpcStatus",
    "Listener",
    "OpenCall",
    "ServerConnection",
]
