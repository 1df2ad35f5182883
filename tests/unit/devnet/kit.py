"""An embedded network in memory: real keys, ledger and policies; chaincode is a Python function."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import (
    chaincode_event_pb2,
    collection_pb2,
    proposal_response_pb2,
)
from fabric_protos.peer.lifecycle import lifecycle_pb2
from tests.unit.devnet.messages import CHANNEL, make_proposal, signer_of

from gridledger.network.devnet.block import BlockHeader, Signer, data_hash, orderer_metadata
from gridledger.network.devnet.channel import Channel, Consenter, config_envelope
from gridledger.network.devnet.commits import Commits
from gridledger.network.devnet.cscc import ConfigurationChaincode
from gridledger.network.devnet.definition import LIFECYCLE, Definitions
from gridledger.network.devnet.deliver import DeliverService
from gridledger.network.devnet.endorsement import EndorsementCollector
from gridledger.network.devnet.endorser import Endorser
from gridledger.network.devnet.errors import Refused
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
from gridledger.network.devnet.proposal import Proposal
from gridledger.network.devnet.qscc import QueryChaincode
from gridledger.network.devnet.simulator import SYSTEM_CHAINCODES, Simulator
from gridledger.network.devnet.system_chaincode import SystemChaincode
from gridledger.network.devnet.validator import Validator
from gridledger.network.material import OrganisationMaterial
from gridledger.network.package import ChaincodePackage

Contract = Callable[[Simulator, Sequence[bytes]], Awaitable[bytes]]


class FunctionExecution(Execution):
    """Runs Python functions in place of chaincode processes; what the peer itself runs is real."""

    contracts: Mapping[str, Contract]

    async def execute(self, proposal: Proposal, simulator: Simulator | None) -> Any:
        if proposal.chaincode in SYSTEM_CHAINCODES or simulator is None:
            return await super().execute(proposal, simulator)
        self.version(proposal.chaincode, simulator, proposal.channel_id)
        try:
            payload = await self.contracts[proposal.chaincode](simulator, list(proposal.input.args))
        except ValueError as error:
            return proposal_response_pb2.Response(status=500, message=str(error)), None
        except Refused as refusal:
            raise Refused(f"error in simulation: {refusal.message}") from refusal
        event = None
        if proposal.input.args[0] == b"announce":
            event = chaincode_event_pb2.ChaincodeEvent(
                chaincode_id=proposal.chaincode,
                tx_id=proposal.transaction_id,
                event_name="announced",
                payload=payload,
            )
        return proposal_response_pb2.Response(status=200, payload=payload), event


@dataclass
class Net:
    """The parts of an embedded network; made by `open_net`."""

    material: list[OrganisationMaterial]
    ledger: Ledger
    channel: Channel
    definitions: Definitions
    organisations: dict[str, Organisation]
    private_data: PrivateData
    transient: TransientStore
    validator: Validator
    orderer: Orderer
    commits: Commits
    endorsers: dict[str, Endorser]
    executions: dict[str, FunctionExecution]
    gateways: dict[str, GatewayService]
    delivers: dict[str, DeliverService]
    contracts: dict[str, Contract] = field(default_factory=dict)

    def user(self, number: int = 1, name: str = "user1") -> Signer:
        """Return a user's signing identity."""
        return signer_of(self.material[number - 1].user(name))

    @property
    def orderer_signer(self) -> Signer:
        """The orderer's signing identity."""
        return signer_of(self.material[-1].node("orderer0"))

    async def endorse(self, signer: Signer, chaincode: str, *arguments: bytes, **options: Any) -> Any:
        """Return an endorsed transaction's envelope, signed, and its id."""
        named = options.pop("organisations", ())
        gateway = self.gateways[options.pop("gateway", "Org1MSP")]
        signed = make_proposal(signer, chaincode, *arguments, **options)
        response = await gateway.endorse(
            gateway_pb2.EndorseRequest(proposed_transaction=signed, endorsing_organizations=named)
        )
        envelope = response.prepared_transaction
        envelope.signature = signer.sign(envelope.payload)
        return envelope

    async def submit(self, envelope: common_pb2.Envelope) -> tuple[int, int]:
        """Submit a transaction, wait for its commit, and return block and validation code."""
        request = gateway_pb2.SubmitRequest(channel_id=CHANNEL, prepared_transaction=envelope)
        await self.gateways["Org1MSP"].submit(request)
        payload = common_pb2.Payload.FromString(envelope.payload)
        header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
        return await self.commits.wait(header.tx_id)

    async def invoke(self, signer: Signer, chaincode: str, *arguments: bytes, **options: Any) -> int:
        """Endorse, submit and return the validation code."""
        envelope = await self.endorse(signer, chaincode, *arguments, **options)
        return (await self.submit(envelope))[1]

    async def evaluate(self, signer: Signer, chaincode: str, *arguments: bytes, **options: Any) -> bytes:
        """Return what a chaincode answers; `gateway` and `targets` say whom to ask."""
        gateway = self.gateways[options.pop("gateway", "Org1MSP")]
        targets = options.pop("targets", ())
        signed = make_proposal(signer, chaincode, *arguments, **options)
        response = await gateway.evaluate(
            gateway_pb2.EvaluateRequest(proposed_transaction=signed, target_organizations=targets)
        )
        return bytes(response.result.payload)

    async def lifecycle(self, number: int, function: str, arguments: Any, *, submit: bool = True) -> Any:
        """Call the lifecycle as an organisation's administrator, at its own peer."""
        msp_id = f"Org{number}MSP"
        admin = self.user(number, "admin")
        channel = "" if function in ("InstallChaincode", "QueryInstalledChaincodes") else CHANNEL
        data = arguments.SerializeToString()
        signed = make_proposal(admin, LIFECYCLE, function.encode(), data, channel=channel)
        if not channel or not submit:
            return (await self.endorsers[msp_id].process(Proposal.parse(signed))).response
        named = [f"Org{each}MSP" for each in range(1, len(self.material))]
        organisations = named if function == "CommitChaincodeDefinition" else [msp_id]
        gateway = self.gateways[msp_id]
        response = await gateway.endorse(
            gateway_pb2.EndorseRequest(proposed_transaction=signed, endorsing_organizations=organisations)
        )
        envelope = response.prepared_transaction
        envelope.signature = admin.sign(envelope.payload)
        return await self.submit(envelope)

    async def deploy(
        self,
        name: str,
        contract: Contract,
        *,
        policy: bytes = b"",
        collections: Sequence[collection_pb2.CollectionConfig] = (),
        sequence: int = 1,
    ) -> None:
        """Install, approve and commit a chaincode that a function runs."""
        self.contracts[name] = contract
        definition = {
            "name": name,
            "version": str(sequence),
            "sequence": sequence,
            "validation_parameter": policy,
            "collections": collection_pb2.CollectionConfigPackage(config=collections),
        }
        for number in range(1, len(self.material)):
            package = ChaincodePackage(label=f"{name}_{sequence}_{number}", address="127.0.0.1:1")
            installed = await self.lifecycle(
                number,
                "InstallChaincode",
                lifecycle_pb2.InstallChaincodeArgs(chaincode_install_package=package.to_bytes()),
            )
            assert installed.status == 200, installed.message
            source = lifecycle_pb2.ChaincodeSource(
                local_package=lifecycle_pb2.ChaincodeSource.Local(package_id=package.package_id)
            )
            arguments = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(**definition, source=source)
            _, code = await self.lifecycle(number, "ApproveChaincodeDefinitionForMyOrg", arguments)
            assert code == 0
        arguments = lifecycle_pb2.CommitChaincodeDefinitionArgs(**definition)
        _, code = await self.lifecycle(1, "CommitChaincodeDefinition", arguments)
        assert code == 0

    async def close(self) -> None:
        """Stop and close everything."""
        await self.orderer.close()
        for execution in self.executions.values():
            await execution.close()
        self.transient.close()
        self.ledger.close()


