"""A storage node: it keeps envelopes, submits their deposits, and hands them to who may have them.

Source: Zeng et al., figure 2 and edge layer.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Final

from gridledger.crypto.cryptonote.signature import check_signature
from gridledger.edge.edge_ledger import EdgeLedger
from gridledger.edge.envelope_store import EnvelopeStore
from gridledger.edge.errors import EnvelopeMissing, EnvelopeRefused, NotTheReceiver
from gridledger.edge.messages import (
    BATCHES_PATH,
    ENVELOPES_PATH,
    FETCHES_PATH,
    KEYS_PATH,
    NODE_PATH,
    PERIOD_PATH,
    RECEIPT_PATH,
    RECEIPTS_PATH,
    REPLICA_PATH,
    REPLICAS_PATH,
    SHARES_PATH,
    EnvelopeBody,
    EnvelopeCopy,
    NodeName,
    OfferedEnvelope,
    ShareAsked,
    SharePart,
    SignedFetch,
    Taken,
)
from gridledger.edge.node_group import NodeGroup
from gridledger.edge.node_shares import NodeShares
from gridledger.edge.replication import DEFAULT_FACTOR, Repair, holders
from gridledger.exchange.handoff import until_seen
from gridledger.exchange.party import Party, is_agent
from gridledger.model.digest import Digest
from gridledger.model.edge import MembershipPeriod, StorageNode
from gridledger.model.edge_page import BatchPage, KeyPage
from gridledger.model.envelope import EnvelopeDeposit, SignedEnvelope, SignedEnvelopeReceipt
from gridledger.model.errors import ContractError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import AlreadyExists, NotFound
from gridledger.web import Call, Limits, Nothing, NotPermitted, OpenCall, RequestMalformed, Service
from gridledger.web.errors import ReplyUnknown, ReplyUnproven, ServiceUnavailable
from gridledger.web.replay import ReplayStore

__all__ = ["UNDEPOSITED_MS", "StorageNodeServer"]

Clock = Callable[[], float]

_FETCH_AGE_MS: Final = 300_000
"""How old a fetch may be: an envelope given twice is the same sealed bytes."""
UNDEPOSITED_MS: Final = 3_600_000
"""How long an envelope waits for its deposit: a transaction's time is held to minutes of the ledger's."""
_UNREACHED: Final = (ServiceUnavailable, ReplyUnknown, ReplyUnproven)


async def _work() -> None:
    """Find nothing wrong."""


class StorageNodeServer:
    """A storage node's routes and work.

    Parameters
    ----------
    party : Party
        The node's agent; the opener closes it.
    node : StorageNode
        Its registration.
    store : EnvelopeStore
        The opener closes it.
    factor : int, default 2
        On how many nodes of the root an envelope is kept.
    clock : callable, default time.time
        Seconds since 1970.
    """

    def __init__(
        self,
        party: Party,
        node: StorageNode,
        store: EnvelopeStore,
        *,
        factor: int = DEFAULT_FACTOR,
        clock: Clock = time.time,
    ) -> None:
        self.ledger = EdgeLedger(party.network)
        self.node = node
        self.store = store
        self.group = NodeGroup(self.ledger, node.root)
        self.shares = NodeShares(party, self.ledger, node, store)
        self._party = party
        self._factor = factor
        self._clock = clock

    def service(
        self,
        replay: ReplayStore,
        *,
        limits: Limits | None = None,
        lifespan: Callable[[], AbstractAsyncContextManager[Any]] = nullcontext,
        check: Callable[[], Awaitable[None]] | None = None,
    ) -> Service:
        """Build the service; see `Service` for the parameters."""
        service = Service(
            self.node.entry.name,
            signer=self._party.signer,
            authorities=self._party.authorities,
            replay=replay,
            limits=limits,
            lifespan=lifespan,
            check=check or _work,
        )
        service.open_route("GET", NODE_PATH, takes=Nothing, gives=NodeName)(self.tell_name)
        service.open_route("GET", PERIOD_PATH, takes=Nothing, gives=MembershipPeriod)(self.tell_period)
        service.open_route("GET", KEYS_PATH, takes=Nothing, gives=KeyPage)(self.tell_keys)
        service.open_route("GET", BATCHES_PATH, takes=Nothing, gives=BatchPage)(self.tell_batches)
        service.open_route("POST", ENVELOPES_PATH, takes=OfferedEnvelope, gives=Taken)(self.take)
        service.open_route("POST", FETCHES_PATH, takes=SignedFetch, gives=EnvelopeBody)(self.hand_over)
        service.open_route("POST", RECEIPTS_PATH, takes=SignedEnvelopeReceipt, gives=SignedEnvelopeReceipt)(
            self.take_receipt
        )
        service.open_route("GET", RECEIPT_PATH, takes=Nothing, gives=SignedEnvelopeReceipt)(self.tell_receipt)
        service.post(REPLICAS_PATH, takes=EnvelopeCopy, gives=NodeName)(self.keep_copy)
        service.get(REPLICA_PATH, gives=EnvelopeBody)(self.give_copy)
        service.post(SHARES_PATH, takes=ShareAsked, gives=SharePart)(self.give_share)
        return service

    # --- what everybody may know

    async def tell_name(self, _call: OpenCall[Nothing]) -> NodeName:
        """Say which storage node this is."""
        return NodeName(node=self.node.id)

    async def tell_period(self, call: OpenCall[Nothing]) -> MembershipPeriod:
        """Return a period."""
        return await self.ledger.period(*_period_of(call))

    async def tell_keys(self, call: OpenCall[Nothing]) -> KeyPage:
        """Return a page of a period's membership keys."""
        return await self.ledger.keys(*_period_of(call), call.query.get("bookmark", ""))

    async def tell_batches(self, call: OpenCall[Nothing]) -> BatchPage:
        """Return a page of a period's batches."""
        return await self.ledger.batches(*_period_of(call), call.query.get("bookmark", ""))

    async def tell_receipt(self, call: OpenCall[Nothing]) -> SignedEnvelopeReceipt:
        """Return the receipt of a deposit: its sender checks by it that the receiver has opened it."""
        return await self.ledger.receipt(call.path["deposit"])

    # --- envelopes

    async def take(self, call: OpenCall[OfferedEnvelope]) -> Taken:
        """Keep an envelope, deposit it, and give copies to other nodes.

        Raises
        ------
        EnvelopeRefused
            The bytes are not those that the statement names, or it names another node and is not deposited.
        ContractError
            The contract refuses the deposit.

        Notes
        -----
        The envelope is on the disk before the ledger knows of it. An envelope that comes again, since its
        answer was lost, is answered again.
        """
        signed, envelope = call.value.signed, call.value.envelope
        statement = signed.statement
        if Digest.of(envelope) != statement.envelope or len(envelope) != statement.size_bytes:
            raise EnvelopeRefused("the envelope is not the one that the statement names")
        self.store.offer(envelope, statement.id)
        try:
            deposit = await self._deposit(signed)
        except (ContractError, EnvelopeRefused):
            self.store.withdraw(statement.envelope, statement.id)
            raise
        self.store.confirm(statement.envelope, statement.id)
        copies = 1 + await self._give_copies(statement.envelope, envelope, statement.id)
        return Taken(deposit=statement.id, deposited_ms=deposit.deposited_ms, copies=copies)

    async def hand_over(self, call: OpenCall[SignedFetch]) -> EnvelopeBody:
        """Return an envelope to who signs with its one-time key: its receiver.

        Raises
        ------
        NotTheReceiver
            Another key signed, or the fetch is old or for another node.
        EnvelopeMissing
            It is not here.
        """
        fetch = call.value.fetch
        if fetch.node != self.node.id or abs(fetch.made_ms - self._clock() * 1000) > _FETCH_AGE_MS:
            raise NotTheReceiver("the fetch is for another storage node or another moment")
        deposit = await until_seen(lambda: self.ledger.deposit(fetch.deposit))
        statement = deposit.signed.statement
        message = Digest.of(fetch.to_bytes()).raw
        if not check_signature(message, statement.one_time_key, call.value.signature):
            raise NotTheReceiver("the fetch is not signed by the envelope's one-time key")
        return EnvelopeBody(envelope=self.store.read(statement.envelope))

    async def take_receipt(self, call: OpenCall[SignedEnvelopeReceipt]) -> SignedEnvelopeReceipt:
        """Deposit a receiver's receipt, or return the one that stands there."""
        signed = call.value
        await until_seen(lambda: self.ledger.deposit(signed.receipt.deposit))
        try:
            return await self.ledger.deposit_receipt(signed)
        except AlreadyExists:
            return await until_seen(lambda: self.ledger.receipt(signed.receipt.deposit))

    # --- between nodes

    async def keep_copy(self, call: Call[EnvelopeCopy]) -> NodeName:
        """Keep a copy for another storage node of the root; `sweep` drops it if no deposit names it.

        Raises
        ------
        NotPermitted
            The caller is none.
        """
        await self._require_neighbour(call)
        self.store.offer(call.value.envelope, call.value.deposit)
        return NodeName(node=self.node.id)

    async def give_copy(self, call: Call[Nothing]) -> EnvelopeBody:
        """Return an envelope to another storage node of the root.

        Raises
        ------
        NotPermitted, EnvelopeMissing
        """
        await self._require_neighbour(call)
        return EnvelopeBody(envelope=self.store.read(Digest.parse(call.path["digest"])))

    async def give_share(self, call: Call[ShareAsked]) -> SharePart:
        """Return the next envelopes of an admitted share request to the node that made it."""
        return await self.shares.give(call)

    async def repair(self, issuer: SystemIdentifier, period: int) -> Repair:
        """Fetch what this node should have of a period's envelopes and has not.

        Notes
        -----
        Reads the period's deposits; asks the other approved nodes for each envelope that is missing. What is
        here and was deposited is confirmed, so that it is never swept.
        """
        nodes = await self.group.approved(fresh=True)
        checked = fetched = 0
        missing: list[str] = []
        async for at in self.ledger.deposits(issuer, period):
            envelope = (await self.ledger.deposit(at.deposit)).signed.statement.envelope
            if self.node.id in holders(envelope, nodes, origin=at.entry.node, factor=self._factor):
                checked += 1
                if not self.store.has(envelope):
                    body = await self._fetch_copy(envelope, nodes)
                    if body is None:
                        missing.append(at.deposit)
                        continue
                    self.store.keep(body, deposit=at.deposit)
                    fetched += 1
            self.store.confirm(envelope, at.deposit)
        return Repair(checked=checked, fetched=fetched, missing=tuple(missing))

    async def sweep(self) -> int:
        """Drop envelopes that came an hour ago or earlier and were never deposited; return how many.

        Notes
        -----
        What a crash or a lost answer left without a word is asked of the ledger first: an envelope whose
        deposit stands there is kept for good. An hour later no transaction of then can become valid any more.
        """
        dropped = 0
        for digest, offer in self.store.unsettled(int(self._clock() * 1000) - UNDEPOSITED_MS):
            try:
                found = await self.ledger.deposit(offer) if offer else None
            except NotFound:
                found = None
            if found is not None and found.signed.statement.envelope == digest:
                self.store.confirm(digest, offer)
            else:
                self.store.withdraw(digest, offer)
                dropped += not self.store.has(digest)
        return dropped

    async def _deposit(self, signed: SignedEnvelope) -> EnvelopeDeposit:
        statement = signed.statement
        if statement.node != self.node.id:  # The node that it was for is gone: it may be deposited already.
            try:
                found = await self.ledger.deposit(statement.id)
            except NotFound as error:
                raise EnvelopeRefused("the envelope is for another storage node") from error
            return found
        try:
            return await self.ledger.deposit_envelope(signed)
        except AlreadyExists:
            return await until_seen(lambda: self.ledger.deposit(statement.id))

    async def _give_copies(self, digest: Digest, envelope: bytes, deposit: str) -> int:
        """Give copies to the nodes that keep one; those that cannot be reached repair later.

        Notes
        -----
        Nodes that were approved or removed a moment ago are seen when copies are too few: then the ledger is
        asked again.
        """
        copy = EnvelopeCopy(envelope=envelope, deposit=deposit)
        given: set[str] = set()
        for fresh in (False, True):
            nodes = await self.group.approved(fresh=fresh)
            wanted = holders(digest, nodes, origin=self.node.id, factor=self._factor)
            left = [node for node in nodes if node.id in wanted and node.id not in {self.node.id, *given}]
            given.update([node.id for node in left if await self._give_copy(copy, node)])
            if len(given) >= self._factor - 1:
                break
        return len(given)

    async def _give_copy(self, copy: EnvelopeCopy, node: StorageNode) -> bool:
        """Give a copy to a node; false where it cannot be reached."""
        server = node.entry.server
        try:
            await self._party.call(server, REPLICAS_PATH, copy, gives=NodeName, agent=node.agent)
        except _UNREACHED:
            return False
        return True

    async def _fetch_copy(self, digest: Digest, nodes: list[StorageNode]) -> bytes | None:
        path = REPLICA_PATH.format(digest=digest)
        for node in nodes:
            if node.id == self.node.id:
                continue
            try:
                reply = await self._party.call(
                    node.entry.server, path, None, gives=EnvelopeBody, agent=node.agent, method="GET"
                )
            except (*_UNREACHED, EnvelopeMissing):
                continue
            if reply.value.digest == digest:
                return reply.value.envelope
        return None

    async def _require_neighbour(self, call: Call[Any]) -> None:
        for fresh in (False, True):
            nodes = await self.group.approved(fresh=fresh)
            if any(is_agent(call.caller, node.agent) for node in nodes):
                return
        raise NotPermitted("copies are for storage nodes of the root", caller=call.caller.subject)


def _period_of(call: OpenCall[Nothing]) -> tuple[SystemIdentifier, int]:
    number = call.path["period"]
    if not (number.isdecimal() and number.isascii() and len(number) <= 6):
        raise RequestMalformed("a period is a number")
    return SystemIdentifier(call.path["issuer"]), int(number)
