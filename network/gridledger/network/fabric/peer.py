"""A peer as a native process: its configuration and its component."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from gridledger.host.durable_file import write_file
from gridledger.host.ports import LOOPBACK, is_listening
from gridledger.network.component import Component, ComponentKind
from gridledger.network.description import OrganisationDescription
from gridledger.network.fabric.administration import AdministrationClient
from gridledger.network.fabric.binaries import Binaries
from gridledger.network.fabric.node_environment import NODE_ENVIRONMENT
from gridledger.network.material import OrganisationMaterial

__all__ = ["PeerNode"]


class PeerNode:
    """The one peer of an organisation.

    Parameters
    ----------
    description : OrganisationDescription
        Name and ports.
    material : OrganisationMaterial
        Keys and certificates.
    directory : Path
        The network's folder.
    binaries : Binaries
        With the peer and the builder for chaincode as a service.
    image : str, optional
        The image that it runs from; a process of this machine without.
    """

    def __init__(
        self,
        description: OrganisationDescription,
        material: OrganisationMaterial,
        directory: Path,
        binaries: Binaries,
        *,
        image: str | None = None,
    ) -> None:
        if description.chaincode_port is None or description.operations_port is None:
            raise ValueError(f"{description.name} has no ports")
        self.organisation = description.name
        self.name = f"peer0.{description.name}"
        self._port = description.port
        self._chaincode_port = description.chaincode_port
        self._operations_port = description.operations_port
        self._material = material
        self._directory = directory
        self._binaries = binaries
        self._image = image

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
            kind=ComponentKind.PEER,
            directory=self._directory,
            port=self._port,
            arguments=[self._binaries.peer, "node", "start"],
            environment={"FABRIC_CFG_PATH": str(self._configuration)} | NODE_ENVIRONMENT,
            is_ready=lambda: self.operations.is_healthy() and is_listening(self._port),
            data=self._data,
            reads=[self._configuration, self._material.node("peer0").path],
            image=self._image,
        )

    def write_configuration(self) -> None:
        """Write `core.yaml`, which alone can blank a value and set a list: variables cannot."""
        values = {
            "peer": self._peer(),
            "vm": {"endpoint": ""},
            "chaincode": self._chaincode(),
            "ledger": {
                "state": {"stateDatabase": "goleveldb", "totalQueryLimit": 100_000},
                "history": {"enableHistoryDatabase": True},
                "snapshots": {"rootDir": str(self._data / "snapshots")},
            },
            "operations": {
                "listenAddress": f"{LOOPBACK}:{self._operations_port}",
                "tls": self._tls() | {"clientAuthRequired": True},
            },
            "metrics": {"provider": "prometheus"},
        }
        write_file(
            self._configuration / "core.yaml", yaml.safe_dump(values, sort_keys=False).encode(), durable=False
        )

    @property
    def _configuration(self) -> Path:
        return self._directory / "config" / self.name

    @property
    def _data(self) -> Path:
        return self._directory / "data" / self.name

    def _tls(self) -> dict[str, Any]:
        node = self._material.node("peer0")
        return {
            "enabled": True,
            "cert": {"file": str(node.tls_certificate)},
            "key": {"file": str(node.tls_key)},
            "rootcert": {"file": str(node.tls_root)},
            "clientRootCAs": {"files": [str(node.tls_root)]},
        }

    def _peer(self) -> dict[str, Any]:
        node = self._material.node("peer0")
        address = f"{LOOPBACK}:{self._port}"
        return {
            "id": self.name,
            "networkId": "gridledger",
            "listenAddress": address,
            "address": address,
            "chaincodeListenAddress": f"{LOOPBACK}:{self._chaincode_port}",
            "addressAutoDetect": False,
            "gateway": {
                "enabled": True,
                "endorsementTimeout": "30s",
                "broadcastTimeout": "30s",
                "dialTimeout": "10s",
            },
            "keepalive": {
                "interval": "7200s",
                "timeout": "20s",
                "minInterval": "10s",
                "client": {"interval": "60s", "timeout": "20s"},
                "deliveryClient": {"interval": "60s", "timeout": "20s"},
            },
            "gossip": self._gossip(address),
            "tls": self._tls() | {"clientAuthRequired": False},
            "authentication": {"timewindow": "15m"},
            "fileSystemPath": str(self._data),
            "BCCSP": {
                "Default": "SW",
                "SW": {
                    "Hash": "SHA2",
                    "Security": 256,
                    "FileKeyStore": {"KeyStore": str(node.msp.key.parent)},
                },
            },
            "mspConfigPath": str(node.msp.path),
            "localMspId": node.msp_id,
            "localMspType": "bccsp",
            "client": {"connTimeout": "3s"},
            "deliveryclient": {
                "blockGossipEnabled": False,
                "reconnectTotalTimeThreshold": "3600s",
                "connTimeout": "3s",
                # After an outage of all orderers the peer is to be back within seconds, not within the hour.
                "reConnectBackoffThreshold": "2s",
                "blockCensorshipTimeoutKey": "30s",
                "minimalReconnectInterval": "100ms",
                "policy": "cluster",
            },
            "handlers": {
                "authFilters": [
                    {"name": "DefaultAuth"},
                    {"name": "ExpirationCheck"},
                    {"name": "TimeWindowCheck"},
                ],
                "decorators": [{"name": "DefaultDecorator"}],
                "endorsers": {"escc": {"name": "DefaultEndorsement"}},
                "validators": {"vscc": {"name": "DefaultValidation"}},
            },
            "discovery": {
                "enabled": True,
                "authCacheEnabled": True,
                "authCacheMaxSize": 1000,
                "authCachePurgeRetentionRatio": 0.75,
                "orgMembersAllowedAccess": False,
            },
            "limits": {
                "concurrency": {"endorserService": 2500, "deliverService": 2500, "gatewayService": 500}
            },
            "maxRecvMsgSize": 100 * 1024 * 1024,
            "maxSendMsgSize": 100 * 1024 * 1024,
        }

    def _gossip(self, address: str) -> dict[str, Any]:
        # Peers of one machine see each other at once: intervals for wide networks would only slow starts.
        return {
            "bootstrap": address,
            "endpoint": address,
            "externalEndpoint": address,
            "useLeaderElection": False,
            "orgLeader": True,
            "membershipTrackerInterval": "5s",
            "requestStateInfoInterval": "1s",
            "publishStateInfoInterval": "1s",
            "reconnectInterval": "2s",
            "pvtData": {
                "pullRetryThreshold": "5s",
                "transientstoreMaxBlockRetention": 20_000,
                "pushAckTimeout": "3s",
                "btlPullMargin": 10,
                "reconcileBatchSize": 10,
                "reconcileSleepInterval": "10s",
                "reconciliationEnabled": True,
                "skipPullingInvalidTransactionsDuringCommit": False,
                "implicitCollectionDisseminationPolicy": {"requiredPeerCount": 0, "maxPeerCount": 1},
            },
            "state": {"enabled": False},
        }

    def _chaincode(self) -> dict[str, Any]:
        return {
            "mode": "net",
            "installTimeout": "60s",
            "startuptimeout": "60s",
            "executetimeout": "30s",
            "keepalive": 0,
            "externalBuilders": [{"name": "ccaas_builder", "path": str(self._binaries.ccaas_builder)}],
            "system": {"_lifecycle": "enable", "cscc": "enable", "lscc": "enable", "qscc": "enable"},
            "logging": {"level": "info", "shim": "warning"},
            "runtimeParams": {
                "useWriteBatch": True,
                "maxSizeWriteBatch": 1000,
                "useGetMultipleKeys": True,
                "maxSizeGetMultipleKeys": 1000,
            },
        }
