"""Calls to one peer, and definitions of chaincodes."""

from __future__ import annotations

from typing import Any

import grpc
import grpc.aio
import pytest
from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.peer import proposal_pb2, proposal_response_pb2, query_pb2, transaction_pb2
from fabric_protos.peer.lifecycle import lifecycle_pb2
from tests.unit.client.fakes import (
    IDENTITY,
    SIGNER,
    FakeTransport,
    make_network,
    read_call,
)
from tests.unit.client.jumping_clock import run

from gridledger.client import (
    ChaincodeDefinition,
    Collection,
    EndorsementPolicy,
    EvaluateError,
    InstalledChaincode,
    Lifecycle,
    Peer,
    PeerCallError,
)
from gridledger.client.signing_identity import SigningIdentity
from gridledger.model.errors import ModelError
from gridledger.model.refusals import NotFound


class FakeEndorser:
    """A channel to a peer that answers with what it is given."""

    def __init__(
        self, payload: bytes = b"", *, status: int = 200, message: str = "", error: Any = None
    ) -> None:
        self.answer = proposal_response_pb2.ProposalResponse(
            response=proposal_response_pb2.Response(status=status, message=message, payload=payload)
        )
        self.error = error
        self.calls: list[tuple[str, list[bytes]]] = []
        self.proposals: list[Any] = []
        self.closed = False

    def unary_unary(self, *_: Any, **__: Any) -> Any:
        async def process(signed: Any, timeout: float) -> Any:
            assert timeout > 0
            self.proposals.append(signed)
            self.calls.append(read_call(signed.proposal_bytes))
            if self.error is not None:
                raise self.error
            return self.answer

        return process

    async def close(self) -> None:
        self.closed = True


def peer(channel: FakeEndorser) -> Peer:
    signing = SigningIdentity(IDENTITY, SIGNER)
    return Peer(channel, signing, endpoint="peer0:7051", owns_channel=True)


def channel_of(signed: Any) -> str:
    proposal = proposal_pb2.Proposal.FromString(signed.proposal_bytes)
    header = common_pb2.Header.FromString(proposal.header)
    return str(common_pb2.ChannelHeader.FromString(header.channel_header).channel_id)


async def test_join_and_install_concern_no_channel() -> None:
    result = lifecycle_pb2.InstallChaincodeResult(package_id="kv_1:ab", label="kv_1")
    channel = FakeEndorser(result.SerializeToString())
    async with peer(channel) as one:
        await one.join_channel(b"genesis")
        assert await one.install(b"package") == InstalledChaincode(package_id="kv_1:ab", label="kv_1")
    assert channel.calls[0] == ("JoinChain", [b"genesis"])
    function, (arguments,) = channel.calls[1]
    assert function == "InstallChaincode"
    assert lifecycle_pb2.InstallChaincodeArgs.FromString(arguments).chaincode_install_package == b"package"
    assert [channel_of(signed) for signed in channel.proposals] == ["", ""]
    assert channel.closed


async def test_queries_are_read() -> None:
    channels = query_pb2.ChannelQueryResponse(
        channels=[query_pb2.ChannelInfo(channel_id=one) for one in "ba"]
    )
    assert await peer(FakeEndorser(channels.SerializeToString())).channels() == ["a", "b"]

    info = ledger_pb2.BlockchainInfo(height=5, currentBlockHash=b"c", previousBlockHash=b"p")
    endorser = FakeEndorser(info.SerializeToString())
    found = await peer(endorser).chain_info("energy")
    assert (found.height, found.current_block_hash, found.previous_block_hash) == (5, b"c", b"p")
    assert channel_of(endorser.proposals[0]) == "energy"

    block = common_pb2.Block(header=common_pb2.BlockHeader(number=3))
    endorser = FakeEndorser(block.SerializeToString())
    assert (await peer(endorser).block("energy", 3)).number == 3
    assert endorser.calls == [("GetBlockByNumber", [b"energy", b"3"])]

    processed = transaction_pb2.ProcessedTransaction(validationCode=0)
    assert (await peer(FakeEndorser(processed.SerializeToString())).transaction("energy", "t")).tx_id == ""

    installed = lifecycle_pb2.QueryInstalledChaincodesResult()
    for package_id in ("b:1", "a:1"):
        installed.installed_chaincodes.add(package_id=package_id, label=package_id[0])
    names = [one.package_id for one in await peer(FakeEndorser(installed.SerializeToString())).installed()]
    assert names == ["a:1", "b:1"]


async def test_refusal_of_the_peer_has_its_words_and_status() -> None:
    with pytest.raises(PeerCallError) as caught:
        await peer(FakeEndorser(status=500, message="ledger [energy] already exists")).join_channel(b"x")
    assert caught.value.response_status == 500
    assert caught.value.details[0].address == "peer0:7051"
    assert "already exists" in str(caught.value)


