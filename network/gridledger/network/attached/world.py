"""An attached network's world: nothing of it is ours to start or to stop."""

from __future__ import annotations

from collections.abc import Mapping

from gridledger.network.component import Component
from gridledger.network.errors import UnknownComponent
from gridledger.network.world import OrdererState

__all__ = ["AttachedWorld"]


class AttachedWorld:
    """Peers and orderers that others run; only the processes of chaincodes are components here."""

    def prepare(self) -> None:
        """Do nothing: others have prepared them."""

    def components(self) -> list[Component]:
        """Return none."""
        return []

    def join(self) -> None:
        """Do nothing: `attach` has seen that the peers are in the channel."""

    def metrics(self, component: str) -> Mapping[str, float]:
        """Refuse: operations listeners are their operators'.

        Raises
        ------
        UnknownComponent
            Always.
        """
        raise UnknownComponent("component with metrics", component, known=[])

    async def orderers(self) -> Mapping[str, OrdererState]:
        """Return none: clients reach orderers through the peers' gateways alone."""
        return {}
