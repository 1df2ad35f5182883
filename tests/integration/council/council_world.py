"""A council on a network: candidates of its organisations, each with a system behind it."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.integration.commands import Commands
from tests.integration.exchange import authorities, enrol

from gridledger.council import CouncilLedger, ReviewLedger, file_request
from gridledger.council.review_copy import now_ms
from gridledger.exchange.demo.made import made_enterprise
from gridledger.exchange.party import Party
from gridledger.lake.ledger import LakeLedger
from gridledger.model.council import CandidacyEntry, ElectionRules, ElectionState, Elector, VoteEntry
from gridledger.model.council_refusals import ElectionOutOfTurn
from gridledger.model.council_review import RoundView
from gridledger.model.council_round import ReviewLimits
from gridledger.model.dataset import (
    CustodianEntry,
    DatasetEntry,
    DatasetIdentifier,
    DatasetVersion,
    SignedReceipt,
    StorageReceipt,
    VersionStatement,
)
from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.roles import Role
from gridledger.model.system import SystemCheck, SystemKind, SystemProfile
from gridledger.network import Network
from gridledger.web import Authorities

__all__ = ["NODES", "CouncilWorld", "council_world"]

NODES = {"node-1": "org1", "node-2": "org1", "node-3": "org2", "node-4": "org2"}
"""Two organisations' super nodes, two each."""
_KEEPER = "node-3"
"""Whose agent is the datasets' custodian."""
_PREFIX = "council"
_WINDOW_MS = 15_000
_DAY_MS = 86_400_000


def _who(nodes: Mapping[str, str]) -> dict[str, tuple[str, Role]]:
    others = sorted({*nodes.values()} - {"org1"})
    return {
        "aggregation": ("org1", Role.AGGREGATION_SYSTEM),
        "auditor": ("org1", Role.AUDITOR),
        "administrator": ("org1", Role.PLATFORM_ADMINISTRATOR),
        **{f"voter-{one.removeprefix('org')}": (one, Role.PLATFORM_ADMINISTRATOR) for one in others},
        **{f"system-of-{name}": (organisation, Role.BUSINESS_SYSTEM) for name, organisation in nodes.items()},
        **{name: (organisation, Role.AGENT) for name, organisation in nodes.items()},
    }


