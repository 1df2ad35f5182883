"""One transaction id commits once, however often it is sent."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from fabric_protos.common import common_pb2
from tests.conformance.caller import Caller
from tests.conformance.probe.steps import do
from tests.conformance.wire import ProposalParts, sign_envelope

from gridledger.client import EndorseError, EvaluateError, ValidationCode

VALID = ValidationCode.VALID


async def valid_ids(caller: Caller, first_block: int) -> list[str]:
    """Return the ids of all valid transactions from a block on, in order."""
    found: list[str] = []
    for number in range(first_block, await caller.height()):
        block = await caller.block(number)
        codes = block.metadata.metadata[common_pb2.BlockMetadataIndex.TRANSACTIONS_FILTER]
        for data, code in zip(block.data.data, codes, strict=True):
            payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(data).payload)
            header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
            if code == VALID:
                found.append(header.tx_id)
    return found


async def send(caller: Caller, parts: ProposalParts, envelope: common_pb2.Envelope) -> bool:
    """Send an envelope once; tell whether the ordering service took it."""
    try:
        await caller.wire.submit(parts, envelope)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            raise
        # The gateway counts "request already processed" as a failure.
        return False
    return True


async def test_same_envelope_five_times_at_once_commits_once(org1: Caller, key: str) -> None:
    start = await org1.height()
    parts = org1.parts(do.add(key, 1))
    envelope = sign_envelope(await org1.wire.endorse(parts), org1.signer)

    await asyncio.gather(*(send(org1, parts, envelope) for _ in range(5)))
    status = await org1.wire.commit_status(parts)
    await org1.submit(do.put_state(f"{key}after", b"1"))

    assert status.result == VALID
    assert (await valid_ids(org1, start)).count(parts.tx_id) == 1
    assert await org1.evaluate(do.get_state(key)) == b"1"


async def test_same_envelope_after_its_commit_changes_nothing(org1: Caller, key: str) -> None:
    start = await org1.height()
    parts = org1.parts(do.put_state(key, b"first"))
    envelope = sign_envelope(await org1.wire.endorse(parts), org1.signer)
    await send(org1, parts, envelope)
    first = await org1.wire.commit_status(parts)
    await org1.submit(do.put_state(key, b"second"))

    await send(org1, parts, envelope)
    await org1.submit(do.put_state(f"{key}after", b"1"))

    assert (await valid_ids(org1, start)).count(parts.tx_id) == 1
    assert await org1.evaluate(do.get_state(key)) == b"second"
    again = await org1.wire.commit_status(parts)
    assert (again.result, again.block_number) == (VALID, first.block_number)


async def test_same_transaction_signed_anew_commits_once(org1: Caller, key: str) -> None:
    start = await org1.height()
    parts = org1.parts(do.put_state(key, b"first"))
    prepared = await org1.wire.endorse(parts)

    # ECDSA draws a number: five envelopes with five signatures and one transaction id.
    await asyncio.gather(*(send(org1, parts, sign_envelope(prepared, org1.signer)) for _ in range(5)))
    await org1.wire.commit_status(parts)
    await org1.submit(do.put_state(f"{key}after", b"1"))

    assert (await valid_ids(org1, start)).count(parts.tx_id) == 1


async def test_proposal_endorsed_twice_commits_once(org1: Caller, key: str) -> None:
    start = await org1.height()
    parts = org1.parts(do.put_state(key, b"1"))
    signed = parts.signed()
    one, two = await org1.wire.endorse(parts, signed), await org1.wire.endorse(parts, signed)

    await asyncio.gather(*(send(org1, parts, sign_envelope(each, org1.signer)) for each in (one, two)))
    await org1.wire.commit_status(parts)
    await org1.submit(do.put_state(f"{key}after", b"1"))

    assert (await valid_ids(org1, start)).count(parts.tx_id) == 1


async def test_proposal_of_a_committed_transaction_is_refused(org1: Caller, key: str) -> None:
    proposal = org1.propose(do.put_state(key, b"1"))
    transaction = await proposal.endorse()
    await org1.outcome(transaction)

    with pytest.raises(EndorseError, match="duplicate transaction found"):
        await proposal.endorse()
    with pytest.raises(EvaluateError, match="duplicate transaction found"):
        await proposal.evaluate()


async def test_proposal_evaluated_twice_is_answered_twice(org1: Caller, key: str) -> None:
    proposal = org1.propose(do.get_state(key))

    assert await proposal.evaluate() == await proposal.evaluate()
