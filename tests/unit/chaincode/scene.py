"""The slice on a peer in memory: three systems that know one plant, an application, money, deposits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tests.unit.chaincode.party import Party

from gridledger.model.catalogue import PublicationEntry, Selector
from gridledger.model.delivery import DeliveredPeriod, DeliveredRow, Delivery
from gridledger.model.device import DeclaredIdentity, DeviceApproval, DeviceEntry, FieldEntry, FieldMetadata
from gridledger.model.digest import Digest
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier, SystemIdentifier
from gridledger.model.integrity import ActualRoots, SignedRoots
from gridledger.model.period import Day, Frequency, Period
from gridledger.model.resolution import Request, Resolution, RuleEntry, SignedRequest
from gridledger.model.roles import Role
from gridledger.model.system import Enterprise, SystemCheck, SystemKind, SystemProfile
from gridledger.model.trade import (
    CountersignedContract,
    MoneyKey,
    Order,
    OrderEntry,
    TransactionContract,
)
from gridledger.shim.testing import MemoryPeer

ROOT = SystemIdentifier("88.1042")
PLANT = DeclaredIdentity(scheme="plant", value="R27")
PASSED = SystemCheck(enterprise_found=True, server_answered=True, credit=80)
ROLE = "maintenance-worker"
DAY = Day("2018-09-14")
METER = "2050.15.003.BLK01.PAD01.MTR01"
PRICES = {"dc_size": 500, "ac_power": 1200, "irradiance": 300, "order_type": 700}
TOTAL = sum(PRICES.values())


def profile(kind: SystemKind, name: str) -> SystemProfile:
    server = None if kind is SystemKind.DATA_APPLICATION else f"https://{name}.example"
    enterprise = Enterprise(name=f"{name} company", code="91330700MA2XXXXXX1", region="Zhejiang")
    return SystemProfile(
        kind=kind, enterprise=enterprise, name=name, introduction="made for a test", server=server
    )


def field_entry(own_code: str, name: str, frequency: Frequency, *roles: str) -> FieldEntry:
    metadata = FieldMetadata(
        title=name, unit="", data_type="text", frequency=frequency, roles=tuple(sorted(roles or (ROLE,)))
    )
    return FieldEntry(own_code=own_code, name=name, metadata=metadata, price_milliyuan=PRICES.get(name, 100))


def period_of(field: FieldIdentifier) -> Period:
    return Period("once") if field.name == "dc_size" else Period(str(DAY))


@dataclass
class Scene:
    """All parties, and what they were given."""

    peer: MemoryPeer
    aggregation: Party
    auditor: Party
    administrator: Party
    agent: Party
    owners: dict[str, Party]
    application: Party
    systems: dict[str, SystemIdentifier]
    made: int = 0

    @classmethod
    def on(cls, peer: MemoryPeer) -> Scene:
        names = ("construction", "monitoring", "maintenance")
        return cls(
            peer=peer,
            aggregation=Party(peer, "Org1MSP", "aggregation", Role.AGGREGATION_SYSTEM),
            auditor=Party(peer, "Org1MSP", "auditor", Role.AUDITOR),
            administrator=Party(peer, "Org1MSP", "administrator", Role.PLATFORM_ADMINISTRATOR),
            agent=Party(peer, "Org1MSP", "agent", Role.AGENT),
            owners={name: Party(peer, "Org2MSP", name, Role.BUSINESS_SYSTEM) for name in names},
            application=Party(peer, "Org2MSP", "lifecycle", Role.DATA_APPLICATION),
            systems={},
        )

    async def establish(self) -> None:
        await self.agent.submit("ledger:RenewTimeMark")
        root_profile = profile(SystemKind.AGGREGATION_SYSTEM, "aggregation")
        await self.aggregation.submit("registry:Establish", ROOT, root_profile)

    async def register(self, party: Party, kind: SystemKind) -> SystemIdentifier:
        application = await party.once("registry:RegisterSystem", ROOT, profile(kind, party.name))
        await self.aggregation.submit("registry:DepositCheck", application.id, PASSED)
        system = await self.auditor.submit("registry:ApproveSystem", application.id)
        self.systems[party.name] = system.identifier
        return self.systems[party.name]

    def device(self, name: str) -> DeviceIdentifier:
        return self.systems[name].device(METER if name == "monitoring" else "R27")

    def fields(self) -> dict[str, list[FieldIdentifier]]:
        names = {
            "construction": ["dc_size"],
            "monitoring": ["ac_power", "irradiance"],
            "maintenance": ["order_type"],
        }
        return {
            owner: [self.device(owner).field(one) for one in found]
            for owner, found in names.items()
            if owner in self.systems
        }

    async def register_all(self, *, approve: bool = True) -> None:
        """Take all steps up to the rule; without `approve` no auditor has seen the devices."""
        await self.establish()
        for name, party in self.owners.items():
            system = await self.register(party, SystemKind.BUSINESS_SYSTEM)
            own_code = self.device(name).own_code
            entry = DeviceEntry(own_code=own_code, name="plant 27", kind="plant", identities=(PLANT,))
            (result,) = await party.once("registry:RegisterDevices", system, (entry,))
            assert result.accepted, result.message
            if approve:
                approval = DeviceApproval(device=self.device(name), evidence=Digest.of(b"seen"))
                (result,) = await self.auditor.submit("registry:ApproveDevices", ROOT, (approval,))
                assert result.accepted, result.message
            entries = tuple(
                field_entry(own_code, one.name, period_of(one).frequency) for one in self.fields()[name]
            )
            for result in await party.once("registry:RegisterFields", system, entries):
                assert result.accepted, result.message
        await self.register(self.application, SystemKind.DATA_APPLICATION)
        app = self.systems["lifecycle"]
        await self.application.submit("registry:RegisterUser", app, "worker-7", (ROLE,))
        (result,) = await self.aggregation.submit("catalogue:DepositAssociations", ROOT, (PLANT,))
        assert result.accepted, result.message
        publication = PublicationEntry(application=app, identity=PLANT, selectors=self.selectors())
        await self.aggregation.submit("catalogue:PublishFields", ROOT, publication)
        rule = RuleEntry(application=app, function="maintenance", selectors=self.selectors())
        await self.application.submit("resolution:SetRule", rule)

    def selectors(self) -> tuple[Selector, ...]:
        found = self.fields()
        return tuple(
            Selector(system=self.systems[owner], name=field.name) for owner in found for field in found[owner]
        )

    def rows(self, field: FieldIdentifier, value: str = "1") -> DeliveredPeriod:
        rows = tuple(DeliveredRow(key=f"{i}", value=value, salt=bytes(15) + bytes([i])) for i in range(3))
        return DeliveredPeriod(field=field, period=period_of(field), rows=rows)

    async def deposit(self) -> None:
        for name, fields in self.fields().items():
            roots = tuple(self.rows(field).root() for field in fields)
            results = await self.owners[name].submit("integrity:DepositRoots", self.systems[name], roots)
            assert all(result.accepted for result in results), results

    def request(self, **changes: Any) -> SignedRequest:
        self.made += 1
        request = Request(
            application=self.systems["lifecycle"],
            user="worker-7",
            user_role=ROLE,
            function="maintenance",
            purpose="work order 1",
            device=self.device("construction"),
            first=DAY,
            last=DAY,
            made_ms=self.peer.time_ms,
            nonce=f"nonce-of-request-{self.made:06}",
        )
        request = replace(request, **changes)
        return SignedRequest(request=request, signature=self.application.sign(request))

    def answer(self, owner: str, request: Request, altered: str = "") -> SignedRoots:
        fields = self.fields()[owner]
        roots = ActualRoots(
            request=request.id,
            system=self.systems[owner],
            roots=tuple(self.rows(one, "9" if one.name == altered else "1").root() for one in fields),
            computed_ms=self.peer.time_ms,
        )
        return SignedRoots(roots=roots, signature=self.owners[owner].sign(roots))

    async def resolve(self, signed: SignedRequest | None = None, altered: str = "") -> Resolution:
        signed = signed or self.request()
        answers = tuple(self.answer(owner, signed.request, altered) for owner in self.owners)
        return await self.resolve_with(signed, answers)

    async def resolve_with(self, signed: SignedRequest, answers: tuple[SignedRoots, ...]) -> Resolution:
        name = await self.aggregation.submit("resolution:Resolve", signed, answers)
        resolution: Resolution = await self.aggregation.ask("resolution:GetResolution", name)
        return resolution

    async def pay_in(self, *amounts: int) -> tuple[MoneyKey, ...]:
        account = self.systems["lifecycle"]
        self.made += 1
        paid = await self.administrator.commit("trade:PayIn", f"pay.{self.made}", account, tuple(amounts))
        return tuple(MoneyKey(tx_id=paid.tx_id, number=number) for number in range(len(amounts)))

    async def order(
        self, resolution: Resolution, notes: tuple[MoneyKey, ...], hold_ms: int = 60_000
    ) -> Order:
        entry = OrderEntry(
            application=self.systems["lifecycle"],
            resolution=resolution.id,
            amount_milliyuan=sum(target.amount_milliyuan() for target in resolution.targets),
            notes=notes,
            hold_ms=hold_ms,
        )
        order: Order = await self.application.once("trade:PlaceOrder", entry)
        return order

    def contract(self, order: Order, owner: str, **changes: Any) -> TransactionContract:
        line = order.line(self.systems[owner])
        assert line is not None
        delivery = Delivery(
            order=order.id, owner=line.system, periods=tuple(self.rows(field) for field in line.fields)
        )
        contract = TransactionContract(
            order=order.id,
            resolution=order.resolution,
            application=order.application,
            owner=line.system,
            fields=line.fields,
            first=DAY,
            last=DAY,
            rows=delivery.rows(),
            content=delivery.digest(),
            amount_milliyuan=line.amount_milliyuan,
            concluded_ms=self.peer.time_ms,
        )
        return replace(contract, **changes)

    def countersign(self, contract: TransactionContract, owner: str) -> CountersignedContract:
        return CountersignedContract(
            contract=contract,
            application_signature=self.application.sign(contract),
            owner_signature=self.owners[owner].sign(contract),
        )
