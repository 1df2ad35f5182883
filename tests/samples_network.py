"""A network as fabric-samples' test network lays it out, of official binaries, without Docker and scripts.

Org1MSP and Org2MSP with a peer each, OrdererMSP with one Raft orderer, channel `mychannel`, material by
cryptogen below `organizations`, `core.yaml` and `orderer.yaml` of the release, a connection profile for each
organisation. It is what tests attach to; nothing of `gridledger.network` made it.

    python -m tests.samples_network up DIR        # and prints how to attach to it
    python -m tests.samples_network down DIR
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from gridledger.host.durable_file import write_file
from gridledger.host.errors import PrerequisiteMissing
from gridledger.host.ports import free_ports, is_listening
from gridledger.host.process import ManagedProcess
from gridledger.network.fabric.binaries import Binaries

__all__ = ["CHANNEL", "SamplesNetwork", "running_samples"]

CHANNEL = "mychannel"
ORGANISATIONS = (1, 2)
_ORDERER = "orderer.example.com"
_TOOL_SECONDS = 60.0
_START_SECONDS = 120.0
_REMEDY = "unpack the whole release of Fabric 3.1: folders bin, builders and config side by side"
_PORTS = (
    "orderer",
    "admin",
    "peer1",
    "chaincode1",
    "peer2",
    "chaincode2",
    "operations",
    "metrics1",
    "metrics2",
)


class SamplesNetwork:
    """The network in a folder.

    Parameters
    ----------
    directory : Path
        Its folder.
    batch_timeout : str, default 2s
        How long the orderer waits for more; the samples' 2 s by default.

    Raises
    ------
    PrerequisiteMissing
        If the release is not there as a whole.
    """

    def __init__(self, directory: Path, *, batch_timeout: str = "2s") -> None:
        self.directory = directory.absolute()
        self._batch_timeout = batch_timeout
        self._binaries = Binaries.find()
        self._config = self._binaries.directory.parent / "config"
        needed = [self._tool(name) for name in ("cryptogen", "osnadmin")]
        needed += [self._config / name for name in ("core.yaml", "orderer.yaml")]
        for path in needed:
            if not path.is_file():
                raise PrerequisiteMissing(str(path), remedy=_REMEDY)

    def profile(self, organisation: int) -> Path:
        """Return the connection profile of an organisation."""
        return self._domain(organisation) / f"connection-org{organisation}.json"

    def msp(self, organisation: int, user: str = "Admin") -> Path:
        """Return the MSP folder of a user."""
        domain = f"org{organisation}.example.com"
        return self._domain(organisation) / "users" / f"{user}@{domain}" / "msp"

    def authority(self, organisation: int) -> Path:
        """Return the folder of the authority."""
        return self._domain(organisation) / "ca"

    def up(self) -> None:
        """Make what is missing, start what does not run, and join the channel."""
        is_new = not (self.directory / "ports.json").exists()
        if is_new:
            self._make()
        self._start_all()
        if is_new:
            self._join()

    def down(self) -> None:
        """Stop every process."""
        processes = [self._process(name) for name in (*self._peers(), _ORDERER)]
        for process in processes:
            process.request_stop()
        for process in processes:
            process.stop()

    @property
    def _ports(self) -> dict[str, int]:
        read: dict[str, int] = json.loads((self.directory / "ports.json").read_text())
        return read

    def _make(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.directory / "organizations", ignore_errors=True)
        ports = dict(zip(_PORTS, islice(free_ports(), len(_PORTS)), strict=True))
        crypto = self.directory / "crypto-config.yaml"
        _write(crypto, _crypto())
        self._run("cryptogen", "generate", "--config", crypto, "--output", self.directory / "organizations")
        _write(self.directory / "configtx" / "configtx.yaml", self._configtx(ports))
        self._run(
            *("configtxgen", "-profile", "ChannelUsingRaft", "-channelID", CHANNEL),
            *("-configPath", self.directory / "configtx", "-outputBlock", self._block),
        )
        for organisation in ORGANISATIONS:
            text = json.dumps(self._profile(organisation, ports[f"peer{organisation}"]), indent=2)
            write_file(self.profile(organisation), text.encode())
            self._write_core(organisation)
        write_file(self.directory / "ports.json", json.dumps(ports).encode())

    def _start_all(self) -> None:
        ports = self._ports
        starts: list[tuple[str, Sequence[str | Path], Mapping[str, str], str]] = [
            (_ORDERER, [self._binaries.orderer], self._orderer_environment(ports), "orderer")
        ]
        for name, number in self._peers().items():
            command = [self._binaries.peer, "node", "start"]
            starts.append((name, command, self._peer_environment(number, ports), f"peer{number}"))
        for name, command, environment, _ in starts:
            self._process(name).start(command, environment=environment)
        for name, _, _, port in starts:
            self._process(name).wait_ready(
                lambda port=port: is_listening(ports[port]), seconds=_START_SECONDS
            )
        self._process(_ORDERER).wait_ready(lambda: is_listening(ports["admin"]), seconds=_START_SECONDS)

    def _join(self) -> None:
        ports = self._ports
        tls = self._orderer / "tls"
        self._run(
            *("osnadmin", "channel", "join", "--channelID", CHANNEL, "--config-block", self._block),
            *("-o", f"localhost:{ports['admin']}", "--ca-file", tls / "ca.crt"),
            *("--client-cert", tls / "server.crt", "--client-key", tls / "server.key"),
        )
        for number in ORGANISATIONS:
            environment = {
                "FABRIC_CFG_PATH": str(self._core(number)),
                "CORE_PEER_TLS_ENABLED": "true",
                "CORE_PEER_LOCALMSPID": f"Org{number}MSP",
                "CORE_PEER_MSPCONFIGPATH": str(self.msp(number)),
                "CORE_PEER_ADDRESS": f"localhost:{ports[f'peer{number}']}",
                "CORE_PEER_TLS_ROOTCERT_FILE": str(self._peer(number) / "tls" / "ca.crt"),
            }
            self._run("peer", "channel", "join", "-b", self._block, environment=environment)

    @property
    def _block(self) -> Path:
        return self.directory / "channel-artifacts" / f"{CHANNEL}.block"

    @property
    def _orderer(self) -> Path:
        organisation = self.directory / "organizations" / "ordererOrganizations" / "example.com"
        return organisation / "orderers" / _ORDERER

    def _domain(self, organisation: int) -> Path:
        peers = self.directory / "organizations" / "peerOrganizations"
        return peers / f"org{organisation}.example.com"

    def _peer(self, organisation: int) -> Path:
        return self._domain(organisation) / "peers" / f"peer0.org{organisation}.example.com"

    def _peers(self) -> dict[str, int]:
        return {f"peer0.org{number}.example.com": number for number in ORGANISATIONS}

    def _process(self, name: str) -> ManagedProcess:
        return ManagedProcess(name=name, directory=self.directory)

    def _core(self, organisation: int) -> Path:
        return self.directory / "peercfg" / f"org{organisation}"

    def _write_core(self, organisation: int) -> None:
        """Take the release's file; without Docker, and with the builder where it is on this machine."""
        values = yaml.safe_load((self._config / "core.yaml").read_text())
        values["vm"]["endpoint"] = ""
        values["chaincode"]["externalBuilders"][0]["path"] = str(self._binaries.ccaas_builder)
        _write(self._core(organisation) / "core.yaml", values)

    def _orderer_environment(self, ports: Mapping[str, int]) -> dict[str, str]:
        tls = self._orderer / "tls"
        data = self.directory / "data" / "orderer"
        pair = {"CERTIFICATE": str(tls / "server.crt"), "PRIVATEKEY": str(tls / "server.key")}
        roots = f"[{tls / 'ca.crt'}]"
        return {
            "FABRIC_CFG_PATH": str(self._config),
            "FABRIC_LOGGING_SPEC": "INFO",
            "ORDERER_GENERAL_LISTENADDRESS": "127.0.0.1",
            "ORDERER_GENERAL_LISTENPORT": str(ports["orderer"]),
            "ORDERER_GENERAL_LOCALMSPID": "OrdererMSP",
            "ORDERER_GENERAL_LOCALMSPDIR": str(self._orderer / "msp"),
            "ORDERER_GENERAL_TLS_ENABLED": "true",
            **{f"ORDERER_GENERAL_TLS_{key}": value for key, value in pair.items()},
            "ORDERER_GENERAL_TLS_ROOTCAS": roots,
            **{f"ORDERER_GENERAL_CLUSTER_CLIENT{key}": value for key, value in pair.items()},
            "ORDERER_GENERAL_CLUSTER_ROOTCAS": roots,
            "ORDERER_GENERAL_BOOTSTRAPMETHOD": "none",
            "ORDERER_CHANNELPARTICIPATION_ENABLED": "true",
            "ORDERER_ADMIN_TLS_ENABLED": "true",
            **{f"ORDERER_ADMIN_TLS_{key}": value for key, value in pair.items()},
            "ORDERER_ADMIN_TLS_ROOTCAS": roots,
            "ORDERER_ADMIN_TLS_CLIENTROOTCAS": roots,
            "ORDERER_ADMIN_LISTENADDRESS": f"127.0.0.1:{ports['admin']}",
            "ORDERER_OPERATIONS_LISTENADDRESS": f"127.0.0.1:{ports['operations']}",
            "ORDERER_FILELEDGER_LOCATION": str(data),
            "ORDERER_CONSENSUS_WALDIR": str(data / "etcdraft" / "wal"),
            "ORDERER_CONSENSUS_SNAPDIR": str(data / "etcdraft" / "snapshot"),
        }

    def _peer_environment(self, number: int, ports: Mapping[str, int]) -> dict[str, str]:
        peer = self._peer(number)
        address = f"localhost:{ports[f'peer{number}']}"
        data = self.directory / "data" / peer.name
        return {
            "FABRIC_CFG_PATH": str(self._core(number)),
            "FABRIC_LOGGING_SPEC": "INFO",
            "CORE_PEER_TLS_ENABLED": "true",
            "CORE_PEER_TLS_CERT_FILE": str(peer / "tls" / "server.crt"),
            "CORE_PEER_TLS_KEY_FILE": str(peer / "tls" / "server.key"),
            "CORE_PEER_TLS_ROOTCERT_FILE": str(peer / "tls" / "ca.crt"),
            "CORE_PEER_ID": peer.name,
            "CORE_PEER_ADDRESS": address,
            "CORE_PEER_LISTENADDRESS": f"127.0.0.1:{ports[f'peer{number}']}",
            "CORE_PEER_CHAINCODEADDRESS": f"localhost:{ports[f'chaincode{number}']}",
            "CORE_PEER_CHAINCODELISTENADDRESS": f"127.0.0.1:{ports[f'chaincode{number}']}",
            "CORE_PEER_GOSSIP_BOOTSTRAP": address,
            "CORE_PEER_GOSSIP_EXTERNALENDPOINT": address,
            "CORE_PEER_LOCALMSPID": f"Org{number}MSP",
            "CORE_PEER_MSPCONFIGPATH": str(peer / "msp"),
            "CORE_PEER_FILESYSTEMPATH": str(data),
            "CORE_LEDGER_SNAPSHOTS_ROOTDIR": str(data / "snapshots"),
            "CORE_OPERATIONS_LISTENADDRESS": f"127.0.0.1:{ports[f'metrics{number}']}",
            "CORE_CHAINCODE_EXECUTETIMEOUT": "300s",
        }

    def _profile(self, number: int, port: int) -> dict[str, Any]:
        domain = f"org{number}.example.com"
        root = (self._domain(number) / "tlsca" / f"tlsca.{domain}-cert.pem").read_text()
        override = {"ssl-target-name-override": f"peer0.{domain}", "hostnameOverride": f"peer0.{domain}"}
        return {
            "name": f"test-network-org{number}",
            "version": "1.0.0",
            "client": {"organization": f"Org{number}"},
            "organizations": {f"Org{number}": {"mspid": f"Org{number}MSP", "peers": [f"peer0.{domain}"]}},
            "peers": {
                f"peer0.{domain}": {
                    "url": f"grpcs://localhost:{port}",
                    "tlsCACerts": {"pem": root},
                    "grpcOptions": override,
                }
            },
        }

    def _configtx(self, ports: Mapping[str, int]) -> dict[str, Any]:
        organisations = self.directory / "organizations"
        server = str(self._orderer / "tls" / "server.crt")
        orderer = {
            "Name": "OrdererOrg",
            "ID": "OrdererMSP",
            "MSPDir": str(organisations / "ordererOrganizations" / "example.com" / "msp"),
            "Policies": {
                "Readers": _signature("OR('OrdererMSP.member')"),
                "Writers": _signature("OR('OrdererMSP.member')"),
                "Admins": _signature("OR('OrdererMSP.admin')"),
            },
            "OrdererEndpoints": [f"localhost:{ports['orderer']}"],
        }
        consenter = {
            "Host": "localhost",
            "Port": ports["orderer"],
            "ClientTLSCert": server,
            "ServerTLSCert": server,
        }
        profile = {
            "Policies": _node_policies(),
            "Capabilities": {"V2_0": True},
            "Orderer": {
                "OrdererType": "etcdraft",
                "EtcdRaft": {"Consenters": [consenter]},
                "Addresses": [f"localhost:{ports['orderer']}"],
                "BatchTimeout": self._batch_timeout,
                "BatchSize": {
                    "MaxMessageCount": 10,
                    "AbsoluteMaxBytes": "99 MB",
                    "PreferredMaxBytes": "512 KB",
                },
                "Organizations": [orderer],
                "Policies": _node_policies() | {"BlockValidation": _implicit("ANY Writers")},
                "Capabilities": {"V2_0": True},
            },
            "Application": {
                "Organizations": [self._peer_organisation(number, ports) for number in ORGANISATIONS],
                "Policies": _node_policies()
                | {
                    "LifecycleEndorsement": _implicit("MAJORITY Endorsement"),
                    "Endorsement": _implicit("MAJORITY Endorsement"),
                },
                "Capabilities": {"V2_5": True},
            },
        }
        return {"Profiles": {"ChannelUsingRaft": profile}}

    def _peer_organisation(self, number: int, ports: Mapping[str, int]) -> dict[str, Any]:
        msp = f"Org{number}MSP"
        return {
            "Name": msp,
            "ID": msp,
            "MSPDir": str(self._domain(number) / "msp"),
            "Policies": {
                "Readers": _signature(f"OR('{msp}.admin', '{msp}.peer', '{msp}.client')"),
                "Writers": _signature(f"OR('{msp}.admin', '{msp}.client')"),
                "Admins": _signature(f"OR('{msp}.admin')"),
                "Endorsement": _signature(f"OR('{msp}.peer')"),
            },
            # The samples' scripts set them by an update afterwards.
            "AnchorPeers": [{"Host": "localhost", "Port": ports[f"peer{number}"]}],
        }

    def _tool(self, name: str) -> Path:
        return self._binaries.directory / name

    def _run(self, tool: str, *arguments: str | Path, environment: Mapping[str, str] | None = None) -> None:
        command = [str(self._tool(tool)), *map(str, arguments)]
        said = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_TOOL_SECONDS,
            env=dict(environment or {}),
            cwd=self.directory,
        )
        if said.returncode:
            raise RuntimeError(f"{tool} failed: {said.stdout}{said.stderr}")


