"""How a network is: which processes run, whether peers have the same chain, and how far the orderers are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gridledger.client.errors import PeerCallError
from gridledger.client.peer import Peer
from gridledger.model.errors import FieldValue
from gridledger.network.access import connection_of
from gridledger.network.component import Component, ComponentKind
from gridledger.network.description import NetworkDescription, World
from gridledger.network.world import WorldRunner

__all__ = [
    "ChaincodeStatus",
    "ComponentStatus",
    "NetworkStatus",
    "OrdererStatus",
    "PeerStatus",
    "read_status",
]

_SECONDS = 5.0
_LAG_BLOCKS = 5
"""So far an orderer may be behind: nodes are asked one moment after the other, while blocks come."""


@dataclass(frozen=True, kw_only=True)
class ComponentStatus:
    """A process of the network."""

    name: str
    """Name of the component."""

    kind: ComponentKind
    """What it is."""

    port: int
    """Where it serves."""

    pid: int | None
    """Process id; None if it does not run."""

    @classmethod
    def of(cls, component: Component) -> ComponentStatus:
        """Look at a component's process."""
        return cls(name=component.name, kind=component.kind, port=component.port, pid=component.process.pid())


@dataclass(frozen=True, kw_only=True)
class PeerStatus:
    """An organisation's copy of the channel."""

    organisation: str
    """Short name of the organisation."""

    height: int | None
    """Number of blocks; None if the peer does not answer."""

    block_hash: str | None
    """Hash of the last block's header, hexadecimal; None if the peer does not answer."""


@dataclass(frozen=True, kw_only=True)
class OrdererStatus:
    """An orderer's copy of the channel."""

    name: str
    """Name of its component."""

    height: int | None
    """Number of blocks; None if the orderer does not answer."""

    is_consenter: bool = True
    """Whether it takes part in ordering; others follow, or have left the channel."""


@dataclass(frozen=True, kw_only=True)
class ChaincodeStatus:
    """A chaincode on the channel."""

    name: str
    """Its name."""

    sequence: int
    """Which definition of the name it is."""

    module: str
    """What its processes serve."""

    policy: str | None
    """Endorsement policy; None for the channel's default."""


@dataclass(frozen=True, kw_only=True)
class NetworkStatus:
    """A network at one moment."""

    world: World
    """What runs it."""

    channel: str
    """Its channel."""

    directory: Path
    """Its folder."""

    components: Sequence[ComponentStatus]
    """Its processes."""

    peers: Sequence[PeerStatus]
    """The organisations' copies of the channel."""

    orderers: Sequence[OrdererStatus]
    """The orderers' copies of the channel."""

    chaincodes: Sequence[ChaincodeStatus]
    """What is deployed."""

    @property
    def running(self) -> bool:
        """Whether every process runs."""
        return all(component.pid is not None for component in self.components)

    @property
    def agreed(self) -> bool:
        """Whether every organisation has the same last block."""
        copies = {(peer.height, peer.block_hash) for peer in self.peers}
        return len(copies) == 1 and None not in next(iter(copies))

    @property
    def warnings(self) -> list[str]:
        """What is wrong with the orderers, for a person.

        Notes
        -----
        SmartBFT goes on without one of four, silently: an orderer that hangs is seen by its height alone. The
        next one to fail then stops the network.
        """
        heights = [peer.height for peer in self.peers] + [orderer.height for orderer in self.orderers]
        highest = max((height for height in heights if height is not None), default=0)
        found = []
        for orderer in self.orderers:
            if orderer.height is None:
                found.append(f"{orderer.name} does not answer")
            elif orderer.is_consenter and highest - orderer.height > _LAG_BLOCKS:
                found.append(f"{orderer.name} is {highest - orderer.height} blocks behind")
        return found

    def to_value(self) -> dict[str, FieldValue]:
        """Return it as JSON has it."""
        return {
            "world": self.world.value,
            "channel": self.channel,
            "directory": str(self.directory),
            "running": self.running,
            "agreed": self.agreed,
            "components": [
                {"name": each.name, "kind": each.kind.value, "port": each.port, "pid": each.pid}
                for each in self.components
            ],
            "peers": [
                {"organisation": each.organisation, "height": each.height, "block_hash": each.block_hash}
                for each in self.peers
            ],
            "orderers": [
                {"name": each.name, "height": each.height, "consenter": each.is_consenter}
                for each in self.orderers
            ],
            "warnings": [*self.warnings],
            "chaincodes": [
                {
                    "name": each.name,
                    "sequence": each.sequence,
                    "module": each.module,
                    "policy": each.policy,
                }
                for each in self.chaincodes
            ],
        }


async def read_status(
    description: NetworkDescription, directory: Path, components: Sequence[Component], world: WorldRunner
) -> NetworkStatus:
    """Look at the processes, and ask all peers and orderers at once how far their copies of the channel go.

    Parameters
    ----------
    description : NetworkDescription
        The network.
    directory : Path
        Its folder.
    components : sequence of Component
        Its components.
    world : WorldRunner
        Asks its orderers.
    """
    names = [organisation.name for organisation in description.organisations]
    peers, orderers = await asyncio.gather(
        asyncio.gather(*(_read_peer(description, directory, name) for name in names)),
        world.orderers(),
    )
    return NetworkStatus(
        world=description.world,
        channel=description.channel,
        directory=directory,
        components=[ComponentStatus.of(component) for component in components],
        peers=peers,
        orderers=[
            OrdererStatus(name=name, height=state.height, is_consenter=state.is_consenter)
            for name, state in orderers.items()
        ],
        chaincodes=[
            ChaincodeStatus(
                name=chaincode.name,
                sequence=chaincode.current.sequence,
                module=chaincode.current.module,
                policy=chaincode.current.policy,
            )
            for chaincode in description.chaincodes
            if chaincode.current is not None
        ],
    )


async def _read_peer(description: NetworkDescription, directory: Path, organisation: str) -> PeerStatus:
    async with Peer.connect(connection_of(description, directory, organisation, "admin")) as peer:
        try:
            info = await peer.chain_info(description.channel, timeout=_SECONDS)
        except PeerCallError:
            return PeerStatus(organisation=organisation, height=None, block_hash=None)
    return PeerStatus(organisation=organisation, height=info.height, block_hash=info.current_block_hash.hex())
