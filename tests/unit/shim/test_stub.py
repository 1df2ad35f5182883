from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from fabric_protos.ledger.queryresult import kv_query_result_pb2
from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2, proposal_response_pb2
from tests.unit.shim.scripted_peer import ScriptedPeer

from gridledger.model.errors import ModelError
from gridledger.model.refusals import WriteInQuery
from gridledger.shim import ChaincodeStub, PeerError, ProtocolError, Response, Timestamp, success
from gridledger.shim.errors import TransactionClosed
from gridledger.shim.testing import MemoryPeer, make_caller
from gridledger.shim.wire import MessageType

_Shim = chaincode_shim_pb2
Use = Callable[[ChaincodeStub], Awaitable[Any]]


class Taker:
    """Hands its stub to the test and ends when the test says so."""

    def __init__(self) -> None:
        self.stub: ChaincodeStub | None = None
        self.taken = asyncio.Event()
        self.done = asyncio.Event()

    async def invoke(self, stub: ChaincodeStub) -> Response:
        self.stub = stub
        self.taken.set()
        await self.done.wait()
        return success()


class Bench:
    """A stub in the test's hands and the peer behind it."""

    def __init__(self, peer: ScriptedPeer, taker: Taker) -> None:
        self.peer = peer
        self.taker = taker

    @property
    def stub(self) -> ChaincodeStub:
        assert self.taker.stub is not None
        return self.taker.stub

    async def begin(
        self, *args: bytes, batch: int = 0, keys: int = 0, proposal: bytes = b""
    ) -> ChaincodeStub:
        await self.peer.ready(batch=batch, keys=keys)
        self.peer.call("tx1", *args, proposal=proposal)
        await self.taker.taken.wait()
        return self.stub

    async def exchange(
        self, asked: Awaitable[Any], kind: MessageType, payload: bytes = b""
    ) -> tuple[Any, Any]:
        """Let the stub ask once; return the request's payload and what the stub made of the answer."""
        task = asyncio.ensure_future(asked)
        request = await self.peer.expect(kind)
        self.peer.answer(request, payload)
        return request.payload, await task


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    taker = Taker()
    async with ScriptedPeer(taker) as peer:
        yield Bench(peer, taker)


def rows(*keys: str, has_more: bool = False, query_id: str = "q1", bookmark: str | None = None) -> bytes:
    results = [
        _Shim.QueryResultBytes(
            resultBytes=kv_query_result_pb2.KV(namespace="cc", key=key, value=b"v").SerializeToString()
        )
        for key in keys
    ]
    metadata = b""
    if bookmark is not None:
        metadata = _Shim.QueryResponseMetadata(
            fetched_records_count=len(keys), bookmark=bookmark
        ).SerializeToString()
    data: bytes = _Shim.QueryResponse(
        results=results, has_more=has_more, id=query_id, metadata=metadata
    ).SerializeToString()
    return data


# --- the call


async def test_arguments_are_bytes_and_text(bench: Bench) -> None:
    stub = await bench.begin(b"Fn", b"a", "中".encode())

    assert stub.get_args() == [b"Fn", b"a", "中".encode()]
    assert stub.get_string_args() == ["Fn", "a", "中"]
    assert stub.get_function_and_parameters() == ("Fn", ["a", "中"])


async def test_function_without_arguments_is_empty(bench: Bench) -> None:
    stub = await bench.begin()

    assert stub.get_function_and_parameters() == ("", [])


async def test_arguments_that_are_no_text_are_refused_as_text(bench: Bench) -> None:
    stub = await bench.begin(b"\xff")

    with pytest.raises(ModelError):
        stub.get_string_args()


async def test_proposal_missing_is_refused(bench: Bench) -> None:
    stub = await bench.begin()

    with pytest.raises(ProtocolError):
        stub.get_creator()
    with pytest.raises(ProtocolError):
        stub.get_signed_proposal()


@pytest.mark.parametrize("proposal", [b"\xff\xff", b"\x0a\x02\xff\xff"])
async def test_proposal_malformed_is_refused(bench: Bench, proposal: bytes) -> None:
    stub = await bench.begin(proposal=proposal)

    with pytest.raises(ProtocolError):
        stub.get_tx_timestamp()


