"""An edge on a network: an issuer with houses, storage nodes of two organisations, a grid company."""

from __future__ import annotations

import asyncio
import io
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.edge.households import HOUSES, hourly_records
from tests.integration.exchange import authorities, enrol

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.crypto.cryptonote.stealth import SpendSecret
from gridledger.edge import (
    EdgeLedger,
    EnvelopeStore,
    MembershipWallet,
    SideDevice,
    StorageNodeServer,
    issue_period,
)
from gridledger.edge.messages import Taken
from gridledger.edge.receiver import FoundEnvelope, Receiver, scan
from gridledger.edge.sealed_record import publish_address
from gridledger.exchange.demo.made import made_enterprise
from gridledger.exchange.handoff import until_seen
from gridledger.exchange.party import Party
from gridledger.host.ports import free_ports
from gridledger.model.device import DeviceApproval, DeviceEntry
from gridledger.model.digest import Digest
from gridledger.model.edge import MembershipPeriod, NodeEntry, SideDeviceEntry, StorageNode
from gridledger.model.envelope import EnvelopeDeposit
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.roles import Role
from gridledger.model.system import SystemCheck, SystemKind, SystemProfile
from gridledger.network import Network
from gridledger.web import Authorities, LocalServer, MemoryReplayStore, OpenClient, Patience

__all__ = ["EdgeWorld", "House", "RunningNode", "edge_world"]

WHO = {
    "aggregation": ("org1", Role.AGGREGATION_SYSTEM),
    "auditor": ("org1", Role.AUDITOR),
    "administrator": ("org1", Role.PLATFORM_ADMINISTRATOR),
    "issuer": ("org1", Role.BUSINESS_SYSTEM),
    "grid": ("org2", Role.BUSINESS_SYSTEM),
    "custodian": ("org1", Role.AGENT),
    "node-1": ("org1", Role.AGENT),
    "node-2": ("org2", Role.AGENT),
    "node-3": ("org2", Role.AGENT),
    "node-4": ("org1", Role.AGENT),
    "guest": ("org2", Role.AGENT),
    "cli-node": ("org1", Role.AGENT),
    "cli-guest": ("org2", Role.AGENT),
}
"""Organisation and role of each party; node-4 replaces a node that is killed, guests are of another root."""

PATIENCE = Patience(deadline_s=120, connect_s=30)
TOGETHER = 8
"""Envelopes that the grid company takes at the same time."""


@dataclass
class RunningNode:
    """A storage node's server in this process."""

    name: str
    node: StorageNode
    server: StorageNodeServer
    store: Path
    stack: AsyncExitStack

    async def kill(self) -> None:
        """Stop the server and lose its store."""
        await self.stack.aclose()
        for file in self.store.parent.glob(f"{self.store.name}*"):
            file.unlink()


@dataclass
class House:
    """A side device, its wallet's file, and the storage node that serves it."""

    number: int
    secret: SpendSecret
    node: str
    device: SideDevice | None = None


