"""The client's steps, each alone and carried as bytes; signed here or elsewhere."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from tests.conformance.caller import CHANNEL, Caller, send
from tests.conformance.probe.steps import decode_results, do, encode_steps
from tests.conformance.wire import P256_ORDER

from gridledger.client import (
    CommitStatusError,
    EndorseError,
    EvaluateError,
    Gateway,
    SubmitError,
    ValidationCode,
)
from gridledger.model.errors import ConfigError, GatewayError, ModelError
from gridledger.network import Network

# A peer of Fabric commits nothing while a transaction is being executed, so others wait for this.
SLEEP_SECONDS = 2


@pytest.fixture(scope="session")
async def unsigned(probes: Network) -> AsyncIterator[Gateway]:
    """Return a gateway of the same user without a key: every step is signed elsewhere."""
    connection = replace(probes.connection(org="org1", user="user1"), private_key=None)
    async with Gateway.connect(connection) as gateway:
        yield gateway


def sign(caller: Caller, digest: bytes) -> bytes:
    """Sign a digest as somebody does who keeps the key elsewhere."""
    signature = caller.signer.key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    r, s = utils.decode_dss_signature(signature)
    return utils.encode_dss_signature(r, min(s, P256_ORDER - s))


async def test_steps_one_by_one_commit_the_call(org1: Caller, key: str) -> None:
    proposal = org1.propose(do.put_state(key, b"1"), do.get_tx_id())
    transaction = await proposal.endorse()
    commit = await send(transaction)
    status = await commit.status()

    assert proposal.tx_id == transaction.tx_id == commit.tx_id == status.tx_id
    assert decode_results(transaction.result)[-1] == proposal.tx_id
    assert status.successful
    assert status.validation_code is ValidationCode.VALID
    assert await org1.evaluate(do.get_state(key)) == b"1"


async def test_endorsed_transaction_not_submitted_changes_nothing(org1: Caller, key: str) -> None:
    height = await org1.height()

    await org1.propose(do.put_state(key, b"1")).endorse()

    assert await org1.ordered_since(height) == []
    assert await org1.evaluate(do.get_state(key)) is None


async def test_steps_carried_as_bytes_commit_the_call(org1: Caller, key: str) -> None:
    gateway = org1.gateway
    proposal = gateway.new_proposal(org1.propose(do.put_state(key, b"1")).to_bytes())
    transaction = gateway.new_transaction((await proposal.endorse()).to_bytes())
    commit = gateway.new_commit((await send(transaction)).to_bytes())

    assert (await commit.status()).successful


async def test_steps_signed_elsewhere_commit_the_call(org1: Caller, unsigned: Gateway, key: str) -> None:
    contract = unsigned.network(CHANNEL).contract("script")
    unsigned_proposal = contract.proposal("Run", encode_steps([do.put_state(key, b"1")]))
    assert hashlib.sha256().digest_size == len(unsigned_proposal.digest)

    proposal = unsigned.new_signed_proposal(
        unsigned_proposal.to_bytes(), sign(org1, unsigned_proposal.digest)
    )
    endorsed = await proposal.endorse()
    transaction = unsigned.new_signed_transaction(endorsed.to_bytes(), sign(org1, endorsed.digest))
    submitted = await send(transaction)
    commit = unsigned.new_signed_commit(submitted.to_bytes(), sign(org1, submitted.digest))

    assert (await commit.status()).successful
    assert await org1.evaluate(do.get_state(key)) == b"1"


async def test_query_signed_elsewhere_is_answered(org1: Caller, unsigned: Gateway, key: str) -> None:
    proposal = unsigned.network(CHANNEL).contract("script").proposal("Run", encode_steps([do.get_tx_id()]))

    signed = unsigned.new_signed_proposal(proposal.to_bytes(), sign(org1, proposal.digest))

    assert decode_results(await signed.evaluate()) == [proposal.tx_id]


async def test_event_requests_signed_elsewhere_are_served(org1: Caller, unsigned: Gateway, key: str) -> None:
    committed = await org1.transact(do.set_event(key, b"1"))
    network = unsigned.network(CHANNEL)
    request = network.chaincode_events_request("script", start_block=committed.block_number)

    signed = unsigned.new_signed_chaincode_events_request(request.to_bytes(), sign(org1, request.digest))
    async with signed.events() as events:
        async for event in events:
            if event.name == key:
                break

    assert event.tx_id == committed.tx_id


async def test_step_without_a_signature_is_refused_before_it_is_sent(unsigned: Gateway) -> None:
    proposal = unsigned.network(CHANNEL).contract("script").proposal("Run", encode_steps([do.get_tx_id()]))

    with pytest.raises(ConfigError):
        await proposal.evaluate()
    with pytest.raises(ConfigError):
        await proposal.endorse()


async def test_signature_of_something_else_is_refused_at_each_step(
    org1: Caller, unsigned: Gateway, key: str
) -> None:
    wrong = sign(org1, os.urandom(32))
    proposal = (
        unsigned.network(CHANNEL).contract("script").proposal("Run", encode_steps([do.put_state(key, b"1")]))
    )
    with pytest.raises(EndorseError, match="access denied"):
        await unsigned.new_signed_proposal(proposal.to_bytes(), wrong).endorse()
    with pytest.raises(EvaluateError, match="access denied"):
        await unsigned.new_signed_proposal(proposal.to_bytes(), wrong).evaluate()

    signed = unsigned.new_signed_proposal(proposal.to_bytes(), sign(org1, proposal.digest))
    endorsed = await signed.endorse()
    with pytest.raises(SubmitError) as caught:
        await unsigned.new_signed_transaction(endorsed.to_bytes(), wrong).submit()
    commit = endorsed.commit()
    with pytest.raises(CommitStatusError) as denied:
        await unsigned.new_signed_commit(commit.to_bytes(), wrong).status(timeout=10)

    assert caught.value.tx_id == proposal.tx_id
    assert denied.value.grpc_status == "PERMISSION_DENIED"
    assert await org1.evaluate(do.get_state(key)) is None


@pytest.mark.parametrize("data", [b"", b"\xff\xff", b"garbage" * 15], ids=["empty", "short", "long"])
async def test_bytes_that_are_no_step_are_refused(org1: Caller, data: bytes) -> None:
    for make in (org1.gateway.new_proposal, org1.gateway.new_transaction, org1.gateway.new_commit):
        with pytest.raises(ModelError):
            make(data)


async def test_refusal_of_a_chaincode_tells_each_endorser(org1: Caller) -> None:
    proposal = org1.propose(do.refuse("not today", 409))

    with pytest.raises(EndorseError) as caught:
        await proposal.endorse()

    error = caught.value
    assert error.tx_id == proposal.tx_id
    assert error.details
    assert {detail.message for detail in error.details} == {"chaincode response 409, not today"}
    assert {detail.msp_id for detail in error.details} <= {"Org1MSP", "Org2MSP"}
    assert all(":" in detail.address for detail in error.details)
    assert not error.retriable


async def test_refusal_of_both_organisations_is_told_by_both(org1: Caller) -> None:
    with pytest.raises(EndorseError) as caught:
        await org1.submit(do.refuse("not today", 409), endorsing_organizations=["Org1MSP", "Org2MSP"])

    assert {detail.msp_id for detail in caught.value.details} == {"Org1MSP", "Org2MSP"}


@pytest.mark.parametrize("status", [400, 499, 500, 599])
async def test_query_refused_tells_status_and_words(org1: Caller, status: int) -> None:
    with pytest.raises(EvaluateError) as caught:
        await org1.evaluate(do.refuse("not today", status))

    assert caught.value.grpc_status == "UNKNOWN"
    assert f"chaincode response {status}, not today" in str(caught.value)
    assert [detail.msp_id for detail in caught.value.details] == ["Org1MSP"]


async def test_query_beyond_its_deadline_ends_with_it(org1: Caller) -> None:
    with pytest.raises(EvaluateError) as caught:
        await org1.evaluate(do.sleep(SLEEP_SECONDS), timeout=0.3)

    assert caught.value.grpc_status in {"DEADLINE_EXCEEDED", "CANCELLED"}


async def test_endorsement_beyond_its_deadline_ends_with_it(org1: Caller, key: str) -> None:
    with pytest.raises(EndorseError) as caught:
        await org1.propose(do.put_state(key, b"1"), do.sleep(SLEEP_SECONDS)).endorse(timeout=0.3)

    # The gateway has the same deadline and may be the first to give up.
    assert caught.value.grpc_status in {"DEADLINE_EXCEEDED", "CANCELLED"}
    assert await org1.evaluate(do.get_state(key)) is None


async def test_unknown_chaincode_is_refused(org1: Caller) -> None:
    nowhere = org1.on("nowhere").contract

    with pytest.raises(GatewayError):
        await nowhere.evaluate("Run")
    with pytest.raises(GatewayError):
        await nowhere.submit("Run")


async def test_unknown_channel_is_refused(org1: Caller) -> None:
    contract = org1.gateway.network("nochannel").contract("script")

    with pytest.raises(GatewayError):
        await contract.evaluate("Run")
    with pytest.raises(GatewayError):
        await contract.submit("Run")


async def test_endorsing_organisations_are_those_that_execute(org1: Caller, either: Caller) -> None:
    for organisation in ("Org1MSP", "Org2MSP"):
        committed = await either.transact(do.get_tx_id(), endorsing_organizations=[organisation])
        block = await org1.gateway.network(CHANNEL).block(committed.block_number)
        [entry] = [each for each in block.transactions if each.tx_id == committed.tx_id]
        assert entry.endorsers == (organisation,)


async def test_gateway_that_is_not_there_is_an_error_of_the_step(probes: Network) -> None:
    connection = replace(probes.connection(org="org1", user="user1"), endpoint="127.0.0.1:1")

    async with Gateway.connect(connection) as gateway:
        contract = gateway.network(CHANNEL).contract("script")
        with pytest.raises(EvaluateError) as caught:
            await contract.evaluate("Run", timeout=5)
        with pytest.raises(EndorseError):
            await contract.proposal("Run").endorse(timeout=5)

    assert caught.value.grpc_status == "UNAVAILABLE"


async def test_gateway_with_a_foreign_tls_root_is_not_spoken_to(probes: Network) -> None:
    connection = probes.connection(org="org1", user="user1")
    foreign = replace(connection, tls_root_cert=probes.organisations[1].tls_root)

    async with Gateway.connect(foreign) as gateway:
        with pytest.raises(EvaluateError) as caught:
            await gateway.network(CHANNEL).contract("script").evaluate("Run", timeout=5)

    assert caught.value.grpc_status == "UNAVAILABLE"
