"""Attaching: from a connection profile and administrators' MSP folders to a network folder like any other.

DIR/network.json                                  world `attached`: channel, organisations, their peers
DIR/members/MSP/                                  authorities of every organisation of the channel
DIR/orderers/MSP/                                 the same of those whose orderers sign its blocks
DIR/organizations/peerOrganizations/ORG…/
    msp/  tlsca/                                  its authorities, its peers' TLS roots
    users/admin@ORG…/msp/                         links to the administrator's certificate and key
    ca/                                           links to the authority's, where it was given
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from gridledger.client.connection import Connection
from gridledger.client.errors import PeerCallError, ProofRefused
from gridledger.client.msp_identity import MspFiles, MspIdentity, find_key
from gridledger.client.peer import Peer
from gridledger.client.profile import ConnectionProfile
from gridledger.host.durable_file import write_file
from gridledger.host.lock import folder_lock
from gridledger.host.ports import LOOPBACK
from gridledger.model.errors import ConfigError, ContractError, ModelError
from gridledger.network.attached.channel_members import ChannelMembers
from gridledger.network.blocking import run_blocking
from gridledger.network.blueprint import ADMIN
from gridledger.network.description import (
    FILE_NAME,
    MEMBERS,
    ORDERERS,
    AttachedPeer,
    Attachment,
    NetworkDescription,
    OrganisationDescription,
    World,
)
from gridledger.network.errors import AttachError, MaterialError, UnknownComponent
from gridledger.network.material import OrganisationKind, OrganisationMaterial
from gridledger.network.network import Network

__all__ = ["OrganisationAccess", "attach"]

_SHORT_NAME: Final = re.compile(r"[a-z][a-z0-9]{0,30}")
_USER_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_SECONDS: Final = 15.0
_KEY_FOLDERS: Final = ("", "keystore", "msp/keystore")
"""Where authorities keep their key below their folder: cryptogen's, ours, Fabric CA's server's."""


@dataclass(frozen=True, kw_only=True)
class OrganisationAccess:
    """An organisation that we administer, or may speak for."""

    name: str
    """Its name in the connection profile, such as `Org1`."""

    msp: Path
    """The administrator's MSP folder."""

    users: Mapping[str, Path] = field(default_factory=dict)
    """Further users: short name to MSP folder."""

    authority: Path | None = None
    """Folder with certificate and key of the authority that issues its users' certificates, such as `ca` of
    cryptogen or the home of a Fabric CA server; None where users are enrolled elsewhere."""

    @property
    def short_name(self) -> str:
        """What commands call it: the profile's name in small letters and digits.

        Raises
        ------
        ConfigError
            If nothing is left of it.
        """
        short = re.sub(r"[^a-z0-9]", "", self.name.lower())[:31]
        if not _SHORT_NAME.fullmatch(short):
            raise ConfigError(
                "want a name with a letter first", key="org", source="attach", value=self.name[:80]
            )
        return short


@dataclass(frozen=True, kw_only=True)
class _Found:
    access: OrganisationAccess
    files: MspFiles
    peers: Mapping[str, Connection]


