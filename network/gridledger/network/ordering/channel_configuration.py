"""A channel's configuration, read for its consenters, and what it is with others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from fabric_protos.common import common_pb2, configtx_pb2, configuration_pb2, policies_pb2
from fabric_protos.msp import identities_pb2, msp_config_pb2, msp_principal_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_configuration_pb2
from google.protobuf.message import DecodeError

from gridledger.client.block import Block
from gridledger.client.channel_trust import quorum_of
from gridledger.client.policy import EndorsementPolicy
from gridledger.model.errors import ModelError
from gridledger.network.errors import ConsentersUnnumbered, ConsenterUnknown
from gridledger.network.ordering.configuration_update import configuration_update, updated_group
from gridledger.network.ordering.orderer_card import OrdererCard

__all__ = [
    "ADMINS",
    "APPLICATION",
    "MSP",
    "ORDERER",
    "ChannelConfiguration",
    "ChannelConsenter",
    "msp_of",
    "signature_policy",
    "signers_of",
    "view_of",
]

# Messages of the official protos; their package has no type stubs.
Message = Any

APPLICATION: Final = "Application"
ORDERER: Final = "Orderer"
_ORDERERS: Final = "Orderers"
_CONSENSUS: Final = "ConsensusType"
_BLOCK_VALIDATION: Final = "BlockValidation"
_ENDPOINTS: Final = "Endpoints"
MSP: Final = "MSP"
ADMINS: Final = "Admins"
_ORDERER_ADMINS: Final = "/Channel/Orderer/Admins"
_IDENTITY: Final = msp_principal_pb2.MSPPrincipal.Classification.IDENTITY
_SIGNATURES: Final = common_pb2.BlockMetadataIndex.SIGNATURES
_SIGNATURE: Final = policies_pb2.Policy.PolicyType.SIGNATURE
_SPACING: Final = 1000
"""Between the numbers of consenters, so that there is a free one below the last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelConsenter:
    """An orderer that takes part in consensus, as a configuration names it."""

    number: int
    """Its number among the consenters."""

    msp_id: str
    """Its organisation."""

    address: str
    """Host and port; port 0 in devnet, whose orderer listens nowhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelConfiguration:
    """The configuration of a channel at one sequence.

    Notes
    -----
    An organisation stands in the channel's group of orderers exactly while one of its orderers is a
    consenter: peers count the addresses in that group when they decide how many orderers must take a
    transaction, and Fabric 3 allows no organisation without an address there.
    """

    channel: str
    """Its name."""

    sequence: int
    """How often it was changed."""

    root: Message
    """``common.ConfigGroup``: all of it."""

    block: int = 0
    """Number of the block that it stands in, where that is known."""

    @classmethod
    def from_block(cls, block: bytes) -> Self:
        """Read a configuration block, as ``cscc:GetConfigBlock`` returns it.

        Raises
        ------
        ModelError
            If it is none.
        ConsentersUnnumbered
            If another consensus than SmartBFT orders the channel.
        """
        try:
            read = common_pb2.Block.FromString(block)
            (entry,) = read.data.data
            payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(entry).payload)
            header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
            config = configtx_pb2.ConfigEnvelope.FromString(payload.data).config
        except (DecodeError, ValueError) as error:
            raise ModelError({"block": "is no configuration block"}, subject="channel") from error
        number, channel = int(read.header.number), str(header.channel_id)
        return cls._checked(channel, int(config.sequence), config.channel_group, number)

    @classmethod
    def from_bytes(cls, channel: str, sequence: int, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises
        ------
        ModelError
            If it is none, or numbers no consenters.
        """
        try:
            root = configtx_pb2.ConfigGroup.FromString(data)
        except DecodeError as error:
            raise ModelError({"configuration": "is none"}, subject="channel") from error
        try:
            return cls._checked(channel, sequence, root)
        except ConsentersUnnumbered as error:
            raise ModelError({"configuration": "numbers no consenters"}, subject="channel") from error

    @classmethod
    def _checked(cls, channel: str, sequence: int, root: Message, block: int = 0) -> Self:
        found = cls(channel=channel, sequence=sequence, root=root, block=block)
        try:
            is_numbered = bool(found._mapping())
            value = root.groups[ORDERER].values[_CONSENSUS].value
            consensus = orderer_configuration_pb2.ConsensusType.FromString(value).type
        except DecodeError as error:
            raise ModelError({"configuration": "cannot be read"}, subject="channel") from error
        if not is_numbered and consensus:
            raise ConsentersUnnumbered(channel, consensus=str(consensus))
        if not is_numbered:
            raise ModelError({"configuration": "numbers no consenters"}, subject="channel")
        return found

    def to_bytes(self) -> bytes:
        """Return the groups' bytes, the same for the same groups."""
        return bytes(self.root.SerializeToString(deterministic=True))

    @property
    def consenters(self) -> tuple[ChannelConsenter, ...]:
        """The consenters, by number."""
        found = (
            ChannelConsenter(number=int(one.id), msp_id=one.msp_id, address=f"{one.host}:{one.port}")
            for one in self._mapping()
        )
        return tuple(sorted(found, key=lambda one: one.number))

    @property
    def quorum(self) -> int:
        """How many consenters have to sign a block."""
        return quorum_of(len(self._mapping()))

    @property
    def addresses(self) -> tuple[str, ...]:
        """The consenters' addresses, sorted."""
        return tuple(sorted(one.address for one in self.consenters))

    def leader(self, newest: Block) -> str | None:
        """Return the address of the consenter that led when a block of this configuration was made.

        Parameters
        ----------
        newest : Block
            With its metadata, the view of SmartBFT among them. None comes of a block that has none, such as
            the first one.

        Notes
        -----
        Source: SmartBFT without rotation: the consenters by number, at the place of view modulo their count.
        """
        view = view_of(newest)
        return None if view is None else self.consenters[view % len(self.consenters)].address

    @property
    def orderer_organisations(self) -> tuple[str, ...]:
        """MSPs of the organisations whose administrators decide who orders, sorted."""
        return tuple(sorted(self._organisations(ORDERER)))

    @property
    def peer_organisations(self) -> tuple[str, ...]:
        """MSPs of the organisations that have peers and clients, sorted."""
        return tuple(sorted(self._organisations(APPLICATION)))

    @property
    def signatures_wanted(self) -> int:
        """How many of `orderer_organisations` have to sign a change: a majority."""
        return len(self._organisations(ORDERER)) // 2 + 1

    def tls_roots(self, msp_id: str) -> bytes:
        """Return the roots that an organisation's TLS certificates lead to, PEM; empty if it is not known."""
        for kind in (ORDERER, APPLICATION):
            group = self._organisations(kind).get(msp_id)
            if group is not None:
                config = msp_of(group.values[MSP].value)
                return b"\n".join([*config.tls_root_certs, *config.tls_intermediate_certs])
        return b""

    def is_same_ordering(self, other: ChannelConfiguration) -> bool:
        """Tell whether both have the same orderers, with all versions that an update depends on."""
        return bool(self.root.groups[ORDERER] == other.root.groups[ORDERER]) and (
            self.root.version == other.root.version
        )

    def added(self, card: OrdererCard, *, view: int = 0) -> ChannelConfiguration:
        """Return the configuration with one consenter more.

        Parameters
        ----------
        card : OrdererCard
            The orderer.
        view : int, default 0
            SmartBFT's view as it is likely to be. With the number of consenters another one leads it: the
            added one gets a number by which it is not the one, if there is such a number, since it has to
            sync before it can lead.

        Raises
        ------
        ConsenterUnknown
            If the channel does not know its organisation and the card does not describe it.
        """
        mapping = self._mapping()
        numbers = [0, *(one.number for one in self.consenters)]
        gap = numbers[-1] - numbers[-2]
        would_lead = view % (len(mapping) + 1) == len(mapping)
        number = numbers[-1] - gap // 2 if would_lead and gap > 1 else numbers[-1] + _SPACING
        consenter = configuration_pb2.Consenter(
            id=number,
            host=card.host,
            port=card.port,
            msp_id=card.msp_id,
            identity=card.certificate,
            client_tls_cert=card.tls_certificate,
            server_tls_cert=card.tls_certificate,
        )
        return self._with([*mapping, consenter], {card.msp_id: card})

    def removed(self, address: str) -> ChannelConfiguration:
        """Return the configuration without one consenter."""
        return self._with([one for one in self._mapping() if f"{one.host}:{one.port}" != address], {})

    def certified(self, card: OrdererCard) -> ChannelConfiguration:
        """Return the configuration in which a consenter has the certificates of a card of its address."""
        mapping = self._mapping()
        for one in mapping:
            if f"{one.host}:{one.port}" == card.address:
                one.identity = card.certificate
                one.client_tls_cert = one.server_tls_cert = card.tls_certificate
        return self._with(mapping, {})

    def update_to(self, wanted: ChannelConfiguration) -> bytes:
        """Return the ``common.ConfigUpdate`` that leads to another configuration."""
        return configuration_update(self.channel, self.root, wanted.root)

    def _mapping(self) -> list[Message]:
        value = self.root.groups[ORDERER].values[_ORDERERS].value
        return list(configuration_pb2.Orderers.FromString(value).consenter_mapping)

    def _organisations(self, kind: str) -> dict[str, Message]:
        """Return the organisations of a group, by MSP."""
        groups = self.root.groups[kind].groups
        return {str(msp_of(group.values[MSP].value).name): group for group in groups.values()}

    def _with(self, mapping: list[Message], cards: Mapping[str, OrdererCard]) -> ChannelConfiguration:
        root = configtx_pb2.ConfigGroup()
        root.CopyFrom(self.root)
        ordering = root.groups[ORDERER]
        orderers = configuration_pb2.Orderers(consenter_mapping=mapping)
        ordering.values[_ORDERERS].value = orderers.SerializeToString(deterministic=True)
        ordering.policies[_BLOCK_VALIDATION].policy.CopyFrom(_block_validation(mapping))
        before, after = _addresses(self._mapping()), _addresses(mapping)
        names = {msp_of(group.values[MSP].value).name: name for name, group in ordering.groups.items()}
        for msp_id in sorted(before.keys() - after.keys()):
            del ordering.groups[names[msp_id]]
        for msp_id in sorted(after):
            left, came = before.get(msp_id, set()) - after[msp_id], after[msp_id] - before.get(msp_id, set())
            if not left and not came:
                continue
            name = names.get(msp_id, msp_id)
            if msp_id not in names:
                self._add_organisation(ordering.groups[name], msp_id, cards[msp_id])
            endpoints = ordering.groups[name].values[_ENDPOINTS]
            known = configuration_pb2.OrdererAddresses.FromString(endpoints.value).addresses
            addresses = [*(one for one in known if one not in left), *sorted(came - set(known))]
            endpoints.value = configuration_pb2.OrdererAddresses(addresses=addresses).SerializeToString()
        versioned = updated_group(self.root, root)
        return ChannelConfiguration(channel=self.channel, sequence=self.sequence + 1, root=versioned)

    def _add_organisation(self, group: Message, msp_id: str, card: OrdererCard) -> None:
        known = self._organisations(APPLICATION).get(msp_id)
        described = known.values[MSP].value if known is not None else card.msp
        if described is None or msp_of(described).name != msp_id:
            raise ConsenterUnknown(card.address, why=f"nothing describes its organisation {msp_id}")
        group.mod_policy = ADMINS
        for policy, rule in (
            ("Readers", f"OR('{msp_id}.member')"),
            ("Writers", f"OR('{msp_id}.member')"),
            (ADMINS, f"OR('{msp_id}.admin')"),
        ):
            group.policies[policy].mod_policy = ADMINS
            group.policies[policy].policy.CopyFrom(
                signature_policy(EndorsementPolicy(rule).signature_policy())
            )
        group.values[MSP].mod_policy = ADMINS
        group.values[MSP].value = described
        # Who decides on the consenters decides on where they are reached, too.
        group.values[_ENDPOINTS].mod_policy = _ORDERER_ADMINS


