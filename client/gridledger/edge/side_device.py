"""A side device: it sends records without a name.

async with OpenClient(node) as client:
    with MembershipWallet(path, secret) as wallet:
        device = SideDevice(wallet, client)
        await device.enter(issuer, period)
        taken = await device.send(record, receiver)

Source: Zeng et al., edge layer; CryptoNote 2.0, section 4.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gridledger.crypto.cryptonote.keys import generate_key_image
from gridledger.crypto.cryptonote.signature import check_signature
from gridledger.crypto.cryptonote.signing import generate_ring_signature
from gridledger.edge.errors import ReceiptUnproven, RegisterIncomplete
from gridledger.edge.membership_wallet import MembershipWallet
from gridledger.edge.messages import (
    BATCHES_PATH,
    ENVELOPES_PATH,
    KEYS_PATH,
    NODE_PATH,
    PERIOD_PATH,
    RECEIPT_PATH,
    NodeName,
    OfferedEnvelope,
    Taken,
)
from gridledger.edge.ring_drawing import draw_ring
from gridledger.edge.sealed_record import seal_record
from gridledger.model.digest import Digest
from gridledger.model.edge import MembershipPeriod, PublishedAddress
from gridledger.model.edge_page import BatchAt, BatchPage, KeyPage
from gridledger.model.envelope import (
    EnvelopeReceipt,
    EnvelopeStatement,
    SignedEnvelope,
    SignedEnvelopeReceipt,
)
from gridledger.model.identifier import SystemIdentifier
from gridledger.web import OpenClient

__all__ = ["PeriodKeys", "SideDevice", "sign_envelope"]

_PAGES: Final = 1_001
"""Pages of 500 keys that the largest period has, and one to find the end."""


@dataclass(frozen=True, kw_only=True)
class PeriodKeys:
    """A period and all of its keys, by place."""

    period: MembershipPeriod
    keys: tuple[bytes, ...]


class SideDevice:
    """A side device at its storage node.

    Parameters
    ----------
    wallet : MembershipWallet
        The opener closes it.
    client : OpenClient
        To a storage node; the opener closes it.

    Notes
    -----
    The register comes from the node, since a device has no identity on the ledger. Keys that are not the
    register's make a signature that does not hold; yet a node that gives such ones learns from whether the
    device sends, and from its ring, which of the keys are the device's. Who minds compares what two nodes
    give.
    """

    def __init__(self, wallet: MembershipWallet, client: OpenClient) -> None:
        self._wallet = wallet
        self._client = client
        self._known: dict[tuple[SystemIdentifier, int], PeriodKeys] = {}
        self._node = ""

    async def enter(self, issuer: SystemIdentifier, period: int) -> int:
        """Load a period's register and find the device's own keys in it; return how many are unused.

        Raises
        ------
        RegisterIncomplete
            The node gave fewer keys than the period has, or the device has not one key in each round.
        """
        place = {"issuer": str(issuer), "period": str(period)}
        found = await self._client.call("GET", PERIOD_PATH.format(**place), gives=MembershipPeriod)
        keys: list[bytes] = []
        bookmark = ""
        for _ in range(_PAGES):
            query = {"bookmark": bookmark} if bookmark else None
            page = await self._client.call("GET", KEYS_PATH.format(**place), gives=KeyPage, query=query)
            keys += page.keys
            bookmark = page.bookmark
            if not bookmark:
                break
        if len(keys) != found.keys:
            raise RegisterIncomplete(f"{len(keys)} keys came, and the period has {found.keys}")
        known = PeriodKeys(period=found, keys=tuple(keys))
        self._wallet.learn(found, await self._batches(place), known.keys)
        self._known[issuer, period] = known
        return self._wallet.left(issuer, period)

    async def send(
        self, record: bytes, address: PublishedAddress, *, issuer: SystemIdentifier, period: int
    ) -> Taken:
        """Seal a record to a stealth address, sign it with a ring, and hand it to the node.

        Parameters
        ----------
        record : bytes
        address : PublishedAddress
            The receiver's, as the ledger has it. Never as the node says: it would learn to whom the device
            sends, and could give an address of its own.
        issuer : SystemIdentifier
        period : int

        Raises
        ------
        NoKeyLeft
            All keys of the period were used.
        RecordTooLong
            The record does not fit into the period's envelopes.
        ContractError, ServiceError
            What the node answers.
        """
        if (issuer, period) not in self._known:
            await self.enter(issuer, period)
        if not self._node:
            self._node = (await self._client.call("GET", NODE_PATH, gives=NodeName)).node
        offered = sign_envelope(self._wallet, self._known[issuer, period], record, address, node=self._node)
        self._wallet.remember(offered.signed.statement)
        return await self._client.call("POST", ENVELOPES_PATH, offered, gives=Taken)

    async def receipt(self, deposit: str) -> SignedEnvelopeReceipt:
        """Return the receiver's receipt for an envelope that this device sent, once it is proven.

        Raises
        ------
        EnvelopeMissing
            This device has not sent it.
        NotFound
            There is no receipt yet.
        ReceiptUnproven
            What the node gave is not signed by the one-time key of the envelope, or is for another one.
        """
        one_time_key, envelope = self._wallet.sent(deposit)
        signed = await self._client.call(
            "GET", RECEIPT_PATH.format(deposit=deposit), gives=SignedEnvelopeReceipt
        )
        message = Digest.of(signed.receipt.to_bytes()).raw
        wanted = EnvelopeReceipt(deposit=deposit, envelope=envelope)
        if signed.receipt != wanted or not check_signature(message, one_time_key, signed.signature):
            raise ReceiptUnproven(f"the receipt for {deposit} does not hold", deposit=deposit)
        return signed

    async def _batches(self, place: dict[str, str]) -> list[BatchAt]:
        found: list[BatchAt] = []
        bookmark = ""
        for _ in range(_PAGES):
            query = {"bookmark": bookmark} if bookmark else None
            page = await self._client.call("GET", BATCHES_PATH.format(**place), gives=BatchPage, query=query)
            found += page.batches
            bookmark = page.bookmark
            if not bookmark:
                break
        return found


def sign_envelope(
    wallet: MembershipWallet, known: PeriodKeys, record: bytes, address: PublishedAddress, *, node: str
) -> OfferedEnvelope:
    """Seal a record, draw a ring and sign with one of the wallet's keys, which is used up.

    Parameters
    ----------
    wallet : MembershipWallet
    known : PeriodKeys
    record : bytes
    address : PublishedAddress
        The receiver's.
    node : str
        The storage node that is to submit it.
    """
    period = known.period
    sealed = seal_record(record, address, envelope_bytes=period.envelope_bytes)
    own = wallet.take(period.issuer, period.number)
    ring = draw_ring(own.place, period.devices, period.ring_size)
    statement = EnvelopeStatement(
        issuer=period.issuer,
        period=period.number,
        ring=ring,
        envelope=sealed.digest,
        size_bytes=len(sealed.envelope),
        one_time_key=sealed.key.public_key,
        origin=sealed.key.sender_key,
        view_tag=sealed.key.view_tag[0],
        node=node,
    )
    image = generate_key_image(own.public, own.secret)
    signature = generate_ring_signature(
        Digest.of(statement.to_bytes()).raw,
        image,
        [known.keys[place] for place in ring],
        own.secret,
        ring.index(own.place),
    )
    signed = SignedEnvelope(statement=statement, key_image=image, signature=signature)
    return OfferedEnvelope(signed=signed, envelope=sealed.envelope)
