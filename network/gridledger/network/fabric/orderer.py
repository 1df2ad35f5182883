"""An orderer as a native process: its configuration and its component."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from gridledger.host.durable_file import write_file
from gridledger.host.ports import LOOPBACK, is_listening
from gridledger.network.component import Component, ComponentKind
from gridledger.network.description import OrdererDescription
from gridledger.network.fabric.administration import AdministrationClient
from gridledger.network.fabric.binaries import Binaries
from gridledger.network.fabric.node_environment import NODE_ENVIRONMENT
from gridledger.network.material import OrganisationMaterial

__all__ = ["OrdererNode"]


class OrdererNode:
    """An orderer, of an organisation of its own or of a peer organisation.

    Parameters
    ----------
    description : OrdererDescription
        Name and ports.
    material : OrganisationMaterial
        Keys and certificates.
    directory : Path
        The network's folder.
    binaries : Binaries
        With the orderer.
    image : str, optional
        The image that it runs from; a process of this machine without.
    """

    def __init__(
        self,
        description: OrdererDescription,
        material: OrganisationMaterial,
        directory: Path,
        binaries: Binaries,
        *,
        image: str | None = None,
    ) -> None:
        if description.port is None or description.admin_port is None or description.operations_port is None:
            raise ValueError(f"{description.name} has no ports")
        self.name = description.name
        self._member_name = description.member_name
        self._port = description.port
        self._admin_port = description.admin_port
        self._operations_port = description.operations_port
        self._material = material
        self._directory = directory
        self._binaries = binaries
        self._image = image

    @property
    def address(self) -> str:
        """Where clients and other orderers reach it."""
        return f"{LOOPBACK}:{self._port}"

    @property
    def administration(self) -> AdministrationClient:
        """Channel participation."""
        return AdministrationClient(
            component=self.name, port=self._admin_port, user=self._material.user("admin")
        )

    @property
    def operations(self) -> AdministrationClient:
        """Health and metrics."""
        return AdministrationClient(
            component=self.name, port=self._operations_port, user=self._material.user("admin")
        )

    def component(self) -> Component:
        """Return the component; its configuration stands where `write_configuration` puts it."""
        return Component(
            name=self.name,
            kind=ComponentKind.ORDERER,
            directory=self._directory,
            port=self._port,
            arguments=[self._binaries.orderer],
            environment={"FABRIC_CFG_PATH": str(self._configuration)} | NODE_ENVIRONMENT,
            is_ready=self._is_ready,
            data=self._data,
            reads=[self._configuration, self._material.orderer(self._member_name).path],
            image=self._image,
        )

    def _is_ready(self) -> bool:
        # The listeners open one after the other.
        listeners = (self._port, self._admin_port)
        return self.operations.is_healthy() and all(is_listening(port) for port in listeners)

    def write_configuration(self) -> None:
        """Write `orderer.yaml`."""
        text = yaml.safe_dump(self._values(), sort_keys=False)
        write_file(self._configuration / "orderer.yaml", text.encode(), durable=False)

    @property
    def _configuration(self) -> Path:
        return self._directory / "config" / self.name

    @property
    def _data(self) -> Path:
        return self._directory / "data" / self.name

    def _values(self) -> dict[str, Any]:
        node = self._material.orderer(self._member_name)
        tls = {
            "Enabled": True,
            "Certificate": str(node.tls_certificate),
            "PrivateKey": str(node.tls_key),
            "RootCAs": [str(node.tls_root)],
        }
        mutual = tls | {"ClientAuthRequired": True, "ClientRootCAs": [str(node.tls_root)]}
        return {
            "General": {
                "ListenAddress": LOOPBACK,
                "ListenPort": self._port,
                "TLS": tls,
                "Keepalive": {"ServerMinInterval": "10s", "ServerInterval": "7200s", "ServerTimeout": "20s"},
                "Backoff": {"BaseDelay": "100ms", "Multiplier": 1.6, "MaxDelay": "1s"},
                "MaxRecvMsgSize": 100 * 1024 * 1024,
                "MaxSendMsgSize": 100 * 1024 * 1024,
                "Cluster": {
                    "SendBufferSize": 100,
                    "ClientCertificate": str(node.tls_certificate),
                    "ClientPrivateKey": str(node.tls_key),
                },
                "LocalMSPDir": str(node.msp.path),
                "LocalMSPID": node.msp_id,
                "BCCSP": {
                    "Default": "SW",
                    "SW": {
                        "Hash": "SHA2",
                        "Security": 256,
                        "FileKeyStore": {"KeyStore": str(node.msp.key.parent)},
                    },
                },
                "Authentication": {"TimeWindow": "15m"},
            },
            "FileLedger": {"Location": str(self._data / "ledger")},
            "Operations": {"ListenAddress": f"{LOOPBACK}:{self._operations_port}", "TLS": mutual},
            "Metrics": {"Provider": "prometheus"},
            "Admin": {"ListenAddress": f"{LOOPBACK}:{self._admin_port}", "TLS": mutual},
            "ChannelParticipation": {"Enabled": True, "MaxRequestBodySize": "4 MB"},
            "Consensus": {
                "WALDir": str(self._data / "consensus" / "wal"),
                "SnapDir": str(self._data / "consensus" / "snapshot"),
            },
        }