async def first_block(ledger: Ledger, material: Sequence[OrganisationMaterial]) -> None:
    """Write the channel's configuration as block 0."""
    node = material[-1].node("orderer0")
    envelope = config_envelope(
        CHANNEL,
        [msp_config_from_folder(each.msp.path, each.msp_id) for each in material[:-1]],
        msp_config_from_folder(material[-1].msp.path, material[-1].msp_id),
        Consenter(
            msp_id=node.msp_id,
            certificate=node.msp.certificate.read_bytes(),
            tls_certificate=node.tls_certificate.read_bytes(),
        ),
        10,
        signer_of(node),
    )
    header = BlockHeader(0, b"", data_hash([envelope]))
    signatures = orderer_metadata(header, 0, None)
    await ledger.commit(
        BlockWrite(
            header=header, signatures=signatures, envelopes=[envelope], codes=[0], transaction_ids=[""]
        )
    )


async def open_net(folder: Path, material: list[OrganisationMaterial]) -> Net:
    """Put an embedded network together on a folder's ledger."""
    ledger = Ledger(folder / "ledger.db")
    if ledger.height == 0:
        await first_block(ledger, material)
    with ledger.snapshot() as snapshot:
        channel = Channel(snapshot.envelopes(0)[0][1])
    definitions = Definitions(channel)
    organisations = {}
    for each in material[:-1]:
        signer = signer_of(each.node("peer0"))
        organisations[each.msp_id] = Organisation(
            msp_id=each.msp_id,
            address=f"peer0.{each.domain}",
            signer=signer,
            identity=channel.msps.deserialize(signer.identity),
            packages=Packages(ledger, each.msp_id),
            definitions=definitions,
        )
    transient = TransientStore(folder / "transient.db")
    private_data = PrivateData(channel, definitions, organisations, transient)
    validator = Validator(channel, definitions)
    orderer = Orderer(
        channel=channel,
        ledger=ledger,
        validator=validator,
        private_data=private_data,
        signer=signer_of(material[-1].node("orderer0")),
        interval_seconds=0.002,
        max_messages=500,
    )
    commits = Commits(ledger)
    orderer.on_commit(commits.committed)
    contracts: dict[str, Contract] = {}
    executions = {}
    for msp_id, organisation in organisations.items():
        system: dict[str, SystemChaincode] = {
            LIFECYCLE: Lifecycle(channel, ledger, definitions, organisation),
            "qscc": QueryChaincode(channel, ledger),
            "cscc": ConfigurationChaincode(channel, ledger, msp_id),
        }
        executions[msp_id] = FunctionExecution(organisation, channel, system)
        executions[msp_id].contracts = contracts
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
    layouts = Layouts(channel, definitions, organisations)
    gateways = {
        msp_id: GatewayService(
            msp_id=msp_id,
            channel=channel,
            ledger=ledger,
            collector=EndorsementCollector(
                msp_id=msp_id, channel=channel, ledger=ledger, endorsers=endorsers, layouts=layouts
            ),
            orderer=orderer,
            commits=commits,
            orderer_msp_id="Orderer1MSP",
        )
        for msp_id in organisations
    }
    delivers = {
        msp_id: DeliverService(msp_id=msp_id, channel=channel, ledger=ledger, definitions=definitions)
        for msp_id in organisations
    }
    orderer.start()
    return Net(
        material=material,
        ledger=ledger,
        channel=channel,
        definitions=definitions,
        organisations=organisations,
        private_data=private_data,
        transient=transient,
        validator=validator,
        orderer=orderer,
        commits=commits,
        endorsers=endorsers,
        executions=executions,
        gateways=gateways,
        delivers=delivers,
        contracts=contracts,
    )
