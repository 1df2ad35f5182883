"""An organisation's roots exchanged on a running channel: add, then rotate certificates, then drop."""

from __future__ import annotations

from gridledger.host.lock import folder_lock
from gridledger.network.authority import Validity
from gridledger.network.component import ComponentKind
from gridledger.network.fabric.trust import TrustUpdate
from gridledger.network.level import wait_level
from gridledger.network.network import Network
from gridledger.network.roots import RootExchange

__all__ = ["ChannelRoots"]


class ChannelRoots:
    """The roots of one organisation, in its folder and on the channel; each call may be repeated.

    Parameters
    ----------
    network : Network
        On Fabric, running.
    organisation : str
        Short name, of a peer's or an orderer's organisation.

    Raises
    ------
    WorldLacks
        If the network is a devnet.
    UnknownComponent
        If there is no such organisation.
    """

    def __init__(self, network: Network, organisation: str) -> None:
        self._network = network
        self._trust = TrustUpdate(network, organisation)
        self._exchange = RootExchange(organisation=self._trust.organisation)

    def add(self, *, validity: Validity | None = None) -> list[str]:
        """Make new roots that count beside the old ones, and issue from now on; return who was restarted.

        Raises
        ------
        UpdateRefused
            If the orderers do not take the change.
        StartTimeout, ComponentStopped
            If a node of the organisation does not come up again.

        Notes
        -----
        Programs that verify the organisation's servers by its TLS root read that file when they start: let
        them start anew before certificates are rotated.
        """
        with folder_lock(self._network.directory):
            self._exchange.add(validity=validity)
        self._trust.run()
        return self._restart()

    def drop(self) -> list[str]:
        """Let the old roots count no more; return who was restarted.

        Raises
        ------
        MaterialError
            If a member still has a certificate of an old root.
        UpdateRefused, StartTimeout, ComponentStopped
            As `add`.
        """
        with folder_lock(self._network.directory):
            self._exchange.drop()
        self._trust.run()
        return self._restart()

    def _restart(self) -> list[str]:
        """Restart the organisation's nodes, one after the other: they read roots when they start."""
        network, material = self._network, self._trust.organisation
        description = network.description
        orderers = zip(description.orderers, description.orderer_material(network.directory), strict=True)
        names = {one.name for one, known in orderers if known == material}
        consenters = {one.name for one in network.status().orderers if one.is_consenter}
        names.add(f"peer0.{material.name}")
        done = []
        for component in network.status().components:
            if component.name in names and component.kind in {ComponentKind.ORDERER, ComponentKind.PEER}:
                network.restart(component.name)
                wait_level(network, component.name, consenter=component.name in consenters)
                done.append(component.name)
        return done
