"""The question for a transaction's outcome."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import grpc
import pytest
from tests.conformance.caller import CHANNEL, Caller, send
from tests.conformance.probe.steps import do

from gridledger.client import CommitStatusError, ValidationCode


async def test_commit_status_is_the_same_from_every_organisation(
    org1: Caller, org2: Caller, key: str
) -> None:
    committed = await org1.transact(do.put_state(key, b"1"))

    for caller in (org1, org2):
        status = await caller.gateway.network(CHANNEL).commit(committed.tx_id).status()
        assert status.validation_code is ValidationCode.VALID
        assert status.block_number == committed.block_number


async def test_commit_status_asked_before_submitting_is_answered_at_the_commit(
    org1: Caller, key: str
) -> None:
    transaction = await org1.propose(do.put_state(key, b"1")).endorse()
    question = asyncio.create_task(transaction.commit().status())
    await asyncio.sleep(0)

    await send(transaction)

    assert (await question).validation_code is ValidationCode.VALID


async def test_commit_status_of_an_unknown_id_waits_until_its_deadline(org1: Caller) -> None:
    with pytest.raises(CommitStatusError) as caught:
        await org1.gateway.network(CHANNEL).commit("0" * 64).status(timeout=0.5)

    assert caught.value.grpc_status == "DEADLINE_EXCEEDED"


async def test_commit_status_of_an_unknown_channel_is_refused(org1: Caller) -> None:
    with pytest.raises(CommitStatusError) as caught:
        await org1.gateway.network("nochannel").commit("0" * 64).status(timeout=10)

    assert caught.value.grpc_status != "DEADLINE_EXCEEDED"


async def test_commit_status_signed_with_another_key_is_refused(org1: Caller, org2: Caller) -> None:
    parts = org1.parts(do.get_tx_id())
    parts.signer = replace(org1.signer, key=org2.signer.key)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await org1.wire.commit_status(parts, timeout=10)

    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
