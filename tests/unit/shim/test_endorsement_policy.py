from __future__ import annotations

import pytest
from fabric_protos.common import policies_pb2
from fabric_protos.msp import msp_principal_pb2
from hypothesis import given
from hypothesis import strategies as st

from gridledger.model.errors import ModelError
from gridledger.shim import KeyEndorsementPolicy, RoleType


def test_policy_wants_every_organisation() -> None:
    policy = KeyEndorsementPolicy()
    policy.add_orgs(RoleType.PEER, ["Org2MSP", "Org1MSP"])

    envelope = policies_pb2.SignaturePolicyEnvelope.FromString(policy.policy())

    assert envelope.version == 0
    assert envelope.rule.n_out_of.n == 2
    assert [rule.signed_by for rule in envelope.rule.n_out_of.rules] == [0, 1]
    roles = [msp_principal_pb2.MSPRole.FromString(one.principal) for one in envelope.identities]
    assert [(one.msp_identifier, one.role) for one in roles] == [("Org1MSP", 3), ("Org2MSP", 3)]


def test_bytes_do_not_depend_on_the_order_of_adding() -> None:
    first, second = KeyEndorsementPolicy(), KeyEndorsementPolicy()
    first.add_orgs(RoleType.MEMBER, ["A", "B", "C"])
    second.add_orgs(RoleType.MEMBER, ["C"])
    second.add_orgs(RoleType.MEMBER, ["B", "A"])

    assert first.policy() == second.policy()


def test_policy_is_read_back_with_its_roles() -> None:
    policy = KeyEndorsementPolicy()
    policy.add_orgs(RoleType.MEMBER, ["A"])
    policy.add_orgs(RoleType.PEER, ["B"])

    again = KeyEndorsementPolicy(policy.policy())

    assert again.list_orgs() == ["A", "B"]
    assert again.policy() == policy.policy()


def test_organisations_are_taken_out() -> None:
    policy = KeyEndorsementPolicy()
    policy.add_orgs(RoleType.PEER, ["A", "B"])
    policy.del_orgs(["A", "unknown"])

    assert policy.list_orgs() == ["B"]


@pytest.mark.parametrize("empty", [None, b""])
def test_nothing_is_nobody(empty: bytes | None) -> None:
    assert KeyEndorsementPolicy(empty).list_orgs() == []


@given(st.binary(min_size=1))
def test_any_bytes_are_a_policy_or_refused(data: bytes) -> None:
    try:
        policy = KeyEndorsementPolicy(data)
    except ModelError:
        return
    assert KeyEndorsementPolicy(policy.policy()).list_orgs() == policy.list_orgs()
