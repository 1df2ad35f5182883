"""The channel: its configuration block, and what stands in it - organisations, policies, limits."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

from fabric_protos.common import common_pb2, configtx_pb2, configuration_pb2, policies_pb2
from fabric_protos.msp import identities_pb2, msp_config_pb2, msp_principal_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_configuration_pb2
from fabric_protos.peer import configuration_pb2 as peer_configuration_pb2
from google.protobuf.message import DecodeError, Message

from gridledger.network.devnet.block import CONSENTER_ID, Signer
from gridledger.network.devnet.errors import Malformed, Refused
from gridledger.network.devnet.identity import Identity, SignedData
from gridledger.network.devnet.msp import Msp, MspManager
from gridledger.network.devnet.policy import Policy, PolicyManager, member_policy, role_policy

__all__ = ["Channel", "Consenter", "config_envelope"]

READERS = "/Channel/Application/Readers"
WRITERS = "/Channel/Application/Writers"
ENDORSEMENT = "/Channel/Application/Endorsement"
LIFECYCLE_ENDORSEMENT = "/Channel/Application/LifecycleEndorsement"
CHANNEL_WRITERS = "/Channel/Writers"
MAX_MESSAGE_COUNT = 500
ABSOLUTE_MAX_BYTES = 32 * 1024 * 1024
PREFERRED_MAX_BYTES = 2 * 1024 * 1024

_Role = msp_principal_pb2.MSPRole.MSPRoleType
_Rule = policies_pb2.ImplicitMetaPolicy.Rule


@dataclass(frozen=True, kw_only=True)
class Consenter:
    """The one orderer, as the channel's configuration names it.

    Parameters
    ----------
    msp_id : str
        Its organisation.
    certificate, tls_certificate : bytes
        PEM of its signing and its TLS certificate.
    """

    msp_id: str
    certificate: bytes
    tls_certificate: bytes


def config_envelope(
    channel_id: str,
    organisations: Sequence[msp_config_pb2.FabricMSPConfig],
    orderer: msp_config_pb2.FabricMSPConfig,
    consenter: Consenter,
    batch_timeout_ms: int,
    signer: Signer,
) -> bytes:
    """Return the serialised envelope of block 0.

    Parameters
    ----------
    channel_id : str
        The channel's name.
    organisations : sequence of FabricMSPConfig
        The peer organisations.
    orderer : FabricMSPConfig
        The orderer's organisation.
    consenter : Consenter
        The orderer.
    batch_timeout_ms : int
        How long the orderer waits for a block's next transaction.
    signer : Signer
        Whose identity stands in the envelope's header.
    """
    root = configtx_pb2.ConfigGroup(mod_policy="Admins")
    _implicit(root, "Readers", _Rule.ANY)
    _implicit(root, "Writers", _Rule.ANY)
    _implicit(root, "Admins", _Rule.MAJORITY)
    _value(root, "HashingAlgorithm", configuration_pb2.HashingAlgorithm(name="SHA256"))
    _value(root, "BlockDataHashingStructure", configuration_pb2.BlockDataHashingStructure(width=0xFFFFFFFF))
    _capability(root, "V3_0")

    application = root.groups["Application"]
    application.mod_policy = "Admins"
    _implicit(application, "Readers", _Rule.ANY)
    _implicit(application, "Writers", _Rule.ANY)
    _implicit(application, "Admins", _Rule.MAJORITY)
    _implicit(application, "Endorsement", _Rule.MAJORITY)
    _implicit(application, "LifecycleEndorsement", _Rule.MAJORITY, part="Endorsement")
    _value(application, "ACLs", peer_configuration_pb2.ACLs())
    _capability(application, "V2_5")
    for msp in organisations:
        group = application.groups[msp.name]
        _organisation(group, msp)
        _signature(
            group, "Readers", [(msp.name, _Role.ADMIN), (msp.name, _Role.PEER), (msp.name, _Role.CLIENT)]
        )
        _signature(group, "Writers", [(msp.name, _Role.ADMIN), (msp.name, _Role.CLIENT)])
        _signature(group, "Endorsement", [(msp.name, _Role.PEER)])

    ordering = root.groups["Orderer"]
    ordering.mod_policy = "Admins"
    _implicit(ordering, "Readers", _Rule.ANY)
    _implicit(ordering, "Writers", _Rule.ANY)
    _implicit(ordering, "Admins", _Rule.MAJORITY)
    _block_validation(ordering, consenter)
    _value(ordering, "ConsensusType", orderer_configuration_pb2.ConsensusType(type="BFT"))
    _value(
        ordering,
        "BatchSize",
        orderer_configuration_pb2.BatchSize(
            max_message_count=MAX_MESSAGE_COUNT,
            absolute_max_bytes=ABSOLUTE_MAX_BYTES,
            preferred_max_bytes=PREFERRED_MAX_BYTES,
        ),
    )
    _value(ordering, "BatchTimeout", orderer_configuration_pb2.BatchTimeout(timeout=f"{batch_timeout_ms}ms"))
    _value(ordering, "Orderers", _orderers(consenter))
    _capability(ordering, "V2_0")
    group = ordering.groups[orderer.name]
    _organisation(group, orderer)
    _signature(group, "Readers", [(orderer.name, _Role.MEMBER)])
    _signature(group, "Writers", [(orderer.name, _Role.MEMBER)])

    nonce = secrets.token_bytes(24)
    header = common_pb2.ChannelHeader(
        type=common_pb2.HeaderType.CONFIG,
        version=1,
        channel_id=channel_id,
        tx_id=hashlib.sha256(nonce + signer.identity).hexdigest(),
    )
    header.timestamp.FromSeconds(int(time.time()))
    payload = common_pb2.Payload(
        header=common_pb2.Header(
            channel_header=header.SerializeToString(),
            signature_header=common_pb2.SignatureHeader(
                creator=signer.identity, nonce=nonce
            ).SerializeToString(),
        ),
        data=configtx_pb2.ConfigEnvelope(config=configtx_pb2.Config(channel_group=root)).SerializeToString(
            deterministic=True
        ),
    ).SerializeToString()
    return bytes(common_pb2.Envelope(payload=payload, signature=signer.sign(payload)).SerializeToString())


def _implicit(group: configtx_pb2.ConfigGroup, name: str, rule: int, *, part: str | None = None) -> None:
    policy = group.policies[name]
    policy.mod_policy = "Admins"
    policy.policy.type = policies_pb2.Policy.PolicyType.IMPLICIT_META
    policy.policy.value = policies_pb2.ImplicitMetaPolicy(
        sub_policy=part or name, rule=rule
    ).SerializeToString()


def _signature(group: configtx_pb2.ConfigGroup, name: str, roles: Sequence[tuple[str, int]]) -> None:
    policy = group.policies[name]
    policy.mod_policy = "Admins"
    policy.policy.type = policies_pb2.Policy.PolicyType.SIGNATURE
    policy.policy.value = role_policy(1, roles).SerializeToString(deterministic=True)


def _block_validation(group: configtx_pb2.ConfigGroup, consenter: Consenter) -> None:
    # As under BFT: a quorum of the consenters' identities; here one of one.
    identity = identities_pb2.SerializedIdentity(mspid=consenter.msp_id, id_bytes=consenter.certificate)
    principal = msp_principal_pb2.MSPPrincipal(
        principal_classification=msp_principal_pb2.MSPPrincipal.Classification.IDENTITY,
        principal=identity.SerializeToString(),
    )
    rule = policies_pb2.SignaturePolicy(
        n_out_of=policies_pb2.SignaturePolicy.NOutOf(n=1, rules=[policies_pb2.SignaturePolicy(signed_by=0)])
    )
    policy = group.policies["BlockValidation"]
    policy.mod_policy = "Admins"
    policy.policy.type = policies_pb2.Policy.PolicyType.SIGNATURE
    policy.policy.value = policies_pb2.SignaturePolicyEnvelope(
        rule=rule, identities=[principal]
    ).SerializeToString()


def _value(group: configtx_pb2.ConfigGroup, name: str, message: Message) -> None:
    entry = group.values[name]
    entry.mod_policy = "Admins"
    entry.value = message.SerializeToString(deterministic=True)


def _capability(group: configtx_pb2.ConfigGroup, name: str) -> None:
    capabilities = configuration_pb2.Capabilities()
    capabilities.capabilities[name].SetInParent()
    _value(group, "Capabilities", capabilities)


def _organisation(group: configtx_pb2.ConfigGroup, msp: msp_config_pb2.FabricMSPConfig) -> None:
    group.mod_policy = "Admins"
    _signature(group, "Admins", [(msp.name, _Role.ADMIN)])
    _value(group, "MSP", msp_config_pb2.MSPConfig(type=0, config=msp.SerializeToString(deterministic=True)))


def _orderers(consenter: Consenter) -> configuration_pb2.Orderers:
    return configuration_pb2.Orderers(
        consenter_mapping=[
            configuration_pb2.Consenter(
                id=CONSENTER_ID,
                host="127.0.0.1",
                msp_id=consenter.msp_id,
                identity=consenter.certificate,
                client_tls_cert=consenter.tls_certificate,
                server_tls_cert=consenter.tls_certificate,
            )
        ]
    )


class Channel:
    """A channel's configuration, read from its configuration block.

    Parameters
    ----------
    envelope : bytes
        The configuration block's one envelope, serialised.

    Raises
    ------
    Malformed
        If it is no configuration.
    """

    def __init__(self, envelope: bytes) -> None:
        try:
            payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(envelope).payload)
            self.channel_id: str = common_pb2.ChannelHeader.FromString(
                payload.header.channel_header
            ).channel_id
            self.config: configtx_pb2.Config = configtx_pb2.ConfigEnvelope.FromString(payload.data).config
            root = self.config.channel_group
            peers = [_read_msp(group) for group in root.groups["Application"].groups.values()]
            orderers = [_read_msp(group) for group in root.groups["Orderer"].groups.values()]
        except (DecodeError, ValueError) as error:
            raise Malformed("block 0 holds no channel configuration") from error
        self.msp_ids: tuple[str, ...] = tuple(sorted(msp.msp_id for msp in peers))
        self.msps = MspManager([*peers, *orderers])
        self.policies = PolicyManager(self.msps, root)
        self._groups = {
            _read_msp(group).msp_id: name for name, group in root.groups["Application"].groups.items()
        }

    def check_access(self, path: str, signed: SignedData) -> None:
        """Refuse a request whose signer does not satisfy the policy at `path`."""
        try:
            self.policies.check_one(path, signed)
        except Refused as refusal:
            raise Refused(
                f"Failed evaluating policy on signed data during check policy on channel [{self.channel_id}] "
                f"with policy [{path}]: [{refusal.message}]"
            ) from refusal

    def member(self, identity: Identity, policy: Policy) -> bool:
        """Tell whether an identity alone satisfies a policy."""
        try:
            policy.check([identity])
        except Refused:
            return False
        return True

    def organisation_endorsement(self, msp_id: str) -> Policy:
        """Return the policy for what only one organisation may write: its implicit collections.

        Raises
        ------
        Refused
            If the organisation is not on the channel.
        """
        name = self._groups.get(msp_id)
        if name is None:
            raise Refused(f"no org found in channel with MSPID '{msp_id}'")
        path = f"/Channel/Application/{name}/Endorsement"
        if self.policies.has(path):
            return self.policies.get(path)
        return self.policies.signature_policy(member_policy(msp_id).SerializeToString(deterministic=True))


def _read_msp(group: configtx_pb2.ConfigGroup) -> Msp:
    config = msp_config_pb2.MSPConfig.FromString(group.values["MSP"].value)
    return Msp(msp_config_pb2.FabricMSPConfig.FromString(config.config))
