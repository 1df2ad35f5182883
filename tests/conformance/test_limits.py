"""What is too large for a block, and who may ask for blocks."""

from __future__ import annotations

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2
from tests.conformance.caller import CHANNEL, Caller
from tests.conformance.probe.steps import do
from tests.prerequisites import meaningless

from gridledger.client import SubmitError
from gridledger.network import World

OVER_A_BLOCK = 34 * 1024 * 1024
DELIVER = "/protos.Deliver/DeliverFiltered"


async def test_transaction_larger_than_a_block_is_refused_by_ordering(
    world: World, org1: Caller, key: str
) -> None:
    if world is World.ATTACHED:
        meaningless(world, "how large a block may be is its operators' rule")
    height = await org1.height()
    transaction = await org1.propose(do.put_zeros(key, OVER_A_BLOCK)).endorse(timeout=60)

    with pytest.raises(SubmitError):
        await transaction.submit(timeout=60)

    assert await org1.ordered_since(height) == []
    assert await org1.evaluate(do.get_state(key)) is None


async def test_method_that_does_not_exist_is_unimplemented(org1: Caller) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await org1.wire.raw_unary("/gateway.Gateway/Nothing", b"")

    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_seek_of_the_newest_block_gives_it(org1: Caller, key: str) -> None:
    committed = await org1.transact(do.put_state(key, b"1"))
    newest = ab_pb2.SeekPosition(newest=ab_pb2.SeekNewest())

    numbers, status = await org1.wire.deliver(DELIVER, org1.wire.seek(org1.signer, CHANNEL, newest, newest))

    assert len(numbers) == 1
    assert numbers[0] >= committed.block_number
    assert status == common_pb2.SUCCESS


async def test_seek_from_the_oldest_block_gives_the_first_ones(org1: Caller) -> None:
    oldest = ab_pb2.SeekPosition(oldest=ab_pb2.SeekOldest())
    third = ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=2))

    numbers, status = await org1.wire.deliver(DELIVER, org1.wire.seek(org1.signer, CHANNEL, oldest, third))

    assert (numbers, status) == ([0, 1, 2], common_pb2.SUCCESS)


async def test_seek_of_a_block_to_come_that_must_not_wait_is_not_found(org1: Caller) -> None:
    far = ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=2**40))
    envelope = org1.wire.seek(
        org1.signer, CHANNEL, far, far, behavior=ab_pb2.SeekInfo.SeekBehavior.FAIL_IF_NOT_READY
    )

    assert await org1.wire.deliver(DELIVER, envelope) == ([], common_pb2.NOT_FOUND)
