"""What runs the parts of a network that are no processes of ours: others' peers, and images of containers."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

__all__ = ["AttachedPeer", "Attachment", "ContainerImages"]

_STRICT = ConfigDict(strict=True, extra="forbid")

Endpoint = Annotated[str, Field(pattern=r"^[^\s/@]{1,255}:[0-9]{1,5}$")]
ImageName = Annotated[str, Field(pattern=r"^[a-z0-9][a-zA-Z0-9._/:@-]{0,254}$")]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class AttachedPeer:
    """A peer that others run.

    Parameters
    ----------
    name : str
        Its name in the connection profile.
    endpoint : str
        Host and port.
    tls_host : str or None
        Name to look for in its TLS certificate in place of the endpoint's host.
    uses_tls : bool
        Whether it speaks TLS.
    """

    name: Annotated[str, Field(min_length=1, max_length=255)]
    endpoint: Endpoint
    tls_host: str | None
    uses_tls: bool


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Attachment:
    """How an organisation of an attached network is reached.

    Parameters
    ----------
    msp_id : str
        Its MSP.
    peers : list of AttachedPeer
        Its peers; clients go through the first.
    chaincode_host : str
        Name or address by which they reach chaincode on this machine.
    """

    msp_id: Annotated[str, Field(min_length=1, max_length=128)]
    peers: Annotated[list[AttachedPeer], Field(min_length=1)]
    chaincode_host: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,253}$")]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class ContainerImages:
    """The images that a network of containers runs from.

    Parameters
    ----------
    peer, orderer, authority : str
        Hyperledger Fabric's.
    chaincode : str
        Ours, of `chaincode/Dockerfile`.
    """

    peer: ImageName = "hyperledger/fabric-peer:3.1.5"
    orderer: ImageName = "hyperledger/fabric-orderer:3.1.5"
    authority: ImageName = "hyperledger/fabric-ca:1.5.21"
    chaincode: ImageName = "gridledger/chaincode:0.1.0"
