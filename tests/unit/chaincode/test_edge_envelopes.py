"""The contract edge: deposits of envelopes, key images, receipts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.chaincode.edge_scene import BYTES, RING, EdgeScene, node_id
from tests.unit.chaincode.scene import Scene
from tests.unit.chaincode.test_bundled_queries import bundle
from tests.unit.chaincode.test_edge_members import LOW_ORDER, with_torsion

from gridledger.crypto.cryptonote.keys import generate_key_image
from gridledger.crypto.cryptonote.scalar import ORDER
from gridledger.crypto.cryptonote.signing import generate_keys, generate_ring_signature, generate_signature
from gridledger.crypto.cryptonote.stealth import OneTimeKey
from gridledger.model.digest import Digest
from gridledger.model.edge_refusals import (
    KeyImageUsed,
    NotTheNode,
    PeriodClosed,
    RingRefused,
    RingSignatureRefused,
)
from gridledger.model.envelope import EnvelopeReceipt, SignedEnvelope, SignedEnvelopeReceipt
from gridledger.model.errors import ContractError, ModelError
from gridledger.model.refusals import AlreadyExists, BadArgument, CallsCollide, NotFound

DEPOSIT = "edge:DepositEnvelope"


@pytest.fixture
async def edge(empty: Scene) -> EdgeScene:
    return await EdgeScene.make(empty)


async def refused(edge: EdgeScene, signed: SignedEnvelope, *kinds: type[ContractError]) -> None:
    before = dict(edge.scene.peer.ledger.state)
    with pytest.raises(kinds or RingSignatureRefused):
        await edge.node.submit(DEPOSIT, signed)
    assert edge.scene.peer.ledger.state == before


async def test_envelope_of_any_device_is_deposited_and_listed(edge: EdgeScene) -> None:
    sent = [edge.sign(device) for device in range(len(edge.secrets))]
    for signed in sent:
        await edge.node.submit(DEPOSIT, signed)
    page = await edge.node.ask("edge:ListEnvelopeDeposits", edge.system, 1, "")
    assert [one.deposit for one in page.deposits] == [one.statement.id for one in sent]
    for signed in sent:
        found = await edge.node.ask("edge:GetEnvelopeDeposit", signed.statement.id)
        assert found.signed == signed
        assert (await edge.node.ask("edge:GetKeyImage", signed.key_image)).deposit == signed.statement.id


async def test_record_on_the_ledger_names_no_device(edge: EdgeScene) -> None:
    """Deposits of two devices differ in random-looking bytes only, and each key of the ring fits as well."""
    written = []
    for device in (0, 1):
        before = dict(edge.scene.peer.ledger.state)
        await edge.node.submit(DEPOSIT, edge.sign(device, ring=(0, 1, 2, 3), view_tag=100))
        written.append({k: v for k, v in edge.scene.peer.ledger.state.items() if before.get(k) != v})
    first, second = (sorted(map(len, one.values())) for one in written)
    assert first == second
    assert not any(b"house" in value for one in written for value in one.values())


async def test_key_signs_one_message(edge: EdgeScene) -> None:
    first = edge.sign()
    await edge.node.submit(DEPOSIT, first)
    await refused(edge, first, AlreadyExists)
    await refused(edge, edge.sign(), KeyImageUsed)
    await edge.node.submit(DEPOSIT, edge.sign(which=1))


async def test_envelopes_of_a_bundle_are_deposited_or_refused_one_by_one(edge: EdgeScene) -> None:
    good, again, other = edge.sign(0), edge.sign(0), edge.sign(1)
    forged = replace(edge.sign(2), signature=bytes(64 * RING))
    found, _ = await bundle(edge.node, *((DEPOSIT, one) for one in (good, again, forged, other)))
    assert [type(one) for one in found] == [bytes, CallsCollide, RingSignatureRefused, bytes]
    page = await edge.node.ask("edge:ListEnvelopeDeposits", edge.system, 1, "")
    assert {one.deposit for one in page.deposits} == {good.statement.id, other.statement.id}
    # Who collided asks again, alone: of two messages of one key the first counts.
    await refused(edge, again, KeyImageUsed)
    (refusal,), _ = await bundle(edge.other_node, (DEPOSIT, edge.sign(3)))
    assert isinstance(refusal, NotTheNode)


async def test_signature_of_a_stranger_is_refused(edge: EdgeScene) -> None:
    public, secret = generate_keys()
    statement = edge.statement((0, 1, 2, 3))
    ring = [public, *edge.keys[1:4]]
    image = generate_key_image(public, secret)
    message = Digest.of(statement.to_bytes()).raw
    signature = generate_ring_signature(message, image, ring, secret, 0)
    await refused(edge, SignedEnvelope(statement=statement, key_image=image, signature=signature))


async def test_ring_has_the_form_of_its_period(edge: EdgeScene) -> None:
    absent, two_rounds = (100, 101, 102, 103), (0, 1, 2, 4)
    for ring in (absent, two_rounds, tuple(range(RING + 1)), tuple(range(RING - 1))):
        signed = edge.sign()
        statement = replace(signed.statement, ring=ring)
        await refused(
            edge,
            replace(signed, statement=statement, signature=bytes(64 * len(ring))),
            RingRefused,
        )
    await refused(edge, edge.sign(size_bytes=BYTES - 1), RingRefused)


@pytest.mark.parametrize("ring", [(1, 0, 2, 3), (0, 0, 1, 2), (0, 1), (0, 1, 2, 10**6)])
async def test_malformed_ring_is_no_statement(edge: EdgeScene, ring: tuple[int, ...]) -> None:
    with pytest.raises(ModelError):
        edge.statement(ring)


async def test_ring_of_another_period_is_refused(edge: EdgeScene) -> None:
    first = edge.sign()
    keys, owned = edge.keys, edge.owned
    await edge.open(edge.period(number=2))
    await refused(edge, replace(first, statement=replace(first.statement, period=2)))
    edge.keys, edge.owned = keys, owned
    await edge.node.submit(DEPOSIT, first)


async def test_period_takes_nothing_before_or_after(edge: EdgeScene) -> None:
    signed = edge.sign()
    await edge.issuer.submit("edge:PlanPeriod", edge.period(number=2))
    await refused(edge, replace(signed, statement=replace(signed.statement, period=2)), PeriodClosed)
    now_ms = edge.scene.peer.time_ms
    keys, owned = edge.keys, edge.owned
    await edge.open(edge.period(number=3, starts_ms=now_ms + 9 * 60_000))
    later = edge.sign(period=3)
    await refused(edge, later, PeriodClosed)
    edge.keys, edge.owned = keys, owned
    edge.scene.peer.time_ms += 11 * 60_000
    await edge.scene.agent.submit("ledger:RenewTimeMark")
    await refused(edge, signed, PeriodClosed)


async def test_only_the_named_approved_node_submits(edge: EdgeScene) -> None:
    signed = edge.sign()
    with pytest.raises(NotTheNode):
        await edge.other_node.submit(DEPOSIT, signed)
    await edge.scene.administrator.submit("edge:RejectNode", node_id(edge.node), "lost")
    await refused(edge, signed, NotTheNode)


async def test_statement_is_signed_whole(edge: EdgeScene) -> None:
    signed = edge.sign()
    statement = signed.statement
    other = edge.statement(statement.ring)
    for changes in (
        {"envelope": Digest.of(b"another")},
        {"one_time_key": other.one_time_key},
        {"origin": other.origin},
        {"view_tag": statement.view_tag ^ 1},
    ):
        await refused(edge, replace(signed, statement=replace(statement, **changes)))


async def test_malleated_signatures_are_refused(edge: EdgeScene) -> None:
    signed = edge.sign()
    signature = signed.signature
    for at in range(0, len(signature), 32):
        scalar = int.from_bytes(signature[at : at + 32], "little") + ORDER
        changed = signature[:at] + scalar.to_bytes(32, "little") + signature[at + 32 :]
        await refused(edge, replace(signed, signature=changed))
    rotated = signature[64:] + signature[:64]
    await refused(edge, replace(signed, signature=rotated))
    await refused(edge, replace(signed, signature=bytes(len(signature))))
    with pytest.raises(ModelError):
        replace(signed, signature=signature + bytes(64))


async def test_key_image_with_torsion_is_no_second_image(edge: EdgeScene) -> None:
    signed = edge.sign()
    await edge.node.submit(DEPOSIT, signed)
    for image in (with_torsion(signed.key_image), LOW_ORDER, (1).to_bytes(32, "little"), b"\xff" * 32):
        again = edge.sign()
        await refused(edge, replace(again, key_image=image))


async def test_one_time_key_out_of_the_group_is_refused(edge: EdgeScene) -> None:
    place = edge.own_place()
    for field in ("one_time_key", "origin"):
        statement = edge.statement(edge.ring_with(place))
        for point in (with_torsion(getattr(statement, field)), LOW_ORDER):
            changed = replace(statement, **{field: point})
            await refused(edge, edge.sign_statement(changed, 0, place), BadArgument)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_flipped_bit_is_refused(edge: EdgeScene, data: Any) -> None:
    signed = edge.sign()
    field = data.draw(st.sampled_from(["signature", "key_image"]))
    value = bytearray(getattr(signed, field))
    bit = data.draw(st.integers(0, 8 * len(value) - 1))
    value[bit // 8] ^= 1 << bit % 8
    with pytest.raises(RingSignatureRefused):
        await edge.node.ask(DEPOSIT, replace(signed, **{field: bytes(value)}))


async def test_receipt_by_the_one_time_key_is_deposited_once(edge: EdgeScene) -> None:
    signed = edge.sign()
    await edge.node.submit(DEPOSIT, signed)
    receipt = receipt_of(edge, signed)
    with pytest.raises(NotFound):
        await edge.node.ask("edge:GetEnvelopeReceipt", signed.statement.id)
    # Whatever storage node the receiver gave it to.
    await edge.other_node.submit("edge:DepositEnvelopeReceipt", receipt)
    assert await edge.node.ask("edge:GetEnvelopeReceipt", signed.statement.id) == receipt
    with pytest.raises(AlreadyExists):
        await edge.node.submit("edge:DepositEnvelopeReceipt", receipt)


async def test_receipt_of_anything_else_is_refused(edge: EdgeScene) -> None:
    first, second = edge.sign(0), edge.sign(1)
    for one in (first, second):
        await edge.node.submit(DEPOSIT, one)
    receipt = receipt_of(edge, first)
    public, secret = generate_keys()
    message = Digest.of(receipt.receipt.to_bytes()).raw
    forged = replace(receipt, signature=generate_signature(message, public, secret))
    moved = replace(receipt, receipt=replace(receipt.receipt, deposit=second.statement.id))
    scalar = int.from_bytes(receipt.signature[32:], "little") + ORDER
    malleated = replace(receipt, signature=receipt.signature[:32] + scalar.to_bytes(32, "little"))
    both = EnvelopeReceipt(deposit=second.statement.id, envelope=second.statement.envelope)
    replayed = replace(receipt, receipt=both)
    for wrong, kind in (
        (forged, RingSignatureRefused),
        (moved, RingRefused),
        (malleated, RingSignatureRefused),
        (replayed, RingSignatureRefused),
    ):
        with pytest.raises(kind):
            await edge.node.submit("edge:DepositEnvelopeReceipt", wrong)
    nowhere = replace(receipt, receipt=replace(receipt.receipt, deposit="0" * 64))
    with pytest.raises(NotFound):
        await edge.node.submit("edge:DepositEnvelopeReceipt", nowhere)
    with pytest.raises(NotTheNode):
        await edge.scene.agent.submit("edge:DepositEnvelopeReceipt", receipt)


def receipt_of(edge: EdgeScene, signed: SignedEnvelope) -> SignedEnvelopeReceipt:
    """Sign as the receiver, which is device 0's address."""
    statement = signed.statement
    key = OneTimeKey(
        public_key=statement.one_time_key,
        sender_key=statement.origin,
        view_tag=bytes([statement.view_tag]),
    )
    secret = edge.secrets[0].open(key)
    receipt = EnvelopeReceipt(deposit=statement.id, envelope=statement.envelope)
    message = Digest.of(receipt.to_bytes()).raw
    signature = generate_signature(message, secret.public_key, secret.secret_key.reveal())
    return SignedEnvelopeReceipt(receipt=receipt, signature=signature)
