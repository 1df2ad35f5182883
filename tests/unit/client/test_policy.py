"""Endorsement policies and collections, from the words of Fabric's own tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fabric_protos.common import policies_pb2
from fabric_protos.msp import msp_principal_pb2
from fabric_protos.peer import collection_pb2, policy_pb2
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.client.test_connection import JSON

from gridledger.client import Collection, EndorsementPolicy, read_collections
from gridledger.client.collection import to_collection_package
from gridledger.model.errors import ConfigError


def describe(rule: Any, identities: list[Any]) -> Any:
    """Return a policy as nested tuples."""
    if rule.WhichOneof("Type") == "signed_by":
        role = msp_principal_pb2.MSPRole.FromString(identities[rule.signed_by].principal)
        return f"{role.msp_identifier}.{msp_principal_pb2.MSPRole.MSPRoleType.Name(role.role)}"
    return (rule.n_out_of.n, *[describe(one, identities) for one in rule.n_out_of.rules])


def parse(text: str) -> Any:
    envelope = EndorsementPolicy(text).signature_policy()
    return describe(envelope.rule, envelope.identities)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("AND('A.peer','B.peer')", (2, "A.PEER", "B.PEER")),
        ("OR( 'A.member' , 'B.admin' )", (1, "A.MEMBER", "B.ADMIN")),
        ("OutOf(2, 'A.client', 'B.orderer', 'C.peer')", (2, "A.CLIENT", "B.ORDERER", "C.PEER")),
        ("outof(1,'A.peer')", (1, "A.PEER")),
        ("AND('A.peer', OR('B.peer', 'C.peer'))", (2, "A.PEER", (1, "B.PEER", "C.PEER"))),
        ("and('Org-1.example.com.peer')", (1, "Org-1.example.com.PEER")),
    ],
)
def test_policy_means_what_it_says(text: str, meaning: Any) -> None:
    assert parse(text) == meaning


def test_identities_are_numbered_as_fabrics_tools_do() -> None:
    envelope = EndorsementPolicy("AND('A.peer', OR('B.peer', 'A.peer'))").signature_policy()
    names = [
        msp_principal_pb2.MSPRole.FromString(one.principal).msp_identifier for one in envelope.identities
    ]
    # Inner gates first, and nobody shared.
    assert names == ["B", "A", "A"]
    assert envelope.rule.n_out_of.rules[0].signed_by == 2


def test_bytes_are_an_application_policy_and_name_its_organisations() -> None:
    policy = EndorsementPolicy("OR('B.peer', 'A.peer')")
    message = policy_pb2.ApplicationPolicy.FromString(policy.to_bytes())
    assert isinstance(message.signature_policy, policies_pb2.SignaturePolicyEnvelope)
    assert policy.organizations == ["A", "B"]
    assert repr(policy) == "EndorsementPolicy(\"OR('B.peer', 'A.peer')\")"


def test_policy_of_the_channel_is_a_reference() -> None:
    policy = EndorsementPolicy("/Channel/Application/Endorsement")
    message = policy_pb2.ApplicationPolicy.FromString(policy.to_bytes())
    assert message.channel_config_policy_reference == "/Channel/Application/Endorsement"
    assert policy.organizations == []
    with pytest.raises(ConfigError):
        policy.signature_policy()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A.peer",
        "'A.peer'",
        "AND",
        "AND(",
        "AND()",
        "AND('A.peer'",
        "AND('A.peer',)",
        "AND('A.peer'))",
        "AND('A.peer') OR('B.peer')",
        "AND('A.peer' 'B.peer')",
        "AND('A.chief')",
        "AND('.peer')",
        "AND('A peer')",
        "NOT('A.peer')",
        "OutOf('A.peer')",
        "OutOf(0,'A.peer')",
        "OutOf(2,'A.peer')",
        "OutOf(-1,'A.peer')",
        "AND(1,'A.peer')",
        'AND("A.peer")',
        "AND(" * 50 + "'A.peer'" + ")" * 50,
        "OR(" + ",".join(["'A.peer'"] * 2000) + ")",
    ],
)
def test_policy_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        EndorsementPolicy(text, source="--policy")
    assert caught.value.fields["key"] == "policy"
    assert caught.value.fields["source"] == "--policy"


@given(st.text(alphabet="ANDORoutf(),'0123 A.peer/", max_size=40) | st.text(max_size=20))
def test_text_of_any_kind_is_read_or_refused(text: str) -> None:
    try:
        EndorsementPolicy(text).to_bytes()
    except ConfigError:
        return


FULL = {
    "name": "prices",
    "policy": "OR('Org1MSP.member', 'Org2MSP.member')",
    "requiredPeerCount": 1,
    "maxPeerCount": 3,
    "blockToLive": 1000,
    "memberOnlyRead": True,
    "memberOnlyWrite": True,
    "endorsementPolicy": {"signaturePolicy": "OR('Org1MSP.peer')"},
}


def read(tmp_path: Path, value: Any) -> list[Collection]:
    path = tmp_path / "collections.json"
    path.write_text(json.dumps(value))
    return read_collections(path)


def test_collections_become_the_package_of_a_definition(tmp_path: Path) -> None:
    found = read(tmp_path, [FULL, {"name": "plain", "policy": "OR('A.member')"}])
    package = collection_pb2.CollectionConfigPackage.FromString(
        to_collection_package(found).SerializeToString()
    )
    full, plain = (one.static_collection_config for one in package.config)
    assert (full.name, full.required_peer_count, full.maximum_peer_count, full.block_to_live) == (
        "prices",
        1,
        3,
        1000,
    )
    assert full.member_only_read
    assert full.member_only_write
    assert len(full.member_orgs_policy.signature_policy.identities) == 2
    assert len(full.endorsement_policy.signature_policy.identities) == 1
    assert (plain.required_peer_count, plain.maximum_peer_count, plain.block_to_live) == (0, 1, 0)
    assert not plain.HasField("endorsement_policy")


def test_endorsement_policy_of_a_collection_may_be_the_channels(tmp_path: Path) -> None:
    policy = {"channelConfigPolicy": "/Channel/Application/Endorsement", "signaturePolicy": ""}
    (found,) = read(tmp_path, [{**FULL, "endorsementPolicy": policy}])
    assert found.endorsement_policy is not None
    assert found.endorsement_policy.text == "/Channel/Application/Endorsement"


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ({}, "collections"),
        ([5], "collection"),
        ([{}], "name, policy"),
        ([{**FULL, "name": ""}], "name"),
        ([{**FULL, "blockToLive": -1}], "blockToLive"),
        ([{**FULL, "blockToLive": True}], "blockToLive"),
        ([{**FULL, "maxPeerCount": 2**31}], "maxPeerCount"),
        ([{**FULL, "maxPeerCount": 0}], "maxPeerCount"),
        ([{**FULL, "memberOnlyRead": 1}], "memberOnlyRead"),
        ([{**FULL, "blocktolive": 5}], "blocktolive"),
        ([{**FULL, "policy": "OR("}], "policy"),
        ([{**FULL, "policy": "/Channel/Application/Readers"}], None),
        ([{**FULL, "endorsementPolicy": {}}], "endorsementPolicy"),
        (
            [{**FULL, "endorsementPolicy": {"signaturePolicy": "x", "channelConfigPolicy": "y"}}],
            "endorsementPolicy",
        ),
        ([FULL, FULL], "collections"),
    ],
)
def test_collections_that_are_none_name_key_and_source(tmp_path: Path, value: Any, key: str | None) -> None:
    if key is None:
        with pytest.raises(ConfigError):
            to_collection_package(read(tmp_path, value))
        return
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, value)
    assert caught.value.fields["key"] == key
    assert str(caught.value.fields["source"]).startswith(str(tmp_path))


@given(st.lists(JSON, max_size=3))
def test_collections_of_any_kind_are_read_or_refused(value: Any) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        try:
            assert read(Path(folder), value) == []
        except ConfigError:
            return


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        read_collections(tmp_path / "none.json")
