"""New certificates for all members of an organisation while the channel goes on: one node at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gridledger.host.lock import folder_lock
from gridledger.host.ports import LOOPBACK
from gridledger.model.errors import FieldValue
from gridledger.network.access import connection_of, signing_administrator
from gridledger.network.authority import Validity
from gridledger.network.blocking import run_blocking
from gridledger.network.blueprint import ADMIN
from gridledger.network.description import NetworkDescription, OrdererDescription, World
from gridledger.network.errors import ConsentersStop, SignaturesMissing, UnknownComponent, WorldLacks
from gridledger.network.fabric.orderer_keeper import folder_cards
from gridledger.network.level import wait_level
from gridledger.network.material import Member, OrganisationMaterial
from gridledger.network.network import Network
from gridledger.network.ordering.configuration_change import ConfigurationChange
from gridledger.network.ordering.configuration_order import order_change
from gridledger.network.ordering.live_ordering import LiveOrdering
from gridledger.network.renewal import MemberRenewal, members_of

__all__ = ["CertificateRotation", "MemberKind", "RotatedMember"]


class MemberKind(StrEnum):
    """What a member is."""

    USER = "user"
    PEER = "peer"
    ORDERER = "orderer"


@dataclass(frozen=True, kw_only=True)
class RotatedMember:
    """A member that has new certificates."""

    name: str
    kind: MemberKind
    not_after: str
    """Until when its signing certificate holds, ISO 8601 in UTC."""

    def to_value(self) -> dict[str, FieldValue]:
        """Return what commands show."""
        return {"name": self.name, "kind": self.kind.value, "not_after": self.not_after}


class CertificateRotation:
    """The rotation of one organisation's certificates below its own roots; may be called again after a crash.

    Parameters
    ----------
    network : Network
        On Fabric, running.
    organisation : str
        Short name, of a peer's or an orderer's organisation.
    validity : Validity, optional
        Of the new certificates; as long as the roots' by default.

    Raises
    ------
    WorldLacks
        If the network is a devnet.
    UnknownComponent
        If there is no such organisation.
    """

    def __init__(self, network: Network, organisation: str, *, validity: Validity | None = None) -> None:
        if network.world is not World.FABRIC:
            raise WorldLacks(network.world, what="rotating certificates")
        description = network.description
        known = {
            one.name: one
            for one in [
                *description.orderer_material(network.directory),
                *description.peer_material(network.directory),
            ]
        }
        if organisation not in known:
            raise UnknownComponent("organisation", organisation, known=sorted(known))
        self._network = network
        self._directory = network.directory
        self._material: OrganisationMaterial = known[organisation]
        self._validity = validity

    def run(self, say: Callable[[RotatedMember], None] = lambda _: None) -> list[RotatedMember]:
        """Renew users, then the peer, then orderers; a node is waited for before the next is touched.

        Parameters
        ----------
        say : callable, optional
            Is told each member that is done.

        Raises
        ------
        SignaturesMissing
            If an orderer is to be renewed and too few of the orderers' administrators have their keys here.
        ConsentersStop
            If the channel would stop while an orderer restarts.
        UpdateRefused
            If the orderers do not take the change of a consenter's certificates.
        StartTimeout, ComponentStopped
            If a node does not come up again.

        Notes
        -----
        Old certificates stay valid until they run out: who has an old key goes on with it. A key that was
        lost is to be revoked, too.
        """
        done: list[RotatedMember] = []
        for member in members_of(self._material):
            kind = _kind_of(member)
            renewal = MemberRenewal(organisation=self._material, member=member, validity=self._validity)
            if kind is MemberKind.ORDERER:
                self._renew_orderer(renewal)
            else:
                with folder_lock(self._directory):
                    renewal.stage()
                    renewal.take()
                if kind is MemberKind.PEER:
                    name = f"peer0.{self._material.name}"
                    self._network.restart(name)
                    wait_level(self._network, name)
            until = member.msp.signer().certificate.not_valid_after_utc
            rotated = RotatedMember(name=member.name, kind=kind, not_after=until.isoformat())
            done.append(rotated)
            say(rotated)
        return done

    def _renew_orderer(self, renewal: MemberRenewal) -> None:
        orderer = self._orderer(renewal.member)
        with folder_lock(self._directory):
            staged = renewal.stage()
        is_consenter = run_blocking(self._change_consenter, orderer, staged)
        with folder_lock(self._directory):
            renewal.take()
        self._network.restart(orderer.name)
        wait_level(self._network, orderer.name, consenter=is_consenter)

    async def _change_consenter(self, orderer: OrdererDescription, staged: Member) -> bool:
        """Let the channel know an orderer's new certificates, if it is a consenter; tell whether it is."""
        description = self._network.description
        first = description.organisations[0].name
        address = f"{LOOPBACK}:{orderer.port}"
        async with LiveOrdering(connection_of(description, self._directory, first, ADMIN)) as ordering:
            current = await ordering.configuration()
            if address not in current.addresses:
                return False
            card = folder_cards(description, self._directory)[address].changed(
                certificate=staged.msp.certificate.read_bytes(),
                tls_certificate=staged.tls_certificate.read_bytes(),
            )
            wanted = current.certified(card)
            running = [one for one in current.addresses if await ordering.head(one) is not None]
            others = len(set(running) - {address})
            if others < current.quorum:
                raise ConsentersStop(
                    f"{others} others of {len(current.addresses)} consenters run while {orderer.name} "
                    f"restarts, and {current.quorum} have to sign",
                    consenters=current.addresses,
                    quorum=current.quorum,
                )
            if current.is_same_ordering(wanted):
                return True
            change = ConfigurationChange.make(current, wanted.root)
            for name in self._administrators(description, change):
                change = await change.signed_by(signing_administrator(description, self._directory, name))
            await order_change(ordering, change)
            return True

    def _administrators(self, description: NetworkDescription, change: ConfigurationChange) -> Sequence[str]:
        """Return the organisations of the folder whose administrators can sign a change."""
        known = {
            one.msp_id: one.name
            for one in [
                *description.orderer_material(self._directory),
                *description.peer_material(self._directory),
            ]
        }
        found: list[str] = []
        for deciders in change.deciders():
            here = [known[one] for one in deciders.msp_ids if one in known]
            if len(here) < deciders.wanted:
                missing = [one for one in deciders.msp_ids if one not in known]
                raise SignaturesMissing(wanted=deciders.wanted, signed=here, missing=missing)
            found += here[: deciders.wanted]
        return found

    def _orderer(self, member: Member) -> OrdererDescription:
        description = self._network.description
        materials = description.orderer_material(self._directory)
        for orderer, material in zip(description.orderers, materials, strict=True):
            if material.orderer(orderer.member_name).name == member.name:
                return orderer
        known = [one.name for one in description.orderers]
        raise UnknownComponent("orderer", member.name, known=known)


def _kind_of(member: Member) -> MemberKind:
    return {"users": MemberKind.USER, "peers": MemberKind.PEER, "orderers": MemberKind.ORDERER}[
        member.path.parent.name
    ]
