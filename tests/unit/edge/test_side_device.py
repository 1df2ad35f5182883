"""A side device checks receipts for what it sent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.edge.test_storage_node import OWN

from gridledger.crypto.cryptonote.signing import generate_keys, generate_signature
from gridledger.crypto.cryptonote.stealth import SpendSecret
from gridledger.edge.errors import EnvelopeMissing, ReceiptUnproven
from gridledger.edge.membership_wallet import MembershipWallet
from gridledger.edge.messages import RECEIPT_PATH
from gridledger.edge.sealed_record import SealedRecord, publish_address, seal_record
from gridledger.edge.side_device import SideDevice
from gridledger.model.digest import Digest
from gridledger.model.envelope import EnvelopeReceipt, EnvelopeStatement, SignedEnvelopeReceipt
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import NotFound

RECEIVER = SpendSecret.generate()


class Node:
    """A storage node that gives what it was told as a receipt."""

    def __init__(self) -> None:
        self.receipts: dict[str, SignedEnvelopeReceipt] = {}

    async def call(self, method: str, path: str, *, gives: type[Any]) -> Any:
        assert (method, gives) == ("GET", SignedEnvelopeReceipt)
        for deposit, receipt in self.receipts.items():
            if path == RECEIPT_PATH.format(deposit=deposit):
                return receipt
        raise NotFound("envelope receipt", path)


def sent() -> tuple[SealedRecord, EnvelopeStatement]:
    sealed = seal_record(b"1.5", publish_address(RECEIVER.address), envelope_bytes=128)
    statement = EnvelopeStatement(
        issuer=SystemIdentifier("88.1042.1"),
        period=1,
        ring=(0, 1, 2),
        envelope=sealed.digest,
        size_bytes=len(sealed.envelope),
        one_time_key=sealed.key.public_key,
        origin=sealed.key.sender_key,
        view_tag=sealed.key.view_tag[0],
        node=OWN.id,
    )
    return sealed, statement


def signed_by(receipt: EnvelopeReceipt, public: bytes, secret: bytes) -> SignedEnvelopeReceipt:
    signature = generate_signature(Digest.of(receipt.to_bytes()).raw, public, secret)
    return SignedEnvelopeReceipt(receipt=receipt, signature=signature)


async def test_device_believes_a_receipt_by_the_one_time_key_alone(tmp_path: Path) -> None:
    node, (sealed, statement), (_, other) = Node(), sent(), sent()
    opened = RECEIVER.open(sealed.key)
    pair = opened.public_key, opened.secret_key.reveal()
    receipt = EnvelopeReceipt(deposit=statement.id, envelope=statement.envelope)
    with MembershipWallet(tmp_path / "wallet.db", SpendSecret.generate()) as wallet:
        wallet.remember(statement)
    with MembershipWallet(tmp_path / "wallet.db", SpendSecret.generate()) as wallet:
        device = SideDevice(wallet, node)  # type: ignore[arg-type]
        with pytest.raises(NotFound):
            await device.receipt(statement.id)
        right = node.receipts[statement.id] = signed_by(receipt, *pair)
        assert await device.receipt(statement.id) == right
        for wrong in (
            signed_by(receipt, *generate_keys()),
            signed_by(replace(receipt, envelope=other.envelope), *pair),
            signed_by(replace(receipt, deposit=other.id), *pair),
        ):
            node.receipts[statement.id] = wrong
            with pytest.raises(ReceiptUnproven):
                await device.receipt(statement.id)
        with pytest.raises(EnvelopeMissing):
            await device.receipt(other.id)
