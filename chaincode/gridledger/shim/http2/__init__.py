"""gRPC's server side over HTTP/2 (RFC 9113), for one method with a stream in each direction.

Peers keep one such stream open for months, and a chaincode's CPU is mostly what each message on it costs.
grpcio hands each message through a completion queue and several threads. Here the event loop's own thread
reads frames, and all that one round of the loop produced leaves by one system call: less than half of the
CPU. What is left out is what the stream does not need: other methods, compression, push, priorities.
"""

from __future__ import annotations

from gridledger.shim.http2.connection import CallHandler, Connection
from gridledger.shim.http2.grpc_call import GrpcCall, GrpcStatus

__all__ = ["CallHandler", "Connection", "GrpcCall", "GrpcStatus"]
