"""What Prometheus is told to read of a network: its nodes over mutual TLS, its chaincode, other processes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gridledger.host.ports import LOOPBACK
from gridledger.network.description import NetworkDescription, World
from gridledger.network.material import OrganisationMaterial

__all__ = ["scrape_configuration"]


def scrape_configuration(
    description: NetworkDescription, directory: Path, *, processes: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the `scrape_configs` of a Prometheus on this machine.

    Parameters
    ----------
    description : NetworkDescription
        The network.
    directory : Path
        Its folder; paths in the result are absolute.
    processes : sequence of str, optional
        Addresses of further processes, as they were given by `--metrics`.

    Returns
    -------
    dict
        One job for each organisation's nodes, which only its own administrator may read; one for chaincode,
        one for processes.
    """
    jobs: list[dict[str, Any]] = []
    if description.world is World.FABRIC:
        for orderer, material in zip(
            description.orderers, description.orderer_material(directory), strict=True
        ):
            jobs.append(_node(orderer.name, material, orderer.operations_port))
        for organisation, material in zip(
            description.organisations, description.peer_material(directory), strict=True
        ):
            jobs.append(_node(f"peer0.{organisation.name}", material, organisation.operations_port))
    chaincode = [
        {"targets": [f"{LOOPBACK}:{port}"], "labels": {"chaincode": one.name, "organisation": organisation}}
        for one in description.chaincodes
        if one.current is not None
        for organisation, port in one.current.metrics_ports.items()
    ]
    if chaincode:
        jobs.append({"job_name": "chaincode", "static_configs": chaincode})
    if processes:
        jobs.append({"job_name": "gridledger", "static_configs": [{"targets": list(processes)}]})
    return {"scrape_configs": jobs}


def _node(name: str, material: OrganisationMaterial, port: int | None) -> dict[str, Any]:
    administrator = material.user("admin")
    return {
        "job_name": name,
        "scheme": "https",
        "tls_config": {
            "ca_file": str(administrator.tls_root),
            "cert_file": str(administrator.tls_certificate),
            "key_file": str(administrator.tls_key),
        },
        "static_configs": [{"targets": [f"{LOOPBACK}:{port}"]}],
    }
