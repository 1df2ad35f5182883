"""A storage node's own decisions: who gets copies, what is swept, what a refused offer leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.edge.test_envelope import node

from gridledger.edge.envelope_store import EnvelopeStore
from gridledger.edge.errors import EnvelopeRefused
from gridledger.edge.messages import EnvelopeCopy, OfferedEnvelope
from gridledger.edge.serving import care_for
from gridledger.edge.storage_node import UNDEPOSITED_MS, StorageNodeServer
from gridledger.model.digest import Digest
from gridledger.model.edge import StorageNode
from gridledger.model.edge_refusals import KeyImageUsed
from gridledger.model.envelope import EnvelopeDeposit, EnvelopeStatement, SignedEnvelope
from gridledger.model.errors import ContractError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import NotFound
from gridledger.model.states import ApplicationState
from gridledger.web.errors import ServiceUnavailable

OWN, LOST, NEW = (
    replace(node(number), entry=replace(node(number).entry, server=f"http://127.0.0.1:{number}"))
    for number in (1, 2, 3)
)
NOW_S = 1_000_000.0
BODY = b"sealed"


@dataclass
class Ledger:
    """The contract's answers to a storage node: nodes, deposits, and what is refused."""

    registered: Sequence[StorageNode] = (OWN, LOST)
    deposited: dict[str, EnvelopeDeposit] = field(default_factory=dict)
    refusal: ContractError | None = None
    asked: int = 0

    async def nodes(self, _root: SystemIdentifier) -> list[StorageNode]:
        self.asked += 1
        return list(self.registered)

    async def deposit(self, deposit: str) -> EnvelopeDeposit:
        if deposit not in self.deposited:
            raise NotFound("envelope deposit", deposit)
        return self.deposited[deposit]

    async def deposit_envelope(self, signed: SignedEnvelope) -> EnvelopeDeposit:
        if self.refusal is not None:
            raise self.refusal
        return self.deposited.setdefault(
            signed.statement.id, EnvelopeDeposit(signed=signed, deposited_ms=int(1000 * NOW_S))
        )


@dataclass
class Party:
    """The node's agent; who is in `silent` does not answer."""

    silent: set[str] = field(default_factory=lambda: {LOST.id})
    given: list[str] = field(default_factory=list)
    network: Any = field(default_factory=lambda: SimpleNamespace(contract=lambda *_: None))

    async def call(self, server: str, _path: str, copy: EnvelopeCopy, **_: Any) -> None:
        number = int(server.rpartition(":")[2])
        if node(number).id in self.silent:
            raise ServiceUnavailable(f"{server} does not answer")
        self.given.append(node(number).id)


class Clock:
    """Seconds since 1970, which a test moves."""

    now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


@dataclass
class World:
    """A storage node's server on a ledger, a party and a clock of the test's."""

    server: StorageNodeServer
    ledger: Ledger
    party: Party
    clock: Clock
    store: EnvelopeStore

    async def take(self, signed: SignedEnvelope, body: bytes = BODY) -> Any:
        offered = OfferedEnvelope(signed=signed, envelope=body)
        return await self.server.take(SimpleNamespace(value=offered))  # type: ignore[arg-type]

    def pass_ms(self, milliseconds: int) -> None:
        self.clock.now_s += milliseconds / 1000


@pytest.fixture
def world(tmp_path: Path) -> Any:
    clock, party, ledger = Clock(), Party(), Ledger()
    with EnvelopeStore(tmp_path / "node.db", clock=clock) as store:
        server = StorageNodeServer(party, OWN, store, factor=2, clock=clock)  # type: ignore[arg-type]
        server.ledger = server.group._ledger = ledger  # type: ignore[assignment]
        yield World(server, ledger, party, clock, store)


def signed(body: bytes = BODY, *, by: StorageNode = OWN, view_tag: int = 0) -> SignedEnvelope:
    """Return an envelope's statement; nobody looks at its signature here."""
    statement = EnvelopeStatement(
        issuer=SystemIdentifier("88.1042.1"),
        period=1,
        ring=(0, 1, 2),
        envelope=Digest.of(body),
        size_bytes=len(body),
        one_time_key=bytes(32),
        origin=bytes(32),
        view_tag=view_tag,
        node=by.id,
    )
    return SignedEnvelope(statement=statement, key_image=bytes(32), signature=bytes(192))


