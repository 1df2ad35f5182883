"""A receiver gets all that is for it, whatever one sender or one storage node does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.edge.test_storage_node import NEW, OWN, signed

from gridledger.crypto.cryptonote.stealth import SpendSecret
from gridledger.crypto.errors import SealBroken
from gridledger.edge.collecting import collect_period
from gridledger.edge.edge_ledger import EdgeLedger
from gridledger.edge.errors import EnvelopeMissing, NotTheReceiver
from gridledger.edge.messages import EnvelopeBody, SignedFetch
from gridledger.edge.receiver import Receiver
from gridledger.edge.sealed_record import SealedRecord, publish_address, seal_record
from gridledger.model.digest import Digest
from gridledger.model.edge import Deposited
from gridledger.model.edge_page import DepositedAt
from gridledger.model.envelope import EnvelopeDeposit, SignedEnvelopeReceipt
from gridledger.model.identifier import SystemIdentifier

ISSUER = SystemIdentifier("88.1042.1")
SECRET = SpendSecret.generate()


@dataclass
class Edge:
    """A ledger with deposits, and two storage nodes with what they have."""

    deposits_: list[EnvelopeDeposit] = field(default_factory=list)
    bodies: dict[str, bytes] = field(default_factory=dict)
    receipts: list[SignedEnvelopeReceipt] = field(default_factory=list)
    refusing: set[str] = field(default_factory=set)

    def put(self, sealed: SealedRecord, *, kept: bool = True) -> str:
        statement = replace(
            signed(sealed.envelope).statement,
            one_time_key=sealed.key.public_key,
            origin=sealed.key.sender_key,
            view_tag=sealed.key.view_tag[0],
        )
        made = replace(signed(sealed.envelope), statement=statement)
        self.deposits_.append(EnvelopeDeposit(signed=made, deposited_ms=len(self.deposits_)))
        if kept:
            self.bodies[statement.id] = sealed.envelope
        return statement.id

    async def deposits(self, *_: object) -> AsyncIterator[DepositedAt]:
        for one in self.deposits_:
            statement = one.signed.statement
            entry = Deposited(
                one_time_key=statement.one_time_key,
                origin=statement.origin,
                view_tag=statement.view_tag,
                node=statement.node,
            )
            yield DepositedAt(deposit=statement.id, deposited_ms=one.deposited_ms, entry=entry)

    async def deposit(self, deposit: str) -> EnvelopeDeposit:
        return next(one for one in self.deposits_ if one.signed.statement.id == deposit)

    def connect(self, origin: str) -> Any:
        async def call(_method: str, _path: str, value: Any, **_: object) -> Any:
            if origin in self.refusing:
                raise NotTheReceiver("so says this node")
            if not isinstance(value, SignedFetch):
                self.receipts.append(value)
                return value
            if value.fetch.deposit not in self.bodies:
                raise EnvelopeMissing("not here", digest="")
            return EnvelopeBody(envelope=self.bodies[value.fetch.deposit])

        async def close() -> None:
            """Close nothing."""

        return SimpleNamespace(call=call, close=close)

    async def collect(self) -> list[Any]:
        connect: Callable[[str], Any] = self.connect
        ledger: EdgeLedger = self  # type: ignore[assignment]
        async with Receiver(SECRET, [OWN, NEW], connect=connect) as receiver:
            return [one async for one in collect_period(receiver, SECRET.view, ledger, ISSUER, 1, sign=True)]


def sealed(record: bytes, *, to: SpendSecret = SECRET) -> SealedRecord:
    return seal_record(record, publish_address(to.address), envelope_bytes=128)


async def test_envelope_that_does_not_open_or_is_lost_keeps_no_other_back() -> None:
    edge = Edge()
    first = edge.put(sealed(b"first"))
    edge.put(sealed(b"for somebody else", to=SpendSecret.generate()))
    junk = edge.put(replace(sealed(b"junk"), envelope=bytes(128)))
    lost = edge.put(sealed(b"lost"), kept=False)
    last = edge.put(sealed(b"last"))
    got = await edge.collect()
    assert [(one.deposit, one.record) for one in got] == [
        (first, b"first"),
        (junk, None),
        (lost, None),
        (last, b"last"),
    ]
    assert [type(one.problem) for one in got[1:3]] == [SealBroken, EnvelopeMissing]
    assert [one.receipt.deposit for one in edge.receipts] == [first, last]
    assert {one.receipt.envelope for one in edge.receipts} <= {
        Digest.of(body) for body in edge.bodies.values()
    }


async def test_node_that_refuses_is_passed_over_and_named_where_none_gives() -> None:
    edge = Edge()
    edge.put(sealed(b"record"))
    edge.refusing = {OWN.entry.server}
    assert [one.record for one in await edge.collect()] == [b"record"]
    assert len(edge.receipts) == 1
    edge.refusing |= {NEW.entry.server}
    with pytest.raises(NotTheReceiver):
        await edge.collect()
