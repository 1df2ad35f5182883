"""A channel without orderers' processes: it applies configuration updates by Fabric's rules, written anew."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fabric_protos.common import configtx_pb2
from fabric_protos.msp import identities_pb2, msp_config_pb2

from gridledger.client.block import Block
from gridledger.client.channel_trust import quorum_of
from gridledger.client.identity import Identity
from gridledger.client.signer import EcdsaSigner
from gridledger.client.signing_identity import SigningIdentity
from gridledger.network.authority import NodeRole
from gridledger.network.devnet.block import Signer
from gridledger.network.devnet.channel import Consenter, config_envelope
from gridledger.network.devnet.msp import msp_config_from_folder
from gridledger.network.errors import OrdererCallError
from gridledger.network.material import Member, OrganisationKind, OrganisationMaterial
from gridledger.network.ordering.channel_configuration import ChannelConfiguration
from gridledger.network.ordering.consenter_change import ConsenterRunner
from gridledger.network.ordering.consenter_proposal import ConsenterProposal
from gridledger.network.ordering.orderer_card import OrdererCard

__all__ = [
    "NAMES",
    "PATIENT",
    "A",
    "B",
    "FakeChannel",
    "FakeKeeper",
    "Orderers",
    "Stopped",
    "make_orderers",
    "proposed",
    "runner",
    "signed_by_all",
]

CHANNEL = "energy"
NAMES = [f"{name}:7050" for name in "abcdefgh"]
A, B = set(NAMES[:4]), set(NAMES[4:])
PATIENT = {"order_seconds": 30.0, "sync_seconds": 30.0, "quorum_seconds": 30.0}


class Stopped(Exception):
    """The process that changes the consenters ends here."""


@dataclass(frozen=True)
class Orderers:
    """Orderers a to d of organisations of their own, e to h of two peer organisations."""

    cards: dict[str, OrdererCard] = field(repr=False)
    administrators: dict[str, SigningIdentity] = field(repr=False)
    first: ChannelConfiguration = field(repr=False)
    """With a alone."""

    def configuration(self, addresses: set[str]) -> ChannelConfiguration:
        """Return a configuration with these consenters."""
        made = self.first
        for address in sorted(addresses - set(made.addresses)):
            made = made.added(self.cards[address])
        for address in sorted(set(made.addresses) - addresses):
            made = made.removed(address)
        return made


def make_orderers(folder: Path) -> Orderers:
    """Make keys and certificates."""
    materials = {
        name: OrganisationMaterial.create(folder, name, OrganisationKind.ORDERER)
        for name in ("ordera", "orderb", "orderc", "orderd")
    } | {name: OrganisationMaterial.create(folder, name, OrganisationKind.PEER) for name in ("org1", "org2")}
    owners = ["ordera", "orderb", "orderc", "orderd", "org1", "org2", "org1", "org2"]
    cards, administrators = {}, {}
    for material in materials.values():
        administrators[material.msp_id] = _signing(material.add_user("admin", role=NodeRole.ADMIN))
    for name, owner in zip("abcdefgh", owners, strict=True):
        material = materials[owner]
        member = material.add_orderer(f"node{name}")
        config = msp_config_from_folder(material.msp.path, material.msp_id)
        cards[f"{name}:7050"] = OrdererCard(
            address=f"{name}:7050",
            msp_id=material.msp_id,
            certificate=member.msp.certificate.read_bytes(),
            tls_certificate=member.tls_certificate.read_bytes(),
            msp=msp_config_pb2.MSPConfig(config=config.SerializeToString()).SerializeToString(),
        )
    return Orderers(cards=cards, administrators=administrators, first=_first(materials, cards["a:7050"]))


def _first(materials: dict[str, OrganisationMaterial], card: OrdererCard) -> ChannelConfiguration:
    configs = {
        name: msp_config_from_folder(material.msp.path, material.msp_id)
        for name, material in materials.items()
    }
    credential = materials["ordera"].orderer("nodea").msp.signer()
    identity = identities_pb2.SerializedIdentity(mspid="OrderaMSP", id_bytes=credential.certificate_pem)
    envelope = config_envelope(
        CHANNEL,
        [configs["org1"], configs["org2"]],
        configs["ordera"],
        Consenter(msp_id="OrderaMSP", certificate=card.certificate, tls_certificate=card.tls_certificate),
        10,
        Signer(identity.SerializeToString(), credential.key),
    )
    block = _block_of(envelope)
    made = ChannelConfiguration.from_block(block)
    # devnet's consenter has an address of devnet's: give way to a.
    (old,) = made.addresses
    return made.added(card).removed(old)


def _block_of(envelope: bytes) -> bytes:
    from fabric_protos.common import common_pb2

    block = common_pb2.Block(data=common_pb2.BlockData(data=[envelope]))
    return bytes(block.SerializeToString())


def _signing(member: Member) -> SigningIdentity:
    return SigningIdentity(
        Identity.from_file(member.msp_id, member.msp.certificate), EcdsaSigner.from_file(member.msp.key)
    )


@dataclass
class FakeChannel:
    """A channel that goes on only while a quorum of its consenters runs."""

    at: ChannelConfiguration
    running: set[str]
    """Who runs; who is added takes part once it is prepared and not among `never`."""
    never: set[str] = field(default_factory=set)
    """Who never syncs."""
    calls_left: int | None = None
    """The process ends at this call."""
    number: int = 7
    ordered: int = 0
    least: list[tuple[int, int]] = field(default_factory=list)
    """Who ran and how many had to sign, after each update."""

    def _count(self) -> None:
        if self.calls_left is not None:
            if self.calls_left == 0:
                raise Stopped
            self.calls_left -= 1

    async def configuration(self) -> ChannelConfiguration:
        self._count()
        return self.at

    async def head(self, address: str, number: int | None = None) -> Block | None:
        self._count()
        if address not in self.running or address in self.never:
            return None
        return Block(
            number=self.number if number is None else number,
            previous_hash=b"",
            data_hash=b"",
            transactions=(),
        )

    async def answers(self, address: str) -> bool:
        self._count()
        return address in self.running

    async def submit(self, address: str, signed_update: bytes) -> None:
        self._count()
        if address not in self.at.addresses or address not in self.running:
            raise OrdererCallError(address, reason="does not run")
        envelope = configtx_pb2.ConfigUpdateEnvelope.FromString(signed_update)
        update = configtx_pb2.ConfigUpdate.FromString(envelope.config_update)
        before, after = self.at, _applied(self.at, update)
        voters = (set(before.addresses) & self.running) - self.never
        assert len(voters) >= quorum_of(len(before.addresses))
        assert len(envelope.signatures) >= before.signatures_wanted
        self.at = after
        self.number += 1
        self.ordered += 1
        self._count()


@dataclass
class FakeKeeper:
    """Starts orderers of the fake channel."""

    channel: FakeChannel
    released: list[str] = field(default_factory=list)

    async def prepare(self, card: OrdererCard, configuration: ChannelConfiguration) -> None:
        self.channel.running.add(card.address)

    async def hasten(self, address: str) -> None:
        """Do nothing: it notices at once."""

    async def release(self, address: str) -> None:
        self.released.append(address)


def proposed(orderers: Orderers, current: set[str], wanted: set[str]) -> ConsenterProposal:
    """Return a proposal that all administrators have signed."""
    made = ConsenterProposal.make(orderers.configuration(current), wanted, orderers.cards)
    return signed_by_all(orderers, made)


def signed_by_all(orderers: Orderers, made: ConsenterProposal) -> ConsenterProposal:
    async def signed() -> ConsenterProposal:
        proposal = made
        for one in orderers.administrators.values():
            proposal = await proposal.signed_by(one)
        return proposal

    return asyncio.run(signed())


def runner(channel: FakeChannel, journal: Path, **seconds: float) -> ConsenterRunner:
    given = {
        "order_seconds": 0.05,
        "sync_seconds": 0.02,
        "quorum_seconds": 0.01,
        "settle_seconds": 0.0,
        "poll_seconds": 0.001,
    }
    return ConsenterRunner(channel=channel, keeper=FakeKeeper(channel), journal=journal, **(given | seconds))


def _applied(current: ChannelConfiguration, update: Any) -> ChannelConfiguration:
    """Apply an update by the rules of Fabric's validator.

    What was read must have the versions that were read; what is written and was not read with this version
    must be one version higher, or 0 where it is new; a group that is written names all its members.
    """
    known = dict(_elements(current.root, ("Channel",)))
    read = dict(_elements(update.read_set, ("Channel",)))
    written = dict(_elements(update.write_set, ("Channel",)))
    for path, element in read.items():
        assert known[path].version == element.version, path
    delta = {
        path: element
        for path, element in written.items()
        if path not in read or read[path].version != element.version
    }
    assert delta
    for path, element in delta.items():
        assert element.version == (known[path].version + 1 if path in known else 0), path
    root = _rebuilt(("Channel",), known, written, delta)
    return ChannelConfiguration(channel=current.channel, sequence=current.sequence + 1, root=root)


def _elements(group: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, group
    for kind in ("values", "policies"):
        for name, one in getattr(group, kind).items():
            yield (*path, kind, name), one
    for name, one in group.groups.items():
        yield from _elements(one, (*path, name))


def _rebuilt(path: tuple[str, ...], known: Any, written: Any, delta: Any) -> Any:
    # Members of a group that is written anew are those that it names.
    shape = delta[path] if path in delta else known[path]
    made = configtx_pb2.ConfigGroup(version=shape.version, mod_policy=shape.mod_policy)
    for kind in ("values", "policies"):
        for name in getattr(shape, kind):
            at = (*path, kind, name)
            getattr(made, kind)[name].CopyFrom(delta.get(at, known.get(at)))
    for name in shape.groups:
        made.groups[name].CopyFrom(_rebuilt((*path, name), known, written, delta))
    return made
