"""The lifecycle of chaincode: install, approve, commit, query; what is refused and with which words."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from fabric_protos.msp import msp_principal_pb2
from fabric_protos.peer import collection_pb2, proposal_response_pb2
from fabric_protos.peer.lifecycle import lifecycle_pb2
from google.protobuf.message import Message
from tests.unit.devnet.contract import NAMESPACE, keeper
from tests.unit.devnet.kit import Net
from tests.unit.devnet.messages import PEER, both, collection, make_proposal, policy_bytes

from gridledger.client.validation import ValidationCode
from gridledger.network.devnet.definition import LIFECYCLE
from gridledger.network.devnet.policy import role_policy
from gridledger.network.devnet.proposal import Proposal
from gridledger.network.devnet.rpc_error import RpcError
from gridledger.network.package import ChaincodePackage

PACKAGE = ChaincodePackage(label="keeper_1", address="127.0.0.1:1")


def _approval(**changes: Any) -> lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs:
    fields: dict[str, Any] = {"name": "fresh", "version": "1", "sequence": 1, **changes}
    return lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(**fields)


async def _ask(net: Net, function: str, arguments: Message, number: int = 1) -> Any:
    """Return the response of one organisation's peer."""
    return await net.lifecycle(number, function, arguments, submit=False)


async def _words(net: Net, function: str, arguments: Message, number: int = 1) -> str:
    response: proposal_response_pb2.Response = await _ask(net, function, arguments, number)
    assert response.status == 500
    prefix = f"failed to invoke backing implementation of '{function}': "
    assert response.message.startswith(prefix), response.message
    return str(response.message.removeprefix(prefix))


async def _install(net: Net, data: bytes) -> Any:
    return await _ask(
        net, "InstallChaincode", lifecycle_pb2.InstallChaincodeArgs(chaincode_install_package=data)
    )


async def test_installed_package_is_listed_and_given_back(net: Net) -> None:
    response = await _install(net, PACKAGE.to_bytes())
    result = lifecycle_pb2.InstallChaincodeResult.FromString(response.payload)
    assert (result.package_id, result.label) == (PACKAGE.package_id, "keeper_1")
    response = await _ask(net, "QueryInstalledChaincodes", lifecycle_pb2.QueryInstalledChaincodesArgs())
    listed = lifecycle_pb2.QueryInstalledChaincodesResult.FromString(response.payload)
    assert [each.package_id for each in listed.installed_chaincodes] == [PACKAGE.package_id]
    assert not listed.installed_chaincodes[0].references
    arguments = lifecycle_pb2.GetInstalledChaincodePackageArgs(package_id=PACKAGE.package_id)
    response = await _ask(net, "GetInstalledChaincodePackage", arguments)
    got = lifecycle_pb2.GetInstalledChaincodePackageResult.FromString(response.payload)
    assert got.chaincode_install_package == PACKAGE.to_bytes()


async def test_packages_are_each_organisations_own(net: Net) -> None:
    await _install(net, PACKAGE.to_bytes())
    arguments = lifecycle_pb2.QueryInstalledChaincodeArgs(package_id=PACKAGE.package_id)
    assert (await _ask(net, "QueryInstalledChaincode", arguments)).status == 200
    response = await _ask(net, "QueryInstalledChaincode", arguments, number=2)
    assert response.status == 404
    assert response.message == f"chaincode install package '{PACKAGE.package_id}' not found"


async def test_second_installation_and_garbage_are_refused(net: Net) -> None:
    await _install(net, PACKAGE.to_bytes())
    again = await _install(net, PACKAGE.to_bytes())
    assert again.status == 500
    assert f"chaincode already successfully installed (package ID '{PACKAGE.package_id}')" in again.message
    for garbage in (b"", b"no gzip", PACKAGE.to_bytes()[:100]):
        assert (await _install(net, garbage)).status == 500


