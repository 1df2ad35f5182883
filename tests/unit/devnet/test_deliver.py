"""Delivery: which blocks, when, to whom, and what of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import events_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.devnet.contract import NAMESPACE, keeper
from tests.unit.devnet.kit import Net
from tests.unit.devnet.messages import CHANNEL, PEER, collection, policy_bytes

from gridledger.network.devnet.block import Signer
from gridledger.network.devnet.deliver import DeliverService, Render

Status = common_pb2.Status
_OLDEST = ab_pb2.SeekPosition(oldest=ab_pb2.SeekOldest())
_NEWEST = ab_pb2.SeekPosition(newest=ab_pb2.SeekNewest())
_NEXT = ab_pb2.SeekPosition(next_commit=ab_pb2.SeekNextCommit())
_FAIL = ab_pb2.SeekInfo.SeekBehavior.FAIL_IF_NOT_READY


def _at(number: int) -> ab_pb2.SeekPosition:
    return ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=number))


def _envelope(
    signer: Signer, seek: bytes, *, channel: str = CHANNEL, seconds: float | None = None, **spoil: bytes
) -> bytes:
    header = common_pb2.ChannelHeader(type=common_pb2.HeaderType.DELIVER_SEEK_INFO, channel_id=channel)
    header.timestamp.FromNanoseconds(int((time.time() if seconds is None else seconds) * 1e9))
    payload = common_pb2.Payload(
        header=common_pb2.Header(
            channel_header=header.SerializeToString(),
            signature_header=common_pb2.SignatureHeader(creator=signer.identity).SerializeToString(),
        ),
        data=seek,
    ).SerializeToString()
    payload = spoil.get("payload", payload)
    signature = spoil.get("signature", signer.sign(payload))
    return bytes(common_pb2.Envelope(payload=payload, signature=signature).SerializeToString())


def _seek(start: ab_pb2.SeekPosition, stop: ab_pb2.SeekPosition, **options: Any) -> bytes:
    return bytes(ab_pb2.SeekInfo(start=start, stop=stop, **options).SerializeToString())


def _stream(
    net: Net, envelope: bytes, render: Render = DeliverService.block, msp_id: str = "Org1MSP"
) -> AsyncIterator[events_pb2.DeliverResponse]:
    return net.delivers[msp_id].deliver(envelope, render)


async def _all(
    net: Net, envelope: bytes, render: Render = DeliverService.block, msp_id: str = "Org1MSP"
) -> list[events_pb2.DeliverResponse]:
    return [response async for response in _stream(net, envelope, render, msp_id)]


async def _numbers(net: Net, seek: bytes) -> tuple[list[int], int]:
    """Return the blocks' numbers and the status at the end."""
    *blocks, last = await _all(net, _envelope(net.user(), seek))
    return [each.block.header.number for each in blocks], last.status


@pytest.mark.parametrize(
    ("start", "stop", "numbers"),
    [
        (_OLDEST, _at(2), [0, 1, 2]),
        (_at(1), _at(1), [1]),
        (_OLDEST, _OLDEST, [0]),
        (_NEWEST, _NEWEST, [5]),
        (_at(4), _NEWEST, [4, 5]),
    ],
)
async def test_blocks_that_are_there_come_in_order(
    deployed: Net, start: ab_pb2.SeekPosition, stop: ab_pb2.SeekPosition, numbers: list[int]
) -> None:
    for _ in range(6 - deployed.ledger.height):
        await deployed.invoke(deployed.user(), NAMESPACE, b"put", b"a", b"1")
    assert deployed.ledger.height == 6
    assert await _numbers(deployed, _seek(start, stop)) == (numbers, Status.SUCCESS)


async def test_chain_of_delivered_blocks_is_unbroken(deployed: Net) -> None:
    *blocks, _ = await _all(deployed, _envelope(deployed.user(), _seek(_OLDEST, _NEWEST)))
    assert len(blocks) == deployed.ledger.height
    for earlier, later in pairwise(blocks):
        number = earlier.block.header.number
        with deployed.ledger.snapshot() as snapshot:
            assert snapshot.block_hash(number) == later.block.header.previous_hash


async def test_who_waits_gets_the_block_when_it_comes(deployed: Net) -> None:
    height = deployed.ledger.height
    seek = _seek(_NEXT, _at(height))
    waiting = asyncio.create_task(_all(deployed, _envelope(deployed.user(), seek)))
    await asyncio.sleep(0)
    assert not waiting.done()
    await deployed.invoke(deployed.user(), NAMESPACE, b"put", b"a", b"1")
    block, end = await waiting
    assert (block.block.header.number, end.status) == (height, Status.SUCCESS)


async def test_who_does_not_want_to_wait_is_told_what_is_missing(deployed: Net) -> None:
    newest = deployed.ledger.height - 1
    seek = _seek(_at(newest), _at(newest + 1), behavior=_FAIL)
    assert await _numbers(deployed, seek) == ([newest], Status.NOT_FOUND)


