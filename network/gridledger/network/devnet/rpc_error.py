"""Errors as gRPC carries them: a status, a message, and details as a `google.rpc.Status`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import grpc
from fabric_protos.gateway import gateway_pb2
from google.protobuf import any_pb2

from gridledger.network.devnet.errors import DevnetError
from gridledger.shim.http2 import GrpcCall

__all__ = ["RpcError", "fail", "status_bytes"]

_MESSAGE_LIMIT: Final = 6 * 1024
"""Bytes of a message: the header carries up to three times as many, and clients limit their headers."""
_DETAILS_LIMIT: Final = 16 * 1024
"""Bytes of all details together, in equal shares; a longer message is cut."""


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


def fail(call: GrpcCall, error: RpcError) -> None:
    """End a call with an error."""
    details = status_bytes(error) if error.details else b""
    call.finish(error.status.value[0], _cut(error.message, _MESSAGE_LIMIT), details)


def status_bytes(error: RpcError) -> bytes:
    """Return an error as a serialised `google.rpc.Status`: 1 code, 2 message, 3 details."""
    parts = [b"\x08", _varint(error.status.value[0]), _field(2, _cut(error.message, _MESSAGE_LIMIT).encode())]
    for detail in error.details:
        packed = any_pb2.Any()
        packed.Pack(
            gateway_pb2.ErrorDetail(
                address=detail.address,
                msp_id=detail.msp_id,
                message=_cut(detail.message, _DETAILS_LIMIT // len(error.details)),
            )
        )
        parts.append(_field(3, packed.SerializeToString()))
    return b"".join(parts)


def _cut(text: str, limit: int) -> str:
    """Return the beginning of a text that is at most so many bytes of UTF-8."""
    return text.encode()[:limit].decode(errors="ignore")


def _field(number: int, data: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
