"""The consenters of a channel, from its configuration block."""

from __future__ import annotations

from dataclasses import dataclass

from fabric_protos.common import common_pb2, configtx_pb2, configuration_pb2
from google.protobuf.message import DecodeError

from gridledger.model.errors import ModelError

__all__ = ["ChannelConsenter", "read_consenters"]

_ORDERER = "Orderer"
_CONSENTERS = "Orderers"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelConsenter:
    """An orderer that takes part in consensus."""

    number: int
    """Its number among the consenters."""

    msp_id: str
    """Its organisation."""

    address: str
    """Host and port, as the configuration has them."""


def read_consenters(block: bytes) -> tuple[ChannelConsenter, ...]:
    """Read the consenters of a configuration block, by number.

    Parameters
    ----------
    block : bytes
        A ``common.Block``, as ``cscc:GetConfigBlock`` returns it.

    Raises
    ------
    ModelError
        If it is none, or its channel numbers no consenters.
    """
    try:
        (entry,) = common_pb2.Block.FromString(block).data.data
        payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(entry).payload)
        root = configtx_pb2.ConfigEnvelope.FromString(payload.data).config.channel_group
        value = root.groups[_ORDERER].values[_CONSENTERS].value
        mapping = configuration_pb2.Orderers.FromString(value).consenter_mapping
    except (DecodeError, ValueError) as error:
        raise ModelError({"block": "is no configuration block"}, subject="consenters") from error
    if not mapping:
        raise ModelError({"block": "numbers no consenters"}, subject="consenters")
    found = (
        ChannelConsenter(number=int(one.id), msp_id=one.msp_id, address=f"{one.host}:{one.port}")
        for one in mapping
    )
    return tuple(sorted(found, key=lambda one: one.number))
