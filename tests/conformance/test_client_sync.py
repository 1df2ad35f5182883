"""The client's synchronous face: the same names, the same outcomes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.conformance.caller import CHANNEL
from tests.conformance.conftest import PATIENT
from tests.conformance.probe.steps import Step, decode_results, do, encode_steps
from tests.conformance.probe.typed import Reading

from gridledger.client import sync
from gridledger.model.call import Call
from gridledger.model.refusals import CallRepeated, NotFound
from gridledger.model.states import CallState
from gridledger.network import Network


@pytest.fixture(scope="module")
def gateway(probes: Network) -> Iterator[sync.Gateway]:
    with sync.Gateway.connect(probes.connection(org="org1", user="user1"), deadlines=PATIENT) as gateway:
        yield gateway


@pytest.fixture
def contract(gateway: sync.Gateway) -> sync.Contract:
    return gateway.network(CHANNEL).contract("script")


def steps(*taken: Step) -> bytes:
    return encode_steps(taken)


def test_submit_and_evaluate_wait_for_their_end(contract: sync.Contract, key: str) -> None:
    contract.submit("Run", steps(do.put_state(key, b"1")))

    assert decode_results(contract.evaluate("Run", steps(do.get_state(key)))) == [b"1"]


def test_steps_one_by_one_commit_the_call(contract: sync.Contract, key: str) -> None:
    proposal = contract.proposal("Run", steps(do.put_state(key, b"1")))
    transaction = proposal.endorse()
    try:
        commit = transaction.submit()
    except sync.SubmitError as error:
        # See `send` in caller.py: it may be ordered all the same.
        if not error.ambiguous:
            raise
        commit = transaction.commit()

    assert commit.status().successful
    assert decode_results(contract.evaluate("Run", steps(do.get_state(key)))) == [b"1"]


def test_refusal_comes_back_as_its_class(gateway: sync.Gateway, key: str) -> None:
    readings = gateway.network(CHANNEL).contract("typed", "readings")

    with pytest.raises(NotFound):
        readings.evaluate("GetReading", key)


def test_call_once_is_done_once_and_settled(gateway: sync.Gateway, key: str) -> None:
    readings = gateway.network(CHANNEL).contract("typed", "readings")
    readings.submit_once("CreateReading", Reading(name=key, value_w=1), call_key=key)

    with pytest.raises(CallRepeated):
        readings.submit_once("CreateReading", Reading(name=f"{key}2", value_w=1), call_key=key)

    settled: Call = readings.settle_call(key)
    assert settled.state is CallState.DONE


def test_chaincode_events_are_iterated(gateway: sync.Gateway, contract: sync.Contract, key: str) -> None:
    network = gateway.network(CHANNEL)
    committed = contract.transact("Run", steps(do.set_event(key, b"17")))

    with network.chaincode_events("script", start_block=committed.block_number) as events:
        event = next(each for each in events if each.name == key)

    assert (event.tx_id, event.payload) == (committed.tx_id, b"17")


def test_block_events_end_at_their_last_block(
    gateway: sync.Gateway, contract: sync.Contract, key: str
) -> None:
    network = gateway.network(CHANNEL)
    committed = contract.transact("Run", steps(do.put_state(key, b"1")))
    number = committed.block_number

    with network.block_events(start_block=number - 1, stop_block=number) as events:
        blocks = list(events)

    assert [block.number for block in blocks] == [number - 1, number]
    assert blocks[-1] == network.block(number)


def test_checkpoint_goes_on_after_what_was_done(
    gateway: sync.Gateway, contract: sync.Contract, key: str
) -> None:
    network = gateway.network(CHANNEL)
    start = network.chain_info().height
    for index in range(2):
        contract.submit("Run", steps(do.set_event(f"{key}{index}", b"")))

    checkpoint = sync.InMemoryCheckpoint()
    found: list[str] = []
    for _ in range(2):
        with network.chaincode_events("script", start_block=start, checkpoint=checkpoint) as events:
            event = next(each for each in events if each.name.startswith(key))
            checkpoint.record_event(event)
            found.append(event.name)

    assert found == [f"{key}0", f"{key}1"]