@pytest.mark.parametrize(
    ("seek", "status"),
    [
        (_seek(_at(2), _at(1)), Status.BAD_REQUEST),
        (b"\xff", Status.BAD_REQUEST),
        (b"", Status.BAD_REQUEST),
        (ab_pb2.SeekInfo(start=_OLDEST).SerializeToString(), Status.BAD_REQUEST),
        (_seek(ab_pb2.SeekPosition(), _OLDEST), Status.NOT_FOUND),
    ],
)
async def test_positions_that_make_no_sense_are_refused(net: Net, seek: bytes, status: int) -> None:
    assert await _numbers(net, seek) == ([], status)


async def test_request_with_a_wrong_envelope_is_refused(net: Net) -> None:
    user, seek = net.user(), _seek(_OLDEST, _OLDEST)
    stranger = Signer(b"\x0a\x07Org9MSP\x12\x00", user._key)
    cases = [
        (_envelope(user, seek, channel="other"), Status.NOT_FOUND),
        (_envelope(user, seek, seconds=time.time() - 16 * 60), Status.BAD_REQUEST),
        (_envelope(user, seek, seconds=0), Status.BAD_REQUEST),
        (_envelope(user, seek, payload=b"\xff"), Status.BAD_REQUEST),
        (_envelope(user, seek, payload=b""), Status.BAD_REQUEST),
        (_envelope(user, seek, signature=b""), Status.FORBIDDEN),
        (_envelope(user, seek, signature=net.user(2).sign(b"")), Status.FORBIDDEN),
        (_envelope(stranger, seek), Status.FORBIDDEN),
        (b"\xff", Status.BAD_REQUEST),
        (b"", Status.BAD_REQUEST),
    ]
    for envelope, status in cases:
        assert [each.status for each in await _all(net, envelope)] == [status]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(data=st.binary(max_size=300))
def test_garbage_is_answered_with_a_status(net: Net, data: bytes) -> None:
    async def first() -> events_pb2.DeliverResponse:
        return await anext(_stream(net, data))

    step = first()
    with pytest.raises(StopIteration) as stopped:
        step.send(None)
    assert stopped.value.value.status in (Status.BAD_REQUEST, Status.NOT_FOUND, Status.FORBIDDEN)


async def test_filtered_block_has_ids_and_codes_and_no_payload(deployed: Net) -> None:
    await deployed.invoke(deployed.user(), NAMESPACE, b"put", b"key-to-look-for", b"value")
    envelope = _envelope(deployed.user(), _seek(_NEWEST, _NEWEST))
    response, _ = await _all(deployed, envelope, DeliverService.filtered_block)
    entry = response.filtered_block.filtered_transactions[0]
    assert (response.filtered_block.channel_id, entry.tx_validation_code) == (CHANNEL, 0)
    assert len(entry.txid) == 64
    assert b"key-to-look-for" not in response.SerializeToString()


async def test_header_alone_is_delivered_where_it_is_asked_for(deployed: Net) -> None:
    kind = ab_pb2.SeekInfo.SeekContentType.HEADER_WITH_SIG
    seek = _seek(_at(1), _at(1), content_type=kind)
    response, _ = await _all(deployed, _envelope(deployed.user(), seek))
    assert response.block.header.number == 1
    assert not response.block.data.data
    assert response.block.metadata.metadata[0]


async def test_private_data_comes_from_members_and_goes_to_members(net: Net) -> None:
    collections = [
        collection("mine", "Org1MSP"),
        collection("closed", "Org1MSP", "Org2MSP", member_only=True),
    ]
    either = policy_bytes(1, ("Org1MSP", PEER), ("Org2MSP", PEER))
    await net.deploy(NAMESPACE, keeper, policy=either, collections=collections)
    await net.invoke(net.user(), NAMESPACE, b"put private", b"mine", b"k", b"v", organisations=["Org1MSP"])
    envelope = _envelope(net.user(2), _seek(_NEWEST, _NEWEST))
    for msp_id, found in (("Org1MSP", ["mine"]), ("Org2MSP", [])):
        response, _ = await _all(net, envelope, DeliverService.block_and_private_data, msp_id)
        sets = response.block_and_private_data.private_data_map
        names = [
            each.collection_name
            for part in sets.values()
            for namespace in part.ns_pvt_rwset
            for each in namespace.collection_pvt_rwset
        ]
        assert names == found
        assert response.block_and_private_data.block.header.number == net.ledger.height - 1


async def test_private_data_of_a_closed_collection_is_for_its_members_clients(net: Net) -> None:
    collections = [collection("closed", "Org1MSP", member_only=True)]
    either = policy_bytes(1, ("Org1MSP", PEER), ("Org2MSP", PEER))
    await net.deploy(NAMESPACE, keeper, policy=either, collections=collections)
    await net.invoke(net.user(), NAMESPACE, b"put private", b"closed", b"k", b"v", organisations=["Org1MSP"])
    for number, count in ((1, 1), (2, 0)):
        envelope = _envelope(net.user(number), _seek(_NEWEST, _NEWEST))
        response, _ = await _all(net, envelope, DeliverService.block_and_private_data)
        assert len(response.block_and_private_data.private_data_map) == count
