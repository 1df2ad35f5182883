"""An audit finds what does not hold, whatever the ledger says of it."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.chaincode.edge_scene import EdgeScene
from tests.unit.chaincode.scene import Scene

from gridledger.chaincode import GridLedger
from gridledger.crypto.cryptonote import point
from gridledger.crypto.cryptonote.signing import generate_signature
from gridledger.crypto.cryptonote.stealth import OneTimeKey
from gridledger.edge.audit import problem_of
from gridledger.model.digest import Digest
from gridledger.model.envelope import EnvelopeDeposit, EnvelopeReceipt, SignedEnvelope, SignedEnvelopeReceipt
from gridledger.shim.testing import MemoryPeer

TORSION = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")


def deposited(signed: SignedEnvelope, at_ms: int) -> EnvelopeDeposit:
    return EnvelopeDeposit(signed=signed, deposited_ms=at_ms)


async def test_audit_names_what_is_wrong_with_a_deposit() -> None:
    async with MemoryPeer(GridLedger()) as peer:
        edge = await EdgeScene.make(Scene.on(peer))
        period = await edge.node.ask("edge:GetMembershipPeriod", edge.system, 1)
        signed = edge.sign()
        right: EnvelopeDeposit = await edge.node.submit("edge:DepositEnvelope", signed)
        assert problem_of(period, edge.keys, right) == ""

        statement, at_ms = signed.statement, right.deposited_ms
        wrong_bit = bytes([signed.signature[0] ^ 1]) + signed.signature[1:]
        other_round = (*statement.ring[1:], max(statement.ring) + 1)
        found = {
            "is of another period": replace(signed, statement=replace(statement, period=2)),
            "has not the form": replace(signed, statement=replace(statement, size_bytes=64)),
            "is not of one round": replace(signed, statement=replace(statement, ring=other_round)),
            "signature does not hold": replace(signed, signature=wrong_bit),
            "prime-order group": replace(signed, key_image=point.add(signed.key_image, TORSION)),
        }
        for text, changed in found.items():
            assert text in problem_of(period, edge.keys, deposited(changed, at_ms))
        assert "not deposited in its period" in problem_of(
            period, edge.keys, deposited(signed, period.ends_ms)
        )
        assert "keys" in problem_of(period, edge.keys[:-1], right)


async def test_audit_takes_the_receipt_of_the_one_time_key_for_this_deposit_alone() -> None:
    async with MemoryPeer(GridLedger()) as peer:
        edge = await EdgeScene.make(Scene.on(peer))
        period = await edge.node.ask("edge:GetMembershipPeriod", edge.system, 1)
        right: EnvelopeDeposit = await edge.node.submit("edge:DepositEnvelope", edge.sign())
        statement = right.signed.statement
        key = OneTimeKey(
            public_key=statement.one_time_key,
            sender_key=statement.origin,
            view_tag=bytes([statement.view_tag]),
        )
        opened = edge.secrets[0].open(key)

        def signed(receipt: EnvelopeReceipt) -> SignedEnvelopeReceipt:
            digest = Digest.of(receipt.to_bytes()).raw
            made = generate_signature(digest, opened.public_key, opened.secret_key.reveal())
            return SignedEnvelopeReceipt(receipt=receipt, signature=made)

        receipt = EnvelopeReceipt(deposit=statement.id, envelope=statement.envelope)
        good = signed(receipt)
        assert problem_of(period, edge.keys, right, good) == ""
        for bad in (
            signed(replace(receipt, deposit="0" * 64)),
            signed(replace(receipt, envelope=Digest.of(b"another"))),
            replace(good, signature=good.signature[32:] + good.signature[:32]),
        ):
            assert "receipt" in problem_of(period, edge.keys, right, bad)
