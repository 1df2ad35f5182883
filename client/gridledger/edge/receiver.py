"""A receiver: it finds envelopes for its stealth address, fetches and opens them, and signs for them.

Source: Zeng et al., figure 3; CryptoNote 2.0, section 4.3.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from gridledger.crypto.cryptonote.signing import generate_signature
from gridledger.crypto.cryptonote.stealth import OneTimeKey, SpendSecret, ViewSecret
from gridledger.edge.errors import EnvelopeMissing
from gridledger.edge.messages import FETCHES_PATH, RECEIPTS_PATH, EnvelopeBody, Fetch, SignedFetch
from gridledger.edge.sealed_record import open_record
from gridledger.model.digest import Digest
from gridledger.model.edge import StorageNode
from gridledger.model.edge_page import DepositedAt
from gridledger.model.envelope import EnvelopeDeposit, EnvelopeReceipt, SignedEnvelopeReceipt
from gridledger.model.errors import GridLedgerError
from gridledger.web import OpenClient
from gridledger.web.errors import ReplyUnknown, ServiceUnavailable

__all__ = ["FoundEnvelope", "Receiver", "scan"]

Clock = Callable[[], float]

_TOGETHER: Final = 500


@dataclass(frozen=True, kw_only=True)
class FoundEnvelope:
    """A deposit that is for this address."""

    at: DepositedAt

    @property
    def key(self) -> OneTimeKey:
        """Its one-time key, as scanning and opening take it."""
        return _key_of(self.at)


async def scan(view: ViewSecret, deposits: AsyncIterable[DepositedAt]) -> AsyncIterator[FoundEnvelope]:
    """Yield the deposits that are for an address.

    Parameters
    ----------
    view : ViewSecret
        A gateway may scan for a device that keeps its spend secret: it opens nothing.
    deposits : async iterable of DepositedAt
        As `EdgeLedger.deposits` gives them.

    Notes
    -----
    Deposits are looked at 500 at a time, in a thread; see `ViewSecret.scan`.
    """
    waiting: list[DepositedAt] = []
    async for at in deposits:
        waiting.append(at)
        if len(waiting) == _TOGETHER:
            for found in await asyncio.to_thread(_find, view, waiting):
                yield found
            waiting = []
    for found in await asyncio.to_thread(_find, view, waiting):
        yield found


class Receiver:
    """Fetches, opens and signs for what `scan` found; an async context manager.

    Parameters
    ----------
    secret : SpendSecret
    nodes : iterable of StorageNode
        Approved ones: where envelopes are asked for.
    connect : callable, default OpenClient
        Opens a client by a server's origin.
    clock : callable, default time.time
        Seconds since 1970.
    """

    def __init__(
        self,
        secret: SpendSecret,
        nodes: Iterable[StorageNode],
        *,
        connect: Callable[[str], OpenClient] = OpenClient,
        clock: Clock = time.time,
    ) -> None:
        self._secret = secret
        self._nodes: Mapping[str, StorageNode] = {node.id: node for node in nodes}
        self._connect = connect
        self._clock = clock
        self._clients: dict[str, OpenClient] = {}

    async def fetch(self, found: FoundEnvelope, envelope: Digest) -> bytes:
        """Fetch an envelope from the first storage node that has it, its own before others.

        Parameters
        ----------
        found : FoundEnvelope
        envelope : Digest
            As its deposit names it; what a node gives is compared with it.

        Raises
        ------
        EnvelopeMissing
            No node that can be reached has it.
        GridLedgerError
            What the last node said that refused, where none gave it.
        """
        own = found.at.entry.node
        refusal: GridLedgerError | None = None
        for node in sorted(self._nodes, key=lambda one: (one != own, one)):
            fetch = Fetch(deposit=found.at.deposit, node=node, made_ms=int(self._clock() * 1000))
            asked = SignedFetch(fetch=fetch, signature=self._sign(found, Digest.of(fetch.to_bytes())))
            try:
                body = await self._client(node).call("POST", FETCHES_PATH, asked, gives=EnvelopeBody)
            except (EnvelopeMissing, ServiceUnavailable, ReplyUnknown):
                continue
            except GridLedgerError as error:  # One node's word: another one may have the envelope.
                refusal = error
                continue
            if body.digest == envelope:
                return body.envelope
        raise refusal or EnvelopeMissing(f"no storage node has the envelope {envelope}", digest=str(envelope))

    def open(self, found: FoundEnvelope, envelope: bytes) -> bytes:
        """Return the record of a fetched envelope.

        Raises
        ------
        SealBroken, EnvelopeUnreadable
            It was made for this address, and badly.
        """
        return open_record(envelope, found.key, self._secret.open(found.key))

    def receipt(self, found: FoundEnvelope, deposit: EnvelopeDeposit) -> SignedEnvelopeReceipt:
        """Sign for an envelope that was opened."""
        receipt = EnvelopeReceipt(deposit=found.at.deposit, envelope=deposit.signed.statement.envelope)
        return SignedEnvelopeReceipt(
            receipt=receipt, signature=self._sign(found, Digest.of(receipt.to_bytes()))
        )

    async def acknowledge(self, found: FoundEnvelope, deposit: EnvelopeDeposit) -> SignedEnvelopeReceipt:
        """Sign for an envelope, and have the first storage node that does so deposit the receipt."""
        signed = self.receipt(found, deposit)
        trouble: GridLedgerError | None = None
        own = found.at.entry.node
        for node in sorted(self._nodes, key=lambda one: (one != own, one)):
            try:
                return await self._client(node).call(
                    "POST", RECEIPTS_PATH, signed, gives=SignedEnvelopeReceipt
                )
            except GridLedgerError as error:  # One node's word: another one may deposit it.
                trouble = error
        raise trouble or EnvelopeMissing("there is no storage node to deposit the receipt")

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _sign(self, found: FoundEnvelope, message: Digest) -> bytes:
        secret = self._secret.open(found.key)
        return generate_signature(message.raw, secret.public_key, secret.secret_key.reveal())

    def _client(self, node: str) -> OpenClient:
        if node not in self._clients:
            self._clients[node] = self._connect(self._nodes[node].entry.server)
        return self._clients[node]


def _find(view: ViewSecret, deposits: Sequence[DepositedAt]) -> list[FoundEnvelope]:
    keys = [_key_of(at) for at in deposits]
    own = set(view.scan(keys))
    return [FoundEnvelope(at=at) for at, key in zip(deposits, keys, strict=True) if key in own]


def _key_of(at: DepositedAt) -> OneTimeKey:
    entry = at.entry
    return OneTimeKey(
        public_key=entry.one_time_key, sender_key=entry.origin, view_tag=bytes([entry.view_tag])
    )