async def test_copy_that_a_lost_node_did_not_take_goes_to_the_one_in_its_place(world: World) -> None:
    """A node that was lost and removed a moment ago still stands in the memory of ten seconds."""
    assert await world.server.group.approved() == [OWN, LOST]
    rejected = replace(LOST, state=ApplicationState.REJECTED)
    world.ledger.registered = (OWN, rejected, NEW)
    assert await world.server.group.approved() == [OWN, LOST]
    taken = await world.take(signed())
    assert (taken.copies, world.party.given) == (2, [NEW.id])


async def test_copy_is_given_once_and_a_lost_node_that_stays_costs_one_question(world: World) -> None:
    world.ledger.registered = (OWN, NEW)
    assert (await world.take(signed())).copies == 2
    assert world.ledger.asked == 1
    world.party.silent.add(NEW.id)
    assert (await world.take(signed(b"second"), b"second")).copies == 1
    assert world.ledger.asked == 2


async def test_refused_envelope_leaves_nothing_and_takes_none_with_it(world: World) -> None:
    world.ledger.refusal = KeyImageUsed("d" * 64)
    with pytest.raises(KeyImageUsed):
        await world.take(signed())
    assert len(world.store) == 0
    with pytest.raises(EnvelopeRefused):
        await world.take(signed(by=NEW))
    assert len(world.store) == 0
    # The same bytes under a statement that is refused do not take away those that were deposited or wait.
    world.ledger.refusal = None
    await world.take(signed())
    world.ledger.refusal = KeyImageUsed("d" * 64)
    with pytest.raises(KeyImageUsed):
        await world.take(signed(view_tag=1))
    assert world.store.read(Digest.of(BODY)) == BODY
    assert world.store.unsettled(2**53) == []


async def test_sweep_drops_after_an_hour_what_was_never_deposited(world: World) -> None:
    world.store.offer(BODY, signed().statement.id)
    copy = world.store.keep(b"copy", deposit="d" * 64)
    world.pass_ms(UNDEPOSITED_MS)
    assert await world.server.sweep() == 0
    world.pass_ms(1)
    assert await world.server.sweep() == 1
    assert world.store.having([Digest.of(BODY), copy]) == [copy]
    assert await world.server.sweep() == 0


async def test_copy_that_no_deposit_names_is_dropped(world: World) -> None:
    """A neighbour gives a copy of what stands on the ledger, and junk under the same deposit."""
    deposit = await world.ledger.deposit_envelope(signed())
    world.server._require_neighbour = lambda _: asyncio.sleep(0)  # type: ignore[method-assign,assignment]
    for body in (BODY, b"junk"):
        copy = EnvelopeCopy(envelope=body, deposit=deposit.signed.statement.id)
        await world.server.keep_copy(SimpleNamespace(value=copy))  # type: ignore[arg-type]
    assert len(world.store) == 2
    world.pass_ms(UNDEPOSITED_MS + 1)
    assert await world.server.sweep() == 1
    assert world.store.having([Digest.of(BODY), Digest.of(b"junk")]) == [Digest.of(BODY)]
    assert world.store.unsettled(2**53) == []


async def test_sweep_keeps_what_the_ledger_has_though_nobody_heard_of_it(world: World) -> None:
    """A crash between the deposit and its answer: of two offers one stands on the ledger."""
    first, second = signed(), signed(view_tag=1)
    for one in (first, second):
        world.store.offer(BODY, one.statement.id)
    await world.ledger.deposit_envelope(second)
    world.pass_ms(2 * UNDEPOSITED_MS)
    assert await world.server.sweep() == 0
    assert world.store.read(Digest.of(BODY)) == BODY
    assert world.store.unsettled(2**53) == []


async def test_serving_node_sweeps_by_itself_and_outlives_a_ledger_that_is_away(world: World) -> None:
    world.store.offer(BODY, signed().statement.id)
    world.pass_ms(2 * UNDEPOSITED_MS)
    real, refusals = world.ledger.deposit, iter([ServiceUnavailable("away")])

    async def deposit(name: str) -> EnvelopeDeposit:
        for refusal in refusals:
            raise refusal
        return await real(name)

    world.ledger.deposit = deposit  # type: ignore[method-assign]
    task = asyncio.create_task(care_for(world.server, (), pause_s=0))
    async with asyncio.timeout(300):
        while len(world.store):
            assert not task.done()
            await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
