"""Real Fabric only: orderers are killed under load, and no outcome is guessed."""

from __future__ import annotations

import asyncio

import pytest
from tests.conformance.probe.steps import do, encode_steps
from tests.conformance.probe.typed import Reading
from tests.faults.conftest import BOTH, ROOT, TYPED, Gateways
from tests.faults.load import CHANNEL, Load

from gridledger.client import Contract, Deadlines, Gateway, OutcomeUnknown, SubmitError
from gridledger.model.refusals import CallCancelled, CallRepeated
from gridledger.model.states import CallState
from gridledger.network import Network

SECONDS = 90.0
"""How long ordering may take to go on: a new leader takes some five seconds, a loaded machine more."""

LEADER = f'consensus_BFT_leader_id{{channel="{CHANNEL}"}}'
ORDERERS = ["orderer1", "orderer2", "orderer3", "orderer4"]


def leader_of(network: Network, asked: str = "orderer1") -> str:
    """Ask an orderer who leads."""
    return f"orderer{int(network.metrics(asked)[LEADER])}"


def script(gateway: Gateway) -> Contract:
    return gateway.network(CHANNEL).contract("script")


async def agreed(network: Network) -> None:
    """Wait until the peers have the same last block."""
    async with asyncio.timeout(SECONDS):
        while not (await asyncio.to_thread(network.status)).agreed:  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.1)


@pytest.mark.timeout(300)
async def test_leader_killed_under_load_no_call_fails_and_none_is_done_twice(
    fabric: Network, gateways: Gateways
) -> None:
    gateway = await gateways.open(fabric)
    load = Load(script(gateway), "k", workers=16)

    async with load.running():
        async with asyncio.timeout(SECONDS):
            await load.more(50)
        leader = await asyncio.to_thread(leader_of, fabric)
        await asyncio.to_thread(fabric.kill, leader)
        async with asyncio.timeout(SECONDS):
            await load.more(100)

    assert load.failed == {}
    asked = next(each for each in ORDERERS if each != leader)
    assert await asyncio.to_thread(leader_of, fabric, asked) != leader
    await agreed(fabric)
    await load.check(gateway)
    await load.check(await gateways.open(fabric, "org2"))

    await asyncio.to_thread(fabric.restart, leader)
    async with load.running(), asyncio.timeout(SECONDS):
        await load.more(10)
    assert load.failed == {}


@pytest.mark.timeout(300)
async def test_two_of_four_killed_and_back_every_call_is_done_once(
    fabric: Network, gateways: Gateways
) -> None:
    gateway = await gateways.open(fabric)
    load = Load(script(gateway), "k", workers=8)

    async with load.running():
        async with asyncio.timeout(SECONDS):
            await load.more(20)
        for orderer in ORDERERS[:2]:
            await asyncio.to_thread(fabric.kill, orderer)
        with pytest.raises(SubmitError):
            await submit_once(script(gateway), "while-down")
        for orderer in ORDERERS[:2]:
            await asyncio.to_thread(fabric.restart, orderer)
        async with asyncio.timeout(SECONDS):
            await load.more(20)

    assert load.failed == {}
    await agreed(fabric)
    await load.check(gateway)


async def submit_once(contract: Contract, key: str) -> None:
    """Endorse and send one transaction, without what the client does when it is not acknowledged."""
    transaction = await contract.proposal("Run", encode_steps([do.put_state(key, b"1")])).endorse()
    await transaction.submit()


@pytest.mark.timeout(300)
async def test_unavailable_is_settled_by_the_same_envelope(fabric: Network, gateways: Gateways) -> None:
    gateway = await gateways.open(fabric)
    proposal = script(gateway).proposal("Run", encode_steps([do.put_state("once", b"once")]))
    transaction = await proposal.endorse()
    for orderer in ORDERERS[:2]:
        await asyncio.to_thread(fabric.kill, orderer)

    with pytest.raises(SubmitError) as caught:
        await transaction.submit()
    for orderer in ORDERERS[:2]:
        await asyncio.to_thread(fabric.restart, orderer)
    status = await sent_until_known(gateway, transaction.to_bytes())

    assert caught.value.grpc_status == "UNAVAILABLE"
    assert caught.value.ambiguous
    assert len(caught.value.details) >= 2
    assert status
    load = Load(script(gateway), "once", committed=["once"])
    assert (await load.check(gateway))["once"] == 1


async def sent_until_known(gateway: Gateway, envelope: bytes) -> bool:
    """Send the same signed envelope again and again; return whether it is valid, once that is known."""
    question = asyncio.create_task(gateway.new_transaction(envelope).commit().status(timeout=SECONDS))
    while not question.done():
        try:
            await gateway.new_transaction(envelope).submit()
        except SubmitError as error:
            if not error.ambiguous:
                raise
        await asyncio.wait([question], timeout=0.5)
    return (await question).successful


@pytest.mark.timeout(300)
async def test_unknown_outcome_is_settled_by_a_cancelling_transaction(
    fabric: Network, gateways: Gateways
) -> None:
    await asyncio.to_thread(fabric.deploy, "typed", TYPED, policy=BOTH, python_path=[ROOT])
    gateway = await gateways.open(fabric)
    readings = gateway.network(CHANNEL).contract("typed", "readings")
    await readings.submit("PutReading", Reading(name="R27", value_w=1))
    for orderer in ORDERERS[:2]:
        await asyncio.to_thread(fabric.kill, orderer)

    impatient = Deadlines(endorse=30, submit=5, commit_status=3)
    with pytest.raises(OutcomeUnknown) as caught:
        await readings.submit_once("AddToReading", "R27", 10, call_key="payment-17", deadlines=impatient)
    for orderer in ORDERERS[:2]:
        await asyncio.to_thread(fabric.restart, orderer)
    async with asyncio.timeout(SECONDS):
        settled = await readings.settle_call("payment-17")

    assert caught.value.call_key == "payment-17"
    done = settled.state is CallState.DONE
    assert done == (settled.tx_id == caught.value.tx_id)
    reading = Reading.from_bytes(await readings.evaluate("GetReading", "R27"))
    assert reading.value_w == (11 if done else 1)
    with pytest.raises(CallRepeated if done else CallCancelled):
        await readings.submit_once("AddToReading", "R27", 10, call_key="payment-17")
