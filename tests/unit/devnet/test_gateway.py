"""The gateway on a network in memory: what commits, what is refused and with which status."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.orderer import ab_pb2
from tests.unit.devnet.contract import keeper
from tests.unit.devnet.kit import Net
from tests.unit.devnet.messages import CHANNEL, PEER, policy_bytes, signed

from gridledger.client.validation import ValidationCode
from gridledger.network.devnet.organisation import Organisation
from gridledger.network.devnet.rpc_error import RpcError
from gridledger.network.devnet.transaction import Transaction


async def _fails(awaitable: object) -> RpcError:
    with pytest.raises(RpcError) as caught:
        await awaitable  # type: ignore[misc]
    return caught.value


async def test_put_that_both_endorse_commits_and_is_read(deployed: Net) -> None:
    user = deployed.user()
    envelope = await deployed.endorse(user, "keeper", b"put", b"a", b"1")
    number, code = await deployed.submit(envelope)
    assert (code, number) == (ValidationCode.VALID, deployed.ledger.height - 1)
    assert await deployed.evaluate(user, "keeper", b"get", b"a") == b"1"
    assert await deployed.evaluate(deployed.user(2), "keeper", b"get", b"a", gateway="Org2MSP") == b"1"


async def test_read_in_the_transaction_that_writes_sees_the_old_value(deployed: Net) -> None:
    user = deployed.user()
    await deployed.invoke(user, "keeper", b"put", b"a", b"old")
    assert await deployed.evaluate(user, "keeper", b"put and get", b"a", b"new") == b"old"


async def test_random_value_is_refused_since_endorsements_differ(deployed: Net) -> None:
    error = await _fails(deployed.endorse(deployed.user(), "keeper", b"random", b"a"))
    assert error.status is grpc.StatusCode.ABORTED
    assert [detail.message for detail in error.details] == ["ProposalResponsePayloads do not match"]
    assert error.details[0].msp_id == "Org2MSP"


async def test_refusal_of_the_chaincode_has_its_words(deployed: Net) -> None:
    user = deployed.user()
    error = await _fails(deployed.endorse(user, "keeper", b"refuse", b"no such meter"))
    assert error.status is grpc.StatusCode.ABORTED
    assert error.details[0].message == "chaincode response 500, no such meter"
    error = await _fails(deployed.evaluate(user, "keeper", b"refuse", b"no such meter"))
    assert error.status is grpc.StatusCode.UNKNOWN
    assert error.message == "evaluate call to endorser returned error: chaincode response 500, no such meter"


async def test_unknown_chaincode_is_a_failed_precondition(net: Net) -> None:
    user = net.user()
    error = await _fails(net.evaluate(user, "nothing", b"get"))
    assert error.status is grpc.StatusCode.FAILED_PRECONDITION
    assert error.message == "no peers available to evaluate chaincode nothing in channel energy"
    error = await _fails(net.endorse(user, "nothing", b"get"))
    assert error.status is grpc.StatusCode.FAILED_PRECONDITION
    assert "No metadata was found for chaincode nothing in channel energy" in error.message
    error = await _fails(net.endorse(user, "nothing", b"get", organisations=["Org2MSP"]))
    assert error.status is grpc.StatusCode.UNAVAILABLE
    assert error.message == "failed to find any endorsing peers for org(s): Org2MSP"


async def test_unknown_channel_is_refused_at_every_step(deployed: Net) -> None:
    user = deployed.user()
    error = await _fails(deployed.evaluate(user, "keeper", b"get", b"a", channel="other"))
    assert error.status is grpc.StatusCode.UNAVAILABLE
    error = await _fails(deployed.endorse(user, "keeper", b"get", b"a", channel="other"))
    assert error.status is grpc.StatusCode.FAILED_PRECONDITION
    request = gateway_pb2.SubmitRequest(
        channel_id="other", prepared_transaction=common_pb2.Envelope(payload=b"x", signature=b"y")
    )
    error = await _fails(deployed.gateways["Org1MSP"].submit(request))
    assert error.status is grpc.StatusCode.FAILED_PRECONDITION


async def test_too_few_named_organisations_make_the_transaction_invalid(deployed: Net) -> None:
    code = await deployed.invoke(deployed.user(), "keeper", b"put", b"a", b"1", organisations=["Org1MSP"])
    assert code == ValidationCode.ENDORSEMENT_POLICY_FAILURE
    assert await deployed.evaluate(deployed.user(), "keeper", b"get", b"a") == b""


async def test_two_writers_of_one_value_conflict(deployed: Net) -> None:
    user = deployed.user()
    first = await deployed.endorse(user, "keeper", b"add", b"n", b"1")
    second = await deployed.endorse(user, "keeper", b"add", b"n", b"2")
    codes = await asyncio.gather(deployed.submit(first), deployed.submit(second))
    assert sorted(code for _, code in codes) == [ValidationCode.VALID, ValidationCode.MVCC_READ_CONFLICT]


async def test_insertion_into_a_range_that_was_read_is_a_phantom(deployed: Net) -> None:
    user = deployed.user()
    counting = await deployed.endorse(user, "keeper", b"count", b"a", b"c", b"total")
    assert await deployed.invoke(user, "keeper", b"put", b"b", b"1") == ValidationCode.VALID
    assert (await deployed.submit(counting))[1] == ValidationCode.PHANTOM_READ_CONFLICT


async def test_same_envelope_twice_commits_once(deployed: Net) -> None:
    envelope = await deployed.endorse(deployed.user(), "keeper", b"add", b"n", b"1")
    again = gateway_pb2.SubmitRequest(channel_id=CHANNEL, prepared_transaction=envelope)
    await deployed.gateways["Org1MSP"].submit(again)
    await deployed.submit(envelope)
    error = await _fails(deployed.gateways["Org1MSP"].submit(again))
    assert error.status is grpc.StatusCode.UNAVAILABLE
    assert "request already processed" in error.details[0].message
    assert await deployed.evaluate(deployed.user(), "keeper", b"get", b"n") == b"1"


async def test_tampered_envelope_is_refused_or_invalid(deployed: Net) -> None:
    user = deployed.user()
    height = deployed.ledger.height
    envelope = await deployed.endorse(user, "keeper", b"put", b"a", b"1")
    bad = common_pb2.Envelope(payload=envelope.payload + b"\x08\x01", signature=envelope.signature)
    request = gateway_pb2.SubmitRequest(channel_id=CHANNEL, prepared_transaction=bad)
    error = await _fails(deployed.gateways["Org1MSP"].submit(request))
    assert error.status is grpc.StatusCode.UNAVAILABLE
    assert "permission denied" in error.details[0].message
    assert deployed.ledger.height == height


async def test_unsigned_and_empty_requests_are_invalid_arguments(deployed: Net) -> None:
    gateway = deployed.gateways["Org1MSP"]
    requests = [
        gateway.evaluate(gateway_pb2.EvaluateRequest()),
        gateway.endorse(gateway_pb2.EndorseRequest()),
        gateway.submit(gateway_pb2.SubmitRequest()),
        gateway.submit(
            gateway_pb2.SubmitRequest(
                channel_id=CHANNEL, prepared_transaction=common_pb2.Envelope(payload=b"x")
            )
        ),
        gateway.commit_status(gateway_pb2.SignedCommitStatusRequest()),
        gateway.commit_status(gateway_pb2.SignedCommitStatusRequest(request=b"\xff\xff")),
        gateway.commit_status(
            gateway_pb2.SignedCommitStatusRequest(
                request=gateway_pb2.CommitStatusRequest(channel_id=CHANNEL).SerializeToString()
            )
        ),
    ]
    for request in requests:
        assert (await _fails(request)).status is grpc.StatusCode.INVALID_ARGUMENT


async def test_commit_status_wants_the_signature_of_a_reader(deployed: Net) -> None:
    user = deployed.user()
    data = gateway_pb2.CommitStatusRequest(
        channel_id=CHANNEL, transaction_id="00", identity=user.identity
    ).SerializeToString()
    forged = gateway_pb2.SignedCommitStatusRequest(request=data, signature=deployed.user(2).sign(data))
    error = await _fails(deployed.gateways["Org1MSP"].commit_status(forged))
    assert error.status is grpc.StatusCode.PERMISSION_DENIED


async def test_commit_status_waits_until_the_commit(deployed: Net) -> None:
    waiting = asyncio.create_task(deployed.commits.wait("ff"))
    await asyncio.sleep(0)
    await deployed.invoke(deployed.user(), "keeper", b"put", b"a", b"1")
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not deployed.commits._waiting


async def test_transient_data_stays_at_home_unless_the_client_says_so(
    deployed: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = deployed.user()
    secret = {"transient": {"secret": b"1"}}
    runs = Organisation.runs
    monkeypatch.setattr(
        Organisation, "runs", lambda self, *rest: self.msp_id != "Org1MSP" and runs(self, *rest)
    )
    error = await _fails(deployed.evaluate(user, "keeper", b"get", b"a", **secret))
    assert error.status is grpc.StatusCode.FAILED_PRECONDITION
    assert error.message.startswith("no endorsers found in the gateway's organization; retry specifying")
    assert await deployed.evaluate(user, "keeper", b"get", b"a", targets=["Org2MSP"], **secret) == b""
    assert await deployed.evaluate(user, "keeper", b"get", b"a") == b""
    error = await _fails(deployed.endorse(user, "keeper", b"get", b"a", **secret))
    assert error.status is grpc.StatusCode.FAILED_PRECONDITION
    assert "retry specifying endorsing organization(s) to protect transient data" in error.message


def _events(
    net: Net, chaincode: str = "keeper", **fields: object
) -> AsyncIterator[gateway_pb2.ChaincodeEventsResponse]:
    user = net.user()
    request = gateway_pb2.ChaincodeEventsRequest(
        channel_id=CHANNEL, chaincode_id=chaincode, identity=user.identity, **fields
    )
    data = request.SerializeToString()
    return net.gateways["Org1MSP"].chaincode_events(
        gateway_pb2.SignedChaincodeEventsRequest(request=data, signature=signed(user, data).signature)
    )


async def _announce(net: Net, *values: str) -> list[tuple[int, str]]:
    """Submit transactions with an event each; return their blocks and ids."""
    announced = []
    for value in values:
        envelope = await net.endorse(net.user(), "keeper", b"announce", value.encode())
        number, code = await net.submit(envelope)
        assert code == ValidationCode.VALID
        announced.append((number, Transaction.parse(envelope.SerializeToString()).transaction_id))
    return announced


async def _take(
    events: AsyncIterator[gateway_pb2.ChaincodeEventsResponse], count: int
) -> list[tuple[int, str, bytes]]:
    """Return block, id and payload of the first events of a stream."""
    found: list[tuple[int, str, bytes]] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            response = await anext(events)
            found += [(response.block_number, each.tx_id, each.payload) for each in response.events]
    return found


async def test_events_are_replayed_from_a_block_on(deployed: Net) -> None:
    await deployed.deploy("other", keeper)
    announced = await _announce(deployed, "one", "two", "three")
    expected = [
        (*place, payload) for place, payload in zip(announced, (b"one", b"two", b"three"), strict=True)
    ]
    oldest = ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=0))
    assert await _take(_events(deployed, start_position=oldest), 3) == expected
    # From where a client stopped: its last transaction's event does not come twice.
    after = {"after_transaction_id": announced[0][1], "start_position": oldest}
    assert await _take(_events(deployed, **after), 2) == expected[1:]
    deployed.commits._events.clear()
    assert await _take(_events(deployed, start_position=oldest), 3) == expected


async def test_events_of_another_chaincode_are_not_sent(deployed: Net) -> None:
    await deployed.deploy("other", keeper)
    oldest = ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=0))
    following = asyncio.create_task(_take(_events(deployed, "other", start_position=oldest), 1))
    await _announce(deployed, "one")
    await asyncio.sleep(0.01)
    assert not following.done()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_events_come_as_they_are_committed(deployed: Net) -> None:
    following = asyncio.create_task(_take(_events(deployed), 1))
    await asyncio.sleep(0)
    announced = await _announce(deployed, "one")
    assert await following == [(*announced[0], b"one")]


async def test_events_position_that_fabric_does_not_know_is_refused(deployed: Net) -> None:
    events = _events(deployed, start_position=ab_pb2.SeekPosition(oldest=ab_pb2.SeekOldest()))
    error = await _fails(anext(events))
    assert error.status is grpc.StatusCode.INVALID_ARGUMENT


async def test_key_policy_decides_instead_of_the_chaincodes(net: Net) -> None:
    either = policy_bytes(1, ("Org1MSP", PEER), ("Org2MSP", PEER))
    await net.deploy("keeper", keeper, policy=either)
    user = net.user()
    await net.invoke(user, "keeper", b"put", b"a", b"1")
    both_envelope = policy_bytes(2, ("Org1MSP", PEER), ("Org2MSP", PEER))
    parameter = both_envelope[2:] if both_envelope[1] < 0x80 else both_envelope[3:]
    assert await net.invoke(user, "keeper", b"policy", b"a", parameter.hex().encode()) == ValidationCode.VALID
    code = await net.invoke(user, "keeper", b"put", b"a", b"2", organisations=["Org1MSP"])
    assert code == ValidationCode.ENDORSEMENT_POLICY_FAILURE
    assert await net.invoke(user, "keeper", b"put", b"a", b"3") == ValidationCode.VALID
    assert (
        await net.invoke(user, "keeper", b"put", b"b", b"4", organisations=["Org2MSP"])
        == ValidationCode.VALID
    )
