"""A real lake in a folder, the contract on a peer in memory, and both agents between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import ROOT, Scene
from tests.unit.chaincode.sharing_scene import DAY_MS, SharingScene
from tests.unit.lake.conftest import small_lake

from gridledger.crypto.secret_key import SecretKey
from gridledger.crypto.wrapping import RecipientSecret
from gridledger.lake import Lake, LocalStore, Store
from gridledger.lake.ledger import (
    CustodianAgent,
    GrantedVersion,
    LakeLedger,
    OwnedLake,
    OwnerAgent,
    open_granted,
    publish_version,
)
from gridledger.model.argument import Argument, decode_argument
from gridledger.model.dataset import CustodianEntry, DatasetVersion
from gridledger.model.device import ItemResult
from gridledger.model.record import Record
from gridledger.model.roles import Role
from gridledger.model.sharing import AccessDecision, PowerPlatform
from gridledger.shim.testing import Committed

T = TypeVar("T")

ADDRESS = "file:///lake-of-the-owner"


class PeerLedger(LakeLedger):
    """The calls of a party, to a peer in memory; keeps the events that its transactions emit."""

    def __init__(self, party: Party, events: list[Committed]) -> None:
        self.party = party
        self.events = events

    async def system(self, identifier: Any) -> Any:
        return await self.party.ask("registry:GetSystem", identifier)

    async def _ask(self, kind: type[T], function: str, *arguments: Argument) -> T:
        return decode_argument(
            kind, await self.party.peer.evaluate(f"lake:{function}", *arguments, caller=self.party.caller)
        )

    async def _submit(self, kind: type[T], function: str, *arguments: Argument) -> T:
        committed = await self.party.commit(f"lake:{function}", *arguments)
        self.events.append(committed)
        return decode_argument(kind, committed.payload)


@dataclass
class SharingLake:
    """Everybody, with what each has."""

    sharing: SharingScene
    lake: Lake
    folder: Path
    custodian_id: str = ""
    events: list[Committed] = field(default_factory=list)
    handled: dict[str, int] = field(default_factory=dict)
    custodian_secret: RecipientSecret = field(default_factory=RecipientSecret.generate)
    secrets: dict[PowerPlatform, RecipientSecret] = field(
        default_factory=lambda: {platform: RecipientSecret.generate() for platform in PowerPlatform}
    )

    @classmethod
    async def make(cls, empty: Scene, folder: Path) -> SharingLake:
        made = cls(sharing=await SharingScene.make(empty), lake=small_lake(folder), folder=folder)
        keeper = Party(empty.peer, "Org2MSP", "keeper", Role.AGENT)
        made.keeper = keeper
        entry = CustodianEntry(name="keeper", sealing_key=made.custodian_secret.public.raw)
        registered = await keeper.submit("lake:RegisterCustodian", ROOT, entry)
        await empty.administrator.submit("lake:ApproveCustodian", ROOT, registered.id)
        made.custodian_id = registered.id
        rules = tuple(
            made.sharing.rule(one) for one in (PowerPlatform.DISTRIBUTION, PowerPlatform.DISPATCHING)
        )
        await made.sharing.owner.submit("lake:SetSharingPolicy", made.sharing.dataset, rules)
        return made

    keeper: Party = field(init=False)

    def now_ms(self) -> int:
        return self.sharing.scene.peer.time_ms

    @property
    def owned(self) -> OwnedLake:
        return OwnedLake(lake=self.lake, address=ADDRESS)

    @property
    def owner_ledger(self) -> PeerLedger:
        return PeerLedger(self.sharing.owner, self.events)

    def owner_agent(self, **options: Any) -> OwnerAgent:
        owner = self.sharing.dataset.system
        return OwnerAgent(self.owner_ledger, owner, self.owned, clock=self.now_ms, **options)

    def custodian_agent(
        self, *, secret: RecipientSecret | None = None, stores: dict[str, Store] | None = None
    ) -> CustodianAgent:
        async def sign(record: Record) -> bytes:
            return self.keeper.sign(record)

        return CustodianAgent(
            PeerLedger(self.keeper, self.events),
            self.custodian_id,
            secret or self.custodian_secret,
            sign,
            {ADDRESS: LocalStore(self.folder)} if stores is None else stores,
            clock=self.now_ms,
        )

    async def run(self, agent: CustodianAgent | OwnerAgent) -> list[ItemResult]:
        """Handle every event that this kind of agent has not seen, those that it causes included."""
        results: list[ItemResult] = []
        kind = type(agent).__name__
        while (place := self.handled.get(kind, 0)) < len(self.events):
            self.handled[kind] = place + 1
            event = self.events[place].event
            if event is not None:
                results += await agent.handle(*event)
        return results

    async def publish(self, payload: bytes) -> DatasetVersion:
        """Put a payload and propose it."""
        self.lake.put(self.sharing.dataset.name, BytesIO(payload))
        return await publish_version(
            self.owner_ledger, self.owned, self.sharing.dataset, self.custodian_id, unit="kWh"
        )

    async def store(self, payload: bytes) -> DatasetVersion:
        """Put a payload, propose it, and let the custodian sign."""
        proposed = await self.publish(payload)
        (result,) = await self.run(self.custodian_agent())
        assert result.accepted, result
        return await self.owner_ledger.version(self.sharing.dataset, proposed.statement.number)

    async def ask(self, platform: PowerPlatform, **changes: Any) -> AccessDecision:
        recipient = self.secrets[platform].public.raw
        request = self.sharing.request(platform, **{"recipient": recipient, **changes})
        return await PeerLedger(self.sharing.applications[platform], self.events).request_access(request)

    async def open(
        self, platform: PowerPlatform, decision: AccessDecision, number: int | None = None
    ) -> GrantedVersion:
        ledger = PeerLedger(self.sharing.applications[platform], self.events)
        return await open_granted(ledger, decision.id, self.secrets[platform], self.open_store, number=number)

    def open_store(self, address: str) -> Store:
        assert address == ADDRESS
        return LocalStore(self.folder)

    async def pass_days(self, days: int) -> None:
        self.sharing.scene.peer.time_ms += days * DAY_MS
        await self.sharing.scene.agent.submit("ledger:RenewTimeMark")


def other_secret() -> RecipientSecret:
    return RecipientSecret(SecretKey(bytes(range(1, 33))))
