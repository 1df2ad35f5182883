"""Ordering: what is taken in, how blocks are cut, and what happens when none can be written."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.devnet.contract import NAMESPACE, keeper
from tests.unit.devnet.kit import Net, open_net
from tests.unit.devnet.messages import CHANNEL, make_proposal

from gridledger.client.validation import ValidationCode
from gridledger.network.devnet import orderer as orderer_module
from gridledger.network.devnet.block import Signer
from gridledger.network.devnet.errors import LedgerFailed
from gridledger.network.devnet.orderer import OrderingRefused
from gridledger.network.material import OrganisationMaterial

Status = common_pb2.Status


def _envelope(
    signer: Signer,
    *,
    kind: int = common_pb2.HeaderType.ENDORSER_TRANSACTION,
    channel: str = CHANNEL,
    data: bytes = b"",
) -> common_pb2.Envelope:
    payload = common_pb2.Payload(
        header=common_pb2.Header(
            channel_header=common_pb2.ChannelHeader(type=kind, channel_id=channel).SerializeToString(),
            signature_header=common_pb2.SignatureHeader(
                creator=signer.identity, nonce=b"n" * 24
            ).SerializeToString(),
        ),
        data=data,
    ).SerializeToString()
    return common_pb2.Envelope(payload=payload, signature=signer.sign(payload))


def _refusal(net: Net, envelope: common_pb2.Envelope) -> OrderingRefused:
    with pytest.raises(OrderingRefused) as caught:
        net.orderer.submit(envelope)
    return caught.value


def test_transactions_that_no_orderer_takes_are_refused(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    user = net.user()
    good = _envelope(user)
    stranger = Signer(b"\x0a\x07Org9MSP\x12\x00", user._key)
    cases = [
        (common_pb2.Envelope(), Status.BAD_REQUEST, "Message was empty"),
        (common_pb2.Envelope(payload=b"\xff", signature=b"s"), Status.BAD_REQUEST, "bad payload"),
        (_envelope(user, channel="other"), Status.NOT_FOUND, "channel other is not served"),
        (
            common_pb2.Envelope(payload=good.payload, signature=net.user(2).sign(good.payload)),
            Status.FORBIDDEN,
            "permission denied",
        ),
        (common_pb2.Envelope(payload=good.payload), Status.FORBIDDEN, "permission denied"),
        (_envelope(stranger), Status.FORBIDDEN, "permission denied"),
        (
            _envelope(user, kind=common_pb2.HeaderType.CONFIG_UPDATE),
            Status.NOT_IMPLEMENTED,
            "does not take configuration updates",
        ),
    ]
    for envelope, status, words in cases:
        refusal = _refusal(net, envelope)
        assert (refusal.status, words in refusal.message) == (status, True), refusal.message
    monkeypatch.setattr(orderer_module, "ABSOLUTE_MAX_BYTES", 10)
    refusal = _refusal(net, good)
    assert refusal.status == Status.BAD_REQUEST
    assert "exceeds maximum allowed 10 bytes" in refusal.message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(payload=st.binary(max_size=200), signature=st.binary(max_size=80))
def test_garbage_is_refused_with_a_status(net: Net, payload: bytes, signature: bytes) -> None:
    refusal = _refusal(net, common_pb2.Envelope(payload=payload, signature=signature))
    assert refusal.status in (Status.BAD_REQUEST, Status.NOT_FOUND, Status.FORBIDDEN)


async def test_signed_nonsense_stands_in_a_block_and_changes_nothing(net: Net) -> None:
    # As on Fabric: the orderer looks at the signature alone, the peers at the content.
    height = net.ledger.height
    net.orderer.submit(_envelope(net.user(), data=b"nonsense"))
    async with asyncio.timeout(10):
        await net.ledger.wait_for(height)
    block = net.ledger.block(height)
    assert block is not None
    flags = block.metadata.metadata[common_pb2.BlockMetadataIndex.TRANSACTIONS_FILTER]
    assert list(flags) != [ValidationCode.VALID]


async def test_full_block_is_cut_and_the_rest_follows(deployed: Net) -> None:
    deployed.orderer._max_messages = 3
    user = deployed.user()
    height = deployed.ledger.height
    envelopes = [await deployed.endorse(user, NAMESPACE, b"put", b"%d" % n, b"1") for n in range(8)]
    results = await asyncio.gather(*(deployed.submit(envelope) for envelope in envelopes))
    assert {code for _, code in results} == {ValidationCode.VALID}
    sizes = []
    for number in range(height, deployed.ledger.height):
        block = deployed.ledger.block(number)
        assert block is not None
        sizes.append(len(block.data.data))
    assert (sum(sizes), max(sizes)) == (8, 3)
    assert [number for number, _ in results] == sorted(number for number, _ in results)


async def test_large_transaction_waits_for_the_next_block(
    deployed: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = deployed.user()
    envelopes = [await deployed.endorse(user, NAMESPACE, b"put", b"%d" % n, b"1" * 2000) for n in range(4)]
    monkeypatch.setattr(orderer_module, "PREFERRED_MAX_BYTES", envelopes[0].ByteSize() * 2 + 100)
    results = await asyncio.gather(*(deployed.submit(envelope) for envelope in envelopes))
    assert {code for _, code in results} == {ValidationCode.VALID}
    first = results[0][0]
    assert [number - first for number, _ in results] == [0, 0, 1, 1]


async def test_same_request_waits_once(deployed: Net) -> None:
    envelope = await deployed.endorse(deployed.user(), NAMESPACE, b"put", b"a", b"1")
    for _ in range(3):
        deployed.orderer.submit(envelope)
    number, _ = await deployed.submit(envelope)
    block = deployed.ledger.block(number)
    assert block is not None
    assert len(block.data.data) == 1
    assert not deployed.orderer._pending


async def test_block_at_work_is_finished_before_the_end(
    tmp_path: Path, material: list[OrganisationMaterial]
) -> None:
    opened = await open_net(tmp_path, material)
    envelope = _envelope(opened.user(), data=b"nonsense")
    opened.orderer.submit(envelope)
    await asyncio.sleep(0.003)
    await opened.close()
    again = await open_net(tmp_path, material)
    # Either it was written whole, or it was lost from the memory of the orderer; the chain is good.
    assert again.ledger.height in (1, 2)
    await again.close()


async def test_ledger_that_cannot_be_written_ends_the_orderer(net: Net) -> None:
    task = net.orderer._task
    assert task is not None

    async def fail(_: object) -> None:
        raise LedgerFailed("disk full")

    net.ledger.commit = fail  # type: ignore[method-assign,assignment]
    net.orderer.submit(_envelope(net.user()))
    with pytest.raises(LedgerFailed, match="disk full"):
        await asyncio.wait_for(asyncio.shield(task), 10)


async def test_what_was_committed_is_there_after_a_restart(
    tmp_path: Path, material: list[OrganisationMaterial]
) -> None:
    opened = await open_net(tmp_path, material)
    await opened.deploy(NAMESPACE, keeper)
    user = opened.user()
    envelope = await opened.endorse(user, NAMESPACE, b"put", b"a", b"1")
    number, _ = await opened.submit(envelope)
    height = opened.ledger.height
    await opened.close()
    again = await open_net(tmp_path, material)
    again.contracts[NAMESPACE] = keeper
    assert again.ledger.height == height
    assert await again.evaluate(user, NAMESPACE, b"get", b"a") == b"1"
    payload = common_pb2.Payload.FromString(envelope.payload)
    transaction_id = common_pb2.ChannelHeader.FromString(payload.header.channel_header).tx_id
    assert await again.commits.wait(transaction_id) == (number, ValidationCode.VALID)
    # Replayed by the same bytes: neither the orderer takes it, nor an endorser.
    assert "request already processed" in _refusal(again, envelope).message
    assert await again.invoke(user, NAMESPACE, b"put", b"a", b"2") == ValidationCode.VALID
    await again.close()


async def test_proposal_that_somebody_submits_is_no_transaction(deployed: Net) -> None:
    # A proposal has the shape of a payload, and the client's signature is good: only its content tells.
    proposal = make_proposal(deployed.user(), NAMESPACE, b"put", b"a", b"1")
    envelope = common_pb2.Envelope(payload=proposal.proposal_bytes, signature=proposal.signature)
    _, code = await deployed.submit(envelope)
    assert code != ValidationCode.VALID
    assert await deployed.evaluate(deployed.user(), NAMESPACE, b"get", b"a") == b""
