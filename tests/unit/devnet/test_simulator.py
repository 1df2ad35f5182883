"""A simulation: what it may read and write in which order, and whose endorsement it asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fabric_protos.common import policies_pb2
from fabric_protos.ledger.queryresult import kv_query_result_pb2
from tests.unit.devnet.contract import NAMESPACE, keeper
from tests.unit.devnet.kit import Net
from tests.unit.devnet.messages import MEMBER, both, collection

from gridledger.network.devnet.errors import Refused
from gridledger.network.devnet.policy import role_policy
from gridledger.network.devnet.query_results import QueryResults
from gridledger.network.devnet.rwset import parse_read_write_set
from gridledger.network.devnet.simulator import VALIDATION_PARAMETER, Simulator


@pytest.fixture
async def secret(net: Net) -> Net:
    """Return a network whose chaincode has a collection of organisation 1 and a few keys."""
    collections = [collection("one", "Org1MSP"), collection("all", "Org1MSP", "Org2MSP")]
    await net.deploy("keeper", keeper, policy=both(), collections=collections)
    for key in (b"a", b"b", b"\xc3\xa4", b"c", b"d"):
        await net.invoke(net.user(), "keeper", b"put", key, b"1")
    return net


@pytest.fixture
def simulator(secret: Net) -> Iterator[Simulator]:
    with secret.ledger.snapshot() as snapshot:
        yield Simulator("Org1MSP", "tx", snapshot, secret.definitions)


def _keys(results: QueryResults) -> list[str]:
    keys = []
    while (found := results.next()) is not None:
        keys.append(kv_query_result_pb2.KV.FromString(found).key)
    return keys


def test_range_is_in_bytewise_order_and_leaves_the_end_out(simulator: Simulator) -> None:
    assert _keys(simulator.range(NAMESPACE, "", "")) == ["a", "b", "c", "d", "ä"]
    assert _keys(simulator.range(NAMESPACE, "b", "d")) == ["b", "c"]
    assert _keys(simulator.range(NAMESPACE, "x", "y")) == []


def test_page_has_a_bookmark_to_the_next(simulator: Simulator) -> None:
    page = simulator.range(NAMESPACE, "", "", page_size=2)
    assert _keys(page) == ["a", "b"]
    assert page.bookmark() == "c"
    last = simulator.range(NAMESPACE, "d", "", page_size=9)
    assert _keys(last) == ["d", "ä"]
    assert last.bookmark() == ""


def test_write_after_a_page_and_page_after_a_write_are_refused(simulator: Simulator) -> None:
    simulator.range(NAMESPACE, "", "", page_size=2)
    with pytest.raises(Refused, match="already performed a paginated query"):
        simulator.put(NAMESPACE, "e", b"1")


def test_page_after_a_write_is_refused(simulator: Simulator) -> None:
    simulator.put(NAMESPACE, "e", b"1")
    with pytest.raises(Refused, match="Paginated queries are supported only in a read-only transaction"):
        simulator.range(NAMESPACE, "", "", page_size=2)
    with pytest.raises(Refused, match="Queries on pvt data is supported only in a read-only transaction"):
        simulator.private_range(NAMESPACE, "one", "", "")


def test_write_after_a_private_range_is_refused(simulator: Simulator) -> None:
    assert _keys(simulator.private_range(NAMESPACE, "one", "", "")) == []
    writes: list[Callable[[], None]] = [
        lambda: simulator.put(NAMESPACE, "e", b"1"),
        lambda: simulator.put_private(NAMESPACE, "one", "e", b"1"),
        lambda: simulator.put_metadata(NAMESPACE, "a", {}),
    ]
    for write in writes:
        with pytest.raises(Refused, match="already performed queries on pvt data"):
            write()


def test_unknown_collection_is_refused(simulator: Simulator) -> None:
    for read in (simulator.get_private, simulator.get_private_hash, simulator.get_private_metadata):
        with pytest.raises(Refused, match=r"collection \[none\] not defined"):
            read(NAMESPACE, "none", "a")
    with pytest.raises(Refused, match="collection config not defined for chaincode"):
        simulator.get_private("nobody", "one", "a")


def test_reads_of_a_definition_are_recorded(simulator: Simulator) -> None:
    simulator.get_private(NAMESPACE, "one", "a")
    namespaces = {part.name: part for part in parse_read_write_set(simulator.result().public)}
    reads = {read.key for read in namespaces["_lifecycle"].public.reads}
    assert "namespaces/fields/keeper/Collections" in reads
    assert "namespaces/metadata/keeper" in reads


def test_interest_names_chaincode_collections_and_reads(simulator: Simulator) -> None:
    simulator.put(NAMESPACE, "e", b"1")
    simulator.put_private(NAMESPACE, "one", "x", b"1")
    simulator.get_private(NAMESPACE, "all", "y")
    interest = simulator.interest(simulator.result().namespaces)
    calls = {tuple(call.collection_names): call for call in interest.chaincodes}
    assert set(calls) == {(), ("one",), ("all",)}
    assert calls["one",].no_private_reads
    assert not calls["all",].no_private_reads


def test_interest_of_private_writes_alone_leaves_the_chaincodes_policy_out(simulator: Simulator) -> None:
    simulator.put_private(NAMESPACE, "one", "x", b"1")
    interest = simulator.interest(simulator.result().namespaces)
    assert [list(call.collection_names) for call in interest.chaincodes] == [["one"]]


async def test_interest_of_a_key_with_a_policy_is_that_policy(secret: Net) -> None:
    policy: policies_pb2.SignaturePolicyEnvelope = role_policy(1, [("Org2MSP", MEMBER)])
    parameter = policy.SerializeToString()
    await secret.invoke(secret.user(), "keeper", b"policy", b"a", parameter.hex().encode())
    with secret.ledger.snapshot() as snapshot:
        simulator = Simulator("Org1MSP", "tx", snapshot, secret.definitions)
        assert simulator.get_metadata(NAMESPACE, "a") == {VALIDATION_PARAMETER: parameter}
        simulator.put(NAMESPACE, "a", b"2")
        [call] = simulator.interest(simulator.result().namespaces).chaincodes
        assert list(call.key_policies) == [policy]
        assert call.disregard_namespace_policy
        simulator.put(NAMESPACE, "b", b"2")
        [call] = simulator.interest(simulator.result().namespaces).chaincodes
        assert not call.disregard_namespace_policy