async def test_proposal_tells_creator_time_transient_and_binding(bench: Bench) -> None:
    caller = make_caller("Org7MSP", name="meter", attributes={"a": "b"})
    proposal = MemoryPeer(Taker())._proposal("tx1", caller, b"n" * 24, 1_700_000_000_123, {"secret": b"s"})
    stub = await bench.begin(proposal=proposal)

    assert stub.get_tx_timestamp() == Timestamp(1_700_000_000, 123_000_000)
    assert stub.get_tx_timestamp().milliseconds == 1_700_000_000_123
    assert stub.get_creator().msp_id == "Org7MSP"
    assert stub.get_creator().attributes["a"] == "b"
    assert stub.get_transient() == {"secret": b"s"}
    assert len(stub.get_binding()) == 32
    assert stub.get_signed_proposal().proposal_bytes == proposal


async def test_decorations_are_given(bench: Bench) -> None:
    await bench.peer.ready()
    payload = chaincode_pb2.ChaincodeInput(args=[b"f"], decorations={"d": b"1"}).SerializeToString()
    bench.peer.send(MessageType.TRANSACTION, payload, "tx1")
    await bench.taker.taken.wait()

    assert bench.stub.get_decorations() == {"d": b"1"}


# --- state


async def test_get_state_returns_none_for_nothing(bench: Bench) -> None:
    stub = await bench.begin()

    payload, value = await bench.exchange(stub.get_state("k"), MessageType.GET_STATE)
    assert _Shim.GetState.FromString(payload) == _Shim.GetState(key="k")
    assert value is None
    _, value = await bench.exchange(stub.get_state("k"), MessageType.GET_STATE, b"17")
    assert value == b"17"


@pytest.mark.parametrize(
    ("use", "kind", "expected"),
    [
        (lambda s: s.put_state("k", b"v"), "PUT_STATE", _Shim.PutState(key="k", value=b"v")),
        (lambda s: s.del_state("k"), "DEL_STATE", _Shim.DelState(key="k")),
        (
            lambda s: s.set_state_validation_parameter("k", b"p"),
            "PUT_STATE_METADATA",
            _Shim.PutStateMetadata(
                key="k", metadata=_Shim.StateMetadata(metakey="VALIDATION_PARAMETER", value=b"p")
            ),
        ),
        (
            lambda s: s.put_private_data("c", "k", b"v"),
            "PUT_STATE",
            _Shim.PutState(key="k", value=b"v", collection="c"),
        ),
        (lambda s: s.del_private_data("c", "k"), "DEL_STATE", _Shim.DelState(key="k", collection="c")),
        (
            lambda s: s.purge_private_data("c", "k"),
            "PURGE_PRIVATE_DATA",
            _Shim.PurgePrivateState(key="k", collection="c"),
        ),
        (
            lambda s: s.set_private_data_validation_parameter("c", "k", b"p"),
            "PUT_STATE_METADATA",
            _Shim.PutStateMetadata(
                key="k",
                collection="c",
                metadata=_Shim.StateMetadata(metakey="VALIDATION_PARAMETER", value=b"p"),
            ),
        ),
    ],
)
async def test_write_is_one_message(bench: Bench, use: Use, kind: str, expected: Any) -> None:
    stub = await bench.begin()

    payload, _ = await bench.exchange(use(stub), MessageType[kind])

    assert type(expected).FromString(payload) == expected


@pytest.mark.parametrize(
    ("use", "kind", "expected", "answer", "result"),
    [
        (
            lambda s: s.get_private_data("c", "k"),
            "GET_STATE",
            _Shim.GetState(key="k", collection="c"),
            b"v",
            b"v",
        ),
        (
            lambda s: s.get_private_data_hash("c", "k"),
            "GET_PRIVATE_DATA_HASH",
            _Shim.GetState(key="k", collection="c"),
            b"",
            None,
        ),
        (
            lambda s: s.get_state_validation_parameter("k"),
            "GET_STATE_METADATA",
            _Shim.GetStateMetadata(key="k"),
            _Shim.StateMetadataResult(
                entries=[
                    _Shim.StateMetadata(metakey="other", value=b"o"),
                    _Shim.StateMetadata(metakey="VALIDATION_PARAMETER", value=b"p"),
                ]
            ).SerializeToString(),
            b"p",
        ),
        (
            lambda s: s.get_private_data_validation_parameter("c", "k"),
            "GET_STATE_METADATA",
            _Shim.GetStateMetadata(key="k", collection="c"),
            b"",
            None,
        ),
    ],
)
async def test_read_is_one_message(
    bench: Bench, use: Use, kind: str, expected: Any, answer: bytes, result: object
) -> None:
    stub = await bench.begin()

    payload, value = await bench.exchange(use(stub), MessageType[kind], answer)

    assert type(expected).FromString(payload) == expected
    assert value == result


