"""What a channel has to know of a peer organisation to let it in; the organisation hands it out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fabric_protos.msp import msp_config_pb2
from google.protobuf.message import DecodeError

from gridledger.model.record import ModelValue, value
from gridledger.network.ordering.orderer_card import Address, MspId

__all__ = ["OrganisationCard"]

# Messages of the official protos; their package has no type stubs.
Message = Any


@value
class OrganisationCard(ModelValue):
    """A peer organisation; nothing of it is secret."""

    msp_id: MspId
    msp: bytes
    """``msp.MSPConfig``: its roots, its revocation lists and how its members' roles are told."""
    anchor: Address
    """Where the other organisations' peers find one of its peers."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        try:
            config = msp_config_pb2.FabricMSPConfig.FromString(
                msp_config_pb2.MSPConfig.FromString(self.msp).config
            )
        except DecodeError:
            yield "msp", "is none"
            return
        if config.name != self.msp_id:
            yield "msp", f"is that of {config.name[:100]!r}"
        if not config.root_certs:
            yield "msp", "has no root"

    @property
    def anchor_host(self) -> str:
        """Host of the anchor peer's address."""
        return self.anchor.rpartition(":")[0]

    @property
    def anchor_port(self) -> int:
        """Port of the anchor peer's address."""
        return int(self.anchor.rpartition(":")[2])
