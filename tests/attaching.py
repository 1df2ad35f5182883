"""Connection profiles and MSP folders of a network of the tests, as its operator would hand them out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from gridledger.host.ports import LOOPBACK
from gridledger.network import Network, OrganisationAccess

__all__ = ["access", "chaincode_host", "common_profile", "write_profile"]


def common_profile(network: Network, *organisations: str) -> dict[str, Any]:
    """Return the common connection profile of organisations, named `Org1` for `org1`."""
    described: dict[str, Any] = {}
    peers: dict[str, Any] = {}
    for name in organisations:
        connection = network.connection(org=name, user="admin")
        root = connection.read("tls_root_cert")
        assert root is not None
        peer = connection.tls_host_override
        described[name.capitalize()] = {"mspid": connection.msp_id, "peers": [peer]}
        peers[str(peer)] = {
            "url": f"grpcs://{connection.endpoint}",
            "tlsCACerts": {"pem": root.decode()},
            "grpcOptions": {"ssl-target-name-override": peer},
        }
    return {
        "name": "given",
        "version": "1.0.0",
        "client": {"organization": organisations[0].capitalize()},
        "organizations": described,
        "peers": peers,
    }


def chaincode_host(network: Network) -> str:
    """Return by which host a network's peers reach this machine; peers of others may be in Docker."""
    attachment = network.description.organisations[0].attachment
    return LOOPBACK if attachment is None else attachment.chaincode_host


def write_profile(path: Path, content: dict[str, Any]) -> Path:
    """Write a profile, as JSON or YAML by the file's name."""
    path.write_text(json.dumps(content) if path.suffix == ".json" else yaml.safe_dump(content))
    return path


def access(network: Network, organisation: str, **options: Any) -> OrganisationAccess:
    """Return the access of an organisation's administrator."""
    member = network.organisation(organisation).user("admin")
    return OrganisationAccess(name=organisation.capitalize(), msp=member.msp.path, **options)
