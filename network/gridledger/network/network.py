"""A network in a folder: created, started, looked at, changed, stopped, in both worlds by the same calls."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gridledger.client.collection import Collection, read_collections
from gridledger.client.connection import Connection
from gridledger.host.docker import find_compose
from gridledger.host.errors import NotRunning
from gridledger.host.lock import folder_lock
from gridledger.host.process import ManagedProcess
from gridledger.model.errors import ConfigError
from gridledger.network.access import authorities_of, connection_of, orderer_authorities_of
from gridledger.network.authority import NodeRole
from gridledger.network.blocking import run_blocking
from gridledger.network.blueprint import create_folder, default_settings, describe
from gridledger.network.component import Component
from gridledger.network.containers.process import remove_containers
from gridledger.network.deployment import Deployment
from gridledger.network.description import ContainerImages, NetworkDescription, Settings, World
from gridledger.network.errors import MaterialError
from gridledger.network.fabric.binaries import Binaries, ImageBinaries
from gridledger.network.inventory import Inventory
from gridledger.network.material import OrganisationMaterial
from gridledger.network.status import NetworkStatus, read_status

__all__ = ["Network"]

_START_SECONDS = 60.0


class Network:
    """The network in a folder; made by `create` or `open`.

    Calls block: they run processes. Changes hold the folder's lock, one command at a time.

    Parameters
    ----------
    directory : Path
        The folder.

    Examples
    --------
    A network of two organisations with a chaincode::

        network = Network.create(Path("net"), world=World.DEVNET)
        network.up()
        network.deploy("probe", "probe:Probe")
        connection = network.connection(org="org1", user="user1")
        network.down()
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        NetworkDescription.load(self.directory)

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        world: World = World.DEVNET,
        organisations: int = 2,
        binaries: Path | None = None,
        settings: Settings | None = None,
        waiting_orderers: int = 0,
        containers: ContainerImages | None = None,
    ) -> Network:
        """Make a network: ports, keys and certificates; nothing is started.

        Parameters
        ----------
        directory : Path
            Its folder; may exist, but not hold a network.
        world : World, default DEVNET
            What is to run it.
        organisations : int, default 2
            Number of peer organisations, from 1 to 20.
        binaries : Path, optional
            Folder of Fabric's binaries; see `Binaries.find`.
        settings : Settings, optional
            How blocks are cut; after 10 ms in devnet and 100 ms on Fabric by default.
        waiting_orderers : int, default 0
            Fabric only: orderers of peer organisations, by turns, that wait to be elected; at most 40.

        containers : ContainerImages, optional
            Fabric only: run from these images, by Docker Compose; as native processes by default.

        Raises
        ------
        ConfigError
            If a setting is out of its range, or the folder holds a network.
        PrerequisiteMissing
            If the world is Fabric and a binary is not there, or Docker is not for containers.
        """
        if containers is not None:
            find_compose()
        kind = Binaries if containers is None else ImageBinaries
        found = kind.find(binaries) if world is World.FABRIC else None
        description = describe(
            world,
            organisations=organisations,
            binaries=found.directory if found else None,
            settings=settings or default_settings(world),
            waiting_orderers=waiting_orderers,
            containers=containers,
        )
        create_folder(description, directory)
        return cls(directory)

    @classmethod
    def open(cls, directory: Path) -> Network:
        """Return the network in a folder; ConfigError if there is none, or its description is unreadable."""
        return cls(directory)

    @property
    def description(self) -> NetworkDescription:
        """What the network consists of, read anew each time: other commands change it, too."""
        return NetworkDescription.load(self.directory)

    @property
    def world(self) -> World:
        """What runs it."""
        return self.description.world

    @property
    def channel(self) -> str:
        """Its one channel."""
        return self.description.channel

    @property
    def organisations(self) -> list[OrganisationMaterial]:
        """The peer organisations, with their material."""
        return self.description.peer_material(self.directory)

    def organisation(self, name: str) -> OrganisationMaterial:
        """Return the material of one peer organisation; UnknownComponent if there is none of the name."""
        self.description.organisation(name)
        return next(one for one in self.organisations if one.name == name)

    @property
    def authorities(self) -> dict[str, Path]:
        """MSP folders by which to tell the members of the channel's organisations, by MSP."""
        return authorities_of(self.description, self.directory)

    @property
    def orderer_authorities(self) -> dict[str, Path]:
        """MSP folders of the organisations whose orderers sign the channel's first blocks, by MSP."""
        return orderer_authorities_of(self.description, self.directory)

    def use_binaries(self, binaries: Path) -> None:
        """Run Fabric from another folder from the next start on; PrerequisiteMissing if one is not there."""
        found = (Binaries if self.description.containers is None else ImageBinaries).find(binaries)
        with folder_lock(self.directory):
            replace(self.description, binaries=str(found.directory)).save(self.directory)

    def up(self) -> None:
        """Start what does not run, on kept ledgers and the same ports, and wait until it serves.

        Raises
        ------
        PrerequisiteMissing
            If a binary is not there.
        StartTimeout, ComponentStopped
            If a component does not become ready.
        DeployError
            If a chaincode does not answer.
        """
        with folder_lock(self.directory):
            self._start(Inventory(self.directory).components())

    def down(self) -> None:
        """Stop everything that was started from this folder; ledgers stay.

        Raises
        ------
        StopTimeout
            If a process does not end.
        """
        with folder_lock(self.directory):
            names = sorted(path.stem for path in (self.directory / "run").glob("*.json"))
            processes = [ManagedProcess(name=name, directory=self.directory) for name in names]
            for process in processes:
                process.request_stop()
            for process in processes:
                process.stop()

    def remove(self) -> None:
        """Stop everything and remove the folder, with ledgers and keys."""
        self.down()
        remove_containers(self.directory)
        shutil.rmtree(self.directory)

    def status(self) -> NetworkStatus:
        """Look at processes, and compare the peers' and the orderers' copies of the channel."""
        inventory = Inventory(self.directory)
        components, world = inventory.components(), inventory.world()
        return run_blocking(read_status, self.description, self.directory, components, world)

    def chaincode_component(self, chaincode: str, organisation: str) -> str:
        """Return the component that runs a chaincode's current release; UnknownComponent if there is none."""
        self.description.organisation(organisation)
        return Inventory(self.directory).release(chaincode).component_name(organisation)

    def logs(self, component: str, *, lines: int = 200) -> str:
        """Return the last lines of a component's log, at most 64 KiB; UnknownComponent if there is none."""
        return Inventory(self.directory).component(component).process.log_tail(lines)

    def log_file(self, component: str) -> Path:
        """Return a component's log file; UnknownComponent if there is no such component."""
        return Inventory(self.directory).component(component).process.log

    def metrics(self, component: str) -> Mapping[str, float]:
        """Return what a node counts, such as `consensus_BFT_leader_id{channel="energy"}` of an orderer.

        Raises
        ------
        UnknownComponent
            If there is no such node.
        NotRunning
            If it does not answer.
        """
        return Inventory(self.directory).world().metrics(component)

    def kill(self, component: str) -> None:
        """End a component as a crash would (SIGKILL); UnknownComponent or NotRunning if there is none."""
        Inventory(self.directory).component(component).process.kill()

    def stop(self, component: str) -> None:
        """End a component in order; nothing happens if it does not run. Raises as `kill` and `down` do."""
        Inventory(self.directory).component(component).process.stop()

    def restart(self, component: str) -> None:
        """Stop a component if it runs, start it, and wait until it serves.

        Raises
        ------
        UnknownComponent
            If there is none.
        StartTimeout, ComponentStopped
            If it does not become ready.
        """
        found = Inventory(self.directory).component(component)
        with folder_lock(self.directory):
            found.process.stop()
            self._start([found])

    def wipe(self, component: str) -> None:
        """Stop an orderer or peer and remove all that it keeps; `restart` lets it catch up from the others.

        Raises
        ------
        UnknownComponent
            If there is none.
        ConfigError
            If the component has no copy that others could make good.
        """
        found = Inventory(self.directory).component(component)
        if found.data is None:
            raise ConfigError(
                "keeps nothing that others could give back", key="component", source="wipe", value=component
            )
        with folder_lock(self.directory):
            found.process.stop()
            found.wipe()

    def deploy(
        self,
        name: str,
        module: str,
        *,
        policy: str | None = None,
        collections: Path | Sequence[Collection] = (),
        python_path: Sequence[Path] = (),
        tls: bool = True,
    ) -> None:
        """Deploy a Python chaincode, or its next definition if there is one of the name.

        Parameters
        ----------
        name : str
            Name on the channel.
        module : str
            `module:Class` of a `gridledger.shim.Chaincode`.
        policy : str, optional
            Endorsement policy, such as `OR('Org1MSP.peer', 'Org2MSP.peer')`; a majority by default.
        collections : Path or sequence of Collection, optional
            Fabric's collections file, or what was read from it; must name all of the last definition's.
        python_path : sequence of Path, optional
            Folders that the module is found in.
        tls : bool, default True
            Whether peers and chaincode speak mutual TLS.

        Raises
        ------
        ConfigError
            If name, module, policy or collections are wrong; nothing was started.
        NotRunning
            If the network does not run.
        DeployError
            If a step is refused, or the chaincode does not answer.
        OutcomeUnknown
            If nobody can say whether the definition stands; the next `deploy` or `up` finds out.
        ApprovalsMissing
            In an attached network, if others have to approve; see `gridledger.network.approve`.
        """
        read = read_collections(collections) if isinstance(collections, Path) else list(collections)
        with folder_lock(self.directory):
            nodes = Inventory(self.directory).world().components()
            if nodes and not any(node.process.pid() for node in nodes):
                raise NotRunning("the network does not run: start it with up")
            deployment = Deployment(self.directory)
            deployment.settle()
            deployment.run(
                name,
                module,
                policy=policy,
                collections=read,
                python_path=[str(path.absolute()) for path in python_path],
                tls=tls,
            )

    def connection(self, *, org: str, user: str, chaincode: str | None = None) -> Connection:
        """Return how a user of an organisation reaches the network.

        Parameters
        ----------
        org, user : str
            Short names, such as `org1` and `user1`.
        chaincode : str, optional
            The chaincode that the connection names; the only one that is deployed by default, or none.

        Raises
        ------
        UnknownComponent
            If there is no such organisation, user or chaincode.
        """
        description = self.description
        if chaincode is not None:
            description.chaincode(chaincode)
        elif len(description.chaincodes) == 1:
            chaincode = description.chaincodes[0].name
        return connection_of(description, self.directory, org, user, chaincode=chaincode)

    def enrol(
        self,
        *,
        org: str,
        user: str,
        role: NodeRole = NodeRole.CLIENT,
        attributes: Mapping[str, str] | None = None,
    ) -> Connection:
        """Make keys and certificate for a user, and return the user's connection.

        Parameters
        ----------
        org : str
            Short name of the organisation.
        user : str
            Name of the user: letters, digits, `_`, `.` and `-`, at most 63.
        role : NodeRole, default CLIENT
            The certificate's organisational unit.
        attributes : mapping of str to str, optional
            What contracts read from the certificate.

        Raises
        ------
        UnknownComponent
            If there is no such organisation.
        MaterialError
            If the name breaks the rule or the user exists.
        """
        if role not in {NodeRole.CLIENT, NodeRole.ADMIN}:
            raise MaterialError(f"a user is client or admin, not {role}")
        with folder_lock(self.directory):
            self.organisation(org).add_user(user, role=role, attributes=attributes)
        return self.connection(org=org, user=user)

    def _start(self, components: Sequence[Component]) -> None:
        inventory = Inventory(self.directory)
        world = inventory.world()
        world.prepare()
        for component in components:
            component.start()
        for component in components:
            component.wait_ready(seconds=_START_SECONDS)
        world.join()
        if all(component.process.pid() is not None for component in inventory.components()):
            deployment = Deployment(self.directory)
            deployment.settle()
            deployment.install_missing()
            deployment.wait_answers()
