"""The embedded network put together: everything that the process runs, from one network's folder."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from fabric_protos.msp import identities_pb2, msp_config_pb2

from gridledger.host.ports import LOOPBACK
from gridledger.network.description import NetworkDescription
from gridledger.network.devnet.block import BlockHeader, Signer, data_hash, orderer_metadata
from gridledger.network.devnet.channel import Channel, Consenter, config_envelope
from gridledger.network.devnet.commits import Commits
from gridledger.network.devnet.cscc import ConfigurationChaincode
from gridledger.network.devnet.definition import LIFECYCLE, Definitions
from gridledger.network.devnet.deliver import DeliverService
from gridledger.network.devnet.endorsement import EndorsementCollector
from gridledger.network.devnet.endorser import Endorser
from gridledger.network.devnet.errors import LedgerCorrupt
from gridledger.network.devnet.execution import Execution
from gridledger.network.devnet.gateway import GatewayService
from gridledger.network.devnet.installed import Packages
from gridledger.network.devnet.layout import Layouts
from gridledger.network.devnet.ledger import BlockWrite, Ledger
from gridledger.network.devnet.lifecycle import Lifecycle
from gridledger.network.devnet.msp import msp_config_from_folder
from gridledger.network.devnet.orderer import Orderer
from gridledger.network.devnet.organisation import Organisation
from gridledger.network.devnet.private import PrivateData, TransientStore
from gridledger.network.devnet.qscc import QueryChaincode
from gridledger.network.devnet.server import PeerServer
from gridledger.network.devnet.system_chaincode import SystemChaincode
from gridledger.network.devnet.time_marks import TimeMarks, agent_connection
from gridledger.network.devnet.validator import Validator
from gridledger.network.material import Member, OrganisationMaterial

__all__ = ["Devnet"]

_log = logging.getLogger(__name__)
_NODE: Final = "peer0"
_ORDERER_NODE: Final = "orderer0"


class Devnet:
    """The running embedded network; enter it to start it.

    Parameters
    ----------
    directory : Path
        The network's folder, with `network.json` and the key material; the ledger is kept below
        `data/devnet`.

    Raises
    ------
    ConfigError
        If `network.json` is missing or breaks a rule.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._description = NetworkDescription.load(directory)
        self._material = self._description.peer_material(directory)
        self._orderer_material = self._description.orderer_material(directory)[0]
        self._data = directory / "data" / "devnet"
        self._stack = AsyncExitStack()
        self._servers: list[PeerServer] = []
        self._ordering: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def run(self) -> None:
        """Wait for ever; the error that ended the orderer, should one do so, is raised here."""
        if self._ordering is not None:
            await asyncio.shield(self._ordering)

    async def _start(self) -> None:
        self._data.mkdir(parents=True, exist_ok=True)
        ledger = Ledger(self._data / "ledger.db")
        self._stack.callback(ledger.close)
        transient = TransientStore(self._data / "transient.db")
        self._stack.callback(transient.close)
        channel = await self._open_channel(ledger)
        definitions = Definitions(channel)
        organisations = self._organisations(channel, ledger, definitions)
        private_data = PrivateData(channel, definitions, organisations, transient)
        executions = {
            msp_id: self._execution(organisation, channel, ledger, definitions)
            for msp_id, organisation in organisations.items()
        }
        endorsers = {
            msp_id: Endorser(
                organisation=organisation,
                channel=channel,
                ledger=ledger,
                definitions=definitions,
                execution=executions[msp_id],
                private_data=private_data,
            )
            for msp_id, organisation in organisations.items()
        }
        orderer = self._orderer(channel, ledger, definitions, private_data)
        commits = Commits(ledger)
        orderer.on_commit(commits.committed)
        layouts = Layouts(channel, definitions, organisations)
        self._stack.push_async_callback(self._stop_servers)
        for material in self._material:
            collector = EndorsementCollector(
                msp_id=material.msp_id,
                channel=channel,
                ledger=ledger,
                endorsers=endorsers,
                layouts=layouts,
            )
            gateway = GatewayService(
                msp_id=material.msp_id,
                channel=channel,
                ledger=ledger,
                collector=collector,
                orderer=orderer,
                commits=commits,
                orderer_msp_id=self._orderer_material.msp_id,
            )
            await self._serve(
                material,
                organisations[material.msp_id].address,
                gateway,
                endorsers[material.msp_id],
                DeliverService(
                    msp_id=material.msp_id, channel=channel, ledger=ledger, definitions=definitions
                ),
                orderer,
            )
        self._watch_definitions(orderer, ledger, definitions, executions)
        _log.info(
            "serving channel %s at height %d; one orderer, no consensus: for development, not for production",
            channel.channel_id,
            ledger.height,
        )

    async def _open_channel(self, ledger: Ledger) -> Channel:
        if ledger.height == 0:
            await self._write_first_block(ledger)
        with ledger.snapshot() as snapshot:
            envelopes = snapshot.envelopes(0)
        if not envelopes:
            raise LedgerCorrupt("block 0 is empty")
        return Channel(envelopes[0][1])

    async def _write_first_block(self, ledger: Ledger) -> None:
        node = self._orderer_material.node(_ORDERER_NODE)
        envelope = config_envelope(
            self._description.channel,
            [_msp_config(material) for material in self._material],
            _msp_config(self._orderer_material),
            Consenter(
                msp_id=node.msp_id,
                certificate=node.msp.certificate.read_bytes(),
                tls_certificate=node.tls_certificate.read_bytes(),
            ),
            self._description.settings.block_interval_ms,
            _signer(node),
        )
        header = BlockHeader(0, b"", data_hash([envelope]))
        await ledger.commit(
            BlockWrite(
                header=header,
                signatures=orderer_metadata(header, 0, None),
                envelopes=[envelope],
                codes=[0],
                transaction_ids=[""],
            )
        )

    def _organisations(
        self, channel: Channel, ledger: Ledger, definitions: Definitions
    ) -> dict[str, Organisation]:
        ports = {entry.name: entry.port for entry in self._description.organisations}
        organisations = {}
        for material in self._material:
            signer = _signer(material.node(_NODE))
            identity = channel.msps.deserialize(signer.identity)
            identity.validate()
            organisations[material.msp_id] = Organisation(
                msp_id=material.msp_id,
                address=f"{LOOPBACK}:{ports[material.name]}",
                signer=signer,
                identity=identity,
                packages=Packages(ledger, material.msp_id),
                definitions=definitions,
            )
        return organisations

    def _execution(
        self, organisation: Organisation, channel: Channel, ledger: Ledger, definitions: Definitions
    ) -> Execution:
        msp_id = organisation.msp_id
        system: dict[str, SystemChaincode] = {
            LIFECYCLE: Lifecycle(channel, ledger, definitions, organisation),
            "qscc": QueryChaincode(channel, ledger),
            "cscc": ConfigurationChaincode(channel, ledger, msp_id),
        }
        execution = Execution(organisation, channel, system)
        self._stack.push_async_callback(execution.close)
        return execution

    def _orderer(
        self, channel: Channel, ledger: Ledger, definitions: Definitions, private_data: PrivateData
    ) -> Orderer:
        settings = self._description.settings
        orderer = Orderer(
            channel=channel,
            ledger=ledger,
            validator=Validator(channel, definitions),
            private_data=private_data,
            signer=_signer(self._orderer_material.node(_ORDERER_NODE)),
            interval_seconds=settings.block_interval_ms / 1000,
            max_messages=settings.block_max_messages,
        )
        self._ordering = orderer.start()
        self._stack.push_async_callback(orderer.close)
        return orderer

    async def _serve(
        self,
        material: OrganisationMaterial,
        address: str,
        gateway: GatewayService,
        endorser: Endorser,
        deliver: DeliverService,
        orderer: Orderer,
    ) -> None:
        peer = material.node(_NODE)
        server = PeerServer(
            address=address,
            certificate=peer.tls_certificate,
            key=peer.tls_key,
            gateway=gateway,
            endorser=endorser,
            deliver=deliver,
            orderer=orderer,
        )
        await server.start()
        self._servers.append(server)

    async def _stop_servers(self) -> None:
        await asyncio.gather(*(server.stop() for server in self._servers))

    def _watch_definitions(
        self, orderer: Orderer, ledger: Ledger, definitions: Definitions, executions: dict[str, Execution]
    ) -> None:
        """Renew the time marks of what is deployed, and let go of what was upgraded."""

        def names() -> list[str]:
            with ledger.snapshot() as snapshot:
                return definitions.names(snapshot)

        def retire() -> None:
            with ledger.snapshot() as snapshot:
                for execution in executions.values():
                    execution.retire_unused(snapshot, definitions.names(snapshot))

        connection = agent_connection(self._description, self._directory, self._material[0])
        time_marks = TimeMarks(connection, names)
        time_marks.start()
        self._stack.push_async_callback(time_marks.close)
        orderer.on_definition(time_marks.changed)
        orderer.on_definition(retire)


def _msp_config(material: OrganisationMaterial) -> msp_config_pb2.FabricMSPConfig:
    return msp_config_from_folder(material.msp.path, material.msp_id)


def _signer(member: Member) -> Signer:
    credential = member.msp.signer()
    identity = identities_pb2.SerializedIdentity(mspid=member.msp_id, id_bytes=credential.certificate_pem)
    return Signer(identity.SerializeToString(), credential.key)
