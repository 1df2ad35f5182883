"""A council on a network: four candidates of two organisations, each with a system behind it."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.integration.commands import Commands
from tests.integration.exchange import authorities, enrol

from gridledger.council import ReviewLedger
from gridledger.exchange.demo.made import made_enterprise
from gridledger.exchange.party import Party
from gridledger.lake.ledger import LakeLedger
from gridledger.model.council_refusals import ElectionOutOfTurn
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
_PREFIX = "council"
_WHO = {
    "aggregation": ("org1", Role.AGGREGATION_SYSTEM),
    "auditor": ("org1", Role.AUDITOR),
    "administrator": ("org1", Role.PLATFORM_ADMINISTRATOR),
    "voter-2": ("org2", Role.PLATFORM_ADMINISTRATOR),
    **{f"system-of-{name}": (organisation, Role.BUSINESS_SYSTEM) for name, organisation in NODES.items()},
    **{name: (organisation, Role.AGENT) for name, organisation in NODES.items()},
}


@dataclass
class CouncilWorld:
    """All parties, and the commands that they call."""

    network: Network
    root: SystemIdentifier
    parties: dict[str, Party]
    commands: Commands
    systems: dict[str, SystemIdentifier] = field(default_factory=dict)

    def ledger(self, name: str) -> ReviewLedger:
        return ReviewLedger(self.parties[name].network)

    async def __call__(self, party: str, *words: object, code: int = 0) -> Any:
        """Call a command of the council as a party, once both peers are even, and read its JSON."""
        await self.even()
        return await self.commands.by(f"{_PREFIX}-{party}", "council", *words, code=code)

    async def even(self) -> None:
        """Wait until both organisations' peers have the same height."""
        async with asyncio.timeout(120):
            while True:
                infos = [
                    await self.parties[name].network.chain_info() for name in ("administrator", "voter-2")
                ]
                if len({info.height for info in infos}) == 1:
                    return
                await asyncio.sleep(0.05)

    async def register(self) -> None:
        """Establish the root and register a system for each candidate."""
        await self.parties["aggregation"].ledger.establish(
            self.root, _profile(SystemKind.AGGREGATION_SYSTEM, "aggregation")
        )
        for name in NODES:
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
        keeper, owner = LakeLedger(self.parties["node-3"].network), self.parties[f"system-of-{name}"]
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
        keeper = self.parties["node-3"]
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

    @asynccontextmanager
    async def running(self, folder: Path) -> AsyncIterator[None]:
        """Run all super nodes, each by `gridledger council node` in a process of its own."""
        program = Path(sys.executable).with_name("gridledger")
        processes: list[asyncio.subprocess.Process] = []
        try:
            for name, organisation in NODES.items():
                who = ("--dir", self.network.directory, "--org", organisation, "--user", f"{_PREFIX}-{name}")
                words = ("council", "node", "--root", self.root, "--keys", folder / name, *who)
                process = await asyncio.create_subprocess_exec(
                    program, *map(str, words), stdout=asyncio.subprocess.PIPE
                )
                processes.append(process)
                assert process.stdout is not None
                line = await asyncio.wait_for(process.stdout.readline(), 300)
                assert line.startswith(b"ready "), line
            yield
        finally:
            for process in processes:
                if process.returncode is None:
                    process.terminate()
            for process in processes:
                await asyncio.wait_for(process.wait(), 120)
        assert all(process.returncode in (0, 130) for process in processes)

    async def elected(self, number: int, window_s: float, *votes: tuple[str, tuple[object, ...]]) -> Any:
        """Open an election, have commands vote and count it; None if its time was over before all had."""
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
async def council_world(network: Network, root: SystemIdentifier) -> AsyncIterator[CouncilWorld]:
    """Give the parties with the root established and the systems registered."""
    trusted = Authorities.from_msp_folders(authorities(network))
    roles = {f"{_PREFIX}-{name}": who for name, who in _WHO.items()}
    async with AsyncExitStack() as stack:
        parties: dict[str, Party] = {}
        for name, (organisation, role) in _WHO.items():
            connection = await asyncio.to_thread(enrol, network, organisation, f"{_PREFIX}-{name}", role)
            parties[name] = await stack.enter_async_context(Party.connect(connection, trusted))
        world = CouncilWorld(network=network, root=root, parties=parties, commands=Commands(network, roles))
        await world.register()
        yield world
