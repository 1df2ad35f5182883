"""What chaincode asks the peer for: answers, batches, and whom private data is refused to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from fabric_protos.ledger.queryresult import kv_query_result_pb2
from fabric_protos.peer import chaincode_pb2
from fabric_protos.peer import chaincode_shim_pb2 as shim
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.devnet.contract import NAMESPACE, keeper
from tests.unit.devnet.kit import Net
from tests.unit.devnet.messages import PEER, collection, make_proposal, policy_bytes

from gridledger.network.devnet import transaction_context
from gridledger.network.devnet.errors import DevnetError, Malformed, NotDefined, Refused
from gridledger.network.devnet.execution import _check_init
from gridledger.network.devnet.proposal import Proposal
from gridledger.network.devnet.shim_request import ShimRequests
from gridledger.network.devnet.simulator import Simulator
from gridledger.network.devnet.transaction_context import TransactionContext

Type = shim.ChaincodeMessage.Type
EITHER = policy_bytes(1, ("Org1MSP", PEER), ("Org2MSP", PEER))


class _Asker:
    """Asks on one transaction of one client."""

    def __init__(self, net: Net, number: int, *, is_init: bool = False) -> None:
        self.proposal = Proposal.parse(make_proposal(net.user(number), NAMESPACE, b"put"))
        self._pinned = net.ledger.snapshot()
        snapshot = self._pinned.__enter__()
        self.simulator = Simulator("Org1MSP", self.proposal.transaction_id, snapshot, net.definitions)
        self._requests = ShimRequests(net.channel)
        self._context = TransactionContext(
            namespace=NAMESPACE,
            proposal=self.proposal,
            simulator=self.simulator,
            is_init=is_init,
            completed=asyncio.get_running_loop().create_future(),
        )

    def close(self) -> None:
        self._pinned.__exit__(None, None, None)

    def raw(self, kind: int, payload: bytes) -> bytes:
        assert self._requests.knows(kind)
        return self._requests.answer(self._context, kind, payload)

    def ask(self, kind: int, request: Message) -> bytes:
        return self.raw(kind, request.SerializeToString())

    def query(self, kind: int, request: Message) -> shim.QueryResponse:
        return shim.QueryResponse.FromString(self.ask(kind, request))


@pytest.fixture
async def kept(net: Net) -> Net:
    """Return a network with some keys, a closed collection and an open one."""
    collections = [collection("closed", "Org1MSP", member_only=True), collection("open", "Org1MSP")]
    await net.deploy(NAMESPACE, keeper, policy=EITHER, collections=collections)
    user = net.user()
    envelopes = [await net.endorse(user, NAMESPACE, b"put", b"k%d" % n, b"%d" % n) for n in range(7)]
    await asyncio.gather(*(net.submit(envelope) for envelope in envelopes))
    await net.invoke(user, NAMESPACE, b"put private", b"closed", b"k", b"secret", organisations=["Org1MSP"])
    await net.invoke(user, NAMESPACE, b"put", b"k0", b"new")
    return net


@pytest.fixture
async def member(kept: Net) -> AsyncIterator[_Asker]:
    """Return a transaction of a member's client."""
    asker = _Asker(kept, 1)
    yield asker
    asker.close()


@pytest.fixture
async def outsider(kept: Net) -> AsyncIterator[_Asker]:
    """Return a transaction of a client who belongs to no collection."""
    asker = _Asker(kept, 2)
    yield asker
    asker.close()


def _keys(response: shim.QueryResponse) -> list[str]:
    return [kv_query_result_pb2.KV.FromString(each.resultBytes).key for each in response.results]


def test_several_keys_are_read_at_once(member: _Asker) -> None:
    request = shim.GetStateMultiple(keys=["k1", "none", "k0"])
    result = shim.GetStateMultipleResult.FromString(member.ask(Type.GET_STATE_MULTIPLE, request))
    assert list(result.values) == [b"1", b"", b"new"]
    request = shim.GetStateMultiple(keys=["k", "none"], collection="closed")
    result = shim.GetStateMultipleResult.FromString(member.ask(Type.GET_STATE_MULTIPLE, request))
    assert list(result.values) == [b"secret", b""]