async def test_multiple_states_are_one_message_where_the_peer_offers_it(bench: Bench) -> None:
    stub = await bench.begin(keys=10)
    answer = _Shim.GetStateMultipleResult(values=[b"1", b""]).SerializeToString()

    payload, values = await bench.exchange(
        stub.get_multiple_states("a", "b"), MessageType.GET_STATE_MULTIPLE, answer
    )

    assert list(_Shim.GetStateMultiple.FromString(payload).keys) == ["a", "b"]
    assert values == [b"1", None]


async def test_multiple_states_are_split_at_the_peers_limit(bench: Bench) -> None:
    stub = await bench.begin(keys=2)
    task = asyncio.create_task(stub.get_multiple_private_data("c", "a", "b", "c", "d", "e"))
    asked = []
    for values in ([b"1", b"2"], [b"3", b"4"], [b"5"]):
        request = await bench.peer.expect(MessageType.GET_STATE_MULTIPLE)
        asked.append(list(_Shim.GetStateMultiple.FromString(request.payload).keys))
        bench.peer.answer(request, _Shim.GetStateMultipleResult(values=values).SerializeToString())

    assert await task == [b"1", b"2", b"3", b"4", b"5"]
    assert asked == [["a", "b"], ["c", "d"], ["e"]]


async def test_multiple_states_are_asked_singly_where_the_peer_offers_nothing(bench: Bench) -> None:
    stub = await bench.begin()
    task = asyncio.create_task(stub.get_multiple_states("a", "b"))
    for value in (b"1", b"2"):
        bench.peer.answer(await bench.peer.expect(MessageType.GET_STATE), value)

    assert await task == [b"1", b"2"]


async def test_multiple_states_of_no_keys_ask_nothing(bench: Bench) -> None:
    stub = await bench.begin(keys=10)

    assert await stub.get_multiple_states() == []


async def test_multiple_states_with_a_wrong_number_of_values_are_refused(bench: Bench) -> None:
    stub = await bench.begin(keys=10)
    task = asyncio.create_task(stub.get_multiple_states("a", "b"))
    bench.peer.answer(
        await bench.peer.expect(MessageType.GET_STATE_MULTIPLE),
        _Shim.GetStateMultipleResult(values=[b"1"]).SerializeToString(),
    )

    with pytest.raises(ProtocolError):
        await task


@pytest.mark.parametrize(
    "use",
    [
        lambda s: s.get_state(""),
        lambda s: s.put_state("", b"v"),
        lambda s: s.put_state("k\ud800", b"v"),
        lambda s: s.put_state("k", "text"),
        lambda s: s.del_state(""),
        lambda s: s.get_history_for_key(""),
        lambda s: s.get_private_data("", "k"),
        lambda s: s.put_private_data("", "k", b"v"),
        lambda s: s.purge_private_data("c", ""),
        lambda s: s.get_private_data_hash("", "k"),
        lambda s: s.get_state_by_range("\x00a", "b"),
        lambda s: s.get_state_by_range("a", "\x00b"),
        lambda s: s.get_private_data_by_range("c", "\x00a"),
        lambda s: s.get_state_by_range_with_pagination("", "", 0),
        lambda s: s.get_state_by_range_with_pagination("", "", 2**31),
        lambda s: s.get_query_result_with_pagination("{}", -1),
        lambda s: s.get_state_by_partial_composite_key("a\x00", []),
        lambda s: s.get_state_by_partial_composite_key("a", ["\U0010ffff"]),
    ],
)
async def test_what_a_peer_could_not_take_is_refused_before_it_is_asked(bench: Bench, use: Use) -> None:
    stub = await bench.begin()

    with pytest.raises(ModelError):
        await use(stub)
    assert await bench.peer.is_silent()


async def test_peer_error_names_the_request(bench: Bench) -> None:
    stub = await bench.begin()
    task = asyncio.create_task(stub.get_private_data("secret", "k"))
    bench.peer.refuse(await bench.peer.expect(MessageType.GET_STATE), "no read permission")

    with pytest.raises(PeerError, match="no read permission") as caught:
        await task
    assert caught.value.request == "GET_STATE"


