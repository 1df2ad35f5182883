"""The organisations of a channel, those with peers and those with orderers, as its configuration has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from fabric_protos.common import common_pb2, configtx_pb2, policies_pb2
from fabric_protos.msp import msp_config_pb2
from google.protobuf.message import DecodeError

from gridledger.client.errors import ProofRefused
from gridledger.client.membership import Membership
from gridledger.host.durable_file import write_file
from gridledger.model.errors import ModelError
from gridledger.network.authority import NodeRole

__all__ = ["ChannelMembers"]

# Messages of the official protos; their package has no type stubs.
Message = Any

_APPLICATION: Final = "Application"
_ORDERER: Final = "Orderer"
_MSP: Final = "MSP"
_LIFECYCLE: Final = "LifecycleEndorsement"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_RULES: Final = policies_pb2.ImplicitMetaPolicy.Rule
_FOLDERS: Final = {
    "cacerts": "root_certs",
    "intermediatecerts": "intermediate_certs",
    "tlscacerts": "tls_root_certs",
    "tlsintermediatecerts": "tls_intermediate_certs",
    "crls": "revocation_list",
}
"""Folder of an MSP to the field of ``msp.FabricMSPConfig`` that holds its files."""


@dataclass(frozen=True, kw_only=True)
class ChannelMembers:
    """A channel's peer organisations, by whatever consensus it is ordered.

    Parameters
    ----------
    configurations : mapping of str to bytes
        MSP to its ``msp.MSPConfig``.
    orderers : mapping of str to bytes
        The same of the organisations whose orderers sign blocks.
    approvals : int or None
        How many organisations have to approve a chaincode's definition; None where the channel's rule names
        organisations instead of a number.
    """

    configurations: Mapping[str, bytes]
    orderers: Mapping[str, bytes]
    approvals: int | None

    @classmethod
    def from_block(cls, block: bytes) -> Self:
        """Read a configuration block, as ``cscc:GetConfigBlock`` returns it.

        Raises
        ------
        ModelError
            If it is none, or names no peer organisation, or one whose MSP cannot be read.
        """
        try:
            (entry,) = common_pb2.Block.FromString(block).data.data
            payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(entry).payload)
            root = configtx_pb2.ConfigEnvelope.FromString(payload.data).config.channel_group
            read, orderers = (
                _configurations(root.groups[_APPLICATION]),
                _configurations(root.groups[_ORDERER]),
            )
            approvals = _wanted(root.groups[_APPLICATION], len(read))
        except (DecodeError, ValueError, ProofRefused) as error:
            raise ModelError({"block": "is no channel's configuration"}, subject="channel") from error
        wrong = [name for name in (*read, *orderers) if not _NAME.fullmatch(name)]
        if wrong or not read:
            raise ModelError({"organisations": "are none, or none with a name"}, subject="channel")
        return cls(configurations=read, orderers=orderers, approvals=approvals)

    @property
    def msp_ids(self) -> list[str]:
        """The organisations' MSPs, sorted."""
        return sorted(self.configurations)

    def membership(self, msp_id: str) -> Membership:
        """Return what decides who is a member of an organisation; KeyError if there is none."""
        return Membership.from_config(self.configurations[msp_id])

    def write(self, msp_id: str, folder: Path) -> None:
        """Write what others know of an organisation as an MSP folder: authorities, revocations, node OUs."""
        _write(self.configurations[msp_id], folder)

    def write_orderers(self, folder: Path) -> None:
        """Write the organisations whose orderers sign blocks, a folder each."""
        for msp_id, configuration in self.orderers.items():
            _write(configuration, folder / msp_id)


def _configurations(group: Message) -> dict[str, bytes]:
    found = [bytes(one.values[_MSP].value) for _, one in sorted(group.groups.items())]
    return {Membership.from_config(one).msp_id: one for one in found}


def _write(configuration: bytes, folder: Path) -> None:
    config = _fabric_config(configuration)
    for name, field in _FOLDERS.items():
        for number, pem in enumerate(getattr(config, field)):
            write_file(folder / name / f"{number}.pem", bytes(pem), durable=False)
    if config.fabric_node_ous.enable:
        write_file(folder / "config.yaml", _node_ous(config.fabric_node_ous).encode(), durable=False)


def _fabric_config(data: bytes) -> Message:
    return msp_config_pb2.FabricMSPConfig.FromString(msp_config_pb2.MSPConfig.FromString(data).config)


def _wanted(application: Message, organisations: int) -> int | None:
    policy = application.policies[_LIFECYCLE].policy
    if policy.type != policies_pb2.Policy.PolicyType.IMPLICIT_META:
        return None
    rule = policies_pb2.ImplicitMetaPolicy.FromString(policy.value).rule
    wanted = {_RULES.ANY: 1, _RULES.ALL: organisations, _RULES.MAJORITY: organisations // 2 + 1}
    return wanted[rule]


def _node_ous(units: Message) -> str:
    lines = ["NodeOUs:", "  Enable: true"]
    for role in NodeRole:
        named = getattr(units, f"{role.value}_ou_identifier").organizational_unit_identifier
        lines += [
            f"  {role.value.capitalize()}OUIdentifier:",
            f"    OrganizationalUnitIdentifier: {named or role.value}",
        ]
    return "\n".join(lines) + "\n"
