"""What benchmarks of the exchange share: a scene on a network of its own, and what conflicted there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from fabric_protos.common import common_pb2
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from fabric_protos.peer import proposal_pb2, proposal_response_pb2, transaction_pb2
from tests.bench.ground import BOTH, Ground
from tests.integration.exchange import CHAINCODE, opened_scene

from gridledger.client import Network as Channel
from gridledger.exchange.demo.opening import FUNCTION
from gridledger.exchange.demo.scene import APPLICATION, Scene
from gridledger.model.catalogue import Selector
from gridledger.shim.context import TIME_MARK

__all__ = ["Conflicts", "at_most", "conflicts_between", "exchange", "transactions_between", "two_fields"]

T = TypeVar("T")
Version = tuple[int, int]


@asynccontextmanager
async def exchange(ground: Ground) -> AsyncIterator[Scene]:
    """Deploy the contracts, and give the demo's scene after its opening acts, with its owners' servers."""
    await asyncio.to_thread(ground.network.deploy, CHAINCODE, "gridledger.chaincode:GridLedger", policy=BOTH)
    async with opened_scene(ground.network, ground.folder / "scene") as scene:
        yield scene


async def two_fields(scene: Scene) -> tuple[Selector, ...]:
    """Return one field each of two systems: the smallest query that there is."""
    rule = await scene.cast[APPLICATION].ledger.rule(scene.systems[APPLICATION], FUNCTION)
    first = {selector.system: selector for selector in reversed(rule.selectors)}
    return tuple(sorted(first.values(), key=str)[:2])


async def at_most(limit: int, calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Make all calls, so many at the same time, and return their results in order."""
    gate = asyncio.Semaphore(limit)

    async def one(call: Callable[[], Awaitable[T]]) -> T:
        async with gate:
            return await call()

    return list(await asyncio.gather(*(one(call) for call in calls)))


@dataclass(frozen=True, kw_only=True)
class Conflicts:
    """Transactions that lost a race."""

    of_the_mark: int
    """They read a time mark that was renewed before they were ordered."""
    others: int


async def conflicts_between(channel: Channel, first: int, last: int) -> Conflicts:
    """Look at blocks from `first` to `last`, and say why transactions in them conflicted."""
    mark: Version = (-1, 0)
    of_the_mark = others = 0
    for number in range(first, last + 1):
        block = await channel.block(number)
        before = mark
        for index, transaction in enumerate(block.transactions):
            if transaction.validation_code.is_conflict:
                read = _mark_that_was_read(transaction.envelope)
                if read is not None and read < max(before, mark):
                    of_the_mark += 1
                else:
                    others += 1
            elif transaction.validation_code == 0 and _writes_the_mark(transaction.envelope):
                mark = (number, index)
    return Conflicts(of_the_mark=of_the_mark, others=others)


async def transactions_between(channel: Channel, first: int, last: int) -> int:
    """Count the transactions in blocks from `first` to `last`, but for those that renew the time mark."""
    count = 0
    for number in range(first, last + 1):
        block = await channel.block(number)
        count += sum(not _writes_the_mark(one.envelope) for one in block.transactions)
    return count


def _key_sets(envelope: bytes) -> list[kv_rwset_pb2.KVRWSet]:
    payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(envelope).payload)
    header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
    if header.type != common_pb2.HeaderType.ENDORSER_TRANSACTION:
        return []
    sets: list[kv_rwset_pb2.KVRWSet] = []
    for action in transaction_pb2.Transaction.FromString(payload.data).actions:
        endorsed = transaction_pb2.ChaincodeActionPayload.FromString(action.payload).action
        response = proposal_response_pb2.ProposalResponsePayload.FromString(
            endorsed.proposal_response_payload
        )
        results = proposal_pb2.ChaincodeAction.FromString(response.extension).results
        namespaces = rwset_pb2.TxReadWriteSet.FromString(results).ns_rwset
        sets.extend(kv_rwset_pb2.KVRWSet.FromString(one.rwset) for one in namespaces)
    return sets


def _mark_that_was_read(envelope: bytes) -> Version | None:
    for one in _key_sets(envelope):
        for read in one.reads:
            if read.key == TIME_MARK.to_text():
                return read.version.block_num, read.version.tx_num
    return None


def _writes_the_mark(envelope: bytes) -> bool:
    return any(write.key == TIME_MARK.to_text() for one in _key_sets(envelope) for write in one.writes)
