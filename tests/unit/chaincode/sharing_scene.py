"""Datasets on a peer in memory: an owner, a custodian, and an application on each power platform."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import ROOT, Scene

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
from gridledger.model.sharing import (
    AccessDecision,
    AccessRequest,
    Grant,
    GrantEntry,
    PolicyRule,
    PowerPlatform,
    SealedKey,
)
from gridledger.model.signature import key_id
from gridledger.model.system import SystemKind

DAY_MS = 24 * 3600 * 1000
SEALED = bytes(60)
ROLE = "planner"
PURPOSE = "load-forecast"


@dataclass
class SharingScene:
    """All parties, and what they were given."""

    scene: Scene
    owner: Party
    custodian: Party
    applications: dict[PowerPlatform, Party]
    dataset: DatasetIdentifier
    made: int = 0

    @property
    def custodian_id(self) -> str:
        public_key = self.custodian.key.public_key()
        return key_id(public_key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))

    @classmethod
    async def make(cls, scene: Scene) -> SharingScene:
        """Register everybody; the dataset has no version and no policy yet."""
        await scene.establish()
        peer = scene.peer
        owner = Party(peer, "Org1MSP", "meters", Role.BUSINESS_SYSTEM)
        applications = {
            platform: Party(
                peer,
                "Org1MSP" if platform is PowerPlatform.MARKETING else "Org2MSP",
                platform.value,
                Role.DATA_APPLICATION,
            )
            for platform in PowerPlatform
        }
        system = await scene.register(owner, SystemKind.BUSINESS_SYSTEM)
        custodian = Party(peer, "Org2MSP", "custodian", Role.AGENT)
        made = cls(
            scene=scene,
            owner=owner,
            custodian=custodian,
            applications=applications,
            dataset=DatasetIdentifier(system, "charging/stations.csv"),
        )
        for platform, party in applications.items():
            identifier = await scene.register(party, SystemKind.DATA_APPLICATION)
            await party.submit("registry:RegisterUser", identifier, "worker-1", (ROLE,))
            await scene.administrator.submit("lake:AssignPlatform", identifier, platform)
        entry = CustodianEntry(name="lake keeper", sealing_key=bytes(31) + b"\x09")
        await custodian.submit("lake:RegisterCustodian", ROOT, entry)
        await scene.administrator.submit("lake:ApproveCustodian", ROOT, made.custodian_id)
        await owner.submit("lake:RegisterDataset", made.entry())
        return made

    def entry(self, **changes: Any) -> DatasetEntry:
        entry = DatasetEntry(
            identifier=self.dataset,
            title="Charging stations",
            description="where they stand",
            labels=("charging", "stations"),
        )
        return replace(entry, **changes)

    def statement(self, number: int = 1, previous: Digest | None = None, **changes: Any) -> VersionStatement:
        statement = VersionStatement(
            dataset=self.dataset,
            number=number,
            previous=previous,
            root=Digest.of(f"root {number}".encode()),
            content=Digest.of(f"content {number}".encode()),
            blocks=7,
            size_bytes=1000,
            epoch=1,
            location=SEALED,
            custodian=self.custodian_id,
            custody=SEALED,
        )
        return replace(statement, **changes)

    def receipt(self, of: VersionStatement, signer: Party | None = None, **changes: Any) -> SignedReceipt:
        receipt = StorageReceipt(
            custodian=of.custodian,
            dataset=of.dataset,
            number=of.number,
            statement=of.digest,
            root=of.root,
            blocks=of.blocks,
            stored_bytes=900,
            checked_ms=self.scene.peer.time_ms,
        )
        receipt = replace(receipt, **changes)
        return SignedReceipt(receipt=receipt, signature=(signer or self.custodian).sign(receipt))

    async def store(self, statement: VersionStatement) -> DatasetVersion:
        """Propose a version and deposit its receipt."""
        await self.owner.submit("lake:ProposeVersion", statement)
        version: DatasetVersion = await self.custodian.submit("lake:DepositReceipt", self.receipt(statement))
        return version

    def rule(self, platform: PowerPlatform, **changes: Any) -> PolicyRule:
        rule = PolicyRule(platform=platform, roles=(ROLE,), purposes=(PURPOSE,), longest_ms=7 * DAY_MS)
        return replace(rule, **changes)

    def system(self, platform: PowerPlatform) -> SystemIdentifier:
        return self.scene.systems[platform.value]

    def request(self, platform: PowerPlatform, **changes: Any) -> AccessRequest:
        self.made += 1
        request = AccessRequest(
            dataset=self.dataset,
            application=self.system(platform),
            user="worker-1",
            user_role=ROLE,
            purpose=PURPOSE,
            wanted_ms=DAY_MS,
            recipient=bytes(31) + b"\x09",
            made_ms=self.scene.peer.time_ms,
            nonce=f"nonce-of-access-{self.made:06}",
        )
        return replace(request, **changes)

    async def ask(self, platform: PowerPlatform, **changes: Any) -> AccessDecision:
        request = self.request(platform, **changes)
        decision: AccessDecision = await self.applications[platform].submit("lake:RequestAccess", request)
        return decision

    def sealed(self, decision: AccessDecision, epoch: int = 1) -> GrantEntry:
        key = SealedKey(epoch=epoch, wrapped_key=bytes(80), location=SEALED)
        return GrantEntry(request=decision.id, sealed=key)

    async def grant(self, decision: AccessDecision, epoch: int = 1) -> Grant:
        grants = await self.owner.submit("lake:DepositGrants", self.dataset, (self.sealed(decision, epoch),))
        granted: Grant = grants[0]
        return granted

    async def shared(self) -> None:
        """Store a version, and admit distribution and dispatching."""
        await self.store(self.statement())
        rules = tuple(self.rule(one) for one in (PowerPlatform.DISTRIBUTION, PowerPlatform.DISPATCHING))
        await self.owner.submit("lake:SetSharingPolicy", self.dataset, rules)
