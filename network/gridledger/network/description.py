"""`network.json`: what a network consists of; processes and ledgers come and go around it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from gridledger.host.durable_file import write_file
from gridledger.model.errors import ConfigError
from gridledger.model.record import ModelValue, value
from gridledger.network.errors import UnknownComponent
from gridledger.network.hosting import AttachedPeer, Attachment, ContainerImages
from gridledger.network.material import OrganisationKind, OrganisationMaterial

__all__ = [
    "FILE_NAME",
    "MEMBERS",
    "ORDERERS",
    "AttachedPeer",
    "Attachment",
    "ChaincodeDescription",
    "ChaincodeRelease",
    "ContainerImages",
    "NetworkDescription",
    "OrdererDescription",
    "OrganisationDescription",
    "Settings",
    "World",
]

FILE_NAME = "network.json"
MEMBERS = "members"
"""Folder with the MSPs of an attached channel's organisations."""
ORDERERS = "orderers"
"""Folder with the MSPs of those that order it."""
_SCHEMA = "gridledger-network/1"
_FIRST_ORDERER = "orderer0"
_STRICT = ConfigDict(strict=True, extra="forbid")

Port = Annotated[int, Field(ge=1, le=65535)]
OrganisationName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,30}$")]
ChaincodeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]+([-_][A-Za-z0-9]+)*$", max_length=64)]
Sequence = Annotated[int, Field(ge=1)]


class World(StrEnum):
    """What runs the network."""

    DEVNET = "devnet"
    FABRIC = "fabric"
    ATTACHED = "attached"
    """Others run it; see `gridledger.network.attach`."""


