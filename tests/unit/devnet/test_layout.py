"""Whose endorsements are enough: the smallest sets, and why there may be none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from fabric_protos.peer import proposal_response_pb2
from tests.unit.devnet.contract import NAMESPACE, keeper
from tests.unit.devnet.kit import Net
from tests.unit.devnet.messages import PEER, both, collection, policy_bytes

from gridledger.network.devnet import layout as layout_module
from gridledger.network.devnet.errors import Refused
from gridledger.network.devnet.layout import Layouts
from gridledger.network.devnet.policy import role_policy

EITHER = policy_bytes(1, ("Org1MSP", PEER), ("Org2MSP", PEER))
ONE, TWO, BOTH = frozenset({"Org1MSP"}), frozenset({"Org2MSP"}), frozenset({"Org1MSP", "Org2MSP"})


def _interest(**fields: Any) -> proposal_response_pb2.ChaincodeInterest:
    call = proposal_response_pb2.ChaincodeCall(name=NAMESPACE, **fields)
    return proposal_response_pb2.ChaincodeInterest(chaincodes=[call])


def _find(
    net: Net, interest: proposal_response_pb2.ChaincodeInterest, preferred: str | None = None
) -> list[frozenset[str]]:
    layouts = Layouts(net.channel, net.definitions, net.organisations)
    with net.ledger.snapshot() as snapshot:
        return layouts.find(snapshot, interest, preferred)


async def _deploy(net: Net, policy: bytes = EITHER) -> None:
    own = policy_bytes(1, ("Org2MSP", PEER))
    collections = [
        collection("first", "Org1MSP"),
        collection("strict", "Org1MSP", "Org2MSP", endorsement=own),
    ]
    await net.deploy(NAMESPACE, keeper, policy=policy, collections=collections)


async def test_smallest_sets_with_the_preferred_first(net: Net) -> None:
    await _deploy(net)
    for preferred, first in (("Org1MSP", ONE), ("Org2MSP", TWO)):
        assert _find(net, _interest(), preferred) == [first, *({ONE, TWO} - {first})]


async def test_both_are_needed_where_the_policy_says_so(net: Net) -> None:
    await _deploy(net, both())
    assert _find(net, _interest()) == [BOTH]


async def test_collections_and_keys_have_policies_of_their_own(net: Net) -> None:
    await _deploy(net)
    assert _find(net, _interest(collection_names=["strict"])) == [TWO]
    assert _find(net, _interest(collection_names=["strict", "first"], no_private_reads=True)) == [TWO]
    key = role_policy(1, [("Org2MSP", PEER)])
    assert _find(net, _interest(key_policies=[key])) == [TWO]
    assert _find(net, _interest(key_policies=[key], disregard_namespace_policy=True)) == [TWO]
    either = role_policy(1, [("Org1MSP", PEER)])
    assert _find(net, _interest(key_policies=[key, either])) == [BOTH]


async def test_readers_of_private_data_must_be_members(net: Net) -> None:
    await _deploy(net)
    assert _find(net, _interest(collection_names=["first"])) == [ONE]
    assert set(_find(net, _interest(collection_names=["first"], no_private_reads=True))) == {ONE, TWO}


async def test_reasons_for_no_set_have_their_words(net: Net) -> None:
    await _deploy(net, both())
    cases = {
        "No metadata was found for chaincode nothing in channel energy": (
            proposal_response_pb2.ChaincodeInterest(
                chaincodes=[proposal_response_pb2.ChaincodeCall(name="nothing")]
            )
        ),
        "collection none doesn't exist in collection config for chaincode keeper": _interest(
            collection_names=["none"]
        ),
        "no peer combination can satisfy the endorsement policy": _interest(collection_names=["first"]),
    }
    for words, interest in cases.items():
        with pytest.raises(Refused, match=words):
            _find(net, interest)
    organisation = net.organisations["Org2MSP"]
    lame = SimpleNamespace(identity=organisation.identity, runs=lambda *_: False)
    layouts = Layouts(net.channel, net.definitions, cast("Any", {**net.organisations, "Org2MSP": lame}))
    with (
        net.ledger.snapshot() as snapshot,
        pytest.raises(Refused, match="required chaincodes are not installed on sufficient peers"),
    ):
        layouts.find(snapshot, _interest(), None)


async def test_many_organisations_are_left_out_one_by_one(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    await _deploy(net)
    monkeypatch.setattr(layout_module, "_EXHAUSTIVE", 1)
    assert _find(net, _interest()) in ([ONE], [TWO])
    await net.deploy("other", keeper, policy=both())
    interest = proposal_response_pb2.ChaincodeInterest(
        chaincodes=[proposal_response_pb2.ChaincodeCall(name="other")]
    )
    assert _find(net, interest) == [BOTH]
