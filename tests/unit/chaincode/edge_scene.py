"""The edge on a peer in memory: an issuer with side devices, storage nodes, a receiver, an open period."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import ROOT, Scene

from gridledger.crypto.cryptonote.keys import generate_key_image
from gridledger.crypto.cryptonote.signing import generate_keys, generate_ring_signature
from gridledger.crypto.cryptonote.stealth import Sent, SpendSecret
from gridledger.edge.issuer import make_batch
from gridledger.edge.membership_wallet import find_own_keys, open_own_key
from gridledger.edge.sealed_record import publish_address
from gridledger.model.device import DeviceApproval, DeviceEntry
from gridledger.model.digest import Digest
from gridledger.model.edge import (
    IssuedBatch,
    IssueEntry,
    MembershipPeriod,
    NodeEntry,
    SideDeviceEntry,
)
from gridledger.model.edge_page import BatchAt
from gridledger.model.envelope import EnvelopeStatement, SignedEnvelope
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.roles import Role
from gridledger.model.signature import key_id
from gridledger.model.system import SystemKind

DEVICES, KEYS_EACH, RING, BYTES = 4, 2, 4, 256


def node_id(party: Party) -> str:
    return key_id(party.key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint))


@dataclass
class EdgeScene:
    """All parties, the secrets of the side devices, and the keys of period 1."""

    scene: Scene
    issuer: Party
    system: SystemIdentifier
    node: Party
    other_node: Party
    secrets: list[SpendSecret]
    keys: tuple[bytes, ...] = ()
    owned: tuple[dict[int, bytes], ...] = ()
    """Secret keys by place, of each side device."""

    @classmethod
    async def make(cls, scene: Scene, *, established: bool = False) -> EdgeScene:
        """Register everybody and open period 1."""
        if not established:
            await scene.establish()
        peer = scene.peer
        issuer = Party(peer, "Org1MSP", "issuer", Role.BUSINESS_SYSTEM)
        system = await scene.register(issuer, SystemKind.BUSINESS_SYSTEM)
        node = Party(peer, "Org1MSP", "node", Role.AGENT)
        other = Party(peer, "Org2MSP", "other-node", Role.AGENT)
        for one in (node, other):
            entry = NodeEntry(name=one.name, server=f"http://{one.name}.example")
            await one.submit("edge:RegisterNode", ROOT, entry)
            await scene.administrator.submit("edge:ApproveNode", node_id(one))
        secrets = [SpendSecret.generate() for _ in range(DEVICES)]
        made = cls(scene=scene, issuer=issuer, system=system, node=node, other_node=other, secrets=secrets)
        await made.register_devices()
        await issuer.submit("edge:RegisterSideDevices", system, made.entries())
        await made.open(made.period())
        return made

    async def register_devices(self, first: int = 0, count: int = DEVICES) -> None:
        codes = [f"house-{number}" for number in range(first, first + count)]
        entries = tuple(DeviceEntry(own_code=code, name=code, kind="meter") for code in codes)
        await self.issuer.once("registry:RegisterDevices", self.system, entries)
        approvals = tuple(
            DeviceApproval(device=self.system.device(code), evidence=Digest.of(b"seen")) for code in codes
        )
        await self.scene.auditor.submit("registry:ApproveDevices", ROOT, approvals)

    def entries(self) -> tuple[SideDeviceEntry, ...]:
        return tuple(
            SideDeviceEntry(
                device=self.system.device(f"house-{number}"), address=publish_address(secret.address)
            )
            for number, secret in enumerate(self.secrets)
        )

    def period(self, **changes: Any) -> MembershipPeriod:
        now_ms = self.scene.peer.time_ms
        period = MembershipPeriod(
            issuer=self.system,
            number=1,
            devices=len(self.secrets),
            keys_per_device=KEYS_EACH,
            ring_size=RING,
            envelope_bytes=BYTES,
            starts_ms=now_ms,
            ends_ms=now_ms + 10 * 60_000,
            planned_ms=0,
        )
        return replace(period, **changes)

    def batch(self) -> IssueEntry:
        addresses = [publish_address(secret.address) for _ in range(KEYS_EACH) for secret in self.secrets]
        return make_batch(0, addresses)

    async def open(self, period: MembershipPeriod) -> None:
        """Plan a period, issue its keys in one batch, and open it."""
        await self.issuer.submit("edge:PlanPeriod", period)
        entry = self.batch()
        await self.issuer.submit("edge:IssueKeys", self.system, period.number, entry)
        await self.issuer.submit("edge:OpenPeriod", self.system, period.number)
        self.keys = entry.keys
        batch = IssuedBatch(origin=entry.origin, count=len(entry.keys), view_tags=entry.view_tags)
        self.owned = tuple(
            {
                found.place: open_own_key(secret, found).secret
                for found in find_own_keys(secret.view, (BatchAt(first=0, batch=batch),), entry.keys)
            }
            for secret in self.secrets
        )

    def statement(self, ring: tuple[int, ...], **changes: Any) -> EnvelopeStatement:
        key = Sent.to(self.secrets[0].address).key
        statement = EnvelopeStatement(
            issuer=self.system,
            period=1,
            ring=ring,
            envelope=Digest.of(key.public_key),
            size_bytes=BYTES,
            one_time_key=key.public_key,
            origin=key.sender_key,
            view_tag=key.view_tag[0],
            node=node_id(self.node),
        )
        return replace(statement, **changes)

    def own_place(self, device: int = 0, which: int = 0) -> int:
        return sorted(self.owned[device])[which]

    def ring_with(self, place: int) -> tuple[int, ...]:
        """Return the ring of a place's round, which is as large as the round."""
        first = place - place % DEVICES
        return tuple(range(first, first + RING))

    def sign(self, device: int = 0, which: int = 0, **changes: Any) -> SignedEnvelope:
        """Sign a statement with a device's key."""
        place = self.own_place(device, which)
        ring = changes.pop("ring", self.ring_with(place))
        return self.sign_statement(self.statement(ring, **changes), device, place)

    def sign_statement(self, statement: EnvelopeStatement, device: int, place: int) -> SignedEnvelope:
        secret = self.owned[device][place]
        image = generate_key_image(self.keys[place], secret)
        signature = generate_ring_signature(
            Digest.of(statement.to_bytes()).raw,
            image,
            [self.keys[one] for one in statement.ring],
            secret,
            statement.ring.index(place),
        )
        return SignedEnvelope(statement=statement, key_image=image, signature=signature)


def stranger() -> tuple[bytes, bytes]:
    """Return a key pair that nobody issued."""
    return generate_keys()