def attach(
    directory: Path,
    profile: Path,
    organisations: Sequence[OrganisationAccess],
    *,
    channel: str | None = None,
    chaincode_host: str = LOOPBACK,
) -> Network:
    """Attach to a network that others run; once more for further organisations or changed certificates.

    Parameters
    ----------
    directory : Path
        Folder to keep what we know of it; may exist, but not hold a network of another world or channel.
    profile : Path
        Common connection profile, JSON or YAML.
    organisations : sequence of OrganisationAccess
        Whose administrators we are.
    channel : str, optional
        Its channel; the only one that the peers have joined by default.
    chaincode_host : str, default 127.0.0.1
        Name or address by which the organisations' peers reach chaincode on this machine.

    Raises
    ------
    ConfigError
        If the profile is none, lacks an organisation or its peers, an MSP folder cannot be read, or the
        folder to write holds something else.
    MaterialError
        If the channel's organisation does not vouch for a certificate, or an authority cannot be used.
    AttachError
        If a peer does not answer, or refuses the administrator.
    UnknownComponent
        If the peers have not joined the channel.

    Notes
    -----
    Nothing of the network is changed, started or stopped. Keys are not copied: the folder links to them.
    """
    read = ConnectionProfile.from_file(profile)
    if not organisations:
        raise ConfigError("want an organisation", key="org", source="attach")
    found = [_look_up(read, access) for access in organisations]
    named = [one.access.short_name for one in found]
    if len(set(named)) != len(named):
        raise ConfigError("is named twice", key="org", source="attach", value=", ".join(named))
    with folder_lock(directory):
        before = _known(directory)
        wanted = channel or (before.channel if before else None)
        joined, members = run_blocking(_inspect, found, wanted)
        if before is not None and before.channel != joined:
            raise ConfigError(
                f"is attached to {before.channel}", key="channel", source=str(directory), value=joined
            )
        _refuse_namesakes(before, found)
        described = [_write(directory, one, members, chaincode_host) for one in found]
        for msp_id in members.msp_ids:
            members.write(msp_id, directory / MEMBERS / msp_id)
        members.write_orderers(directory / ORDERERS)
        _description(before, joined, described).save(directory)
    return Network.open(directory)


def _refuse_namesakes(before: NetworkDescription | None, found: Sequence[_Found]) -> None:
    known = {one.name: one.attachment for one in before.organisations} if before is not None else {}
    for one in found:
        attachment = known.get(one.access.short_name)
        msp_id = next(iter(one.peers.values())).msp_id
        if attachment is not None and attachment.msp_id != msp_id:
            raise ConfigError(
                f"is {attachment.msp_id} here", key="org", source="attach", value=one.access.name
            )


def _look_up(profile: ConnectionProfile, access: OrganisationAccess) -> _Found:
    _ = access.short_name  # refuses what has none
    msp_id = profile.msp_id(access.name)
    credentials = MspIdentity.load(access.msp).credentials(msp_id)
    peers = {
        name: profile.connection(access.name, credentials=credentials, peer=name)
        for name in profile.peers(access.name)
    }
    return _Found(access=access, files=MspFiles.find(access.msp), peers=peers)


def _known(directory: Path) -> NetworkDescription | None:
    if not (directory / FILE_NAME).exists():
        return None
    before = NetworkDescription.load(directory)
    if before.world is not World.ATTACHED:
        raise ConfigError(f"holds a network of world {before.world}", key="dir", source=str(directory))
    return before


async def _inspect(found: Sequence[_Found], channel: str | None) -> tuple[str, ChannelMembers]:
    """Ask every peer for its channels, and one for the channel's configuration; check the administrators."""
    first = found[0]
    name, connection = next(iter(first.peers.items()))
    joined = await _joined(first.access.name, name, connection, channel)
    for one in found:
        for name, each in one.peers.items():
            await _joined(one.access.name, name, each, joined)
    members = await _members(first.access.name, connection, joined)
    for one in found:
        _require_member(one, members)
    return joined, members


async def _joined(organisation: str, name: str, connection: Connection, channel: str | None) -> str:
    async with Peer.connect(connection) as peer:
        try:
            channels = await peer.channels(timeout=_SECONDS)
            # Administrators alone may ask this.
            await peer.installed(timeout=_SECONDS)
        except (PeerCallError, ContractError) as error:
            raise AttachError(organisation, peer=name, reason=error.message) from error
    if channel is None and len(channels) == 1:
        return channels[0]
    if channel is None:
        raise ConfigError(
            f"want one of {', '.join(channels) or 'none'}", key="channel", source=f"channels of {name}"
        )
    if channel not in channels:
        raise UnknownComponent("channel", channel, known=channels)
    return channel


