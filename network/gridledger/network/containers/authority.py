"""A peer organisation's Fabric CA in a container: it issues by the organisation's own authority."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from gridledger.host.durable_file import write_file
from gridledger.host.ports import LOOPBACK, is_listening
from gridledger.network.component import Component, ComponentKind
from gridledger.network.description import OrganisationDescription
from gridledger.network.material import OrganisationMaterial

__all__ = ["AuthorityNode"]

_REGISTRAR: Final = "admin"


class AuthorityNode:
    """A Fabric CA server.

    Parameters
    ----------
    description : OrganisationDescription
        Name and port.
    material : OrganisationMaterial
        Keys and certificates.
    directory : Path
        The network's folder.
    image : str
        Image of Fabric CA.
    """

    def __init__(
        self,
        description: OrganisationDescription,
        material: OrganisationMaterial,
        directory: Path,
        *,
        image: str,
    ) -> None:
        if description.authority_port is None:
            raise ValueError(f"{description.name} has no port for its authority")
        self.name = f"ca.{description.name}"
        self._port = description.authority_port
        self._material = material
        self._directory = directory
        self._image = image

    @property
    def registrar_file(self) -> Path:
        """Where the password of the registrar `admin` stands, for its owner alone."""
        return self._folder / "registrar"

    def write_configuration(self) -> None:
        """Write the server's TLS certificate and the registrar's password, once."""
        if self.registrar_file.exists():
            return
        domain = self._material.domain
        hosts = (f"ca.{domain}", "localhost", LOOPBACK)
        server = self._material.tls_authority().issue_tls(f"ca.{domain}", domain, hosts=hosts)
        server.save(self._folder / "tls.crt", self._folder / "tls.key")
        write_file(self.registrar_file, secrets.token_urlsafe(24).encode(), mode=0o600)

    def component(self) -> Component:
        """Return the component; its files stand where `write_configuration` puts them."""
        data = self._directory / "data" / self.name
        authority = self._material.path / "ca"
        # The password stands in no file but its own: neither in the compose file nor in an image.
        start = f'exec fabric-ca-server start --boot "{_REGISTRAR}:$(cat "$REGISTRAR")"'
        return Component(
            name=self.name,
            kind=ComponentKind.AUTHORITY,
            directory=self._directory,
            port=self._port,
            arguments=["sh", "-c", start],
            environment={
                "REGISTRAR": str(self.registrar_file),
                "FABRIC_CA_HOME": str(data),
                "FABRIC_CA_SERVER_ADDRESS": LOOPBACK,
                "FABRIC_CA_SERVER_PORT": str(self._port),
                "FABRIC_CA_SERVER_CA_NAME": self.name,
                # Of several on one machine each would take the same port.
                "FABRIC_CA_SERVER_OPERATIONS_LISTENADDRESS": f"{LOOPBACK}:0",
                "FABRIC_CA_SERVER_CA_CERTFILE": str(authority / f"ca.{self._material.domain}-cert.pem"),
                "FABRIC_CA_SERVER_CA_KEYFILE": str(authority / "priv_sk"),
                "FABRIC_CA_SERVER_TLS_ENABLED": "true",
                "FABRIC_CA_SERVER_TLS_CERTFILE": str(self._folder / "tls.crt"),
                "FABRIC_CA_SERVER_TLS_KEYFILE": str(self._folder / "tls.key"),
            },
            is_ready=lambda: is_listening(self._port),
            data=data,
            reads=[self._folder, authority],
            image=self._image,
        )

    @property
    def _folder(self) -> Path:
        return self._directory / "config" / self.name