async def test_value_longer_than_a_message_is_refused_and_the_stream_lives(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridledger.shim.peer_transaction.MAX_MESSAGE_BYTES", 1000)
    stub = await bench.begin()

    with pytest.raises(ModelError):
        await stub.put_state("k", bytes(1001))
    await bench.exchange(stub.put_state("k", b"v"), MessageType.PUT_STATE)


# --- order


async def test_requests_of_one_transaction_are_asked_one_after_the_other(bench: Bench) -> None:
    stub = await bench.begin()
    tasks = [asyncio.create_task(stub.get_state(f"k{index}")) for index in range(200)]
    for index in range(200):
        request = await bench.peer.expect(MessageType.GET_STATE)
        assert _Shim.GetState.FromString(request.payload).key == f"k{index}"
        if index % 50 == 0:
            assert await bench.peer.is_silent()
        bench.peer.answer(request, f"v{index}".encode())

    assert await asyncio.gather(*tasks) == [f"v{index}".encode() for index in range(200)]


async def test_request_cancelled_before_it_is_sent_is_left_out(bench: Bench) -> None:
    stub = await bench.begin()
    first, second, third = (asyncio.create_task(stub.get_state(key)) for key in "abc")
    request = await bench.peer.expect(MessageType.GET_STATE)
    second.cancel()
    await asyncio.sleep(0)
    bench.peer.answer(request, b"1")
    request = await bench.peer.expect(MessageType.GET_STATE)
    bench.peer.answer(request, b"3")

    assert _Shim.GetState.FromString(request.payload).key == "c"
    assert list(await asyncio.gather(first, third)) == [b"1", b"3"]


async def test_answer_of_a_cancelled_request_does_not_reach_the_next(bench: Bench) -> None:
    stub = await bench.begin()
    first = asyncio.create_task(stub.get_state("a"))
    request = await bench.peer.expect(MessageType.GET_STATE)
    first.cancel()
    second = asyncio.create_task(stub.get_state("b"))
    assert await bench.peer.is_silent()
    bench.peer.answer(request, b"of a")
    bench.peer.answer(await bench.peer.expect(MessageType.GET_STATE), b"of b")

    assert await second == b"of b"


async def test_stub_of_an_ended_transaction_asks_nothing(bench: Bench) -> None:
    stub = await bench.begin()
    bench.taker.done.set()
    await bench.peer.completed()

    with pytest.raises(TransactionClosed):
        await stub.get_state("k")
    assert await bench.peer.is_silent()


# --- queries


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        (lambda s: s.get_state_by_range(), _Shim.GetStateByRange(startKey="\x01")),
        (lambda s: s.get_state_by_range("a", "b"), _Shim.GetStateByRange(startKey="a", endKey="b")),
        (
            lambda s: s.get_private_data_by_range("c", "", "b"),
            _Shim.GetStateByRange(startKey="\x01", endKey="b", collection="c"),
        ),
        (
            lambda s: s.get_state_by_partial_composite_key("t", ["x"]),
            _Shim.GetStateByRange(startKey="\x00t\x00x\x00", endKey="\x00t\x00x\x00\U0010ffff"),
        ),
        (
            lambda s: s.get_private_data_by_partial_composite_key("c", "t"),
            _Shim.GetStateByRange(startKey="\x00t\x00", endKey="\x00t\x00\U0010ffff", collection="c"),
        ),
    ],
)
async def test_range_is_asked_as_the_official_shims_do(bench: Bench, use: Use, expected: Any) -> None:
    stub = await bench.begin()

    payload, iterator = await bench.exchange(use(stub), MessageType.GET_STATE_BY_RANGE, rows("a", "b"))

    assert _Shim.GetStateByRange.FromString(payload) == expected
    assert [(row.key, row.value, row.namespace) async for row in iterator] == [
        ("a", b"v", "cc"),
        ("b", b"v", "cc"),
    ]


@pytest.mark.parametrize(
    ("use", "start"),
    [
        (lambda s: s.get_state_by_range_with_pagination("", "z", 2, "bm"), "\x01"),
        (lambda s: s.get_state_by_partial_composite_key_with_pagination("t", [], 2, "bm"), "\x00t\x00"),
    ],
)
async def test_page_of_a_range_has_size_and_bookmark(bench: Bench, use: Use, start: str) -> None:
    stub = await bench.begin()

    payload, (iterator, metadata) = await bench.exchange(
        use(stub), MessageType.GET_STATE_BY_RANGE, rows("a", "b", bookmark="c")
    )

    asked = _Shim.GetStateByRange.FromString(payload)
    page = _Shim.QueryMetadata.FromString(asked.metadata)
    assert (asked.startKey, page.pageSize, page.bookmark) == (start, 2, "bm")
    assert [row.key async for row in iterator] == ["a", "b"]
    assert metadata == (2, "c")


