"""How a user of an organisation reaches the network, in any language, and by what its members are told."""

from __future__ import annotations

from pathlib import Path

from gridledger.client.connection import Connection
from gridledger.client.identity import Identity
from gridledger.client.private_key import read_private_key
from gridledger.client.signing_identity import SigningIdentity
from gridledger.host.ports import LOOPBACK
from gridledger.network.description import (
    MEMBERS,
    ORDERERS,
    AttachedPeer,
    NetworkDescription,
    OrganisationDescription,
)
from gridledger.network.errors import UnknownComponent
from gridledger.network.material import Member, OrganisationKind, OrganisationMaterial

__all__ = [
    "authorities_of",
    "connection_of",
    "connections_of",
    "member_of",
    "orderer_authorities_of",
    "signing_administrator",
]


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
    return connections_of(description, directory, organisation, user, chaincode=chaincode)[0]


def connections_of(
    description: NetworkDescription,
    directory: Path,
    organisation: str,
    user: str,
    *,
    chaincode: str | None = None,
) -> list[Connection]:
    """Return the connections of a user through each of the organisation's peers; see `connection_of`."""
    described = description.organisation(organisation)
    material = next(one for one in description.peer_material(directory) if one.name == organisation)
    member = material.user(user)
    peers = described.attachment.peers if described.attachment else [_own_peer(described, material)]
    return [
        Connection(
            endpoint=peer.endpoint,
            tls_root_cert=material.tls_root if peer.uses_tls else None,
            tls_host_override=peer.tls_host,
            msp_id=material.msp_id,
            certificate=member.msp.certificate,
            private_key=member.msp.key,
            channel=description.channel,
            chaincode=chaincode,
        )
        for peer in peers
    ]


def _own_peer(described: OrganisationDescription, material: OrganisationMaterial) -> AttachedPeer:
    name = material.node("peer0").name
    return AttachedPeer(name=name, endpoint=f"{LOOPBACK}:{described.port}", tls_host=name, uses_tls=True)


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


def signing_administrator(
    description: NetworkDescription, directory: Path, organisation: str
) -> SigningIdentity:
    """Return the administrator of an organisation in a network's folder; UnknownComponent if it has none."""
    member = member_of(description, directory, organisation, "admin")
    return SigningIdentity(
        Identity.from_file(member.msp_id, member.msp.certificate), read_private_key(member.msp.key)
    )


def authorities_of(description: NetworkDescription, directory: Path) -> dict[str, Path]:
    """Return MSP folders by which to tell the members of the channel's organisations, by MSP.

    Parameters
    ----------
    description : NetworkDescription
        The network.
    directory : Path
        Its folder.
    """
    members = {path.name: path for path in (directory / MEMBERS).glob("*")}
    return members | {one.msp_id: one.msp.path for one in description.peer_material(directory)}


def orderer_authorities_of(description: NetworkDescription, directory: Path) -> dict[str, Path]:
    """Return MSP folders of the organisations whose orderers sign the channel's first blocks, by MSP.

    Parameters
    ----------
    description : NetworkDescription
        The network.
    directory : Path
        Its folder.
    """
    attached = {path.name: path for path in (directory / ORDERERS).glob("*")}
    made = [
        OrganisationMaterial(name=one.name, kind=OrganisationKind.ORDERER, root=directory / "organizations")
        for one in description.orderers
        if not one.is_waiting
    ]
    return attached | {one.msp_id: one.msp.path for one in made}
