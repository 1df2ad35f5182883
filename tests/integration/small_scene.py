"""Two business systems and a data application below a root of their own, without servers or databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from tests.integration.exchange import PATIENT, authorities, enrol

from gridledger.exchange.demo.made import made_enterprise
from gridledger.exchange.party import Party
from gridledger.model.device import DeclaredIdentity, DeviceEntry, FieldEntry, FieldMetadata
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier
from gridledger.model.period import Frequency
from gridledger.model.roles import Role
from gridledger.model.system import SystemCheck, SystemKind, SystemProfile
from gridledger.network import Network
from gridledger.web import Authorities

__all__ = ["SmallScene", "small_scene"]

ROLE = "maintenance-worker"
_PARTIES = {
    "aggregation": Role.AGGREGATION_SYSTEM,
    "auditor": Role.AUDITOR,
    "one": Role.BUSINESS_SYSTEM,
    "two": Role.BUSINESS_SYSTEM,
    "application": Role.DATA_APPLICATION,
}
_KINDS = {
    "one": SystemKind.BUSINESS_SYSTEM,
    "two": SystemKind.BUSINESS_SYSTEM,
    "application": SystemKind.DATA_APPLICATION,
}


@dataclass
class SmallScene:
    """Parties of one organisation, whose peer shows each what the other did."""

    network: Network
    root: SystemIdentifier
    parties: dict[str, Party]
    users: dict[str, str]
    """Name to the user that a command is called as."""
    systems: dict[str, SystemIdentifier] = field(default_factory=dict)

    async def register(self) -> None:
        """Give every system its identifier."""
        root = self.profile(SystemKind.AGGREGATION_SYSTEM, "aggregation")
        await self.parties["aggregation"].ledger.establish(self.root, root)
        passed = SystemCheck(enterprise_found=True, server_answered=True, credit=80)
        for name, kind in _KINDS.items():
            applied = await self.parties[name].ledger.register_system(self.root, self.profile(kind, name))
            await self.parties["aggregation"].ledger.deposit_check(applied.id, passed)
            system = await self.parties["auditor"].ledger.approve_system(applied.id)
            self.systems[name] = system.identifier

    async def device(
        self, owner: str, own_code: str, *identities: DeclaredIdentity, fields: Sequence[str] = ()
    ) -> DeviceIdentifier:
        """Register a device with fields."""
        system, ledger = self.systems[owner], self.parties[owner].ledger
        entry = DeviceEntry(own_code=own_code, name=own_code, kind="inverter", identities=identities)
        (result,) = await ledger.register_devices(system, [entry])
        assert result.accepted, result.message
        await self.fields(owner, own_code, *fields)
        return system.device(own_code)

    async def fields(self, owner: str, own_code: str, *names: str) -> None:
        """Register fields of a device."""
        metadata = FieldMetadata(
            title="made", unit="", data_type="text", frequency=Frequency.ONCE, roles=(ROLE,)
        )
        entries = [
            FieldEntry(own_code=own_code, name=name, metadata=metadata, price_milliyuan=1) for name in names
        ]
        if entries:
            results = await self.parties[owner].ledger.register_fields(self.systems[owner], entries)
            assert all(result.accepted for result in results), results

    @staticmethod
    def profile(kind: SystemKind, name: str) -> SystemProfile:
        server = None if kind is not SystemKind.BUSINESS_SYSTEM else f"https://{name}.example"
        return SystemProfile(
            kind=kind,
            enterprise=made_enterprise("lifecycle").enterprise,
            name=name,
            introduction="made for a test",
            server=server,
        )


@asynccontextmanager
async def small_scene(network: Network, root: SystemIdentifier, prefix: str) -> AsyncIterator[SmallScene]:
    """Give the scene with its systems registered; identities are named after `prefix`."""
    users = {name: f"{prefix}-{name}" for name in _PARTIES}
    trusted = Authorities.from_msp_folders(authorities(network))
    async with AsyncExitStack() as stack:
        parties: dict[str, Party] = {}
        for name, role in _PARTIES.items():
            connection = await asyncio.to_thread(enrol, network, "org1", users[name], role)
            parties[name] = await stack.enter_async_context(
                Party.connect(connection, trusted, deadlines=PATIENT)
            )
        scene = SmallScene(network=network, root=root, parties=parties, users=users)
        await scene.register()
        yield scene