@value
class Settings(ModelValue):
    """How blocks are cut and how fast a dead leader is noticed; ModelError if one is out of its range."""

    block_interval_ms: Annotated[int, Field(ge=1, le=60_000)] = 100
    """How long a transaction waits for others before its block is cut."""

    block_max_messages: Annotated[int, Field(ge=1, le=100_000)] = 500
    """Transactions in a block at most."""

    forward_timeout_ms: Annotated[int, Field(ge=100, le=600_000)] = 1500
    """SmartBFT: a request not ordered for this long is sent to the leader again. Not for devnet."""

    complain_timeout_ms: Annotated[int, Field(ge=100, le=600_000)] = 1700
    """SmartBFT: when the leader does not answer that for this long, another is asked for. Not for devnet."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        """Refuse what SmartBFT refuses."""
        if self.forward_timeout_ms > self.complain_timeout_ms:
            yield "forward_timeout_ms", "is above complain_timeout_ms"


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class OrganisationDescription:
    """A peer organisation.

    Parameters
    ----------
    name : str
        Short name, such as `org1`; MSP id, domain and folders follow from it (`OrganisationMaterial`).
    port : int
        Where its peer listens, in devnet the world's listener for this organisation.
    chaincode_port, operations_port : int, optional
        The peer's further listeners; none in devnet.
    attachment : Attachment, optional
        How it is reached where others run the network.
    authority_port : int, optional
        Where its Fabric CA listens; in containers alone.
    """

    name: OrganisationName
    port: Port
    chaincode_port: Port | None = None
    operations_port: Port | None = None
    attachment: Attachment | None = None
    authority_port: Port | None = None


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class OrdererDescription:
    """An orderer: that of an orderer organisation, or one of a peer organisation.

    Parameters
    ----------
    name : str
        Short name of the component and, without `organisation`, of its organisation, such as `orderer1`.
    port, admin_port, operations_port : int, optional
        Its listeners; none in devnet, which signs blocks with this orderer's key and listens nowhere for it.
    organisation : str, optional
        The peer organisation whose orderer it is: one in wait, which follows the channel until a council is
        elected that it belongs to. Without one it is a consenter of the first block.
    """

    name: OrganisationName
    port: Port | None = None
    admin_port: Port | None = None
    operations_port: Port | None = None
    organisation: OrganisationName | None = None

    @property
    def member_name(self) -> str:
        """Its short name among its organisation's members."""
        return _FIRST_ORDERER if self.organisation is None else self.name

    @property
    def is_waiting(self) -> bool:
        """Whether it follows the channel until it is elected, and is no consenter of the first block."""
        return self.organisation is not None


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class ChaincodeRelease:
    """One deployed definition of a chaincode.

    Parameters
    ----------
    sequence : int
        The definition's sequence on the channel, from 1.
    module : str
        What is served, `module:Class`.
    python_path : list of str
        Folders that the chaincode's process finds its modules in, before all others.
    policy : str or None
        Endorsement policy as text; None for the channel's default, a majority of organisations.
    collections : list of str
        Names of the private data collections.
    tls : bool
        Whether peer and chaincode speak mutual TLS.
    ports : object
        Organisation to the port of its chaincode process.
    package_ids : object
        Organisation to the id of the package that it installed.
    hosts : object
        Organisation to the host by which its peers reach the process, where that is not this machine's own.
    metrics_ports : object
        Organisation to the port at which Prometheus reads its chaincode process.
    image : str or None
        Image that the processes run from, where they are containers.
    is_waiting : bool
        Whether our organisations have approved it and it waits for others to do so; in attached networks.
    """

    sequence: Sequence
    module: str
    python_path: list[str]
    policy: str | None
    collections: list[str]
    tls: bool
    ports: dict[OrganisationName, Port]
    package_ids: dict[OrganisationName, str]
    hosts: dict[OrganisationName, str] = Field(default_factory=dict)
    metrics_ports: dict[OrganisationName, Port] = Field(default_factory=dict)
    image: str | None = None
    is_waiting: bool = False


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class ChaincodeDescription:
    """A chaincode and its releases.

    Parameters
    ----------
    name : str
        Name on the channel.
    current : ChaincodeRelease or None
        What is committed.
    pending : ChaincodeRelease or None
        What a deployment has begun; after a crash the committed sequence tells whether it became current.
    """

    name: ChaincodeName
    current: ChaincodeRelease | None = None
    pending: ChaincodeRelease | None = None


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class NetworkDescription:
    """All of `network.json`.

    Parameters
    ----------
    world : World
        What runs it.
    channel : str
        The one channel.
    organisations : list of OrganisationDescription
        Peer organisations.
    orderers : list of OrdererDescription
        Orderers: four of organisations of their own in the real world, and those in wait; one in devnet; none
        of an attached network, whose orderers are reached through its peers.
    settings : Settings
        How blocks are cut.
    binaries : str or None
        Folder of the official binaries; None in devnet.
    chaincodes : list of ChaincodeDescription
        What is deployed.
    joining : list of OrganisationDescription
        Organisations on their way in, which the channel does not know yet.
    containers : ContainerImages or None
        What orderers, peers and chaincode run from; None for processes.
    """

    world: World
    channel: Annotated[str, Field(pattern=r"^[a-z][a-z0-9.-]{0,248}$")]
    organisations: Annotated[list[OrganisationDescription], Field(min_length=1)]
    orderers: list[OrdererDescription]
    settings: Settings = Field(default_factory=Settings)
    binaries: str | None = None
    chaincodes: list[ChaincodeDescription] = Field(default_factory=list)
    joining: list[OrganisationDescription] = Field(default_factory=list)
    containers: ContainerImages | None = None

    def __post_init__(self) -> None:
        is_attached = self.world is World.ATTACHED
        if is_attached == bool(self.orderers):
            raise ValueError("orderers: there are some unless the network is attached")
        if any((one.attachment is not None) != is_attached for one in self.organisations):
            raise ValueError("attachment: every organisation of an attached network has one, no other has")

    @classmethod
    def load(cls, directory: Path) -> NetworkDescription:
        """Read `network.json` in a network's folder.

        Raises
        ------
        ConfigError
            If it is missing, no JSON, of another version, or breaks a rule.
        """
        path = directory / FILE_NAME
        try:
            read = json.loads(path.read_bytes())
        except FileNotFoundError as error:
            raise ConfigError("there is no network here", key=FILE_NAME, source=str(directory)) from error
        except (OSError, ValueError, RecursionError) as error:
            raise ConfigError(f"cannot be read: {error}", key=FILE_NAME, source=str(directory)) from error
        if not isinstance(read, dict):
            raise ConfigError("is not an object", key=FILE_NAME, source=str(directory))
        schema = read.pop("schema", None)
        if schema != _SCHEMA:
            raise ConfigError(
                f"is not of version {_SCHEMA}", key="schema", source=str(path), value=str(schema)
            )
        try:
            return _ADAPTER.validate_json(json.dumps(read))
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
                for problem in error.errors()
            )
            raise ConfigError(problems, key=FILE_NAME, source=str(directory)) from error

    def save(self, directory: Path) -> None:
        """Write `network.json`, in one step."""
        content = {"schema": _SCHEMA, **_ADAPTER.dump_python(self, mode="json")}
        write_file(directory / FILE_NAME, (json.dumps(content, indent=2) + "\n").encode())

    def organisation(self, name: str) -> OrganisationDescription:
        """Return the peer organisation `name`.

        Raises
        ------
        UnknownComponent
            If there is none.
        """
        for organisation in self.organisations:
            if organisation.name == name:
                return organisation
        raise UnknownComponent("organisation", name, known=[known.name for known in self.organisations])

    def chaincode(self, name: str) -> ChaincodeDescription:
        """Return the chaincode `name`.

        Raises
        ------
        UnknownComponent
            If there is none.
        """
        for chaincode in self.chaincodes:
            if chaincode.name == name:
                return chaincode
        raise UnknownComponent("chaincode", name, known=[known.name for known in self.chaincodes])

    def with_chaincode(self, chaincode: ChaincodeDescription) -> NetworkDescription:
        """Return a description in which `chaincode` takes its namesake's place."""
        others = [known for known in self.chaincodes if known.name != chaincode.name]
        return replace(self, chaincodes=sorted([*others, chaincode], key=lambda entry: entry.name))

    def without_chaincode(self, name: str) -> NetworkDescription:
        """Return a description that does not know the chaincode `name`."""
        return replace(self, chaincodes=[known for known in self.chaincodes if known.name != name])

    def peer_material(self, directory: Path) -> list[OrganisationMaterial]:
        """Return the peer organisations' material below a network's folder."""
        root = directory / "organizations"
        return [
            OrganisationMaterial(
                name=organisation.name,
                kind=OrganisationKind.PEER,
                root=root,
                attached_msp_id=organisation.attachment.msp_id if organisation.attachment else None,
            )
            for organisation in self.organisations
        ]

    def orderer_material(self, directory: Path) -> list[OrganisationMaterial]:
        """Return the material of each orderer's organisation below a network's folder."""
        root = directory / "organizations"
        return [
            OrganisationMaterial(name=orderer.name, kind=OrganisationKind.ORDERER, root=root)
            if orderer.organisation is None
            else OrganisationMaterial(name=orderer.organisation, kind=OrganisationKind.PEER, root=root)
            for orderer in self.orderers
        ]


_ADAPTER = TypeAdapter(NetworkDescription)
