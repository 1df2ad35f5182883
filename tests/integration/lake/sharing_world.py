"""A network with a lake's owner, a custodian and an application on each power platform; commands as each."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.integration.exchange import authorities, enrol

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.exchange.demo.made import made_enterprise
from gridledger.exchange.handoff import until_seen
from gridledger.exchange.party import Party
from gridledger.lake.ledger import LakeLedger
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.roles import Role
from gridledger.model.sharing import PowerPlatform
from gridledger.model.system import SystemCheck, SystemKind, SystemProfile
from gridledger.network import Network
from gridledger.web import Authorities

__all__ = ["ROLE", "USER", "SharingWorld", "sharing_world"]

ROLE = "planner"
USER = "worker-1"
_WHO = {
    # Organisation and role of each party.
    "aggregation": ("org1", Role.AGGREGATION_SYSTEM),
    "auditor": ("org1", Role.AUDITOR),
    "administrator": ("org1", Role.PLATFORM_ADMINISTRATOR),
    "owner": ("org1", Role.BUSINESS_SYSTEM),
    "custodian": ("org2", Role.AGENT),
    "aggregation-agent": ("org1", Role.AGENT),
    "marketing-agent": ("org1", Role.AGENT),
    "marketing": ("org1", Role.DATA_APPLICATION),
    "distribution": ("org2", Role.DATA_APPLICATION),
    "dispatching": ("org2", Role.DATA_APPLICATION),
}


@dataclass
class SharingWorld:
    """All parties, each of an organisation, and the systems that they act for."""

    network: Network
    root: SystemIdentifier
    prefix: str
    parties: dict[str, Party]
    systems: dict[str, SystemIdentifier] = field(default_factory=dict)

    def ledger(self, name: str) -> LakeLedger:
        return LakeLedger(self.parties[name].network)

    @staticmethod
    def organisation(name: str) -> str:
        return _WHO[name][0]

    async def even(self) -> None:
        """Wait until both organisations' peers have the same blocks."""
        async with asyncio.timeout(30):
            while True:
                heights = [
                    (await self.parties[name].network.chain_info()).height for name in ("owner", "custodian")
                ]
                if len(set(heights)) == 1:
                    return
                await asyncio.sleep(0.05)

    async def __call__(self, party: str, *words: object, code: int = 0) -> Any:
        """Call a command as a party, once both peers are even, and read its JSON."""
        await self.even()
        who = (
            "--dir",
            self.network.directory,
            "--org",
            _WHO[party][0],
            "--user",
            f"{self.prefix}-{party}",
        )
        return await self.plain(*words, *who, code=code)

    async def plain(self, *words: object, code: int = 0) -> Any:
        """Call a command without an identity, and read its JSON."""
        results, errors = io.StringIO(), io.StringIO()
        arguments = [*map(str, words), "--json"]
        found = await asyncio.to_thread(run, arguments, Output(stream=results, errors=errors))
        assert found == code, errors.getvalue()
        said: Any = json.loads(results.getvalue() or errors.getvalue())
        return said

    async def register(self) -> None:
        """Found the root, and register owner and applications with a user each."""
        aggregation, auditor = self.parties["aggregation"].ledger, self.parties["auditor"].ledger
        await aggregation.establish(self.root, _profile(SystemKind.AGGREGATION_SYSTEM, "aggregation"))
        await self.even()
        passed = SystemCheck(enterprise_found=True, server_answered=True, credit=80)
        for name, (_, role) in _WHO.items():
            if role not in (Role.BUSINESS_SYSTEM, Role.DATA_APPLICATION):
                continue
            kind = SystemKind.BUSINESS_SYSTEM if name == "owner" else SystemKind.DATA_APPLICATION
            ledger = self.parties[name].ledger
            applied = await ledger.register_system(self.root, _profile(kind, name))
            await self.even()
            await until_seen(lambda applied=applied: aggregation.deposit_check(applied.id, passed))
            system = await auditor.approve_system(applied.id)
            self.systems[name] = system.identifier
            await self.even()
            if kind is SystemKind.DATA_APPLICATION:
                await ledger.register_user(system.identifier, USER, [ROLE])
                await self.ledger("administrator").assign_platform(system.identifier, PowerPlatform(name))


def _profile(kind: SystemKind, name: str) -> SystemProfile:
    return SystemProfile(
        kind=kind,
        enterprise=made_enterprise("lifecycle").enterprise,
        name=name,
        introduction="made for a test",
        server=f"https://{name}.example" if kind is SystemKind.BUSINESS_SYSTEM else None,
    )


@asynccontextmanager
async def sharing_world(network: Network, root: str, prefix: str) -> AsyncIterator[SharingWorld]:
    """Give the parties with their systems; identities are named after `prefix`."""
    trusted = Authorities.from_msp_folders(authorities(network))
    async with AsyncExitStack() as stack:
        parties: dict[str, Party] = {}
        for name, (organisation, role) in _WHO.items():
            connection = await asyncio.to_thread(enrol, network, organisation, f"{prefix}-{name}", role)
            parties[name] = await stack.enter_async_context(Party.connect(connection, trusted))
        world = SharingWorld(network, SystemIdentifier(root), prefix, parties)
        await world.register()
        yield world
