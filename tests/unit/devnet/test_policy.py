"""Policies: which identities together are enough."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from fabric_protos.common import policies_pb2
from fabric_protos.peer import policy_pb2
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.devnet.kit import Net
from tests.unit.devnet.messages import MEMBER, PEER, policy_bytes, signed

from gridledger.network.devnet.channel import CHANNEL_WRITERS, ENDORSEMENT, READERS, WRITERS
from gridledger.network.devnet.errors import Malformed, Refused
from gridledger.network.devnet.identity import Identity
from gridledger.network.devnet.policy import SignaturePolicy, member_policy, role_policy


def _peers(net: Net, *numbers: int) -> list[Identity]:
    return [net.organisations[f"Org{number}MSP"].identity for number in numbers]


def _satisfied(policy: SignaturePolicy, identities: Sequence[Identity]) -> bool:
    try:
        policy.check(identities)
    except Refused:
        return False
    return True


async def test_and_or_and_out_of(net: Net) -> None:
    roles = [("Org1MSP", PEER), ("Org2MSP", PEER)]
    both, either = SignaturePolicy(role_policy(2, roles)), SignaturePolicy(role_policy(1, roles))
    for numbers, by_both, by_either in (((), False, False), ((1,), False, True), ((2, 1), True, True)):
        assert _satisfied(both, _peers(net, *numbers)) is by_both
        assert _satisfied(either, _peers(net, *numbers)) is by_either


async def test_one_identity_counts_for_one_principal(net: Net) -> None:
    twice = SignaturePolicy(role_policy(2, [("Org1MSP", PEER), ("Org1MSP", MEMBER)]))
    assert not _satisfied(twice, _peers(net, 1))
    user = net.channel.msps.deserialize(net.user().identity)
    assert _satisfied(twice, [*_peers(net, 1), user])


async def test_gate_that_fails_uses_nobody_up(net: Net) -> None:
    # OutOf(1, AND(Org1.peer, Org9.peer), Org1.peer): the failed AND must give Org1's peer back.
    envelope = role_policy(2, [("Org1MSP", PEER), ("Org9MSP", PEER)])
    inner = envelope.rule
    gate = policies_pb2.SignaturePolicy(
        n_out_of=policies_pb2.SignaturePolicy.NOutOf(
            n=1, rules=[inner, policies_pb2.SignaturePolicy(signed_by=0)]
        )
    )
    envelope.rule.CopyFrom(gate)
    assert _satisfied(SignaturePolicy(envelope), _peers(net, 1))


@pytest.mark.parametrize(
    "rule",
    [
        policies_pb2.SignaturePolicy(),
        policies_pb2.SignaturePolicy(signed_by=1),
        policies_pb2.SignaturePolicy(signed_by=-1),
    ],
)
def test_rule_that_names_nobody_is_malformed(rule: policies_pb2.SignaturePolicy) -> None:
    envelope = member_policy("Org1MSP")
    envelope.rule.CopyFrom(rule)
    with pytest.raises(Malformed):
        SignaturePolicy(envelope)


def test_rule_that_nests_too_deep_is_malformed() -> None:
    envelope = member_policy("Org1MSP")
    for _ in range(70):
        outer = policies_pb2.SignaturePolicy()
        outer.n_out_of.n = 1
        outer.n_out_of.rules.add().CopyFrom(envelope.rule)
        envelope.rule.CopyFrom(outer)
    with pytest.raises(Malformed, match="too deep"):
        SignaturePolicy(envelope)


def test_newer_version_is_malformed() -> None:
    envelope = member_policy("Org1MSP")
    envelope.version = 1
    with pytest.raises(Malformed, match="version"):
        SignaturePolicy(envelope)


async def test_channel_policies_are_those_of_fabrics_samples(net: Net) -> None:
    policies = net.channel.policies
    user, admin = (net.channel.msps.deserialize(net.user(1, name).identity) for name in ("user1", "admin"))
    [peer1, peer2] = _peers(net, 1, 2)
    for identity, reads, writes in ((user, True, True), (admin, True, True), (peer1, True, False)):
        assert net.channel.member(identity, policies.get(READERS)) is reads
        assert net.channel.member(identity, policies.get(WRITERS)) is writes
    policies.get(ENDORSEMENT).check([peer1, peer2])
    with pytest.raises(Refused, match="1 sub-policies were satisfied, but this policy requires 2"):
        policies.get(ENDORSEMENT).check([peer1])
    policies.get("/Channel/Application/Org1MSP/Endorsement").check([peer1])
    with pytest.raises(Refused, match="no such policy"):
        policies.get("/Channel/Application/Nobody").check([peer1, peer2])


async def test_access_wants_signature_and_role(net: Net) -> None:
    good = signed(net.user(), b"request")
    net.channel.check_access(CHANNEL_WRITERS, good)
    with pytest.raises(Refused, match="on channel \\[energy\\] with policy"):
        net.channel.check_access(CHANNEL_WRITERS, good._replace(data=b"Request"))
    with pytest.raises(Refused):
        net.channel.check_access(WRITERS, signed(net.organisations["Org1MSP"].signer, b"request"))


async def test_application_policy_may_refer_to_the_channels(net: Net) -> None:
    reference = policy_pb2.ApplicationPolicy(channel_config_policy_reference=ENDORSEMENT).SerializeToString()
    net.channel.policies.application_policy(reference).check(_peers(net, 1, 2))
    own = policy_bytes(1, ("Org2MSP", PEER))
    for _ in range(2):
        net.channel.policies.application_policy(own).check(_peers(net, 2))


async def test_garbage_is_no_policy(net: Net) -> None:
    @given(st.binary(max_size=80))
    def check(data: bytes) -> None:
        for read in (net.channel.policies.application_policy, net.channel.policies.signature_policy):
            try:
                policy = read(data)
            except Malformed:
                continue
            # What parses by chance is satisfied or not, but breaks nothing.
            net.channel.member(_peers(net, 1)[0], policy)

    check()
