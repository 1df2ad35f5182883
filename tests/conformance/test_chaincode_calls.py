"""Chaincodes that call chaincodes within one transaction."""

from __future__ import annotations

import pytest
from tests.conformance.caller import CHANNEL, Caller
from tests.conformance.probe.steps import Step, decode_results, do, encode_steps

from gridledger.client import CommitError, ValidationCode
from gridledger.model.errors import GridLedgerError


def call(chaincode: str, *steps: Step, channel: str = "") -> Step:
    return do.invoke_chaincode(chaincode, ["Run", encode_steps(steps)], channel)


async def test_called_chaincode_writes_to_its_own_keys(org1: Caller, either: Caller, key: str) -> None:
    await either.submit(
        call("script", do.put_state(key, b"theirs")),
        do.put_state(key, b"ours"),
        endorsing_organizations=["Org1MSP", "Org2MSP"],
    )

    assert await either.evaluate(do.get_state(key)) == b"ours"
    assert await org1.evaluate(do.get_state(key)) == b"theirs"


async def test_called_chaincode_answers_with_its_result(org1: Caller, either: Caller, key: str) -> None:
    await org1.submit(do.put_state(key, b"17"))

    response = await either.evaluate(call("script", do.get_state(key)))

    assert response["status"] == 200
    assert decode_results(response["payload"]) == [b"17"]


async def test_called_chaincode_gets_binary_arguments_unchanged(either: Caller) -> None:
    arguments = [b"Echo", bytes(range(256)), b"", "中".encode()]

    response = await either.evaluate(do.invoke_chaincode("script", arguments))

    assert decode_results(response["payload"]) == arguments


async def test_called_chaincode_sees_transaction_creator_and_transient_data(either: Caller) -> None:
    steps = (do.get_tx_id(), do.get_creator(), do.get_transient())

    own, response = await either.evaluate_each(
        do.get_tx_id(), call("script", *steps), transient={"secret": b"17"}
    )
    tx_id, creator, transient = decode_results(response["payload"])

    assert tx_id == own
    assert creator["msp_id"] == "Org1MSP"
    assert transient == {"secret": b"17"}


async def test_called_chaincode_refusal_is_a_response_and_the_caller_may_go_on(
    either: Caller, key: str
) -> None:
    response, _ = await either.evaluate_each(
        call("script", do.refuse("not today", 409)), do.put_state(key, b"17")
    )

    assert (response["status"], response["message"]) == (409, "not today")


async def test_called_chaincode_brings_its_endorsement_policy(either: Caller, key: str) -> None:
    step = call("script", do.put_state(key, b"17"))

    with pytest.raises(CommitError) as caught:
        await either.submit(step, endorsing_organizations=["Org1MSP"])
    await either.submit(step)

    assert caught.value.validation_code is ValidationCode.ENDORSEMENT_POLICY_FAILURE


async def test_unknown_chaincode_called_is_refused(either: Caller) -> None:
    with pytest.raises(GridLedgerError, match="nowhere"):
        await either.evaluate(call("nowhere", do.get_tx_id()))


async def test_chaincode_on_an_unknown_channel_is_refused(either: Caller) -> None:
    with pytest.raises(GridLedgerError, match="nochannel"):
        await either.evaluate(call("script", do.get_tx_id(), channel="nochannel"))


async def test_chaincode_called_on_its_own_channel_by_name_is_called(either: Caller) -> None:
    response = await either.evaluate(call("script", do.get_channel_id(), channel=CHANNEL))

    assert decode_results(response["payload"]) == [CHANNEL]


async def test_chaincode_that_calls_itself_is_refused(either: Caller) -> None:
    with pytest.raises(GridLedgerError, match="exists"):
        await either.evaluate(call("either", do.get_tx_id()))


async def test_chaincode_called_back_by_the_one_it_called_is_refused(either: Caller) -> None:
    response = await either.evaluate(call("script", call("either", do.get_tx_id())))

    assert response["status"] >= 400
    assert "exists" in response["message"]


async def test_chaincode_called_twice_sees_the_committed_state(
    org1: Caller, either: Caller, key: str
) -> None:
    await org1.submit(do.put_state(key, b"before"))

    _, response = await either.evaluate_each(
        call("script", do.put_state(key, b"after")), call("script", do.get_state(key))
    )

    assert decode_results(response["payload"]) == [b"before"]


async def test_read_by_a_called_chaincode_conflicts(org1: Caller, either: Caller, key: str) -> None:
    late = await either.propose(call("script", do.add(key, 1))).endorse()
    await org1.submit(do.add(key, 1))

    status = await org1.outcome(late)

    assert status.validation_code is ValidationCode.MVCC_READ_CONFLICT


async def test_system_chaincode_of_blocks_called_by_a_chaincode_refuses(either: Caller) -> None:
    response = await either.evaluate(do.invoke_chaincode("qscc", ["GetChainInfo", CHANNEL]))

    assert response["status"] == 500
    assert "from another chaincode" in response["message"]