def view_of(block: Block) -> int | None:
    """Return SmartBFT's view in which a block was made; None if its metadata do not say."""
    try:
        signed = common_pb2.Metadata.FromString(block.metadata[_SIGNATURES] if block.metadata else b"")
        view = common_pb2.OrdererBlockMetadata.FromString(signed.value).consenter_metadata
        # SmartBFT's own message is not among the official protos; like this one, it begins with a number.
        return int(common_pb2.LastConfig.FromString(view).index) if view else None
    except DecodeError:
        return None


def signers_of(block: Block) -> frozenset[int]:
    """Return the numbers of the consenters whose signatures of a block it carries."""
    try:
        signed = common_pb2.Metadata.FromString(block.metadata[_SIGNATURES] if block.metadata else b"")
        headers = [common_pb2.IdentifierHeader.FromString(one.identifier_header) for one in signed.signatures]
    except DecodeError:
        return frozenset()
    return frozenset(int(header.identifier) for header in headers)


def _addresses(mapping: Iterable[Message]) -> dict[str, set[str]]:
    """Return the consenters' addresses, by MSP."""
    found: dict[str, set[str]] = {}
    for one in mapping:
        found.setdefault(one.msp_id, set()).add(f"{one.host}:{one.port}")
    return found


def _block_validation(mapping: Iterable[Message]) -> Message:
    """Return the policy of a quorum of consenters, by their identities in the order of the configuration."""
    identities = [
        msp_principal_pb2.MSPPrincipal(
            principal_classification=_IDENTITY,
            principal=identities_pb2.SerializedIdentity(
                mspid=one.msp_id, id_bytes=one.identity
            ).SerializeToString(deterministic=True),
        )
        for one in mapping
    ]
    rules = [policies_pb2.SignaturePolicy(signed_by=place) for place in range(len(identities))]
    quorum = policies_pb2.SignaturePolicy.NOutOf(n=quorum_of(len(identities)), rules=rules)
    return signature_policy(
        policies_pb2.SignaturePolicyEnvelope(
            rule=policies_pb2.SignaturePolicy(n_out_of=quorum), identities=identities
        )
    )


def signature_policy(envelope: Message) -> Message:
    """Return a ``common.Policy`` of signatures."""
    return policies_pb2.Policy(type=_SIGNATURE, value=envelope.SerializeToString(deterministic=True))


def msp_of(value: bytes) -> Message:
    """Return the ``msp.FabricMSPConfig`` in an organisation's value; DecodeError if it is none."""
    return msp_config_pb2.FabricMSPConfig.FromString(msp_config_pb2.MSPConfig.FromString(value).config)