def test_batch_of_writes_holds_every_kind(member: _Asker) -> None:
    kinds = shim.WriteRecord.Type
    metadata = shim.StateMetadata(metakey="VALIDATION_PARAMETER", value=b"p")
    records = [
        shim.WriteRecord(type=kinds.PUT_STATE, key="a", value=b"1"),
        shim.WriteRecord(type=kinds.DEL_STATE, key="k1"),
        shim.WriteRecord(type=kinds.PUT_STATE_METADATA, key="k2", metadata=metadata),
        shim.WriteRecord(type=kinds.PUT_STATE, key="p", value=b"2", collection="closed"),
        shim.WriteRecord(type=kinds.PURGE_PRIVATE_DATA, key="k", collection="closed"),
    ]
    assert member.ask(Type.WRITE_BATCH_STATE, shim.WriteBatchState(rec=records)) == b""
    result = member.simulator.result()
    assert set(result.private) == {(NAMESPACE, "closed")}
    unknown = shim.WriteBatchState(rec=[shim.WriteRecord(key="a")])
    with pytest.raises(Refused, match="unknown operation type"):
        member.ask(Type.WRITE_BATCH_STATE, unknown)


def test_query_comes_in_batches(member: _Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction_context, "_BATCH", 3)
    response = member.query(Type.GET_STATE_BY_RANGE, shim.GetStateByRange(startKey="k", endKey="l"))
    found, batches = _keys(response), 1
    while response.has_more:
        response = member.query(Type.QUERY_STATE_NEXT, shim.QueryStateNext(id=response.id))
        found += _keys(response)
        batches += 1
    assert (found, batches) == ([f"k{n}" for n in range(7)], 3)
    with pytest.raises(Refused, match="query iterator not found"):
        member.ask(Type.QUERY_STATE_NEXT, shim.QueryStateNext(id=response.id))


def test_query_that_is_closed_has_ended(member: _Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction_context, "_BATCH", 3)
    response = member.query(Type.GET_STATE_BY_RANGE, shim.GetStateByRange(startKey="k", endKey="l"))
    member.ask(Type.QUERY_STATE_CLOSE, shim.QueryStateClose(id=response.id))
    with pytest.raises(Refused, match="query iterator not found"):
        member.ask(Type.QUERY_STATE_NEXT, shim.QueryStateNext(id=response.id))


def test_pages_follow_one_another_by_bookmark(member: _Asker) -> None:
    pages, bookmark = [], ""
    while True:
        page = shim.QueryMetadata(pageSize=3, bookmark=bookmark).SerializeToString()
        request = shim.GetStateByRange(startKey="k", endKey="l", metadata=page)
        response = member.query(Type.GET_STATE_BY_RANGE, request)
        metadata = shim.QueryResponseMetadata.FromString(response.metadata)
        assert metadata.fetched_records_count == len(response.results)
        assert not response.has_more
        pages.append(_keys(response))
        bookmark = metadata.bookmark
        if not bookmark:
            break
    assert pages == [["k0", "k1", "k2"], ["k3", "k4", "k5"], ["k6"]]


def test_history_has_the_newest_first(member: _Asker) -> None:
    response = member.query(Type.GET_HISTORY_FOR_KEY, shim.GetHistoryForKey(key="k0"))
    found = [kv_query_result_pb2.KeyModification.FromString(each.resultBytes) for each in response.results]
    assert [each.value for each in found] == [b"new", b"0"]
    assert all(len(each.tx_id) == 64 and each.timestamp.seconds for each in found)


def test_rich_queries_are_refused_as_leveldb_does(member: _Asker) -> None:
    with pytest.raises(Refused, match="ExecuteQuery not supported for leveldb"):
        member.ask(Type.GET_QUERY_RESULT, shim.GetQueryResult(query="{}"))
    page = shim.QueryMetadata(pageSize=1).SerializeToString()
    with pytest.raises(Refused, match="ExecuteQueryWithMetadata not supported for leveldb"):
        member.ask(Type.GET_QUERY_RESULT, shim.GetQueryResult(query="{}", metadata=page))