async def test_definition_is_found_with_approvals_and_references(deployed: Net) -> None:
    response = await _ask(
        deployed, "QueryChaincodeDefinition", lifecycle_pb2.QueryChaincodeDefinitionArgs(name=NAMESPACE)
    )
    definition = lifecycle_pb2.QueryChaincodeDefinitionResult.FromString(response.payload)
    assert (definition.sequence, definition.version) == (1, "1")
    assert (definition.endorsement_plugin, definition.validation_plugin) == ("escc", "vscc")
    assert definition.validation_parameter == both()
    assert dict(definition.approvals) == {"Org1MSP": True, "Org2MSP": True}
    response = await _ask(deployed, "QueryInstalledChaincodes", lifecycle_pb2.QueryInstalledChaincodesArgs())
    listed = lifecycle_pb2.QueryInstalledChaincodesResult.FromString(response.payload)
    used = listed.installed_chaincodes[0].references["energy"].chaincodes
    assert [(each.name, each.version) for each in used] == [(NAMESPACE, "1")]
    response = await _ask(
        deployed, "QueryChaincodeDefinitions", lifecycle_pb2.QueryChaincodeDefinitionsArgs()
    )
    all_of_them = lifecycle_pb2.QueryChaincodeDefinitionsResult.FromString(response.payload)
    assert [each.name for each in all_of_them.chaincode_definitions] == [NAMESPACE]


async def test_definition_that_is_not_there_is_404(net: Net) -> None:
    arguments = lifecycle_pb2.QueryChaincodeDefinitionArgs(name="nothing")
    response = await _ask(net, "QueryChaincodeDefinition", arguments)
    assert (response.status, response.message) == (404, "namespace nothing is not defined")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sequence": 0}, "requested sequence is 0, but first definable sequence number is 1"),
        ({"sequence": 2}, "requested sequence 2 is larger than the next available sequence number 1"),
        ({"name": "-no"}, "error validating chaincode definition: invalid chaincode name '-no'"),
        ({"name": ""}, "error validating chaincode definition: invalid chaincode name ''"),
        ({"name": "qscc"}, "error validating chaincode definition: chaincode name 'qscc' is the name of"),
        ({"version": "1 0"}, "error validating chaincode definition: invalid chaincode version '1 0'"),
    ],
)
async def test_approval_that_breaks_a_rule_is_refused(net: Net, changes: dict[str, Any], words: str) -> None:
    assert (await _words(net, "ApproveChaincodeDefinitionForMyOrg", _approval(**changes))).startswith(words)


async def test_approval_of_what_is_approved_or_committed_is_refused(deployed: Net) -> None:
    assert await deployed.lifecycle(1, "ApproveChaincodeDefinitionForMyOrg", _approval())
    function = "ApproveChaincodeDefinitionForMyOrg"
    assert await _words(deployed, function, _approval()) == (
        "attempted to redefine uncommitted sequence (1) for namespace fresh with unchanged content"
    )
    committed = _approval(name=NAMESPACE, validation_parameter=both())
    changed = _approval(name=NAMESPACE, validation_parameter=both(), version="2")
    assert (
        "attempted to redefine the current committed sequence (1) for namespace keeper with different "
        in (await _words(deployed, function, changed))
    )
    # The same content with another package is a new choice of code, which every organisation may make.
    assert (await _ask(deployed, function, committed)).status == 200


async def test_readiness_names_who_differs_and_in_what(net: Net) -> None:
    await net.lifecycle(1, "ApproveChaincodeDefinitionForMyOrg", _approval())
    await net.lifecycle(2, "ApproveChaincodeDefinitionForMyOrg", _approval(validation_parameter=both()))
    arguments = lifecycle_pb2.CheckCommitReadinessArgs(name="fresh", version="1", sequence=1)
    response = await _ask(net, "CheckCommitReadiness", arguments)
    result = lifecycle_pb2.CheckCommitReadinessResult.FromString(response.payload)
    assert dict(result.approvals) == {"Org1MSP": True, "Org2MSP": False}
    assert list(result.mismatches["Org2MSP"].items) == ["ValidationInfo"]
    arguments.sequence = 2
    assert await _words(net, "CheckCommitReadiness", arguments) == (
        "requested sequence is 2, but new definition must be sequence 1"
    )


async def test_commit_wants_the_organisations_own_approval(net: Net) -> None:
    await net.lifecycle(1, "ApproveChaincodeDefinitionForMyOrg", _approval())
    arguments = lifecycle_pb2.CommitChaincodeDefinitionArgs(name="fresh", version="1", sequence=1)
    with pytest.raises(RpcError) as caught:
        await net.lifecycle(1, "CommitChaincodeDefinition", arguments)
    assert caught.value.status is grpc.StatusCode.ABORTED
    assert "chaincode definition not agreed to by this org (Org2MSP)" in caught.value.details[0].message


