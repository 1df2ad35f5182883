"""A peer organisation that comes to a running network: keys, the channel's consent, peer, chaincode."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from gridledger.client.connection import Connection
from gridledger.client.errors import PeerCallError
from gridledger.client.peer import Peer
from gridledger.host.errors import StartTimeout
from gridledger.host.lock import folder_lock
from gridledger.host.ports import LOOPBACK, free_ports
from gridledger.network.access import connection_of, signing_administrator
from gridledger.network.authority import NodeRole
from gridledger.network.blocking import run_blocking
from gridledger.network.blueprint import ADMIN, USER
from gridledger.network.deployment import Deployment
from gridledger.network.description import NetworkDescription, OrganisationDescription, World
from gridledger.network.errors import ConfigurationMoved, MaterialError, WorldLacks
from gridledger.network.fabric.snapshots import PeerSnapshots
from gridledger.network.fabric.world import FabricWorld
from gridledger.network.material import OrganisationKind, OrganisationMaterial
from gridledger.network.msp_message import msp_message
from gridledger.network.network import Network
from gridledger.network.ordering.configuration_change import ConfigurationChange
from gridledger.network.ordering.configuration_order import order_change
from gridledger.network.ordering.live_ordering import LiveOrdering
from gridledger.network.ordering.member_change import with_organisation
from gridledger.network.ordering.organisation_card import OrganisationCard

__all__ = ["OrganisationEntry"]

_START_SECONDS: Final = 60.0
_FOLLOW_SECONDS: Final = 300.0
_POLL_SECONDS: Final = 0.2


class OrganisationEntry:
    """The way of one organisation into a running network on Fabric.

    Each step finds out whether it was done, so all of them may be called again after a crash.

    Parameters
    ----------
    network : Network
        On Fabric, running.
    name : str
        Short name of the organisation: lower-case letters and digits.

    Raises
    ------
    WorldLacks
        If the network is a devnet.
    """

    def __init__(self, network: Network, name: str) -> None:
        if network.world is not World.FABRIC:
            raise WorldLacks(network.world, what="adding an organisation")
        self._network = network
        self._directory = network.directory
        self._name = name

    def prepare(self) -> OrganisationCard:
        """Make keys, certificates and ports, unless they are there; return what the channel has to know.

        Raises
        ------
        MaterialError
            If the name breaks the rule, or belongs to an organisation that only orders.
        """
        with folder_lock(self._directory):
            description = self._network.description
            if self._name in {one.name for one in description.orderers}:
                raise MaterialError(f"{self._name} is the name of an orderer's organisation")
            material = _material(self._directory, self._name)
            known = [one for one in _all(description) if one.name == self._name]
            if not known:
                ports = free_ports()
                made = OrganisationDescription(
                    name=self._name,
                    port=next(ports),
                    chaincode_port=next(ports),
                    operations_port=next(ports),
                )
                known = [made]
                replace(description, joining=[*description.joining, made]).save(self._directory)
        return OrganisationCard(
            msp_id=material.msp_id,
            msp=msp_message(material.msp.path, material.msp_id),
            anchor=f"{LOOPBACK}:{known[0].port}",
        )

    def propose(self) -> ConfigurationChange | None:
        """Return the change that lets it in, unsigned; None if the channel has it.

        Raises
        ------
        PeerCallError
            If no peer gives out the channel's configuration.
        """
        return run_blocking(self._propose, self.prepare())

    def sign(self, change: ConfigurationChange, organisations: Sequence[str]) -> ConfigurationChange:
        """Return the change with the signatures of administrators whose keys are in the network's folder.

        Raises
        ------
        UnknownComponent
            If there is no such organisation.
        """
        description = self._network.description
        for name in organisations:
            administrator = signing_administrator(description, self._directory, name)
            change = run_blocking(change.signed_by, administrator)
        return change

    def enter(self, change: ConfigurationChange | None, *, snapshot: Path | None = None) -> None:
        """Have the change ordered, start the organisation's peer, and approve and serve every chaincode.

        Parameters
        ----------
        change : ConfigurationChange or None
            Signed; None where the channel has the organisation.
        snapshot : Path, optional
            What the peer starts from; all blocks from the first by default.

        Raises
        ------
        SignaturesMissing
            If too few administrators have signed; nothing was done.
        ConfigurationMoved
            If the channel was changed since, or the change is another organisation's.
        UpdateRefused
            If the orderers do not take it.
        StartTimeout, ComponentStopped
            If the peer does not come up.
        DeployError
            If a chaincode's definition cannot be approved, or does not answer.
        """
        card = self.prepare()
        run_blocking(self._order, change, card)
        with folder_lock(self._directory):
            self._register()
        if snapshot is not None and not (self._directory / "data" / f"peer0.{self._name}").exists():
            PeerSnapshots(self._network, self._name).start(snapshot)
        with folder_lock(self._directory):
            self._start_peer()
            deployment = Deployment(self._directory)
            deployment.settle()
            deployment.admit(self._name)
            deployment.wait_answers()

    async def _propose(self, card: OrganisationCard) -> ConfigurationChange | None:
        async with LiveOrdering(self._member()) as ordering:
            current = await ordering.configuration()
        if card.msp_id in current.peer_organisations:
            return None
        return ConfigurationChange.make(current, with_organisation(current, card))

    async def _order(self, change: ConfigurationChange | None, card: OrganisationCard) -> None:
        async with LiveOrdering(self._member()) as ordering:
            current = await ordering.configuration()
            if card.msp_id in current.peer_organisations:
                return
            if change is None or not any(line.endswith(f"/{card.msp_id}") for line in change.touched()):
                raise ConfigurationMoved(f"the change does not add {card.msp_id}", sequence=current.sequence)
            await order_change(ordering, change)

    def _register(self) -> None:
        description = self._network.description
        joining = [one for one in description.joining if one.name == self._name]
        if joining:
            replace(
                description,
                organisations=[*description.organisations, *joining],
                joining=[one for one in description.joining if one.name != self._name],
            ).save(self._directory)

    def _start_peer(self) -> None:
        world = FabricWorld(self._network.description, self._directory)
        node = world.peer_of(self._name)
        node.write_configuration()
        component = node.component()
        component.start()
        component.wait_ready(seconds=_START_SECONDS)
        world.join()
        run_blocking(self._follow)

    async def _follow(self) -> None:
        wanted = await self._height(self._first) or 0
        deadline = time.monotonic() + _FOLLOW_SECONDS
        while (await self._height(self._name) or 0) < wanted:
            if time.monotonic() >= deadline:
                node = FabricWorld(self._network.description, self._directory).peer_of(self._name)
                process = node.component().process
                raise StartTimeout(
                    node.name, seconds=_FOLLOW_SECONDS, log=process.log, log_tail=process.log_tail()
                )
            await asyncio.sleep(_POLL_SECONDS)

    async def _height(self, organisation: str) -> int | None:
        connection = connection_of(self._network.description, self._directory, organisation, ADMIN)
        async with Peer.connect(connection) as peer:
            try:
                return (await peer.chain_info(self._network.channel)).height
            except PeerCallError:
                # The peer is on its way: the deadline decides.
                return None

    @property
    def _first(self) -> str:
        return next(one.name for one in self._network.description.organisations if one.name != self._name)

    def _member(self) -> Connection:
        return connection_of(self._network.description, self._directory, self._first, ADMIN)


def _all(description: NetworkDescription) -> list[OrganisationDescription]:
    return [*description.organisations, *description.joining]


def _material(directory: Path, name: str) -> OrganisationMaterial:
    root = directory / "organizations"
    material = OrganisationMaterial(name=name, kind=OrganisationKind.PEER, root=root)
    if not material.path.exists():
        material = OrganisationMaterial.create(root, name, OrganisationKind.PEER)
    if not material.node("peer0").path.exists():
        material.add_node("peer0")
    known = material.users()
    if ADMIN not in known:
        material.add_user(ADMIN, role=NodeRole.ADMIN)
    if USER not in known:
        material.add_user(USER)
    return material
