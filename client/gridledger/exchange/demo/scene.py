"""The demo's scene: plant R27 from registration to settlement, then two things that go wrong.

    async with Scene.set_up(folder, enrol, authorities) as scene:
        async for step in play(scene):
            print(step.title)

The hurricane of September 2018 took plant R27 off the grid for two days. A maintenance worker scans the
plant's label and asks for what three systems know of it: construction register, PV monitoring, work orders.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from gridledger.client.time_mark import TimeMarkAgent
from gridledger.exchange.aggregation_system import AggregationSystem
from gridledger.exchange.business_system import BusinessSystem
from gridledger.exchange.data_application import DataApplication, Fetched
from gridledger.exchange.demo.cast import Cast, Enrol
from gridledger.exchange.demo.made import made_enterprise, write_register
from gridledger.exchange.demo.servers import OwnerServers
from gridledger.exchange.demo.systems import PLANT, SYSTEMS, set_up_system
from gridledger.exchange.enterprise_register import FileRegister
from gridledger.exchange.settings import BusinessSettings
from gridledger.model.device import DeclaredIdentity
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.resolution import Resolution
from gridledger.model.system import SystemKind, SystemProfile
from gridledger.model.trade import Order

__all__ = ["APPLICATION", "IDENTITY", "ROOT", "Scene", "aggregation_profile", "application_profile"]

ROOT: Final = SystemIdentifier("88.1042")
IDENTITY: Final = DeclaredIdentity(scheme="plant", value=PLANT)
APPLICATION: Final = "lifecycle"


class Scene:
    """Everything that plays in this process, and the servers' processes.

    Notes
    -----
    Made by `set_up`; what is done with it stands in `play`.
    """

    resolution: Resolution
    """Set by the act that resolves."""
    order: Order
    """Set by the act that orders."""
    fetched: tuple[Fetched, ...]
    """Set by the act that fetches."""

    def __init__(
        self,
        folder: Path,
        cast: Cast,
        owners: Mapping[str, BusinessSystem],
        servers: OwnerServers,
        aggregation: AggregationSystem,
    ) -> None:
        self.folder = folder
        self.cast = cast
        self.owners = owners
        self.servers = servers
        self.aggregation = aggregation
        self.systems: dict[str, SystemIdentifier] = {}
        """Name to system identifier, once registered."""
        self._application: DataApplication | None = None

    @classmethod
    @asynccontextmanager
    async def set_up(
        cls, folder: Path, enrol: Enrol, authorities: Mapping[str, Path]
    ) -> AsyncIterator[Scene]:
        """Make databases and configurations, start the owners' servers, and connect everybody.

        Parameters
        ----------
        folder : Path
            For databases, vaults and logs; must not exist.
        enrol : Enrol
            Makes identities; blocks.
        authorities : mapping of str to Path
            MSP to folder.
        """
        cast = await asyncio.to_thread(Cast, enrol, authorities)
        configs = {
            system.name: set_up_system(
                system, folder / system.name, str(ROOT), cast.connections[system.name], authorities
            )
            for system in SYSTEMS
        }
        write_register(folder / "register.json", [*configs, APPLICATION])
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(cast)
            await stack.enter_async_context(TimeMarkAgent(cast["agent"].network))
            servers = await stack.enter_async_context(OwnerServers(configs))
            owners = {
                name: await stack.enter_async_context(BusinessSystem.open(BusinessSettings.from_file(path)))
                for name, path in configs.items()
            }
            register = FileRegister(folder / "register.json")
            aggregation = AggregationSystem(cast["aggregation"], ROOT, register=register)
            await stack.enter_async_context(aggregation)
            yield cls(folder, cast, owners, servers, aggregation)

    @property
    def application(self) -> DataApplication:
        """The data application, once it is registered."""
        if self._application is None:
            self._application = DataApplication(
                self.cast[APPLICATION], self.systems[APPLICATION], self.aggregation
            )
        return self._application


def aggregation_profile() -> SystemProfile:
    """Return what the aggregation system says of itself."""
    return SystemProfile(
        kind=SystemKind.AGGREGATION_SYSTEM,
        enterprise=made_enterprise("aggregation").enterprise,
        name="Aggregation system",
        introduction="made",
    )


def application_profile() -> SystemProfile:
    """Return what the data application says of itself when it applies."""
    return SystemProfile(
        kind=SystemKind.DATA_APPLICATION,
        enterprise=made_enterprise(APPLICATION).enterprise,
        name="Life-cycle management",
        introduction="made; maintenance of photovoltaic plants",
    )
