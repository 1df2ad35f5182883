"""A release of a chaincode on this machine: per organisation a process, its TLS material and its package."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from gridledger.host.durable_file import write_file
from gridledger.host.ports import LOOPBACK, is_listening
from gridledger.network.authority import CertificateAuthority
from gridledger.network.component import Component, ComponentKind
from gridledger.network.description import ChaincodeRelease
from gridledger.network.package import ChaincodePackage
from gridledger.network.python_environment import python_environment

__all__ = ["ReleaseFiles"]

_LOCAL: Final = frozenset({LOOPBACK, "localhost"})
_EVERYWHERE: Final = "0.0.0.0"  # noqa: S104


class ReleaseFiles:
    """The folder of a release, and the processes that it describes.

    Parameters
    ----------
    name : str
        Name of the chaincode.
    release : ChaincodeRelease
        The release.
    directory : Path
        The network's folder; the release's is `chaincode/<name>_<sequence>`.
    """

    def __init__(self, name: str, release: ChaincodeRelease, directory: Path) -> None:
        self.name = name
        self.release = release
        self._directory = directory

    @property
    def label(self) -> str:
        """Name and sequence: `probe_1`."""
        return f"{self.name}_{self.release.sequence}"

    @property
    def path(self) -> Path:
        """The release's folder."""
        return self._directory / "chaincode" / self.label

    def create(self) -> ChaincodeRelease:
        """Write TLS material and packages anew.

        Returns
        -------
        ChaincodeRelease
            The release with the ids of its packages.
        """
        shutil.rmtree(self.path, ignore_errors=True)
        identifiers = {
            organisation: self._create_package(organisation) for organisation in self.release.ports
        }
        self.release = replace(self.release, package_ids=identifiers)
        return self.release

    def create_for(self, organisation: str, port: int, metrics_port: int) -> ChaincodeRelease:
        """Write TLS material and package of one organisation more.

        Parameters
        ----------
        organisation : str
            Short name.
        port, metrics_port : int
            Where its process is to listen, for its peer and for Prometheus.

        Returns
        -------
        ChaincodeRelease
            The release with the organisation.
        """
        shutil.rmtree(self.path / organisation, ignore_errors=True)
        self.release = replace(
            self.release,
            ports=self.release.ports | {organisation: port},
            metrics_ports=self.release.metrics_ports | {organisation: metrics_port},
        )
        package_id = self._create_package(organisation)
        self.release = replace(
            self.release, package_ids=self.release.package_ids | {organisation: package_id}
        )
        return self.release

    def remove(self) -> None:
        """Remove the release's folder, with the key that its peers showed to its processes."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _container(self, organisation: str, port: int, values: Mapping[str, str]) -> Component:
        folders = [Path(path) for path in self.release.python_path]
        path = {"PYTHONPATH": os.pathsep.join(map(str, folders))} if folders else {}
        return Component(
            name=self.component_name(organisation),
            kind=ComponentKind.CHAINCODE,
            directory=self._directory,
            port=port,
            arguments=[self.release.module],
            environment={**values, **path},
            is_ready=lambda: is_listening(port),
            reads=[*([self._tls(organisation)] if self.release.tls else []), *folders],
            image=self.release.image,
        )

    @property
    def definition_file(self) -> Path:
        """Where the definition stands for other organisations' administrators."""
        return self.path / "definition.json"

    def package(self, organisation: str) -> bytes:
        """Return the package that an organisation installs."""
        return self._package_file(organisation).read_bytes()

    def component_name(self, organisation: str) -> str:
        """Return the component that runs the chaincode for an organisation: `probe_1.org1`."""
        return f"{self.label}.{organisation}"

    def components(self) -> list[Component]:
        """Return the processes, one per organisation."""
        return [self._component(organisation, port) for organisation, port in self.release.ports.items()]

    def _component(self, organisation: str, port: int) -> Component:
        values = {
            "CHAINCODE_ID": self.release.package_ids[organisation],
            "CHAINCODE_SERVER_ADDRESS": f"{self._listening(organisation)}:{port}",
        }
        if organisation in self.release.metrics_ports:
            values["CHAINCODE_METRICS_ADDRESS"] = f"{LOOPBACK}:{self.release.metrics_ports[organisation]}"
        if self.release.tls:
            tls = self._tls(organisation)
            values |= {
                "CHAINCODE_TLS_CERT": str(tls / "server.crt"),
                "CHAINCODE_TLS_KEY": str(tls / "server.key"),
                "CHAINCODE_TLS_CLIENT_CA": str(tls / "ca.crt"),
            }
        if self.release.image is not None:
            return self._container(organisation, port, values)
        arguments: Sequence[str] = [sys.executable, "-P", "-m", "gridledger.shim", self.release.module]
        return Component(
            name=self.component_name(organisation),
            kind=ComponentKind.CHAINCODE,
            directory=self._directory,
            port=port,
            arguments=arguments,
            environment=python_environment(values, python_path=self.release.python_path),
            is_ready=lambda: is_listening(port),
        )

    def _host(self, organisation: str) -> str:
        """Return where the organisation's peers find the process."""
        return self.release.hosts.get(organisation, LOOPBACK)

    def _listening(self, organisation: str) -> str:
        # Peers that come from elsewhere come by an address that need not be one of this machine's.
        return LOOPBACK if self._host(organisation) in _LOCAL else _EVERYWHERE

    def _create_package(self, organisation: str) -> str:
        port = self.release.ports[organisation]
        package = ChaincodePackage(label=self.label, address=f"{self._host(organisation)}:{port}")
        if self.release.tls:
            package = self._with_tls(package, organisation)
        write_file(self._package_file(organisation), package.to_bytes(), mode=0o600)
        return package.package_id

    def _with_tls(self, package: ChaincodePackage, organisation: str) -> ChaincodePackage:
        # An authority for this one link, whose key is forgotten: no other certificate will ever open it.
        authority = CertificateAuthority.create(f"{self.label}.{organisation}", organisation)
        hosts = sorted({"localhost", LOOPBACK, self._host(organisation)})
        server = authority.issue_tls(f"chaincode.{organisation}", organisation, hosts=hosts)
        client = authority.issue_tls(f"peer0.{organisation}", organisation)
        tls = self._tls(organisation)
        write_file(tls / "ca.crt", authority.certificate_pem)
        server.save(tls / "server.crt", tls / "server.key")
        return replace(
            package,
            client_certificate=client.certificate_pem,
            client_key=client.key_pem(),
            root_certificate=authority.certificate_pem,
        )

    def _tls(self, organisation: str) -> Path:
        return self.path / organisation / "tls"

    def _package_file(self, organisation: str) -> Path:
        return self.path / organisation / "package.tar.gz"