async def _members(organisation: str, connection: Connection, channel: str) -> ChannelMembers:
    async with Peer.connect(connection) as peer:
        try:
            block = await peer.call("cscc", "GetConfigBlock", channel, channel=channel, timeout=_SECONDS)
            return ChannelMembers.from_block(block)
        except (PeerCallError, ContractError, ModelError) as error:
            raise AttachError(organisation, peer=connection.endpoint, reason=str(error)) from error


def _require_member(found: _Found, members: ChannelMembers) -> None:
    msp_id = next(iter(found.peers.values())).msp_id
    if msp_id not in members.msp_ids:
        raise UnknownComponent("organisation of the channel", msp_id, known=members.msp_ids)
    folders = [(found.access.name, found.access.msp), *found.access.users.items()]
    for name, folder in folders:
        try:
            certificate = MspIdentity.load(folder).credentials(msp_id).identity().x509
            members.membership(msp_id).require(certificate, None, at_ms=time.time_ns() // 1_000_000)
        except ProofRefused as error:
            raise MaterialError(f"{name}: {error.message}") from error


def _write(
    directory: Path, found: _Found, members: ChannelMembers, chaincode_host: str
) -> OrganisationDescription:
    connections = found.peers
    msp_id = next(iter(connections.values())).msp_id
    material = OrganisationMaterial(
        name=found.access.short_name,
        kind=OrganisationKind.PEER,
        root=directory / "organizations",
        attached_msp_id=msp_id,
    )
    members.write(msp_id, material.msp.path)
    roots = {pem for one in connections.values() if (pem := one.read("tls_root_cert")) is not None}
    if roots:
        write_file(material.tls_root, b"\n".join(sorted(roots)))
    _write_user(material, ADMIN, found.files)
    for name, folder in found.access.users.items():
        _write_user(material, name, MspFiles.find(folder))
    if found.access.authority is not None:
        _link_authority(material, found.access.authority)
    peers = [
        AttachedPeer(name=name, endpoint=one.endpoint, tls_host=one.tls_host_override, uses_tls=one.uses_tls)
        for name, one in connections.items()
    ]
    return OrganisationDescription(
        name=material.name,
        port=int(peers[0].endpoint.rpartition(":")[2]),
        attachment=Attachment(msp_id=msp_id, peers=peers, chaincode_host=chaincode_host),
    )


def _write_user(material: OrganisationMaterial, name: str, files: MspFiles) -> None:
    if not _USER_NAME.fullmatch(name):
        raise MaterialError(f"{name!r} is no name for a user: letters, digits, _ . -, at most 63")
    member = material.member(name)
    _link(member.msp.certificate, files.certificate)
    _link(member.msp.key, files.key)


def _link_authority(material: OrganisationMaterial, folder: Path) -> None:
    certificates = sorted(path for path in folder.glob("*.pem") if path.is_file())
    keys = [
        path for inner in _KEY_FOLDERS for path in sorted((folder / inner).glob("*_sk")) if path.is_file()
    ]
    for certificate in certificates:
        key = find_key(certificate, keys)
        if key is not None:
            _link(material.path / "ca" / f"ca.{material.domain}-cert.pem", certificate.absolute())
            _link(material.path / "ca" / "priv_sk", key.absolute())
            return
    raise MaterialError(f"{folder} holds no authority: want a certificate *.pem and its key *_sk")


def _link(place: Path, target: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = place.with_name(f".{secrets.token_hex(4)}")
    aside.symlink_to(target)
    aside.replace(place)


def _description(
    before: NetworkDescription | None, channel: str, described: Sequence[OrganisationDescription]
) -> NetworkDescription:
    if before is None:
        return NetworkDescription(
            world=World.ATTACHED, channel=channel, organisations=list(described), orderers=[]
        )
    new = {one.name: one for one in described}
    kept = [new.pop(known.name, known) for known in before.organisations]
    return replace(before, organisations=[*kept, *new.values()])
