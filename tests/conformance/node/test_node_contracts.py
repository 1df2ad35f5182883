"""Our contract layer, called by the official Node client."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.caller import Caller
from tests.conformance.node.caller import NodeCaller, result_of

from gridledger.model.errors import ContractError


def _reading(name: str, value_w: int) -> dict[str, Any]:
    return {
        "name": name,
        "schema": "probe-reading/1",
        "season": "dry",
        "tags": [],
        "value_w": value_w,
    }


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


async def _call(node: NodeCaller, script: str, name: str, *arguments: bytes) -> Any:
    return await node.run(script, call=node.call(name=name, arguments=arguments, contract="readings"))


async def test_contract_takes_and_gives_json(node_typed: NodeCaller, org1: Caller, key: str) -> None:
    written = await _call(node_typed, "submit.mjs", "PutReading", _canonical(_reading(key, 5)))
    assert json.loads(result_of(written)) == _reading(key, 5)
    await org1.all_peers_have(written["transactionId"])
    read = await _call(node_typed, "evaluate.mjs", "GetReading", key.encode())
    assert json.loads(result_of(read)) == _reading(key, 5)


async def test_contract_takes_numbers_as_text_and_a_call_key_once(
    node_typed: NodeCaller, org1: Caller, key: str
) -> None:
    written = await _call(node_typed, "submit.mjs", "PutReading", _canonical(_reading(key, 5)))
    await org1.all_peers_have(written["transactionId"])
    arguments = (f"call-{key}".encode(), key.encode(), b"7")
    added = await _call(node_typed, "submit.mjs", "AddToReading", *arguments)
    assert result_of(added) == b"12"
    await org1.all_peers_have(added["transactionId"])
    repeated = await _call(node_typed, "submit.mjs", "AddToReading", *arguments)
    refusal = ContractError.from_wire(repeated["thrown"]["details"][0]["message"])
    assert type(refusal).__name__ == "CallRepeated"
    assert refusal is not None
    assert refusal.fields["tx_id"] == added["transactionId"]


async def test_refusal_of_a_contract_has_its_code(node_typed: NodeCaller, key: str) -> None:
    for script in ("evaluate.mjs", "submit.mjs"):
        thrown = (await _call(node_typed, script, "GetReading", key.encode()))["thrown"]
        message = thrown["details"][0]["message"]
        assert "GL-CHN-" in message
        refusal = ContractError.from_wire(message)
        assert refusal is not None
        assert type(refusal).__name__ == "NotFound"


async def test_argument_that_is_wrong_is_refused(node_typed: NodeCaller) -> None:
    for argument in (b"", b"{", b"[]", b'{"schema":"probe-reading/1"}'):
        thrown = (await _call(node_typed, "submit.mjs", "PutReading", argument))["thrown"]
        assert thrown["name"] == "EndorseError"
        assert "GL-" in thrown["details"][0]["message"]


async def test_metadata_describes_the_contracts(node_typed: NodeCaller) -> None:
    call = node_typed.call(name="GetMetadata", arguments=[], contract="org.hyperledger.fabric")
    metadata = json.loads(result_of(await node_typed.run("evaluate.mjs", call=call)))
    assert {"readings", "ledger"} <= set(metadata["contracts"])