@contextmanager
def running_samples(directory: Path, *, batch_timeout: str = "200ms") -> Iterator[SamplesNetwork]:
    """Run such a network while the body does."""
    network = SamplesNetwork(directory, batch_timeout=batch_timeout)
    try:
        network.up()
        yield network
    finally:
        network.down()


def _crypto() -> dict[str, Any]:
    return {
        "OrdererOrgs": [
            {
                "Name": "Orderer",
                "Domain": "example.com",
                "EnableNodeOUs": True,
                "Specs": [{"Hostname": "orderer", "SANS": ["localhost"]}],
            }
        ],
        "PeerOrgs": [
            {
                "Name": f"Org{number}",
                "Domain": f"org{number}.example.com",
                "EnableNodeOUs": True,
                "Template": {"Count": 1, "SANS": ["localhost"]},
                "Users": {"Count": 1},
            }
            for number in ORGANISATIONS
        ],
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


def _write(path: Path, values: Mapping[str, Any]) -> None:
    write_file(path, yaml.safe_dump(dict(values), sort_keys=False).encode())


def main(arguments: Sequence[str]) -> int:
    """Run one command."""
    if len(arguments) != 2 or arguments[0] not in ("up", "down"):
        print(__doc__, file=sys.stderr)
        return 2
    network = SamplesNetwork(Path(arguments[1]), batch_timeout="200ms")
    if arguments[0] == "down":
        network.down()
        return 0
    network.up()
    for number in ORGANISATIONS:
        print(
            f"gridledger network attach {network.profile(number)} --org Org{number}"
            f" --msp {network.msp(number)} --user user1={network.msp(number, 'User1')}"
            f" --ca {network.authority(number)} --dir ATTACHED"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
