"""The demo's scene: plant R27 from registration to settlement, then two things that go wrong.

    async with Scene.set_up(folder, enrol, authorities) as scene:
        async for step in play(scene):
            print(step.title)

The hurricane of September 2018 took plant R27 off the grid for two days. A maintenance worker scans the label
on the plant's inverter and asks for what five systems know of it, from its production to its state as an
asset. A quality engineer asks the same systems for another function, and may see less.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from gridledger.client.time_mark import TimeMarkAgent
from gridledger.exchange.aggregation_system import AggregationSystem
from gridledger.exchange.business_system import BusinessSystem
from gridledger.exchange.data_application import DataApplication, Fetched
from gridledger.exchange.demo.cast import Cast, Enrol
from gridledger.exchange.demo.configuration import write_configuration
from gridledger.exchange.demo.devices import INVERTER
from gridledger.exchange.demo.made import made_enterprise, write_register
from gridledger.exchange.demo.servers import OwnerServers
from gridledger.exchange.demo.stores import Stores
from gridledger.exchange.demo.systems import PLANT, SYSTEMS
from gridledger.exchange.enterprise_register import FileRegister
from gridledger.exchange.label import Label, read_label
from gridledger.exchange.settings import BusinessSettings
from gridledger.model.device import DeclaredIdentity
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier
from gridledger.model.resolution import Resolution
from gridledger.model.system import SystemKind, SystemProfile
from gridledger.model.trade import Order

__all__ = [
    "APPLICATION",
    "IDENTITY",
    "RESOLVER",
    "ROOT",
    "Scene",
    "aggregation_profile",
    "application_profile",
]

ROOT: Final = SystemIdentifier("88.1042")
IDENTITY: Final = DeclaredIdentity(scheme="plant", value=PLANT)
APPLICATION: Final = "lifecycle"
RESOLVER: Final = "https://id.example"
"""Origin in the labels' URLs; nobody opens it."""


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
        stores: Stores,
    ) -> None:
        self.folder = folder
        self.cast = cast
        self.owners = owners
        self.servers = servers
        self.aggregation = aggregation
        self.stores = stores
        self.systems: dict[str, SystemIdentifier] = {}
        """Name to system identifier, once registered."""
        self._application: DataApplication | None = None

    @classmethod
    @asynccontextmanager
    async def set_up(
        cls,
        folder: Path,
        enrol: Enrol,
        authorities: Mapping[str, Path],
        *,
        modules: int = 0,
        postgresql: bool = False,
        start: Callable[[], None] | None = None,
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
        modules : int, default 0
            Modules of the plant that are registered beside its inverter.
        postgresql : bool, default False
            Whether two systems stand on PostgreSQL, if it can be started; see `Stores`.
        start : callable, optional
            Starts the network, once everybody is enrolled and while owners prepare; blocks.
        """
        cast = await asyncio.to_thread(Cast, enrol, authorities)
        async with AsyncExitStack() as stack:
            starting = asyncio.create_task(asyncio.to_thread(start or _nothing))
            # Whatever becomes of the rest: a network is not left half started.
            stack.push_async_callback(_ended, starting)
            stores = await stack.enter_async_context(Stores(folder, postgresql=postgresql))
            configs: dict[str, Path] = {}
            for system in SYSTEMS:
                (folder / system.name).mkdir(parents=True)
                await stores.fill(system.name, modules=modules)
                configs[system.name] = write_configuration(
                    system,
                    folder / system.name,
                    str(ROOT),
                    cast.connections[system.name],
                    authorities,
                    modules=modules,
                    database=stores.address(system.name),
                )
            write_register(folder / "register.json", [*configs, APPLICATION])
            servers = await stack.enter_async_context(OwnerServers(configs))
            await starting
            await stack.enter_async_context(cast)
            agent = await stack.enter_async_context(TimeMarkAgent(cast["agent"].network))
            await agent.wait_marked()
            await cast.even()
            owners = {
                name: await stack.enter_async_context(BusinessSystem.open(BusinessSettings.from_file(path)))
                for name, path in configs.items()
            }
            register = FileRegister(folder / "register.json")
            aggregation = AggregationSystem(cast["aggregation"], ROOT, register=register)
            await stack.enter_async_context(aggregation)
            yield cls(folder, cast, owners, servers, aggregation, stores)

    @property
    def application(self) -> DataApplication:
        """The data application, once it is registered."""
        if self._application is None:
            self._application = DataApplication(
                self.cast[APPLICATION], self.systems[APPLICATION], self.aggregation
            )
        return self._application

    def title_of(self, system: SystemIdentifier) -> str:
        """Return what a business system of the scene is called."""
        names = {self.systems.get(name): owner.settings.name for name, owner in self.owners.items()}
        return names[system]

    @property
    def label(self) -> Label:
        """The label that the manufacturer puts on the inverter, once its system is registered."""
        device = self.systems["production"].device(INVERTER.serial)
        return Label(identifier=device, resolver=RESOLVER, title=INVERTER.name)

    @property
    def label_image(self) -> Path:
        """Where the label stands as an image."""
        return self.folder / "label.png"

    async def scan(self) -> DeviceIdentifier:
        """Read the label's image.

        Raises
        ------
        LabelUnreadable, LabelForeign
            See `gridledger.exchange.label`.
        """
        label = await asyncio.to_thread(read_label, self.label_image, resolver=RESOLVER, root=ROOT)
        return DeviceIdentifier.parse(str(label.identifier))


async def _ended(starting: asyncio.Task[None]) -> None:
    await asyncio.gather(starting, return_exceptions=True)


def _nothing() -> None:
    """Start nothing: the network runs already."""


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
        introduction="made; maintenance and quality of photovoltaic plants",
    )
