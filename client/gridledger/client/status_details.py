"""The details that a gRPC error carries in its trailer `grpc-status-details-bin`."""

from __future__ import annotations

from fabric_protos.gateway import gateway_pb2
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from gridledger.client.errors import EndpointDetail

__all__ = ["TRAILER", "read_details"]

TRAILER = "grpc-status-details-bin"

_DETAIL_TYPE = gateway_pb2.ErrorDetail.DESCRIPTOR.full_name
_POOL = descriptor_pool.Default()
any_pb2.DESCRIPTOR  # noqa: B018 -- registers google/protobuf/any.proto in the pool


def _define_status() -> type:
    """Define google.rpc.Status (three fields), whose official Python package is no dependency of ours."""
    file = descriptor_pb2.FileDescriptorProto(
        name="gridledger/client/status.proto",
        package="gridledger.client",
        syntax="proto3",
        dependency=["google/protobuf/any.proto"],
    )
    kinds = descriptor_pb2.FieldDescriptorProto
    status = file.message_type.add(name="Status")
    status.field.add(name="code", number=1, type=kinds.TYPE_INT32, label=kinds.LABEL_OPTIONAL)
    status.field.add(name="message", number=2, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
    status.field.add(
        name="details",
        number=3,
        type=kinds.TYPE_MESSAGE,
        type_name=".google.protobuf.Any",
        label=kinds.LABEL_REPEATED,
    )
    _POOL.Add(file)
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName("gridledger.client.Status"))


_Status = _define_status()


def read_details(trailer: bytes) -> tuple[EndpointDetail, ...]:
    """Return what each node behind the gateway said.

    Parameters
    ----------
    trailer : bytes
        A ``google.rpc.Status`` whose details are ``gateway.ErrorDetail``; others are left out.

    Returns
    -------
    tuple of EndpointDetail
        Empty where the bytes are not such a message: a trailer is the other side's and decides nothing.
    """
    try:
        packed = _Status.FromString(trailer).details  # type: ignore[attr-defined]
        found = [
            gateway_pb2.ErrorDetail.FromString(any_.value) for any_ in packed if _is_detail(any_.type_url)
        ]
    except DecodeError:
        return ()
    return tuple(EndpointDetail(address=one.address, msp_id=one.msp_id, message=one.message) for one in found)


def _is_detail(type_url: str) -> bool:
    return bool(type_url.rpartition("/")[2] == _DETAIL_TYPE)
