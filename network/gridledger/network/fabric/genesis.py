"""A channel's first block: who belongs to it, who orders it, and by which rules."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from gridledger.host.durable_file import write_file
from gridledger.host.ports import LOOPBACK
from gridledger.network.description import NetworkDescription, Settings
from gridledger.network.errors import ToolFailed
from gridledger.network.fabric.binaries import Binaries
from gridledger.network.material import OrganisationKind, OrganisationMaterial

__all__ = ["channel_profile", "make_genesis_block"]

PROFILE = "GridLedger"
_SECONDS = 30.0


def make_genesis_block(description: NetworkDescription, directory: Path, binaries: Binaries) -> Path:
    """Write the channel's first block, unless it is there.

    Parameters
    ----------
    description : NetworkDescription
        The network.
    directory : Path
        Its folder; the block is `channel/<channel>.block`.
    binaries : Binaries
        With `configtxgen`.

    Returns
    -------
    Path
        The block's file.

    Raises
    ------
    ToolFailed
        If `configtxgen` refuses.
    """
    block = directory / "channel" / f"{description.channel}.block"
    if block.exists():
        return block
    text = yaml.safe_dump(channel_profile(description, directory), sort_keys=False)
    write_file(block.parent / "configtx.yaml", text.encode())
    partial = block.with_suffix(".partial")
    command = [
        str(binaries.configtxgen),
        *("-profile", PROFILE),
        *("-channelID", description.channel),
        *("-configPath", str(block.parent)),
        *("-outputBlock", str(partial)),
    ]
    try:
        answer = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env={},
            check=False,
            timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise ToolFailed("configtxgen", output=f"no end after {_SECONDS:g} s") from error
    if answer.returncode != 0:
        raise ToolFailed("configtxgen", output=answer.stderr.strip())
    partial.replace(block)
    return block


def channel_profile(description: NetworkDescription, directory: Path) -> dict[str, Any]:
    """Return the content of `configtx.yaml`.

    Parameters
    ----------
    description : NetworkDescription
        The network.
    directory : Path
        Its folder; paths in the profile are absolute.
    """
    peers = description.peer_material(directory)
    # The others come in when a council is elected that they belong to.
    first = replace(description, orderers=[one for one in description.orderers if not one.is_waiting])
    orderers = first.orderer_material(directory)
    anchors = {organisation.name: organisation.port for organisation in description.organisations}
    endpoints = {orderer.name: orderer.port for orderer in first.orderers}
    profile = {
        "Policies": _node_policies(),
        "Capabilities": {"V3_0": True},
        "Orderer": {
            "OrdererType": "BFT",
            **_batches(description.settings),
            "ConsenterMapping": [
                _consenter(number, organisation, endpoints[organisation.name])
                for number, organisation in enumerate(orderers, start=1)
            ],
            "Organizations": [
                _organisation(organisation)
                | {"OrdererEndpoints": [f"{LOOPBACK}:{endpoints[organisation.name]}"]}
                for organisation in orderers
            ],
            "Policies": _node_policies() | {"BlockValidation": _implicit("ANY Writers")},
            "Capabilities": {"V2_0": True},
        },
        "Application": {
            "Organizations": [
                _organisation(organisation)
                | {"AnchorPeers": [{"Host": LOOPBACK, "Port": anchors[organisation.name]}]}
                for organisation in peers
            ],
            "Policies": _node_policies()
            | {
                "LifecycleEndorsement": _implicit("MAJORITY Endorsement"),
                "Endorsement": _implicit("MAJORITY Endorsement"),
            },
            "Capabilities": {"V2_5": True},
        },
    }
    return {"Profiles": {PROFILE: profile}}


def _batches(settings: Settings) -> dict[str, Any]:
    return {
        # SmartBFT cuts on its own interval and ignores this one, which must be there.
        "BatchTimeout": f"{settings.block_interval_ms}ms",
        "BatchSize": {
            "MaxMessageCount": settings.block_max_messages,
            "AbsoluteMaxBytes": "32 MB",
            "PreferredMaxBytes": "2 MB",
        },
        "SmartBFT": {
            "RequestBatchMaxInterval": f"{settings.block_interval_ms}ms",
            "RequestForwardTimeout": f"{settings.forward_timeout_ms}ms",
            "RequestComplainTimeout": f"{settings.complain_timeout_ms}ms",
            "RequestAutoRemoveTimeout": "180s",
            "ViewChangeResendInterval": "1s",
            "ViewChangeTimeout": "5s",
            "LeaderHeartbeatTimeout": "10s",
            "LeaderHeartbeatCount": 10,
            "CollectTimeout": "1s",
            "IncomingMessageBufferSize": 200,
            "RequestPoolSize": 100_000,
        },
    }


def _consenter(number: int, organisation: OrganisationMaterial, port: int | None) -> dict[str, Any]:
    node = organisation.orderer("orderer0")
    return {
        "ID": number,
        "Host": LOOPBACK,
        "Port": port,
        "MSPID": organisation.msp_id,
        "Identity": str(node.msp.certificate),
        "ClientTLSCert": str(node.tls_certificate),
        "ServerTLSCert": str(node.tls_certificate),
    }


def _organisation(organisation: OrganisationMaterial) -> dict[str, Any]:
    msp_id = organisation.msp_id
    if organisation.kind is OrganisationKind.PEER:
        policies = {
            "Readers": _signature(
                # An orderer in wait follows the channel: it reads, too.
                f"OR('{msp_id}.admin', '{msp_id}.peer', '{msp_id}.client', '{msp_id}.orderer')"
            ),
            "Writers": _signature(f"OR('{msp_id}.admin', '{msp_id}.client')"),
            "Endorsement": _signature(f"OR('{msp_id}.peer')"),
        }
    else:
        policies = {
            "Readers": _signature(f"OR('{msp_id}.member')"),
            "Writers": _signature(f"OR('{msp_id}.member')"),
        }
    policies["Admins"] = _signature(f"OR('{msp_id}.admin')")
    return {
        "Name": msp_id,
        "ID": msp_id,
        "MSPDir": str(organisation.msp.path),
        "Policies": policies,
    }


def _node_policies() -> dict[str, Any]:
    return {
        "Readers": _implicit("ANY Readers"),
        "Writers": _implicit("ANY Writers"),
        "Admins": _implicit("MAJORITY Admins"),
    }


def _implicit(rule: str) -> dict[str, str]:
    return {"Type": "ImplicitMeta", "Rule": rule}


def _signature(rule: str) -> dict[str, str]:
    return {"Type": "Signature", "Rule": rule}
