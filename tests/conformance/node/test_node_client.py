"""The official Node client against a network of either world."""

from __future__ import annotations

import base64
import json

import pytest
from tests.conformance.caller import CHANNEL, Caller
from tests.conformance.collection import Collection
from tests.conformance.node.caller import NodeCaller, result_of
from tests.conformance.probe.steps import decode_results, do

from gridledger.client import EndorseError

VALID, MVCC_READ_CONFLICT = 0, 11
DEADLINE_EXCEEDED, ABORTED = 4, 10


async def test_evaluate_returns_the_result(node1: NodeCaller, org1: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"\x00value\xff"))
    assert await node1.evaluate(do.get_state(key)) == b"\x00value\xff"
    assert await node1.evaluate(do.get_state(key + "absent")) is None


async def test_evaluate_carries_any_bytes(node1: NodeCaller) -> None:
    arguments = [b"", bytes(range(256)), "中文".encode(), b"x" * 300_000]
    answer = await node1.run("evaluate.mjs", call=node1.call(name="Echo", arguments=arguments))
    assert decode_results(result_of(answer)) == [b"Echo", *arguments]


async def test_submit_commits_and_both_organisations_read_it(
    node1: NodeCaller, node2: NodeCaller, org1: Caller, org2: Caller, key: str
) -> None:
    answer = await node1.submit(do.put_state(key, b"by Node"), do.get_tx_id())
    assert answer["result"] == answer["transactionId"]
    assert answer["status"]["successful"]
    assert answer["status"]["code"] == VALID
    await org2.all_peers_have(answer["transactionId"])
    assert await node2.evaluate(do.get_state(key)) == b"by Node"
    assert await org1.evaluate(do.get_state(key)) == b"by Node"
    block = await org1.block(answer["status"]["blockNumber"])
    assert block.header.number == answer["status"]["blockNumber"]


async def test_short_submit_returns_the_result(node1: NodeCaller, key: str) -> None:
    call = node1.call(do.put_state(key, b"1"), do.get_channel_id())
    answer = await node1.run("submit.mjs", call=call, short=True)
    assert decode_results(result_of(answer)) == [None, CHANNEL]


async def test_transient_data_and_endorsing_organisations_arrive(
    node1: NodeCaller, org1: Caller, key: str
) -> None:
    answer = await node1.submit(
        do.put_private_of_transient(Collection.SHARED, key, "secret"),
        do.get_private_data_hash(Collection.SHARED, key),
        transient={"secret": b"sealed\x00"},
        endorsing_organizations=["Org1MSP", "Org2MSP"],
    )
    assert answer["status"]["code"] == VALID
    await org1.all_peers_have(answer["transactionId"])
    assert await org1.evaluate(do.get_private_data(Collection.SHARED, key)) == b"sealed\x00"


async def test_too_few_endorsing_organisations_make_the_transaction_invalid(
    node1: NodeCaller, key: str
) -> None:
    answer = await node1.submit(do.put_state(key, b"1"), endorsing_organizations=["Org1MSP"])
    assert not answer["status"]["successful"]
    short = node1.call(do.put_state(key, b"1"), endorsing_organizations=["Org1MSP"])
    thrown = (await node1.run("submit.mjs", call=short, short=True))["thrown"]
    assert thrown["name"] == "CommitError"
    assert thrown["code"] == answer["status"]["code"]


async def test_refusal_has_each_endorsers_address_organisation_and_words(
    node1: NodeCaller, org1: Caller
) -> None:
    call = node1.call(do.refuse("not today", 409))
    thrown = (await node1.run("submit.mjs", call=call))["thrown"]
    assert thrown["name"] == "EndorseError"
    assert thrown["code"] == ABORTED
    assert thrown["transactionId"]
    assert thrown["details"]
    with pytest.raises(EndorseError) as ours:
        await org1.submit(do.refuse("not today", 409))
    seen = {(detail["address"], detail["mspId"], detail["message"]) for detail in thrown["details"]}
    known = {(detail.address, detail.msp_id, detail.message) for detail in ours.value.details}
    assert {text for *_, text in seen} == {"chaincode response 409, not today"}
    assert {text for *_, text in known} == {text for *_, text in seen}
    assert {msp_id for _, msp_id, _ in seen} <= {"Org1MSP", "Org2MSP"}
    assert all(":" in address for address, *_ in seen)


async def test_refused_evaluate_is_an_error_with_details(node1: NodeCaller) -> None:
    thrown = (await node1.run("evaluate.mjs", call=node1.call(do.refuse("no", 404))))["thrown"]
    assert thrown["name"] == "GatewayError"
    assert [detail["message"] for detail in thrown["details"]] == ["chaincode response 404, no"]


async def test_unknown_chaincode_is_an_error(node1: NodeCaller) -> None:
    call = {**node1.call(do.get_tx_id()), "chaincode": "absent"}
    for script in ("evaluate.mjs", "submit.mjs"):
        thrown = (await node1.run(script, call=call))["thrown"]
        assert thrown["name"] in {"GatewayError", "EndorseError"}
        assert "absent" in json.dumps(thrown)


async def test_deadline_of_the_caller_is_kept(node1: NodeCaller) -> None:
    call = node1.call(do.sleep(20.0))
    thrown = (await node1.run("evaluate.mjs", call=call, deadline_ms=500))["thrown"]
    assert thrown["code"] == DEADLINE_EXCEEDED


async def test_conflicting_transactions_get_their_codes(node1: NodeCaller, key: str) -> None:
    answer = await node1.run("conflict.mjs", call=node1.call(do.add(key, 1)))
    assert answer["statuses"] == [VALID, MVCC_READ_CONFLICT, MVCC_READ_CONFLICT]


async def test_every_step_signed_elsewhere(node1: NodeCaller, org1: Caller, key: str) -> None:
    call = node1.call(do.put_state(key, b"offline"), do.set_event("Signed", b"elsewhere"), do.get_tx_id())
    answer = await node1.run("offline.mjs", call=call)
    assert "thrown" not in answer, answer
    assert answer["unsigned"]
    assert answer["refused"]["name"] == "EndorseError"
    assert answer["sameId"] == 1
    assert answer["status"]["code"] == VALID
    assert decode_results(base64.b64decode(answer["result"]))[-1] == answer["transactionId"]
    assert answer["event"] == {"name": "Signed", "transactionId": answer["transactionId"]}
    assert answer["block"] == answer["status"]["blockNumber"]
    await org1.all_peers_have(answer["transactionId"])
    assert await org1.evaluate(do.get_state(key)) == b"offline"
