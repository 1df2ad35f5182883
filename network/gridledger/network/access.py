"""How a user of an organisation reaches the network: the connection that clients in any language use."""

from __future__ import annotations

from pathlib import Path

from gridledger.client.connection import Connection
from gridledger.host.ports import LOOPBACK
from gridledger.network.description import NetworkDescription
from gridledger.network.errors import UnknownComponent
from gridledger.network.material import Member, OrganisationKind, OrganisationMaterial

__all__ = ["connection_of", "member_of"]


def connection_of(
    description: NetworkDescription,
    directory: Path,
    organisation: str,
    user: str,
    *,
    chaincode: str | None = None,
) -> Connection:
    """Return the connection of a user through the organisation's own peer.

    Parameters
    ----------
    description : NetworkDescription
        The network.
    directory : Path
        Its folder.
    organisation, user : str
        Short names.
    chaincode : str, optional
        The chaincode that the connection names.

    Raises
    ------
    UnknownComponent
        If there is no such organisation or user.
    """
    described = description.organisation(organisation)
    material = OrganisationMaterial(
        name=organisation, kind=OrganisationKind.PEER, root=directory / "organizations"
    )
    member = material.user(user)
    return Connection(
        endpoint=f"{LOOPBACK}:{described.port}",
        tls_root_cert=material.tls_root,
        tls_host_override=material.node("peer0").name,
        msp_id=material.msp_id,
        certificate=member.msp.certificate,
        private_key=member.msp.key,
        channel=description.channel,
        chaincode=chaincode,
    )


def member_of(description: NetworkDescription, directory: Path, organisation: str, user: str) -> Member:
    """Return a user of any organisation of a network, of those that only order, too.

    Raises
    ------
    UnknownComponent
        If there is no such organisation or user.
    """
    known = {
        one.name: one
        for one in [*description.peer_material(directory), *description.orderer_material(directory)]
    }
    if organisation not in known:
        raise UnknownComponent("organisation", organisation, known=sorted(known))
    return known[organisation].user(user)