async def test_rich_query_is_passed_through(bench: Bench) -> None:
    stub = await bench.begin()

    payload, _ = await bench.exchange(
        stub.get_private_data_query_result("c", "{}"), MessageType.GET_QUERY_RESULT, rows()
    )
    assert _Shim.GetQueryResult.FromString(payload) == _Shim.GetQueryResult(query="{}", collection="c")
    payload, (_, metadata) = await bench.exchange(
        stub.get_query_result_with_pagination("{}", 5),
        MessageType.GET_QUERY_RESULT,
        rows("a", bookmark="next"),
    )
    assert metadata.bookmark == "next"


async def test_iterator_fetches_further_pages_and_closes_itself(bench: Bench) -> None:
    stub = await bench.begin()
    _, iterator = await bench.exchange(
        stub.get_state_by_range(), MessageType.GET_STATE_BY_RANGE, rows("a", has_more=True)
    )

    async def collect() -> list[str]:
        return [row.key async for row in iterator]

    task = asyncio.create_task(collect())
    request = await bench.peer.expect(MessageType.QUERY_STATE_NEXT)
    bench.peer.answer(request, rows(has_more=True))
    request = await bench.peer.expect(MessageType.QUERY_STATE_NEXT)
    bench.peer.answer(request, rows("b"))

    assert _Shim.QueryStateNext.FromString(request.payload).id == "q1"
    assert await task == ["a", "b"]
    await iterator.close()
    assert await bench.peer.is_silent()


async def test_iterator_left_early_is_closed_at_the_peer(bench: Bench) -> None:
    stub = await bench.begin()
    _, iterator = await bench.exchange(
        stub.get_state_by_range(), MessageType.GET_STATE_BY_RANGE, rows("a", has_more=True)
    )

    async def leave() -> None:
        async with iterator:
            await anext(iterator)

    payload, _ = await bench.exchange(leave(), MessageType.QUERY_STATE_CLOSE)
    assert _Shim.QueryStateClose.FromString(payload).id == "q1"
    with pytest.raises(StopAsyncIteration):
        await anext(iterator)


async def test_iterator_over_garbage_is_refused(bench: Bench) -> None:
    stub = await bench.begin()
    answer = _Shim.QueryResponse(results=[_Shim.QueryResultBytes(resultBytes=b"\xff\xff")])
    _, iterator = await bench.exchange(
        stub.get_state_by_range(), MessageType.GET_STATE_BY_RANGE, answer.SerializeToString()
    )

    with pytest.raises(ProtocolError):
        await anext(iterator)


async def test_history_has_time_and_deletion(bench: Bench) -> None:
    stub = await bench.begin()
    change = kv_query_result_pb2.KeyModification(tx_id="t", is_delete=True)
    change.timestamp.seconds = 5
    answer = _Shim.QueryResponse(results=[_Shim.QueryResultBytes(resultBytes=change.SerializeToString())])

    payload, iterator = await bench.exchange(
        stub.get_history_for_key("k"), MessageType.GET_HISTORY_FOR_KEY, answer.SerializeToString()
    )

    assert _Shim.GetHistoryForKey.FromString(payload).key == "k"
    assert [row async for row in iterator] == [("t", b"", Timestamp(5, 0), True)]


# --- other chaincodes, events


@pytest.mark.parametrize(("channel", "name"), [("", "other"), ("ch2", "other/ch2")])
async def test_other_chaincode_is_called_with_bytes_and_text(bench: Bench, channel: str, name: str) -> None:
    stub = await bench.begin()
    inner = proposal_response_pb2.Response(status=409, message="no", payload=b"p").SerializeToString()
    answer = _Shim.ChaincodeMessage(type=MessageType.COMPLETED, payload=inner).SerializeToString()

    payload, response = await bench.exchange(
        stub.invoke_chaincode("other", ["fn", b"\xff"], channel), MessageType.INVOKE_CHAINCODE, answer
    )

    spec = chaincode_pb2.ChaincodeSpec.FromString(payload)
    assert spec.chaincode_id.name == name
    assert list(spec.input.args) == [b"fn", b"\xff"]
    assert response == Response(409, "no", b"p")


