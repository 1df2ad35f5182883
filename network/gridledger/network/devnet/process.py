"""The embedded network put together: everything that the process runs, from one network's folder."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from fabric_protos.msp import identities_pb2

from gridledger.network.description import NetworkDescription
from gridledger.network.devnet.block import BlockHeader, Signer, data_hash, orderer_metadata
from gridledger.network.devnet.channel import Channel, Consenter, config_envelope
from gridledger.network.devnet.commits import Commits
from gridledger.network.devnet.cscc import ConfigurationChaincode
from gridledger.network.devnet.definition import LIFECYCLE, Definitions
from gridledger.network.devnet.deliver import DeliverService
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
from gridledger.network.devnet.validator import Validator
from gridledger.network.material import Member, OrganisationMaterial
from gridledger.network.ports import LOOPBACK

__all__ = ["Devnet"]

_log = logging.getLogger(__name__)
_NODE: Final = "peer0"
_ORDERER_NODE: Final = "orderer0"


class Devnet:
    """The running embedded network.

    Parameters
    ----------
    directory : Path
        The network's folder, with `network.json` and the key material.
    """

    def __init__(self, directory: Path) -> None:
        self._description = NetworkDescription.load(directory)
        self._material = self._description.peer_material(directory)
        self._orderer_material = self._description.orderer_material(directory)[0]
        self._data = directory / "data" / "devnet"
        self._stack = AsyncExitStack()

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

    async def _start(self) -> None:
        self._data.mkdir(parents=True, exist_ok=True)
        ledger = Ledger(self._data / "ledger.db")
        self._stack.callback(ledger.close)
        node = self._orderer_material.node(_ORDERER_NODE)
        orderer_signer = _signer(node)
        if ledger.height == 0:
            await self._write_first_block(ledger, node, orderer_signer)
        with ledger.snapshot() as snapshot:
            rows = snapshot.envelopes(0)
        if not rows:
            raise LedgerCorrupt("block 0 is empty")
        channel = Channel(rows[0][1])
        definitions = Definitions(channel)
        organisations = self._organisations(channel, ledger, definitions)
        transient = TransientStore(self._data / "transient.db")
        self._stack.callback(transient.close)
        private_data = PrivateData(channel, definitions, organisations, transient)
        settings = self._description.settings
        orderer = Orderer(
            channel=channel,
            ledger=ledger,
            validator=Validator(channel, definitions),
            private_data=private_data,
            signer=orderer_signer,
            interval_seconds=settings.block_interval_ms / 1000,
            max_messages=settings.block_max_messages,
        )
        commits = Commits(ledger)
        orderer.on_commit(commits.committed)
        endorsers = {
            msp_id: self._endorser(organisation, channel, ledger, definitions, private_data)
            for msp_id, organisation in organisations.items()
        }
        layouts = Layouts(channel, definitions, organisations)
        servers = []
        for material in self._material:
            msp_id = material.msp_id
            peer = material.node(_NODE)
            gateway = GatewayService(
                msp_id=msp_id,
                channel=channel,
                ledger=ledger,
                endorsers=endorsers,
                layouts=layouts,
                orderer=orderer,
                commits=commits,
                orderer_msp_id=self._orderer_material.msp_id,
            )
            deliver = DeliverService(msp_id=msp_id, channel=channel, ledger=ledger, definitions=definitions)
            servers.append(
                PeerServer(
                    address=organisations[msp_id].address,
                    certificate=peer.tls_certificate,
                    key=peer.tls_key,
                    gateway=gateway,
                    endorser=endorsers[msp_id],
                    deliver=deliver,
                )
            )
        orderer.start()
        self._orderer = orderer
        self._stack.push_async_callback(orderer.close)
        for server in servers:
            await server.start()
            self._stack.push_async_callback(server.stop)
        _log.info(
            "devnet serves channel %s at height %d: one orderer, no consensus, not for production",
            channel.channel_id,
            ledger.height,
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

    def _endorser(
        self,
        organisation: Organisation,
        channel: Channel,
        ledger: Ledger,
        definitions: Definitions,
        private_data: PrivateData,
    ) -> Endorser:
        msp_id = organisation.msp_id
        system = {
            LIFECYCLE: Lifecycle(channel, definitions, organisation.packages, msp_id),
            "qscc": QueryChaincode(channel, ledger),
            "cscc": ConfigurationChaincode(channel, ledger, msp_id),
        }
        execution = Execution(organisation, channel, system)
        self._stack.push_async_callback(execution.close)
        return Endorser(
            organisation=organisation,
            channel=channel,
            ledger=ledger,
            definitions=definitions,
            execution=execution,
            private_data=private_data,
        )

    async def _write_first_block(self, ledger: Ledger, node: Member, signer: Signer) -> None:
        consenter = Consenter(
            msp_id=node.msp_id,
            certificate=node.msp.certificate.read_bytes(),
            tls_certificate=node.tls_certificate.read_bytes(),
        )
        envelope = config_envelope(
            self._description.channel,
            [_msp_config(material) for material in self._material],
            _msp_config(self._orderer_material),
            consenter,
            self._description.settings.block_interval_ms,
            signer,
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

    async def run(self) -> None:
        """Run until the orderer fails; a cancellation ends it."""
        await asyncio.shield(self._orderer.task)


def _msp_config(material: OrganisationMaterial):  # type: ignore[no-untyped-def]
    return msp_config_from_folder(material.msp.path, material.msp_id)


def _signer(member: Member) -> Signer:
    credential = member.msp.signer()
    identity = identities_pb2.SerializedIdentity(mspid=member.msp_id, id_bytes=credential.certificate_pem)
    return Signer(identity.SerializeToString(), credential.key)
