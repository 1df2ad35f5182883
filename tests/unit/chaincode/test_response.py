"""The contract response: who anchors for which side, once and in order; how both sides compare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import Scene

from gridledger.chaincode import GridLedger
from gridledger.model.digest import Digest
from gridledger.model.errors import ContractError, ModelError
from gridledger.model.exchange_refusals import NotTheAgent
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import AccessDenied, AlreadyExists, BadArgument, Conflict, NotFound
from gridledger.model.response import (
    MAX_RUN,
    AnchorSide,
    Run,
    RunComparison,
    RunName,
    TerminalEntry,
    TerminalIdentifier,
    TerminalKind,
    TerminalRecord,
    leaf_of,
    leaves_root,
    leaves_tree,
)
from gridledger.model.response_refusals import (
    AlreadyAnchored,
    LeavesDiffer,
    NothingToOpen,
    NotTheTerminal,
    RunOutOfTurn,
)
from gridledger.model.roles import Role
from gridledger.model.states import RunState
from gridledger.model.system import Agent, SystemKind
from gridledger.shim.testing import MemoryPeer


@dataclass
class Houses:
    """A server and two terminals."""

    scene: Scene
    server: Party
    system: SystemIdentifier
    terminals: dict[TerminalIdentifier, Party]

    @property
    def one(self) -> TerminalIdentifier:
        return next(iter(self.terminals))

    def record(
        self, number: int, *, run: int | None = None, what: str = "", **changes: Any
    ) -> TerminalRecord:
        one = TerminalRecord(
            terminal=self.one,
            number=number,
            run=run or number,
            time_ms=1000 * number,
            data=Digest.of(f"{number}{what}".encode()),
        )
        return replace(one, **changes)

    def records(self, first: int, count: int, what: str = "") -> list[TerminalRecord]:
        return [self.record(first + place, run=first, what=what) for place in range(count)]

    def run(self, first: int, count: int, what: str = "") -> Run:
        leaves = [one.leaf for one in self.records(first, count, what)]
        return Run(terminal=self.one, first=first, count=count, root=leaves_root(leaves))

    def leaves(self, first: int, count: int, what: str = "") -> tuple[Digest, ...]:
        return tuple(one.leaf for one in self.records(first, count, what))

    def name(self, first: int) -> RunName:
        return RunName(terminal=self.one, first=first)

    async def compared(self, first: int) -> RunComparison:
        found: RunComparison = await self.server.ask("response:GetRun", self.name(first))
        return found

    async def by_terminal(self, *runs: Run) -> Any:
        return await self.terminals[self.one].submit("response:AnchorRuns", runs)

    async def by_server(self, *runs: Run) -> Any:
        return await self.server.submit("response:AnchorRuns", runs)


def _public_key(party: Party) -> bytes:
    return party.key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def entry(party: Party, terminal: TerminalIdentifier) -> TerminalEntry:
    agent = Agent(msp_id=party.caller.msp_id, subject=party.name, public_key=_public_key(party))
    return TerminalEntry(identifier=terminal, kind=TerminalKind.IOT, site="house-1", agent=agent)


@pytest.fixture
async def houses(empty: Scene) -> Houses:
    await empty.establish()
    server = Party(empty.peer, "Org2MSP", "response", Role.BUSINESS_SYSTEM)
    system = await empty.register(server, SystemKind.BUSINESS_SYSTEM)
    terminals = {
        TerminalIdentifier(system, name): Party(empty.peer, "Org1MSP", name, Role.TERMINAL)
        for name in ("house-1.iot", "house-2.iot")
    }
    for identifier, party in terminals.items():
        await server.submit("response:RegisterTerminal", entry(party, identifier))
    return Houses(scene=empty, server=server, system=system, terminals=terminals)


async def test_same_run_of_both_sides_is_an_agreement(houses: Houses) -> None:
    run = houses.run(1, 5)
    await houses.by_terminal(run)
    absent = await houses.compared(1)
    assert (absent.state, absent.missing) == (RunState.ABSENCE, (AnchorSide.SERVER,))

    await houses.by_server(run)

    agreed = await houses.compared(1)
    assert (agreed.state, agreed.missing, agreed.differing) == (RunState.AGREEMENT, (), ())
    assert agreed.by_terminal is not None
    assert agreed.by_server is not None
    assert agreed.by_terminal.run == agreed.by_server.run == run


async def test_server_alone_anchors_for_a_terminal_without_a_key(houses: Houses) -> None:
    identifier = TerminalIdentifier(houses.system, "ven-1.iot")
    keyless = TerminalEntry(identifier=identifier, kind=TerminalKind.IOT, site="house-3")
    await houses.server.submit("response:RegisterTerminal", keyless)
    run = replace(houses.run(1, 2), terminal=identifier)
    with pytest.raises(NotTheTerminal):
        await houses.by_terminal(run)
    name = RunName(terminal=identifier, first=1)
    before: RunComparison = await houses.server.ask("response:GetRun", name)
    assert before.state is RunState.ABSENCE

    await houses.by_server(run)

    found: RunComparison = await houses.server.ask("response:GetRun", name)
    assert (found.state, found.missing) == (RunState.SERVER_ALONE, ())
    page = await houses.server.ask("response:ListRuns", identifier, "")
    assert [one.state for one in page.runs] == [RunState.SERVER_ALONE]


async def test_run_that_nobody_anchored_is_an_absence_of_both(houses: Houses) -> None:
    found = await houses.compared(7)
    assert (found.state, found.missing) == (RunState.ABSENCE, (AnchorSide.TERMINAL, AnchorSide.SERVER))


async def test_second_transaction_for_a_record_is_refused(houses: Houses) -> None:
    await houses.by_terminal(houses.run(1, 5))
    with pytest.raises(AlreadyAnchored):
        await houses.by_terminal(houses.run(1, 5))
    with pytest.raises(AlreadyAnchored):
        await houses.by_terminal(houses.run(1, 4, "other"))
    for first in (2, 5):
        with pytest.raises(RunOutOfTurn):
            await houses.by_terminal(houses.run(first, 3))
    with pytest.raises(ContractError):  # Nor within one transaction; nothing of it counts.
        await houses.by_terminal(houses.run(6, 2), houses.run(7, 2))
    assert await houses.server.ask("response:GetHead", houses.one, AnchorSide.TERMINAL) == 5

    await houses.by_terminal(houses.run(6, 2), houses.run(9, 2))  # Numbers may be left out.
    assert await houses.server.ask("response:GetHead", houses.one, AnchorSide.TERMINAL) == 10
    assert await houses.server.ask("response:GetHead", houses.one, AnchorSide.SERVER) == 0


async def test_record_by_itself_agrees_with_the_servers_digest_of_it(houses: Houses) -> None:
    records = (houses.record(1), houses.record(2))
    await houses.terminals[houses.one].submit("response:AnchorRecords", records)
    await houses.by_server(houses.run(1, 1), houses.run(2, 1))

    found = await houses.compared(2)

    assert found.state is RunState.AGREEMENT
    assert found.by_terminal is not None
    assert found.by_terminal.record == records[1]
    with pytest.raises(Conflict):
        await houses.terminals[houses.one].submit("response:AnchorRecords", (houses.record(4, run=3),))


@pytest.mark.parametrize(
    ("server", "differing"),
    [("same length", (2,)), ("shorter", (3,)), ("longer", (4,))],
)
async def test_mismatch_is_opened_record_by_record(
    houses: Houses, server: str, differing: tuple[int, ...]
) -> None:
    own = houses.leaves(1, 3)
    theirs = {
        "same length": (own[0], houses.record(2, run=1, what="changed").leaf, own[2]),
        "shorter": own[:2],
        "longer": (*own, houses.record(4, run=1).leaf),
    }[server]
    await houses.by_terminal(houses.run(1, 3))
    await houses.by_server(Run(terminal=houses.one, first=1, count=len(theirs), root=leaves_root(theirs)))
    assert (await houses.compared(1)).state is RunState.MISMATCH
    terminal = houses.terminals[houses.one]

    with pytest.raises(LeavesDiffer):
        await terminal.submit("response:OpenRun", houses.name(1), houses.leaves(1, 3, "other"))
    await terminal.submit("response:OpenRun", houses.name(1), own)
    with pytest.raises(AlreadyExists):
        await terminal.submit("response:OpenRun", houses.name(1), own)
    half = await houses.compared(1)
    assert (half.opened, half.differing) == ((AnchorSide.TERMINAL,), ())
    await houses.server.submit("response:OpenRun", houses.name(1), theirs)

    (found,) = (await houses.server.ask("response:ListMismatches", houses.system, "")).runs
    assert found.differing == differing
    assert found.state is RunState.MISMATCH


async def test_run_that_does_not_differ_is_not_opened(houses: Houses) -> None:
    await houses.by_terminal(houses.run(1, 3))
    with pytest.raises(NothingToOpen):
        await houses.terminals[houses.one].submit("response:OpenRun", houses.name(1), houses.leaves(1, 3))
    await houses.by_server(houses.run(1, 3))
    with pytest.raises(NothingToOpen):
        await houses.server.submit("response:OpenRun", houses.name(1), houses.leaves(1, 3))
    assert (await houses.server.ask("response:ListMismatches", houses.system, "")).runs == ()


async def test_only_the_two_sides_anchor(houses: Houses) -> None:
    run = houses.run(1, 1)
    other = next(party for name, party in houses.terminals.items() if name != houses.one)
    stranger = Party(houses.scene.peer, "Org2MSP", "stranger", Role.BUSINESS_SYSTEM)
    nobody = Party(houses.scene.peer, "Org1MSP", "nobody", Role.AUDITOR)
    for party, refusal in ((other, NotTheTerminal), (stranger, NotTheTerminal), (nobody, AccessDenied)):
        with pytest.raises(refusal):
            await party.submit("response:AnchorRuns", (run,))
    unknown = replace(run, terminal=TerminalIdentifier(houses.system, "nowhere"))
    with pytest.raises(NotFound):
        await houses.by_server(unknown)
    with pytest.raises(BadArgument):
        await houses.by_server()


async def test_ended_terminal_anchors_nothing_and_its_server_does(houses: Houses) -> None:
    await houses.server.submit("response:EndTerminal", houses.one, "replaced")
    with pytest.raises(Conflict):
        await houses.by_terminal(houses.run(1, 1))
    await houses.by_server(houses.run(1, 1))
    with pytest.raises(Conflict):
        await houses.server.submit("response:EndTerminal", houses.one, "replaced")
    terminal = await houses.server.ask("response:GetTerminal", houses.one)
    assert terminal.reason == "replaced"


async def test_terminal_is_registered_once_by_its_own_system(houses: Houses) -> None:
    party = houses.terminals[houses.one]
    with pytest.raises(AlreadyExists):
        await houses.server.submit("response:RegisterTerminal", entry(party, houses.one))
    other = Party(houses.scene.peer, "Org2MSP", "other", Role.BUSINESS_SYSTEM)
    with pytest.raises(NotTheAgent):
        await other.submit(
            "response:RegisterTerminal", entry(party, TerminalIdentifier(houses.system, "third"))
        )
    page = await houses.server.ask("response:ListTerminals", houses.system, "")
    assert [one.entry.identifier for one in page.terminals] == list(houses.terminals)


async def test_transactions_of_both_sides_touch_no_key_of_the_other(houses: Houses) -> None:
    before = set(houses.scene.peer.ledger.state)
    await houses.by_terminal(houses.run(1, 2))
    terminals = set(houses.scene.peer.ledger.state) - before
    await houses.by_server(houses.run(1, 2))
    servers = set(houses.scene.peer.ledger.state) - before - terminals
    assert len(terminals) == len(servers) == 2


async def test_runs_are_listed_once_in_order_over_pages(houses: Houses) -> None:
    firsts = list(range(1, 241, 2))
    for start in range(0, len(firsts), 40):
        await houses.by_terminal(*(houses.run(first, 2) for first in firsts[start : start + 40]))
    await houses.by_server(*(houses.run(first, 2) for first in firsts[::2]))

    listed: list[RunComparison] = []
    bookmark = ""
    while True:
        page = await houses.server.ask("response:ListRuns", houses.one, bookmark)
        listed += page.runs
        bookmark = page.bookmark
        if not bookmark:
            break

    assert [one.first for one in listed] == firsts
    states = [one.state for one in listed]
    assert states == [RunState.ABSENCE if place % 2 else RunState.AGREEMENT for place in range(len(firsts))]


@settings(max_examples=10)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 12), st.integers(1, 4)), max_size=12))
async def test_any_order_of_runs_anchors_each_record_once_a_side(steps: list[tuple[bool, int, int]]) -> None:
    """Compare with a set of numbers a side."""
    async with MemoryPeer(GridLedger()) as peer:
        scene = Scene.on(peer)
        await scene.establish()
        server = Party(peer, "Org2MSP", "response", Role.BUSINESS_SYSTEM)
        system = await scene.register(server, SystemKind.BUSINESS_SYSTEM)
        name = TerminalIdentifier(system, "one")
        party = Party(peer, "Org1MSP", "one", Role.TERMINAL)
        await server.submit("response:RegisterTerminal", entry(party, name))
        houses = Houses(scene=scene, server=server, system=system, terminals={name: party})
        heads = {True: 0, False: 0}
        for by_terminal, first, count in steps:
            anchor = houses.by_terminal if by_terminal else houses.by_server
            if first > heads[by_terminal]:
                await anchor(houses.run(first, count))
                heads[by_terminal] = first + count - 1
            else:
                with pytest.raises((AlreadyAnchored, RunOutOfTurn)):
                    await anchor(houses.run(first, count))
        for by_terminal, side in ((True, AnchorSide.TERMINAL), (False, AnchorSide.SERVER)):
            assert await server.ask("response:GetHead", name, side) == heads[by_terminal]


def test_run_proves_its_records_and_refused_ones_apart() -> None:
    terminal = TerminalIdentifier.parse("88.1.2/a")
    records = [
        TerminalRecord(terminal=terminal, number=n, run=1, time_ms=n, data=Digest.of(bytes([n])))
        for n in range(1, 6)
    ]
    leaves = [leaf_of(one, refused=one.number == 3) for one in records]
    tree = leaves_tree(leaves)
    assert leaves_root(leaves) == tree.root
    assert leaves[2] != records[2].leaf
    assert tree.proof(4).proves(records[4].leaf.raw, root=tree.root, size=5)
    assert not tree.proof(2).proves(records[2].leaf.raw, root=tree.root, size=5)


@pytest.mark.parametrize("number", [0, 1, 5 + MAX_RUN])
def test_record_outside_of_its_run_is_refused(number: int) -> None:
    with pytest.raises(ModelError):
        TerminalRecord(
            terminal=TerminalIdentifier.parse("88.1.2/a"),
            number=number,
            run=5,
            time_ms=0,
            data=Digest.of(b""),
        )


@pytest.mark.parametrize("text", ["88.1.2", "88.1.2/", "88.1.2/A", "88.1.2/-a", "88.1.2/" + "a" * 65, "/a"])
def test_malformed_terminal_identifiers_are_refused(text: str) -> None:
    with pytest.raises(ModelError):
        TerminalIdentifier.parse(text)