def test_purge_is_for_private_data(member: _Asker) -> None:
    with pytest.raises(Refused, match="only applicable for private data"):
        member.ask(Type.PURGE_PRIVATE_DATA, shim.PurgePrivateState(key="a"))


def test_closed_collection_is_refused_to_others(outsider: _Asker) -> None:
    reads: list[tuple[int, Message]] = [
        (Type.GET_STATE, shim.GetState(key="k", collection="closed")),
        (Type.GET_STATE_MULTIPLE, shim.GetStateMultiple(keys=["k"], collection="closed")),
        (Type.GET_STATE_METADATA, shim.GetStateMetadata(key="k", collection="closed")),
        (Type.GET_STATE_BY_RANGE, shim.GetStateByRange(collection="closed")),
        (Type.GET_QUERY_RESULT, shim.GetQueryResult(query="{}", collection="closed")),
    ]
    writes: list[tuple[int, Message]] = [
        (Type.PUT_STATE, shim.PutState(key="k", value=b"1", collection="closed")),
        (Type.DEL_STATE, shim.DelState(key="k", collection="closed")),
        (Type.PURGE_PRIVATE_DATA, shim.PurgePrivateState(key="k", collection="closed")),
        (Type.PUT_STATE_METADATA, shim.PutStateMetadata(key="k", collection="closed")),
    ]
    for kind, request in (*reads, *writes):
        what = "read" if (kind, request) in reads else "write"
        with pytest.raises(Refused, match=f"does not have {what} access permission"):
            outsider.ask(kind, request)
    assert outsider.ask(Type.GET_PRIVATE_DATA_HASH, shim.GetState(key="k", collection="closed"))
    assert outsider.ask(Type.GET_STATE, shim.GetState(key="k", collection="open")) == b""


def test_unknown_collection_has_its_words(member: _Asker) -> None:
    words = f"collection energy/{NAMESPACE}/none could not be found"
    with pytest.raises(Refused, match=words):
        member.ask(Type.GET_STATE, shim.GetState(key="k", collection="none"))


async def test_private_data_is_not_for_the_init_call(kept: Net) -> None:
    asker = _Asker(kept, 1, is_init=True)
    for kind in (Type.GET_STATE, Type.GET_PRIVATE_DATA_HASH):
        with pytest.raises(Refused, match=r"not allowed in chaincode Init\(\)"):
            asker.ask(kind, shim.GetState(key="k", collection="closed"))
    assert asker.ask(Type.GET_STATE, shim.GetState(key="k1")) == b"1"
    asker.close()


def test_init_is_called_once_and_first(member: _Asker) -> None:
    simulator = member.simulator
    plain = chaincode_pb2.ChaincodeInput()
    init = chaincode_pb2.ChaincodeInput(is_init=True)
    assert not _check_init(simulator, NAMESPACE, "1", plain, required=False)
    with pytest.raises(Refused, match="does not require initialization but called as init"):
        _check_init(simulator, NAMESPACE, "1", init, required=False)
    with pytest.raises(Refused, match="has not been initialized for this version"):
        _check_init(simulator, NAMESPACE, "1", plain, required=True)
    assert _check_init(simulator, NAMESPACE, "1", init, required=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    kind=st.sampled_from([kind for kind in Type.values() if kind]),
    payload=st.one_of(
        st.binary(max_size=40),
        st.builds(
            lambda key, name: bytes(shim.GetState(key=key, collection=name).SerializeToString()),
            st.text(max_size=5),
            st.sampled_from(["", "closed", "none"]),
        ),
    ),
)
def test_no_request_breaks_the_peer(member: _Asker, kind: int, payload: bytes) -> None:
    if not member._requests.knows(kind):
        return
    try:
        member.raw(kind, payload)
    except DevnetError as error:
        refused = error
    else:
        return
    assert type(refused) in (Malformed, Refused, NotDefined)
