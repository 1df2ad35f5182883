"""What a channel knows of an organisation: its roots and revocation lists, brought up to its MSP folder."""

from __future__ import annotations

from gridledger.network.access import connection_of, signing_administrator
from gridledger.network.blocking import run_blocking
from gridledger.network.blueprint import ADMIN
from gridledger.network.description import World
from gridledger.network.errors import UnknownComponent, WorldLacks
from gridledger.network.material import OrganisationMaterial
from gridledger.network.msp_message import msp_message
from gridledger.network.network import Network
from gridledger.network.ordering.configuration_change import ConfigurationChange
from gridledger.network.ordering.configuration_order import order_change
from gridledger.network.ordering.live_ordering import LiveOrdering
from gridledger.network.ordering.member_change import with_msp

__all__ = ["TrustUpdate"]


class TrustUpdate:
    """Lets the channel know an organisation as its folder `msp` describes it now.

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
        if network.world is not World.FABRIC:
            raise WorldLacks(network.world, what="changing roots")
        description = network.description
        known: dict[str, OrganisationMaterial] = {
            one.name: one
            for one in [
                *description.orderer_material(network.directory),
                *description.peer_material(network.directory),
            ]
        }
        if organisation not in known:
            raise UnknownComponent("organisation", organisation, known=sorted(known))
        self._network = network
        self.organisation = known[organisation]

    def run(self) -> ConfigurationChange | None:
        """Have the change ordered, signed by the organisation's administrator; None if nothing differs.

        Raises
        ------
        Malformed
            If the folder is no MSP.
        UpdateRefused
            If the orderers do not take it.
        """
        return run_blocking(self._run)

    async def _run(self) -> ConfigurationChange | None:
        description, directory = self._network.description, self._network.directory
        first = description.organisations[0].name
        async with LiveOrdering(connection_of(description, directory, first, ADMIN)) as ordering:
            current = await ordering.configuration()
            msp = msp_message(self.organisation.msp.path, self.organisation.msp_id)
            wanted = with_msp(current, self.organisation.msp_id, msp)
            if wanted == current.root:
                return None
            change = ConfigurationChange.make(current, wanted)
            change = await change.signed_by(
                signing_administrator(description, directory, self.organisation.name)
            )
            await order_change(ordering, change)
            return change
