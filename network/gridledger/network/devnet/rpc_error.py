"""Errors as gRPC carries them: a status, a message, and details in the `grpc-status-details-bin` trailer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NoReturn

import grpc
import grpc.aio
from fabric_protos.gateway import gateway_pb2
from google.protobuf import any_pb2

from gridledger.network.devnet.errors import DevnetError

__all__ = ["RpcError", "abort"]

_TRAILER: Final = "grpc-status-details-bin"
_MESSAGE_LIMIT: Final = 4096
"""Headers of HTTP/2 are limited: a longer message is cut, its full text stands in the details."""
_DETAILS_LIMIT: Final = 8192


class RpcError(DevnetError):
    """A call fails with a gRPC status.

    Parameters
    ----------
    status : grpc.StatusCode
        The status.
    message : str
        Its message.
    details : sequence of ErrorDetail, optional
        What each endorser or orderer said.
    """

    code = "GL-NET-039"
    exit_code = 80

    def __init__(
        self, status: grpc.StatusCode, message: str, details: Sequence[gateway_pb2.ErrorDetail] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.details = list(details)


async def abort(context: grpc.aio.ServicerContext, error: RpcError) -> NoReturn:
    """End a call with an error."""
    trailer = ((_TRAILER, _status_bytes(error)),) if error.details else ()
    await context.abort(error.status, error.message[:_MESSAGE_LIMIT], trailer)
    raise AssertionError("abort returned")


def _status_bytes(error: RpcError) -> bytes:
    """Return a serialised `google.rpc.Status`: 1 code, 2 message, 3 details."""
    parts = [b"\x08", _varint(error.status.value[0]), _field(2, error.message[:_MESSAGE_LIMIT].encode())]
    size = 0
    for detail in error.details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        data = packed.SerializeToString()
        size += len(data)
        if size > _DETAILS_LIMIT:
            break
        parts.append(_field(3, data))
    return b"".join(parts)


def _field(number: int, data: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