async def test_commit_by_too_few_is_invalid(net: Net) -> None:
    await net.lifecycle(1, "ApproveChaincodeDefinitionForMyOrg", _approval())
    arguments = lifecycle_pb2.CommitChaincodeDefinitionArgs(name="fresh", version="1", sequence=1)
    admin = net.user(1, "admin")
    call = (b"CommitChaincodeDefinition", arguments.SerializeToString())
    code = await net.invoke(admin, LIFECYCLE, *call, organisations=["Org1MSP"])
    assert code == ValidationCode.ENDORSEMENT_POLICY_FAILURE
    query = lifecycle_pb2.QueryChaincodeDefinitionArgs(name="fresh")
    assert (await _ask(net, "QueryChaincodeDefinition", query)).status == 404


async def test_approved_definitions_are_known_to_their_organisation(net: Net) -> None:
    source = lifecycle_pb2.ChaincodeSource(
        local_package=lifecycle_pb2.ChaincodeSource.Local(package_id="some:id")
    )
    await net.lifecycle(1, "ApproveChaincodeDefinitionForMyOrg", _approval(source=source))
    for sequence in (0, 1):
        arguments = lifecycle_pb2.QueryApprovedChaincodeDefinitionArgs(name="fresh", sequence=sequence)
        response = await _ask(net, "QueryApprovedChaincodeDefinition", arguments)
        result = lifecycle_pb2.QueryApprovedChaincodeDefinitionResult.FromString(response.payload)
        assert (result.sequence, result.source.local_package.package_id) == (1, "some:id")
    assert (
        await _words(net, "QueryApprovedChaincodeDefinition", arguments, number=2)
        == "could not fetch approved chaincode definition (name: 'fresh', sequence: '1') on channel 'energy'"
    )


async def test_only_administrators_install_and_approve(net: Net) -> None:
    arguments = lifecycle_pb2.QueryInstalledChaincodesArgs().SerializeToString()
    signed = make_proposal(net.user(1), LIFECYCLE, b"QueryInstalledChaincodes", arguments, channel="")
    response = (await net.endorsers["Org1MSP"].process(Proposal.parse(signed))).response
    assert response.message.startswith("Failed to authorize invocation due to failed ACL check: ")
    approval = _approval().SerializeToString()
    signed = make_proposal(net.user(1), LIFECYCLE, b"ApproveChaincodeDefinitionForMyOrg", approval)
    response = (await net.endorsers["Org1MSP"].process(Proposal.parse(signed))).response
    assert response.message.startswith("Failed to authorize invocation due to failed ACL check: ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "lifecycle scc must be invoked with arguments"),
        ((b"QueryInstalledChaincodes",), "require exactly two arguments but received 1"),
        ((b"Unknown", b""), "Unmapped policy for _lifecycle/Unknown"),
        (
            (b"CheckCommitReadiness", b"\xff"),
            "could not decode input arg for Invocation.CheckCommitReadiness",
        ),
    ],
)
async def test_garbage_is_answered_with_500(net: Net, arguments: tuple[bytes, ...], words: str) -> None:
    signed = make_proposal(net.user(1, "admin"), LIFECYCLE, *arguments)
    response = (await net.endorsers["Org1MSP"].process(Proposal.parse(signed))).response
    assert response.status == 500
    assert words in response.message


async def test_upgrade_changes_policy_and_collections_at_once(deployed: Net) -> None:
    user = deployed.user()
    await deployed.invoke(user, NAMESPACE, b"put", b"a", b"1")
    either = policy_bytes(1, ("Org1MSP", PEER), ("Org2MSP", PEER))
    await deployed.deploy(
        NAMESPACE, keeper, policy=either, collections=[collection("pair", "Org1MSP", "Org2MSP")], sequence=2
    )
    alone = {"organisations": ["Org2MSP"]}
    assert await deployed.invoke(user, NAMESPACE, b"put", b"a", b"2", **alone) == ValidationCode.VALID
    secret = (b"put private", b"pair", b"k", b"v")
    assert await deployed.invoke(user, NAMESPACE, *secret, **alone) == ValidationCode.VALID
    assert await deployed.evaluate(user, NAMESPACE, b"get", b"a") == b"2"


