"""Proposal, transaction and commit, one by one, with signatures made here and elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.client.fakes import (
    IDENTITY,
    KEY,
    SIGNER,
    FakeTransport,
    make_gateway,
    make_network,
    prepare,
)
from tests.unit.client.jumping_clock import run

from gridledger.client import EndorseError, Gateway
from gridledger.model.errors import ConfigError, ModelError

GOOD_PROPOSAL = make_network(FakeTransport()).contract().proposal("Put", "a").to_bytes()


def verify(signature: bytes, message: bytes) -> None:
    KEY.public_key().verify(signature, message, ec.ECDSA(hashes.SHA256()))


def test_every_step_is_signed_over_what_the_peer_checks() -> None:
    transport = FakeTransport()

    async def go() -> None:
        proposal = make_network(transport).contract().proposal("Put", "a")
        transaction = await proposal.endorse()
        commit = await transaction.submit()
        status = await commit.status()
        assert status.successful
        assert transaction.result == b"Put a"
        assert {proposal.tx_id, transaction.tx_id, commit.tx_id, status.tx_id} == {proposal.tx_id}

    run(go())
    endorse, submit, status = transport.requests
    verify(endorse.proposed_transaction.signature, endorse.proposed_transaction.proposal_bytes)
    verify(submit.prepared_transaction.signature, submit.prepared_transaction.payload)
    verify(status.signature, status.request)
    assert gateway_pb2.CommitStatusRequest.FromString(status.request).identity == IDENTITY.creator


def test_transaction_id_is_the_hash_of_nonce_and_creator() -> None:
    transport = FakeTransport()
    run(make_network(transport).contract().submit("Put"))
    payload = common_pb2.Payload.FromString(transport.requests[1].prepared_transaction.payload)
    header = common_pb2.SignatureHeader.FromString(payload.header.signature_header)
    channel_header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
    assert len(header.nonce) == 24
    assert header.creator == IDENTITY.creator
    assert channel_header.tx_id == hashlib.sha256(header.nonce + header.creator).hexdigest()
    assert channel_header.tx_id == transport.requests[0].transaction_id


def test_two_proposals_of_the_same_call_have_different_ids() -> None:
    contract = make_network(FakeTransport()).contract()
    assert contract.proposal("Put").tx_id != contract.proposal("Put").tx_id


def test_offline_signing_at_every_step() -> None:
    transport = FakeTransport()

    async def go(offline: Gateway) -> bytes:
        unsigned = offline.network().contract().proposal("Put", "a", endorsing_organizations=["Org2MSP"])
        proposal = offline.new_signed_proposal(unsigned.to_bytes(), SIGNER.sign(unsigned.digest))
        endorsed = await proposal.endorse()
        transaction = offline.new_signed_transaction(endorsed.to_bytes(), SIGNER.sign(endorsed.digest))
        submitted = await transaction.submit()
        commit = offline.new_signed_commit(submitted.to_bytes(), SIGNER.sign(submitted.digest))
        assert (await commit.status()).successful
        return await proposal.evaluate()

    assert run(go(make_gateway(transport, signer=None))) == b"Put a"
    assert list(transport.requests[0].endorsing_organizations) == ["Org2MSP"]
    assert list(transport.requests[3].target_organizations) == ["Org2MSP"]
    verify(
        transport.requests[1].prepared_transaction.signature,
        transport.requests[1].prepared_transaction.payload,
    )


def test_unsigned_copies_are_signed_by_the_gateway_that_reads_them() -> None:
    offline, online = make_gateway(FakeTransport(), signer=None), make_gateway(FakeTransport())

    async def go() -> None:
        proposal = online.new_proposal(offline.network().contract().proposal("Put").to_bytes())
        transaction = online.new_transaction((await proposal.endorse()).to_bytes())
        commit = online.new_commit((await transaction.submit()).to_bytes())
        assert (await commit.status()).successful

    run(go())


def test_step_without_signer_says_which_setting_is_missing() -> None:
    gateway = make_gateway(FakeTransport(), signer=None)

    async def go() -> None:
        proposal = gateway.network().contract().proposal("Put")
        for step in (proposal.evaluate, proposal.endorse):
            with pytest.raises(ConfigError) as caught:
                await step()
            assert caught.value.fields["key"] == "signer"
        with pytest.raises(ConfigError):
            await gateway.network().commit("id").status()

    run(go())


def test_signer_may_answer_later() -> None:
    class Device:
        def sign(self, digest: bytes, /) -> Awaitable[bytes]:
            async def ask() -> bytes:
                return SIGNER.sign(digest)

            return ask()

    transport = FakeTransport()
    assert run(make_network(transport, signer=Device()).contract().submit("Put")) == b"Put"
    verify(
        transport.requests[1].prepared_transaction.signature,
        transport.requests[1].prepared_transaction.payload,
    )


def test_envelope_is_signed_once_however_often_it_is_submitted() -> None:
    transport = FakeTransport()

    async def go() -> None:
        transaction = await make_network(transport).contract().proposal("Put").endorse()
        await transaction.submit()
        await transaction.submit()

    run(go())
    assert transport.requests[1] == transport.requests[2]


def answer_with(change: Any) -> FakeTransport:
    """Return a gateway that answers a proposal with something else."""
    transport = FakeTransport()

    async def endorse(request: Any, tx_id: str, timeout: float) -> Any:
        return gateway_pb2.EndorseResponse(prepared_transaction=change(request))

    transport.endorse = endorse  # type: ignore[method-assign]
    return transport


def another_call(request: Any) -> Any:
    """Return the envelope of the same header with another call in it."""
    good = prepare(request.proposed_transaction.proposal_bytes, b"")
    other = make_network(FakeTransport()).contract().proposal("Steal")._proposed.proposal.proposal_bytes
    payload, stolen = (common_pb2.Payload.FromString(one.payload) for one in (good, prepare(other, b"")))
    payload.data = stolen.data
    return common_pb2.Envelope(payload=payload.SerializeToString())


def another_header(request: Any) -> Any:
    other = make_network(FakeTransport()).contract().proposal("Put")._proposed.proposal.proposal_bytes
    return prepare(other, b"")


def same_id_another_channel(request: Any) -> Any:
    envelope = prepare(request.proposed_transaction.proposal_bytes, b"")
    payload = common_pb2.Payload.FromString(envelope.payload)
    header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
    header.channel_id = "elsewhere"
    payload.header.channel_header = header.SerializeToString()
    return common_pb2.Envelope(payload=payload.SerializeToString())


def transient_data_left_in(request: Any) -> Any:
    from fabric_protos.peer import proposal_pb2, transaction_pb2

    envelope = prepare(request.proposed_transaction.proposal_bytes, b"")
    payload = common_pb2.Payload.FromString(envelope.payload)
    transaction = transaction_pb2.Transaction.FromString(payload.data)
    action = transaction_pb2.ChaincodeActionPayload.FromString(transaction.actions[0].payload)
    call = proposal_pb2.ChaincodeProposalPayload.FromString(action.chaincode_proposal_payload)
    call.TransientMap["secret"] = b"1"
    action.chaincode_proposal_payload = call.SerializeToString()
    transaction.actions[0].payload = action.SerializeToString()
    payload.data = transaction.SerializeToString()
    return common_pb2.Envelope(payload=payload.SerializeToString())


@pytest.mark.parametrize(
    "change",
    [
        another_call,
        another_header,
        same_id_another_channel,
        transient_data_left_in,
        lambda request: common_pb2.Envelope(),
        lambda request: common_pb2.Envelope(payload=b"\xff\xff\xff"),
    ],
)
def test_gateway_that_answers_with_another_transaction_is_not_signed_for(change: Any) -> None:
    transport = answer_with(change)
    with pytest.raises(EndorseError) as caught:
        run(make_network(transport).contract().submit("Put", "a"))
    assert caught.value.grpc_status == "OK"
    assert [step for step, _ in transport.calls] == []


@given(st.binary(max_size=200))
def test_bytes_that_are_no_step_are_refused(data: bytes) -> None:
    gateway = make_gateway(FakeTransport())
    for read in (gateway.new_proposal, gateway.new_transaction, gateway.new_commit):
        with pytest.raises(ModelError):
            read(data)


@given(st.data())
def test_steps_with_flipped_bytes_are_refused_or_read_but_never_crash(data: st.DataObject) -> None:
    gateway = make_gateway(FakeTransport())
    place = data.draw(st.integers(0, len(GOOD_PROPOSAL) - 1))
    changed = bytes([GOOD_PROPOSAL[place] ^ data.draw(st.integers(1, 255))])
    bad = GOOD_PROPOSAL[:place] + changed + GOOD_PROPOSAL[place + 1 :]
    try:
        gateway.new_proposal(bad)
    except ModelError:
        return


def test_commit_request_without_id_or_channel_is_refused() -> None:
    gateway = make_gateway(FakeTransport())
    request = gateway_pb2.CommitStatusRequest(transaction_id="x")
    data = gateway_pb2.SignedCommitStatusRequest(request=request.SerializeToString()).SerializeToString()
    with pytest.raises(ModelError):
        gateway.new_commit(data)


def test_gateway_without_channel_says_so() -> None:
    gateway = Gateway(make_gateway(FakeTransport())._session)
    with pytest.raises(ConfigError) as caught:
        gateway.network()
    assert caught.value.fields["key"] == "channel"


def test_gateway_closes_its_transport() -> None:
    transport = FakeTransport()

    async def go() -> None:
        async with make_gateway(transport) as gateway:
            assert gateway.identity is IDENTITY
        assert transport.closed

    run(go())