async def test_refusal_of_a_contract_is_raised_as_its_class() -> None:
    refused = FakeEndorser(status=404, message=NotFound("system", "88.1").to_wire())
    with pytest.raises(NotFound) as caught:
        await peer(refused).call("gridledger", "GetSystem", "88.1", channel="energy")
    assert isinstance(caught.value.__cause__, PeerCallError)


async def test_peer_that_does_not_answer_is_an_error_with_status() -> None:
    error = grpc.aio.AioRpcError(
        grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "gone"
    )
    with pytest.raises(PeerCallError) as caught:
        await peer(FakeEndorser(error=error)).channels()
    assert caught.value.grpc_status == "UNAVAILABLE"


async def test_answer_of_other_bytes_is_an_error() -> None:
    garbage = FakeEndorser(b"\xff\xff")
    for call in (peer(garbage).channels, peer(garbage).installed, lambda: peer(garbage).install(b"")):
        with pytest.raises(PeerCallError):
            await call()
    for read in (lambda: peer(garbage).chain_info("c"), lambda: peer(garbage).block("c", 1)):
        with pytest.raises(ModelError):
            await read()


DEFINITION = ChaincodeDefinition(
    name="kv",
    version="1.0",
    sequence=2,
    policy=EndorsementPolicy("OR('Org1MSP.peer')"),
    collections=[Collection(name="c", policy=EndorsementPolicy("OR('Org1MSP.member')"))],
)


def lifecycle(answer: Any = None) -> tuple[Lifecycle, FakeTransport]:
    payload = answer.SerializeToString() if answer is not None else b""
    transport = FakeTransport(lambda function, arguments: payload)
    return Lifecycle(make_network(transport)), transport


def request_of(transport: FakeTransport) -> tuple[str, bytes]:
    function, (arguments,) = read_call(transport.requests[0].proposed_transaction.proposal_bytes)
    return function, arguments


def test_approval_is_endorsed_by_the_organisation_itself() -> None:
    chaincodes, transport = lifecycle()
    run(chaincodes.approve(DEFINITION, msp_id="Org1MSP", package_id="kv:1"))
    function, arguments = request_of(transport)
    sent = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs.FromString(arguments)
    assert function == "ApproveChaincodeDefinitionForMyOrg"
    assert (sent.name, sent.version, sent.sequence) == ("kv", "1.0", 2)
    assert sent.source.local_package.package_id == "kv:1"
    assert DEFINITION.policy is not None
    assert sent.validation_parameter == DEFINITION.policy.to_bytes()
    assert len(sent.collections.config) == 1
    assert list(transport.requests[0].endorsing_organizations) == ["Org1MSP"]


def test_approval_without_package_says_so() -> None:
    chaincodes, transport = lifecycle()
    run(chaincodes.approve(ChaincodeDefinition(name="kv", version="1", sequence=1), msp_id="Org1MSP"))
    sent = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs.FromString(request_of(transport)[1])
    assert sent.source.WhichOneof("Type") == "unavailable"
    assert not sent.validation_parameter
    assert not sent.HasField("collections")


def test_readiness_commit_and_queries() -> None:
    ready = lifecycle_pb2.CheckCommitReadinessResult(approvals={"Org1MSP": True, "Org2MSP": False})
    chaincodes, transport = lifecycle(ready)
    assert run(chaincodes.readiness(DEFINITION)) == {"Org1MSP": True, "Org2MSP": False}
    assert request_of(transport)[0] == "CheckCommitReadiness"

    chaincodes, transport = lifecycle()
    run(chaincodes.commit(DEFINITION, endorsing_organizations=["Org1MSP", "Org2MSP"]))
    assert request_of(transport)[0] == "CommitChaincodeDefinition"
    assert list(transport.requests[0].endorsing_organizations) == ["Org1MSP", "Org2MSP"]

    listed = lifecycle_pb2.QueryChaincodeDefinitionsResult()
    listed.chaincode_definitions.add(name="kv", version="1", sequence=3)
    found = run(lifecycle(listed)[0].committed())
    assert (found["kv"].sequence, found["kv"].approvals) == (3, {})

    one = lifecycle_pb2.QueryChaincodeDefinitionResult(version="1", sequence=3, approvals={"Org1MSP": True})
    assert run(lifecycle(one)[0].definition("kv")).approvals == {"Org1MSP": True}


def test_answers_of_other_bytes_are_errors() -> None:
    chaincodes = Lifecycle(make_network(FakeTransport(lambda function, arguments: b"\xff\xff")))
    for call in (
        chaincodes.committed,
        lambda: chaincodes.definition("kv"),
        lambda: chaincodes.readiness(DEFINITION),
    ):
        with pytest.raises(EvaluateError):
            run(call())