@dataclass
class CouncilWorld:
    """All parties, and the commands that they call."""

    network: Network
    root: SystemIdentifier
    parties: dict[str, Party]
    commands: Commands
    nodes: Mapping[str, str] = field(default_factory=lambda: NODES)
    """Super nodes, with their organisations."""
    systems: dict[str, SystemIdentifier] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    """Of the super nodes, once `seat` has elected them."""
    proposals: list[DatasetIdentifier] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)
    """Organisations whose peers nobody waits for."""

    def ledger(self, name: str) -> ReviewLedger:
        return ReviewLedger(self.parties[name].network)

    async def __call__(self, party: str, *words: object, code: int = 0) -> Any:
        """Call a command of the council as a party, once both peers are even, and read its JSON."""
        await self.even()
        return await self.commands.by(f"{_PREFIX}-{party}", "council", *words, code=code)

    async def even(self) -> None:
        """Wait until the organisations' peers have the same height."""
        witnesses = [
            name
            for name, (organisation, role) in _who(self.nodes).items()
            if role is Role.PLATFORM_ADMINISTRATOR and organisation not in self.dead
        ]
        async with asyncio.timeout(120):
            while True:
                infos = [await self.parties[name].network.chain_info() for name in witnesses]
                if len({info.height for info in infos}) == 1:
                    return
                await asyncio.sleep(0.05)

    async def register(self) -> None:
        """Establish the root and register a system for each candidate."""
        await self.parties["aggregation"].ledger.establish(
            self.root, _profile(SystemKind.AGGREGATION_SYSTEM, "aggregation")
        )
        for name in self.nodes:
            owner = self.parties[f"system-of-{name}"].ledger
            await self.even()
            applied = await owner.register_system(self.root, _profile(SystemKind.BUSINESS_SYSTEM, name))
            await self.even()
            passed = SystemCheck(enterprise_found=True, server_answered=True, credit=80)
            await self.parties["aggregation"].ledger.deposit_check(applied.id, passed)
            system = await self.parties["auditor"].ledger.approve_system(applied.id)
            self.systems[name] = system.identifier

    async def proposed(self, name: str) -> DatasetIdentifier:
        """Propose version 1 of a dataset of a candidate's system."""
        keeper, owner = LakeLedger(self.parties[_KEEPER].network), self.parties[f"system-of-{name}"]
        entry = CustodianEntry(name="keeper", sealing_key=bytes(31) + b"\x09")
        custodian = await keeper.register_custodian(self.root, entry)
        await self.even()
        administrator = LakeLedger(self.parties["administrator"].network)
        await administrator.approve_custodian(self.root, custodian.id)
        dataset = DatasetIdentifier(self.systems[name], "meters.csv")
        ledger = LakeLedger(owner.network)
        await self.even()
        await ledger.register_dataset(
            DatasetEntry(identifier=dataset, title="Meters", description="", labels=("meters",))
        )
        statement = VersionStatement(
            dataset=dataset,
            number=1,
            root=Digest.of(b"root"),
            content=Digest.of(b"content"),
            blocks=1,
            size_bytes=1,
            epoch=1,
            location=bytes(60),
            custodian=custodian.id,
            custody=bytes(60),
        )
        await self.commands.by(
            f"{_PREFIX}-system-of-{name}", "dataset", "reviewed", dataset, "--versions", "--no-access"
        )
        await ledger.propose_version(statement)
        return dataset

    async def store(self, name: str, dataset: DatasetIdentifier) -> DatasetVersion:
        """Deposit the custodian's receipt for version 1 of a dataset of a candidate's system."""
        await self.even()
        keeper = self.parties[_KEEPER]
        ledger = LakeLedger(keeper.network)
        statement = (await ledger.version(dataset, 1)).statement
        receipt = StorageReceipt(
            custodian=statement.custodian,
            dataset=dataset,
            number=1,
            statement=statement.digest,
            root=statement.root,
            blocks=statement.blocks,
            stored_bytes=1,
            checked_ms=time.time_ns() // 1_000_000,
        )
        return await ledger.deposit_receipt(
            SignedReceipt(receipt=receipt, signature=await keeper.sign(receipt))
        )

    async def until_round(self, holds: Callable[[Any], bool], number: int) -> Any:
        """Wait until a round is as wanted."""
        while True:
            if await self.ledger("voter-2").newest_round(self.root) >= number:
                view = await self("voter-2", "rounds", "show", "--root", self.root, "--round", number)
                if holds(view):
                    return view
            await asyncio.sleep(0.5)

    async def begun(self, election: int) -> int:
        """Wait until all of an elected council are in the newest round; return its number."""
        while True:
            newest = await self.ledger("voter-2").newest_round(self.root)
            if newest:
                view = await self.ledger("voter-2").round(self.root, newest)
                if view.round.election == election and len(view.entries) == len(self.nodes):
                    return newest
            await asyncio.sleep(0.5)

    async def start(self, name: str, folder: Path, *options: object) -> Process:
        """Start a super node by `gridledger council node`, and wait until it takes part."""
        program = Path(sys.executable).with_name("gridledger")
        organisation = self.nodes[name]
        who = ("--dir", self.network.directory, "--org", organisation, "--user", f"{_PREFIX}-{name}")
        words = ("council", "node", "--root", self.root, "--keys", folder / name, *options, *who)
        process = await asyncio.create_subprocess_exec(
            program, *map(str, words), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 300)
        assert line.startswith(b"ready "), line
        return process

    @asynccontextmanager
    async def running(
        self, folder: Path, rules: Mapping[str, Path] | None = None
    ) -> AsyncIterator[dict[str, Process]]:
        """Run all super nodes, each in a process of its own, some by rules of their own."""
        processes: dict[str, Process] = {}
        try:
            async with asyncio.TaskGroup() as starting:
                for name in self.nodes:
                    rule = (rules or {}).get(name)
                    options = () if rule is None else ("--rule", rule)
                    starting.create_task(self._start_into(processes, name, folder, *options))
            yield processes
        finally:
            for process in processes.values():
                if process.returncode is None:
                    process.send_signal(signal.SIGCONT)
                    process.terminate()
            for process in processes.values():
                await asyncio.wait_for(process.wait(), 120)
        assert all(process.returncode in (0, 130) for process in processes.values())

    async def _start_into(
        self, processes: dict[str, Process], name: str, folder: Path, *options: object
    ) -> None:
        processes[name] = await self.start(name, folder, *options)

    async def seat(self, limits: ReviewLimits) -> None:
        """Elect all super nodes by the vote of the first organisation, and lay down how they review."""
        for name in self.nodes:
            entry = CandidacyEntry(name=name, system=self.systems[name])
            candidate = await CouncilLedger(self.parties[name].network).register_candidate(self.root, entry)
            self.ids[name] = candidate.id
            await self.even()
            backer = CouncilLedger(self.parties[f"system-of-{name}"].network)
            await backer.back_candidate(candidate.id)
        await self.even()
        administrator = CouncilLedger(self.parties["administrator"].network)
        voter = self.network.organisation("org1").msp_id
        rules = ElectionRules(
            seats=len(self.nodes),
            seats_per_organisation=len(self.nodes),
            term_ms=_DAY_MS,
            electors=(Elector(organisation=voter, weight=1),),
        )
        await administrator.set_rules(self.root, rules)
        closes_ms = now_ms() + _WINDOW_MS
        await administrator.open_election(self.root, 1, closes_ms)
        votes = VoteEntry(candidates=tuple(sorted(self.ids.values())))
        await administrator.cast_vote(self.root, 1, votes)
        await ReviewLedger(self.parties["administrator"].network).set_rules(self.root, limits)
        while now_ms() < closes_ms + 500:  # noqa: ASYNC110 (a clock's)
            await asyncio.sleep(0.1)
        counted = await administrator.count_votes(self.root, 1)
        assert counted.state is ElectionState.DECIDED
        await self.even()

    async def until_view(
        self, number: int, holds: Callable[[RoundView], bool], *, witness: str = "administrator"
    ) -> RoundView:
        """Wait until a round is as wanted, asking a party's peer."""
        ledger = self.ledger(witness)
        while True:
            if await ledger.newest_round(self.root) >= number:
                view = await ledger.round(self.root, number)
                if holds(view):
                    return view
            await asyncio.sleep(0.1)

    async def file(self, name: str, dataset: DatasetIdentifier, content: bytes, **options: Any) -> str:
        """Have version 1 of a candidate's dataset reviewed; return the request's id."""
        owner = self.parties[f"system-of-{name}"]
        request = await file_request(
            ReviewLedger(owner.network),
            owner.sign,
            content,
            root=self.root,
            system=self.systems[name],
            version=await LakeLedger(owner.network).version(dataset, 1),
            **options,
        )
        return request.signed.statement.id

    async def elected(self, number: int, window_s: float, *votes: tuple[str, tuple[object, ...]]) -> Any:
        """Open an election, have commands vote and count it; None if its time was over before all had.

        A dataset is proposed in the meantime.
        """
        until = datetime.now(UTC) + timedelta(seconds=window_s)
        below = ("--root", self.root)
        moment = until.strftime("%Y-%m-%dT%H:%M:%S")
        await self("administrator", "elect", "open", number, *below, "--until", moment)
        is_late = False
        for voter, words in votes:
            try:
                await self(voter, "vote", words[0], number, *below, *words[1:])
            except AssertionError as error:
                if ElectionOutOfTurn.code not in str(error):
                    raise
                is_late = True
        if not self.proposals:
            self.proposals.append(await self.proposed("node-1"))
        while datetime.now(UTC) < until:  # noqa: ASYNC110 (a clock's)
            await asyncio.sleep(0.2)
        counted = await self("node-1", "elect", "count", number, *below)
        return None if is_late else counted


def _profile(kind: SystemKind, name: str) -> SystemProfile:
    server = None if kind is not SystemKind.BUSINESS_SYSTEM else f"https://{name}.example"
    return SystemProfile(
        kind=kind,
        enterprise=made_enterprise("lifecycle").enterprise,
        name=name,
        introduction="made for a test",
        server=server,
    )


@asynccontextmanager
async def council_world(
    network: Network, root: SystemIdentifier, nodes: Mapping[str, str] = NODES
) -> AsyncIterator[CouncilWorld]:
    """Give the parties with the root established and the systems registered."""
    trusted = Authorities.from_msp_folders(authorities(network))
    everybody = _who(nodes)
    roles = {f"{_PREFIX}-{name}": who for name, who in everybody.items()}
    async with AsyncExitStack() as stack:
        parties: dict[str, Party] = {}
        for name, (organisation, role) in everybody.items():
            connection = await asyncio.to_thread(enrol, network, organisation, f"{_PREFIX}-{name}", role)
            parties[name] = await stack.enter_async_context(Party.connect(connection, trusted))
        commands = Commands(network, roles)
        world = CouncilWorld(network=network, root=root, parties=parties, commands=commands, nodes=nodes)
        await world.register()
        yield world
