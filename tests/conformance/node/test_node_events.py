"""Events and blocks as the official Node client sees them."""

from __future__ import annotations

import asyncio
import base64
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.conformance.caller import CHANNEL, Caller
from tests.conformance.collection import Collection
from tests.conformance.node.caller import NodeCaller
from tests.conformance.probe.steps import do

from gridledger.client import Block

VALID, ENDORSEMENT_POLICY_FAILURE = 0, 10


async def _emit(org1: Caller, key: str, count: int) -> tuple[int, list[dict[str, Any]]]:
    """Emit events in a transaction each; return the first one's block and what a listener should see."""
    expected = []
    for number in range(count):
        payload = f"{key}{number}\x00".encode()
        committed = await org1.transact(do.put_state(key, payload), do.set_event(f"Node{number}", payload))
        expected.append(
            {
                "name": f"Node{number}",
                "chaincode": "script",
                "payload": base64.b64encode(payload).decode(),
                "transactionId": committed.tx_id,
                "blockNumber": committed.block_number,
            }
        )
    return expected[0]["blockNumber"], expected


async def test_chaincode_events_are_replayed_from_a_block(node1: NodeCaller, org1: Caller, key: str) -> None:
    start, expected = await _emit(org1, key, 3)
    answer = await node1.ask("chaincode_events.mjs", chaincode="script", start_block=start, count=3)
    assert answer["events"] == expected


async def test_chaincode_events_go_on_after_a_checkpoint(
    node1: NodeCaller, org1: Caller, key: str, tmp_path: Path
) -> None:
    start, expected = await _emit(org1, key, 5)
    checkpoint = str(tmp_path / "checkpoint.json")
    received: list[dict[str, Any]] = []
    for count in (1, 2, 2):
        # The file decides where it goes on; the start block counts only while it is empty.
        answer = await node1.ask(
            "chaincode_events.mjs",
            chaincode="script",
            start_block=start,
            checkpoint=checkpoint,
            count=count,
        )
        received += answer["events"]
    assert received == expected


async def test_chaincode_events_arrive_while_listening(node1: NodeCaller, org1: Caller, key: str) -> None:
    height = await org1.height()
    listening = asyncio.create_task(
        node1.ask("chaincode_events.mjs", chaincode="script", start_block=height, count=2)
    )
    _, expected = await _emit(org1, key, 2)
    assert (await listening)["events"] == expected


async def test_chaincode_events_of_invalid_transactions_are_not_told(
    node1: NodeCaller, org1: Caller, key: str
) -> None:
    height = await org1.height()
    step = do.set_event("Invalid", b"")
    refused = await node1.submit(do.put_state(key, b"1"), step, endorsing_organizations=["Org1MSP"])
    assert refused["status"]["code"] == ENDORSEMENT_POLICY_FAILURE
    _, expected = await _emit(org1, key, 1)
    answer = await node1.ask("chaincode_events.mjs", chaincode="script", start_block=height, count=1)
    assert answer["events"] == expected


async def test_blocks_are_chained_and_those_of_the_chain(node1: NodeCaller, org1: Caller, key: str) -> None:
    start, sent = await _emit(org1, key, 3)
    count = sent[-1]["blockNumber"] - start + 1
    answer = await node1.ask("blocks.mjs", form="full", start_block=start, count=count)
    blocks = answer["blocks"]
    assert [block["number"] for block in blocks] == list(range(start, start + count))
    seen = [each for block in blocks for each in block["transactionIds"]]
    assert [each for each in seen if each in {event["transactionId"] for event in sent}] == [
        event["transactionId"] for event in sent
    ]
    for before, after in pairwise(blocks):
        known = Block.from_message(await org1.block(before["number"]))
        assert base64.b64decode(after["previousHash"]) == known.header_hash


async def test_blocks_go_on_after_a_checkpoint(
    node1: NodeCaller, org1: Caller, key: str, tmp_path: Path
) -> None:
    start, _ = await _emit(org1, key, 4)
    checkpoint = str(tmp_path / "checkpoint.json")
    numbers: list[int] = []
    for count in (1, 2, 1):
        answer = await node1.ask(
            "blocks.mjs", form="filtered", start_block=start, checkpoint=checkpoint, count=count
        )
        numbers += [block["number"] for block in answer["blocks"]]
    assert numbers == list(range(start, start + 4))


async def test_filtered_blocks_have_ids_and_codes(node1: NodeCaller, key: str) -> None:
    good = await node1.submit(do.put_state(key, b"1"))
    bad = await node1.submit(do.put_state(key, b"2"), endorsing_organizations=["Org1MSP"])
    for answer, code in ((good, VALID), (bad, ENDORSEMENT_POLICY_FAILURE)):
        number = answer["status"]["blockNumber"]
        [block] = (await node1.ask("blocks.mjs", form="filtered", start_block=number, count=1))["blocks"]
        assert (block["number"], block["channel"]) == (number, CHANNEL)
        assert {"id": answer["transactionId"], "code": code} in block["transactions"]


async def test_private_data_comes_with_blocks_to_members_only(
    node1: NodeCaller, node2: NodeCaller, org1: Caller, key: str
) -> None:
    answer = await node1.submit(
        do.put_private_data(Collection.SHARED, key, b"1"),
        do.put_private_data(Collection.ORG1, key, b"2"),
        endorsing_organizations=["Org1MSP", "Org2MSP"],
    )
    await org1.all_peers_have(answer["transactionId"])
    number = answer["status"]["blockNumber"]
    for caller, collections in ((node1, {Collection.SHARED, Collection.ORG1}), (node2, {Collection.SHARED})):
        [block] = (await caller.ask("blocks.mjs", form="private", start_block=number, count=1))["blocks"]
        index = block["transactionIds"].index(answer["transactionId"])
        assert set(block["privateData"][str(index)]) == collections