async def test_transaction_endorsed_before_an_upgrade_is_invalid_after_it(deployed: Net) -> None:
    user = deployed.user()
    before = await deployed.endorse(user, NAMESPACE, b"put", b"a", b"1")
    await deployed.deploy(NAMESPACE, keeper, policy=both(), sequence=2)
    assert (await deployed.submit(before))[1] == ValidationCode.MVCC_READ_CONFLICT


def _spoiled(**changes: Any) -> collection_pb2.CollectionConfig:
    config = collection("pair", "Org1MSP")
    for field, value in changes.items():
        setattr(config.static_collection_config, field, value)
    return config


def _members(principal: msp_principal_pb2.MSPPrincipal, wanted: int = 1) -> collection_pb2.CollectionConfig:
    config = collection("pair", "Org1MSP")
    envelope = config.static_collection_config.member_orgs_policy.signature_policy
    envelope.CopyFrom(role_policy(wanted, [("Org1MSP", PEER), ("Org2MSP", PEER)]))
    envelope.identities[0].CopyFrom(principal)
    return config


def _principal(kind: int, data: bytes) -> msp_principal_pb2.MSPPrincipal:
    return msp_principal_pb2.MSPPrincipal(principal_classification=kind, principal=data)


def _unset() -> collection_pb2.CollectionConfig:
    config = collection("pair", "Org1MSP")
    config.static_collection_config.ClearField("member_orgs_policy")
    return config


_ROLE, _UNIT, _IDENTITY, _ANONYMITY = 0, 1, 2, 3


@pytest.mark.parametrize(
    ("collections", "words"),
    [
        ([_spoiled(name="_pair")], "invalid collection name '_pair'"),
        ([_spoiled(name="")], "invalid collection name ''"),
        ([_spoiled(required_peer_count=2)], "maximum peer count (1) cannot be less than the required"),
        ([_spoiled(required_peer_count=-1)], "requiredPeerCount (-1) cannot be less than zero"),
        ([_spoiled(), _spoiled()], "found duplicate in collection configuration"),
        ([collection_pb2.CollectionConfig()], "collection configuration is empty"),
        ([_unset()], "collection member policy is not set for collection 'pair'"),
        ([collection("pair", "Org9MSP")], "collection member 'Org9MSP' is not part of the channel"),
        ([_members(_principal(_ROLE, b"\xff"))], "cannot unmarshal identity bytes into MSPRole"),
        ([_members(_principal(_IDENTITY, b"\xff"))], "contains an identity that is not part of the channel"),
        ([_members(_principal(_ANONYMITY, b""))], "principal type 3 is not supported"),
        (
            [
                _members(
                    collection(
                        "p", "Org1MSP"
                    ).static_collection_config.member_orgs_policy.signature_policy.identities[0],
                    2,
                )
            ],
            "signature policy is not an OR concatenation, NOutOf 2",
        ),
    ],
)
async def test_collection_that_breaks_a_rule_is_refused(
    net: Net, collections: list[collection_pb2.CollectionConfig], words: str
) -> None:
    package = collection_pb2.CollectionConfigPackage(config=collections)
    text = await _words(net, "ApproveChaincodeDefinitionForMyOrg", _approval(collections=package))
    assert text.startswith("error validating chaincode definition: ")
    assert words in text


async def test_collection_that_is_there_may_not_go_or_change_its_life(net: Net) -> None:
    await net.deploy(NAMESPACE, keeper, collections=[collection("pair", "Org1MSP", blocks=3)])
    cases = {
        "the proposed collection config does not contain previously defined collections": [],
        "existing collection [pair] missing": [collection("other", "Org1MSP")],
        "the BlockToLive in an existing collection [pair] modified. Existing value [3]": [
            collection("pair", "Org1MSP", blocks=4)
        ],
    }
    for words, collections in cases.items():
        package = collection_pb2.CollectionConfigPackage(config=collections)
        approval = _approval(name=NAMESPACE, version="2", sequence=2, collections=package)
        assert words in await _words(net, "ApproveChaincodeDefinitionForMyOrg", approval)