async def test_other_chaincode_that_failed_is_a_response(bench: Bench) -> None:
    stub = await bench.begin()
    answer = _Shim.ChaincodeMessage(type=MessageType.ERROR, payload=b"crashed").SerializeToString()

    _, response = await bench.exchange(
        stub.invoke_chaincode("other", []), MessageType.INVOKE_CHAINCODE, answer
    )

    assert response == Response(500, "crashed")


async def test_last_event_travels_with_the_answer(bench: Bench) -> None:
    stub = await bench.begin()
    stub.set_event("First", b"1")
    stub.set_event("Second", b"2")
    bench.taker.done.set()

    message = await bench.peer.expect(MessageType.COMPLETED)

    assert (message.chaincode_event.event_name, message.chaincode_event.payload) == ("Second", b"2")


async def test_event_without_a_name_is_refused(bench: Bench) -> None:
    stub = await bench.begin()

    with pytest.raises(ModelError):
        stub.set_event("")


# --- batches


async def test_batch_keeps_the_order_of_writes(bench: Bench) -> None:
    stub = await bench.begin(batch=100)
    stub.start_write_batch()
    await stub.put_state("a", b"1")
    await stub.del_state("b")
    await stub.put_private_data("c", "k", b"2")
    await stub.purge_private_data("c", "k")
    await stub.set_state_validation_parameter("a", b"p")
    await stub.put_state("a", b"3")
    silent = await bench.peer.is_silent()

    payload, _ = await bench.exchange(stub.finish_write_batch(), MessageType.WRITE_BATCH_STATE)

    records = _Shim.WriteBatchState.FromString(payload).rec
    assert silent
    assert [(one.type, one.collection, one.key, one.value) for one in records] == [
        (9, "", "a", b"1"),
        (10, "", "b", b""),
        (9, "c", "k", b"2"),
        (23, "c", "k", b""),
        (21, "", "a", b""),
        (9, "", "a", b"3"),
    ]
    assert (records[4].metadata.metakey, records[4].metadata.value) == ("VALIDATION_PARAMETER", b"p")


async def test_batch_is_split_at_the_peers_limit(bench: Bench) -> None:
    stub = await bench.begin(batch=2)
    stub.start_write_batch()
    for index in range(5):
        await stub.put_state(f"k{index}", b"v")
    task = asyncio.create_task(stub.finish_write_batch())
    sizes = []
    for _ in range(3):
        request = await bench.peer.expect(MessageType.WRITE_BATCH_STATE)
        sizes.append(len(_Shim.WriteBatchState.FromString(request.payload).rec))
        bench.peer.answer(request)
    await task

    assert sizes == [2, 2, 1]


async def test_batch_is_split_before_it_grows_too_long(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridledger.shim.write_batch.MAX_BATCH_BYTES", 250)
    stub = await bench.begin(batch=1000)
    stub.start_write_batch()
    for size in (100, 100, 100, 400, 10):
        await stub.put_state("k", bytes(size))
    task = asyncio.create_task(stub.finish_write_batch())
    sizes = []
    for _ in range(4):
        request = await bench.peer.expect(MessageType.WRITE_BATCH_STATE)
        sizes.append([len(one.value) for one in _Shim.WriteBatchState.FromString(request.payload).rec])
        bench.peer.answer(request)
    await task

    assert sizes == [[100, 100], [100], [400], [10]]


async def test_batch_without_an_offer_of_the_peer_writes_at_once(bench: Bench) -> None:
    stub = await bench.begin()
    stub.start_write_batch()

    await bench.exchange(stub.put_state("k", b"v"), MessageType.PUT_STATE)
    await stub.finish_write_batch()
    assert await bench.peer.is_silent()


async def test_batch_that_is_empty_sends_nothing(bench: Bench) -> None:
    stub = await bench.begin(batch=10)
    stub.start_write_batch()
    await stub.finish_write_batch()

    assert await bench.peer.is_silent()


async def test_writes_forbidden_name_the_query(bench: Bench) -> None:
    stub = await bench.begin()
    stub.forbid_writes("readings:GetReading")

    for write in (
        stub.put_state("k", b"v"),
        stub.del_state("k"),
        stub.purge_private_data("c", "k"),
        stub.set_state_validation_parameter("k", b""),
    ):
        with pytest.raises(WriteInQuery, match="readings:GetReading"):
            await write
    with pytest.raises(WriteInQuery):
        stub.set_event("E")
    assert await bench.peer.is_silent()