@dataclass
class EdgeWorld:
    """All parties and what they run."""

    network: Network
    folder: Path
    prefix: str
    root: SystemIdentifier
    other_root: SystemIdentifier
    parties: dict[str, Party]
    stack: AsyncExitStack
    systems: dict[str, SystemIdentifier] = field(default_factory=dict)
    houses: list[House] = field(default_factory=list)
    nodes: dict[str, RunningNode] = field(default_factory=dict)
    grid_secret: SpendSecret = field(default_factory=SpendSecret.generate)

    def ledger(self, name: str) -> EdgeLedger:
        return EdgeLedger(self.parties[name].network)

    @property
    def issuer(self) -> SystemIdentifier:
        return self.systems["issuer"]

    async def __call__(self, party: str, *words: object, code: int = 0) -> Any:
        """Call a command as a party, once both peers are even, and read its JSON."""
        await self.even()
        who = ("--dir", self.network.directory, "--org", WHO[party][0], "--user", f"{self.prefix}-{party}")
        return await self.plain(*words, *who, code=code)

    async def plain(self, *words: object, code: int = 0) -> Any:
        """Call a command without an identity, and read its JSON."""
        results, errors = io.StringIO(), io.StringIO()
        arguments = [*map(str, words), "--json"]
        found = await asyncio.to_thread(run, arguments, Output(stream=results, errors=errors))
        assert found == code, errors.getvalue()
        return json.loads(results.getvalue() or errors.getvalue())

    async def even(self) -> None:
        """Wait until both organisations' peers have the same blocks."""
        async with asyncio.timeout(120):
            while True:
                heights = [
                    (await self.parties[name].network.chain_info()).height for name in ("issuer", "grid")
                ]
                if len(set(heights)) == 1:
                    return
                await asyncio.sleep(0.05)

    async def register(self) -> None:
        """Found the root; register issuer and grid company, the issuer's houses, and the nodes."""
        aggregation, auditor = self.parties["aggregation"].ledger, self.parties["auditor"].ledger
        for root in (self.root, self.other_root):
            await aggregation.establish(root, _profile(SystemKind.AGGREGATION_SYSTEM, "aggregation"))
        await self.even()
        passed = SystemCheck(enterprise_found=True, server_answered=True, credit=80)
        for name in ("issuer", "grid"):
            applied = await self.parties[name].ledger.register_system(
                self.root, _profile(SystemKind.BUSINESS_SYSTEM, name)
            )
            await until_seen(
                lambda applied=applied: aggregation.deposit_check(applied.id, passed), deadline_s=60
            )
            self.systems[name] = (await auditor.approve_system(applied.id)).identifier
            await self.even()
        codes = [f"house-{number}" for number in range(1, HOUSES + 1)]
        entries = [DeviceEntry(own_code=code, name=code, kind="meter") for code in codes]
        await self.parties["issuer"].ledger.register_devices(self.issuer, entries)
        await self.even()
        approvals = [
            DeviceApproval(device=self.issuer.device(code), evidence=Digest.of(b"seen")) for code in codes
        ]
        await auditor.approve_devices(self.root, approvals)
        self.houses = [
            House(number=number, secret=SpendSecret.generate(), node=f"node-{1 + number % 3}")
            for number in range(1, HOUSES + 1)
        ]
        await self.even()
        await self.ledger("issuer").register_side_devices(
            self.issuer,
            [
                SideDeviceEntry(
                    device=self.issuer.device(code), address=publish_address(house.secret.address)
                )
                for code, house in zip(codes, self.houses, strict=True)
            ],
        )
        await self.ledger("grid").set_receiver(
            self.systems["grid"], publish_address(self.grid_secret.address)
        )
        await self.even()

    async def start(self, name: str, root: SystemIdentifier | None = None) -> RunningNode:
        """Register a storage node, have it approved, and serve it."""
        port = next(free_ports())
        entry = NodeEntry(name=f"{self.prefix}-{name}", server=f"http://127.0.0.1:{port}")
        node = await self.ledger(name).register_node(root or self.root, entry)
        await self.even()
        node = await self.ledger("administrator").approve_node(node.id)
        await self.even()
        stack = await self.stack.enter_async_context(AsyncExitStack())
        store = self.folder / f"{name}.db"
        envelopes = stack.enter_context(EnvelopeStore(store))
        server = StorageNodeServer(self.parties[name], node, envelopes, factor=2)
        service = server.service(MemoryReplayStore())
        await stack.enter_async_context(LocalServer(service, port=port, origins=[entry.server]))
        self.nodes[name] = RunningNode(name=name, node=node, server=server, store=store, stack=stack)
        return self.nodes[name]

    async def replace(self, lost: str, by: str) -> None:
        """Remove a storage node that was lost, start another one, and let its houses go there."""
        await self.ledger("administrator").reject_node(self.nodes.pop(lost).node.id, "lost")
        await self.even()
        await self.start(by)
        for house in self.houses:
            house.node = by if house.node == lost else house.node

    async def open_period(
        self, number: int, *, keys_each: int, ring_size: int = 11, envelope_bytes: int = 256
    ) -> MembershipPeriod:
        """Issue the keys of a period that lasts a day from now."""
        now_ms = int(time.time() * 1000)
        period = await issue_period(
            self.ledger("issuer"),
            self.issuer,
            number,
            keys_per_device=keys_each,
            ring_size=ring_size,
            envelope_bytes=envelope_bytes,
            starts_ms=now_ms - 600_000,
            ends_ms=now_ms + 24 * 3_600_000,
        )
        await self.even()
        return period

    async def enter(self, period: int, *houses: House) -> None:
        """Have houses, all by default, load the period's register from their nodes."""
        for house in houses or self.houses:
            wallet = self.stack.enter_context(
                MembershipWallet(self.folder / f"house-{house.number}-{period}.db", house.secret)
            )
            server = self.nodes[house.node].node.entry.server
            client = await self.stack.enter_async_context(OpenClient(server, patience=PATIENCE))
            house.device = SideDevice(wallet, client)
            await house.device.enter(self.issuer, period)

    async def send_hour(self, period: int, hour: int) -> list[tuple[int, str, Taken]]:
        """Send the record of an hour from every house, each at a moment that it draws.

        Returns
        -------
        list of tuples of house, node and answer, in the order in which they were sent
        """
        order = random.SystemRandom().sample(self.houses, len(self.houses))
        sent = []
        for house in order:
            assert house.device is not None
            *_, record = hourly_records(house.number, hour + 1)
            taken = await house.device.send(
                record, publish_address(self.grid_secret.address), issuer=self.issuer, period=period
            )
            sent.append((house.number, house.node, taken))
        return sent

    async def received(self, period: int) -> list[tuple[FoundEnvelope, EnvelopeDeposit, bytes]]:
        """Scan, fetch, open and sign for all envelopes of a period, as the grid company."""
        ledger = self.ledger("grid")
        nodes = [one for one in await ledger.nodes(self.root) if one.state == "approved"]
        gate = asyncio.Semaphore(TOGETHER)
        async with Receiver(self.grid_secret, nodes) as receiver:

            async def take(one: FoundEnvelope) -> tuple[FoundEnvelope, EnvelopeDeposit, bytes]:
                async with gate:
                    deposit = await ledger.deposit(one.at.deposit)
                    envelope = await receiver.fetch(one, deposit.signed.statement.envelope)
                    record = receiver.open(one, envelope)
                    await receiver.acknowledge(one, deposit)
                    return one, deposit, record

            deposits = ledger.deposits(self.issuer, period)
            found = [one async for one in scan(self.grid_secret.view, deposits)]
            return await asyncio.gather(*map(take, found))


def _profile(kind: SystemKind, name: str) -> SystemProfile:
    return SystemProfile(
        kind=kind,
        enterprise=made_enterprise("lifecycle").enterprise,
        name=name,
        introduction="made for a test",
        server=f"https://{name}.example",
    )


@asynccontextmanager
async def edge_world(
    network: Network, folder: Path, roots: tuple[str, str], prefix: str
) -> AsyncIterator[EdgeWorld]:
    """Give the parties, the issuer's houses and three storage nodes; identities are named after `prefix`."""
    trusted = Authorities.from_msp_folders(authorities(network))
    async with AsyncExitStack() as stack:
        parties: dict[str, Party] = {}
        for name, (organisation, role) in WHO.items():
            connection = await asyncio.to_thread(enrol, network, organisation, f"{prefix}-{name}", role)
            parties[name] = await stack.enter_async_context(
                Party.connect(connection, trusted, patience=PATIENCE)
            )
        root, other_root = map(SystemIdentifier, roots)
        world = EdgeWorld(network, folder, prefix, root, other_root, parties, stack)
        await world.register()
        for name in ("node-1", "node-2", "node-3"):
            await world.start(name)
        yield world
