"""Streams of events: where they start, what they leave out, and how they go on after a break."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import chaincode_event_pb2, events_pb2
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.client.fakes import (
    NO_RETRY,
    SIGNER,
    FakeStream,
    FakeTransport,
    evaluate_error,
    make_gateway,
    make_network,
    rpc,
)
from tests.unit.client.jumping_clock import run

from gridledger.client import (
    BlockEventsRequest,
    EvaluateError,
    Events,
    EventsError,
    InMemoryCheckpoint,
    Position,
    PrivateWrite,
    RetryPolicy,
    ValidationCode,
)
from gridledger.model.errors import ConfigError, ModelError


def height(number: int) -> Any:
    """Return a gateway whose chain is so high."""
    info = ledger_pb2.BlockchainInfo(height=number)
    return FakeTransport(lambda function, arguments: info.SerializeToString())


def events_of(block: int, *tx_ids: str) -> Any:
    events = [
        chaincode_event_pb2.ChaincodeEvent(
            chaincode_id="gridledger", tx_id=tx_id, event_name="E", payload=b"p"
        )
        for tx_id in tx_ids
    ]
    return gateway_pb2.ChaincodeEventsResponse(block_number=block, events=events)


def block(number: int) -> Any:
    return events_pb2.DeliverResponse(
        block=common_pb2.Block(header=common_pb2.BlockHeader(number=number), data=common_pb2.BlockData())
    )


def status(code: int) -> Any:
    return events_pb2.DeliverResponse(status=code)


def broken(grpc_status: str = "UNAVAILABLE") -> Exception:
    return rpc(EventsError, grpc_status)


def starts(transport: FakeTransport) -> list[int | None]:
    """Return the first blocks that were asked for."""
    found: list[int | None] = []
    for kind, request in transport.opened:
        if kind == "chaincode_events":
            position = gateway_pb2.ChaincodeEventsRequest.FromString(request.request).start_position
        else:
            payload = common_pb2.Payload.FromString(request.payload)
            position = ab_pb2.SeekInfo.FromString(payload.data).start
        found.append(position.specified.number if position.WhichOneof("Type") == "specified" else None)
    return found


async def take(events: Events[Any], count: int) -> list[Any]:
    found = []
    async with events:
        async for event in events:
            found.append(event)
            if len(found) == count:
                break
    return found


def test_events_come_in_order_with_their_place() -> None:
    transport = FakeTransport()
    transport.streams.append(FakeStream([events_of(2, "a", "b"), events_of(5, "c")]))
    found = run(take(make_network(transport).chaincode_events(start_block=2), 3))
    assert [(event.block_number, event.tx_id) for event in found] == [(2, "a"), (2, "b"), (5, "c")]
    assert (found[0].chaincode, found[0].name, found[0].payload) == ("gridledger", "E", b"p")
    assert starts(transport) == [2]


def test_events_from_now_on_start_at_the_height_when_the_stream_is_opened() -> None:
    transport = height(7)
    transport.streams.append(FakeStream([events_of(7, "a")]))
    assert len(run(take(make_network(transport).chaincode_events(), 1))) == 1
    assert starts(transport) == [7]


def test_events_from_now_on_need_the_height() -> None:
    transport = FakeTransport()
    transport.fail("evaluate", evaluate_error("UNAVAILABLE"))
    with pytest.raises(EvaluateError):
        run(take(make_network(transport).chaincode_events(), 1))


def test_checkpoint_decides_where_to_start_and_what_to_leave_out() -> None:
    transport = FakeTransport()
    transport.streams.append(FakeStream([events_of(4, "a", "b", "c"), events_of(5, "d")]))
    checkpoint = InMemoryCheckpoint(Position(4, frozenset({"a", "c"})))
    found = run(take(make_network(transport).chaincode_events(start_block=0, checkpoint=checkpoint), 2))
    assert [event.tx_id for event in found] == ["b", "d"]
    assert starts(transport) == [4]
    assert checkpoint.position == Position(4, frozenset({"a", "c"}))


def test_empty_checkpoint_leaves_the_start_to_the_caller() -> None:
    transport = FakeTransport()
    transport.streams.append(FakeStream([events_of(3, "a")]))
    run(take(make_network(transport).chaincode_events(start_block=3, checkpoint=InMemoryCheckpoint()), 1))
    assert starts(transport) == [3]


@pytest.mark.parametrize("grpc_status", ["UNAVAILABLE", "CANCELLED", "INTERNAL", "UNKNOWN", "ABORTED"])
def test_broken_stream_goes_on_where_it_stood_and_repeats_nothing(grpc_status: str) -> None:
    transport = FakeTransport()
    transport.streams.append(FakeStream([events_of(2, "a", "b"), broken(grpc_status)]))
    transport.streams.append(FakeStream([broken()]))
    transport.streams.append(FakeStream([events_of(2, "a", "b", "c"), events_of(3, "d")]))
    found = run(take(make_network(transport).chaincode_events(start_block=0), 4))
    assert [event.tx_id for event in found] == ["a", "b", "c", "d"]
    assert starts(transport) == [0, 2, 2]


def test_stream_that_the_peer_ends_is_opened_again() -> None:
    transport = FakeTransport()
    ending = FakeStream([block(0)])
    transport.streams.append(ending)
    transport.streams.append(FakeStream([block(1)]))

    async def go() -> list[int]:
        found = []
        async with make_network(transport).block_events(start_block=0) as events:
            found.append((await anext(events)).number)
            ending.cancel()
            found.append((await anext(events)).number)
        return found

    assert run(go()) == [0, 1]
    assert starts(transport) == [0, 1]


@pytest.mark.parametrize(
    "grpc_status", ["PERMISSION_DENIED", "NOT_FOUND", "INVALID_ARGUMENT", "UNAUTHENTICATED", "UNIMPLEMENTED"]
)
def test_refused_stream_is_an_error_at_once(grpc_status: str) -> None:
    transport = FakeTransport()
    transport.streams.append(FakeStream([broken(grpc_status)]))
    with pytest.raises(EventsError) as caught:
        run(take(make_network(transport).chaincode_events(start_block=0), 1))
    assert caught.value.grpc_status == grpc_status
    assert len(transport.opened) == 1


def test_stream_that_stays_broken_is_given_up_after_a_bounded_number_of_attempts() -> None:
    transport = FakeTransport()
    transport.streams.extend(FakeStream([broken()]) for _ in range(100))
    with pytest.raises(EventsError):
        run(take(make_network(transport).chaincode_events(start_block=0), 1))
    assert len(transport.opened) == 1 + RetryPolicy().streams.attempts


def test_attempts_are_counted_anew_after_every_message() -> None:
    transport = FakeTransport()
    for number in range(30):
        transport.streams.append(FakeStream([block(number), broken()]))
    assert len(run(take(make_network(transport).block_events(start_block=0), 30))) == 30


def test_close_ends_the_waiting_of_another_task() -> None:
    async def go() -> list[Any]:
        events = make_network(FakeTransport()).chaincode_events(start_block=0)

        async def read() -> list[Any]:
            return [event async for event in events]

        reading = asyncio.ensure_future(read())
        await asyncio.sleep(1)
        await events.close()
        return await reading

    assert run(go()) == []


def test_close_ends_the_waiting_between_two_attempts() -> None:
    async def go() -> Any:
        transport = FakeTransport()
        transport.streams.append(FakeStream([broken()]))
        events = make_network(transport).chaincode_events(start_block=0)
        reading = asyncio.ensure_future(anext(events, "end"))
        await asyncio.sleep(0.01)
        await events.close()
        return await reading

    assert run(go()) == "end"


def test_stream_is_cancelled_when_the_reader_leaves() -> None:
    transport = FakeTransport()
    stream = FakeStream([block(0), block(1)])
    transport.streams.append(stream)
    run(take(make_network(transport).block_events(start_block=0), 1))
    assert stream._cancelled.is_set()


def test_blocks_end_at_the_stop_block() -> None:
    transport = FakeTransport()
    transport.streams.append(FakeStream([block(0), block(1), status(common_pb2.Status.SUCCESS)]))

    async def go() -> list[int]:
        async with make_network(transport).block_events(start_block=0, stop_block=1) as events:
            return [one.number async for one in events]

    assert run(go()) == [0, 1]
    payload = common_pb2.Payload.FromString(transport.opened[0][1].payload)
    assert ab_pb2.SeekInfo.FromString(payload.data).stop.specified.number == 1


@pytest.mark.parametrize("code", [403, 404, 400, 500, 999])
def test_status_in_the_stream_is_an_error(code: int) -> None:
    transport = FakeTransport()
    transport.streams.append(FakeStream([status(code)]))
    with pytest.raises(EventsError, match="status"):
        run(take(make_network(transport).block_events(start_block=0), 1))
    assert len(transport.opened) == 1


def test_unavailable_status_in_the_stream_is_worth_another_attempt() -> None:
    transport = FakeTransport()
    transport.streams.append(FakeStream([status(common_pb2.Status.SERVICE_UNAVAILABLE)]))
    transport.streams.append(FakeStream([block(0)]))
    assert len(run(take(make_network(transport).block_events(start_block=0), 1))) == 1


def test_message_of_another_kind_is_an_error() -> None:
    transport = FakeTransport()
    transport.streams.append(
        FakeStream([events_pb2.DeliverResponse(filtered_block=events_pb2.FilteredBlock())])
    )
    with pytest.raises(EventsError, match="filtered_block"):
        run(take(make_network(transport).block_events(start_block=0), 1))


def test_filtered_blocks_say_how_transactions_ended() -> None:
    event = chaincode_event_pb2.ChaincodeEvent(chaincode_id="c", tx_id="t", event_name="E")
    action = events_pb2.FilteredChaincodeAction(chaincode_event=event)
    transaction = events_pb2.FilteredTransaction(
        txid="t",
        tx_validation_code=11,
        transaction_actions=events_pb2.FilteredTransactionActions(chaincode_actions=[action]),
    )
    message = events_pb2.FilteredBlock(channel_id="energy", number=3, filtered_transactions=[transaction])
    transport = FakeTransport()
    transport.streams.append(FakeStream([events_pb2.DeliverResponse(filtered_block=message)]))
    (found,) = run(take(make_network(transport).filtered_block_events(start_block=3), 1))
    assert (found.channel, found.number) == ("energy", 3)
    assert found.transactions[0].validation_code is ValidationCode.MVCC_READ_CONFLICT
    assert found.transactions[0].events[0].name == "E"
    assert found.transactions[0].events[0].block_number == 3
    assert transport.opened[0][0] == "DeliverFiltered"


def private_message(rwset: bytes) -> Any:
    collection = rwset_pb2.CollectionPvtReadWriteSet(collection_name="prices", rwset=rwset)
    namespace = rwset_pb2.NsPvtReadWriteSet(namespace="gridledger", collection_pvt_rwset=[collection])
    message = events_pb2.BlockAndPrivateData(block=block(4).block)
    message.private_data_map[1].CopyFrom(rwset_pb2.TxPvtReadWriteSet(ns_pvt_rwset=[namespace]))
    return events_pb2.DeliverResponse(block_and_private_data=message)


def test_private_data_comes_with_its_block() -> None:
    writes = kv_rwset_pb2.KVRWSet(writes=[kv_rwset_pb2.KVWrite(key="k", value=b"SECRET")])
    transport = FakeTransport()
    transport.streams.append(FakeStream([private_message(writes.SerializeToString())]))
    (found,) = run(take(make_network(transport).block_and_private_data_events(start_block=4), 1))
    assert found.block.number == 4
    write = PrivateWrite(
        chaincode="gridledger", collection="prices", key="k", value=b"SECRET", is_delete=False
    )
    assert found.private_writes == {1: (write,)}
    assert "SECRET" not in repr(found)


def test_private_data_that_cannot_be_read_is_an_error() -> None:
    transport = FakeTransport()
    transport.streams.append(FakeStream([private_message(b"\xff\xff")]))
    with pytest.raises(ModelError):
        run(take(make_network(transport).block_and_private_data_events(start_block=4), 1))


OFFLINE = [
    ("block_events_request", "new_signed_block_events_request", "new_block_events_request"),
    (
        "filtered_block_events_request",
        "new_signed_filtered_block_events_request",
        "new_filtered_block_events_request",
    ),
    (
        "block_and_private_data_events_request",
        "new_signed_block_and_private_data_events_request",
        "new_block_and_private_data_events_request",
    ),
    ("chaincode_events_request", "new_signed_chaincode_events_request", "new_chaincode_events_request"),
]


@pytest.mark.parametrize(("make", "sign", "read"), OFFLINE)
def test_requests_can_be_signed_elsewhere(make: str, sign: str, read: str) -> None:
    transport = FakeTransport()
    offline = make_gateway(transport, signer=None)
    request = getattr(offline.network(), make)(start_block=6)
    signature = SIGNER.sign(request.digest)
    signed = getattr(offline, sign)(request.to_bytes(), signature)
    assert signed.start_position == Position(6)

    async def open_both() -> None:
        await signed.open(None)
        with pytest.raises(ConfigError):
            await getattr(offline, read)(request.to_bytes()).open(None)
        await getattr(make_gateway(transport), read)(request.to_bytes()).open(None)

    run(open_both())
    assert transport.opened[0][1].signature == signature
    assert transport.opened[1][1].signature
    with pytest.raises(ModelError):
        getattr(offline, read)(b"\xff\xff")


def test_request_signed_elsewhere_is_sent_again_as_it_is_and_repeats_nothing() -> None:
    transport = FakeTransport()
    transport.streams.append(FakeStream([events_of(2, "a"), broken()]))
    transport.streams.append(FakeStream([events_of(2, "a"), events_of(3, "b")]))
    offline = make_gateway(transport, signer=None)
    request = offline.network().chaincode_events_request(start_block=1)
    signed = offline.new_signed_chaincode_events_request(request.to_bytes(), SIGNER.sign(request.digest))
    found = run(take(signed.events(), 2))
    assert [event.tx_id for event in found] == ["a", "b"]
    assert starts(transport) == [1, 1]


def test_request_signed_elsewhere_from_now_on_is_not_opened_again() -> None:
    transport = FakeTransport()
    transport.streams.append(FakeStream([broken()]))
    offline = make_gateway(transport, signer=None)
    request = offline.network().chaincode_events_request()
    signed = offline.new_signed_chaincode_events_request(request.to_bytes(), SIGNER.sign(request.digest))
    with pytest.raises(EventsError):
        run(take(signed.events(), 1))
    assert starts(transport) == [None]


def test_no_attempts_means_none() -> None:
    transport = FakeTransport()
    transport.streams.append(FakeStream([broken()]))
    with pytest.raises(EventsError):
        run(take(make_network(transport, retry=NO_RETRY).chaincode_events(start_block=0), 1))
    assert len(transport.opened) == 1


@given(st.binary(max_size=200))
def test_bytes_that_are_no_request_are_refused(data: bytes) -> None:
    gateway = make_gateway(FakeTransport())
    for read in (gateway.new_block_events_request, gateway.new_chaincode_events_request):
        with pytest.raises(ModelError):
            read(data)


def test_envelope_of_a_transaction_is_no_request_for_blocks() -> None:
    header = common_pb2.ChannelHeader(type=common_pb2.HeaderType.ENDORSER_TRANSACTION, channel_id="energy")
    payload = common_pb2.Payload(header=common_pb2.Header(channel_header=header.SerializeToString()))
    envelope = common_pb2.Envelope(payload=payload.SerializeToString())
    with pytest.raises(ModelError):
        BlockEventsRequest.from_bytes(make_gateway(FakeTransport())._session, envelope.SerializeToString())
