"""An MSP folder: what Fabric reads to know an organisation's members, or to be one of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gridledger.host.durable_file import write_file
from gridledger.network.authority import CertificateAuthority, Credential, NodeRole

__all__ = ["MspFolder"]


@dataclass(frozen=True, kw_only=True)
class MspFolder:
    """The files of one MSP folder.

    Parameters
    ----------
    path : Path
        The folder, named `msp`.
    name : str
        Whose folder it is; its signing certificate is `signcerts/<name>-cert.pem`.
    """

    path: Path
    name: str

    @property
    def certificate(self) -> Path:
        """The signing certificate's file."""
        return self.path / "signcerts" / f"{self.name}-cert.pem"

    @property
    def key(self) -> Path:
        """The signing key's file."""
        return self.path / "keystore" / "priv_sk"

    def write_trust(self, signing: CertificateAuthority, tls: CertificateAuthority) -> None:
        """Write the roots that members' certificates lead to, and the node OUs that give them their roles."""
        write_file(
            self.path / "cacerts" / f"{signing.common_name}-cert.pem", signing.certificate_pem, durable=False
        )
        write_file(
            self.path / "tlscacerts" / f"{tls.common_name}-cert.pem", tls.certificate_pem, durable=False
        )
        write_file(self.path / "config.yaml", _node_ous(signing).encode(), durable=False)

    def write_signer(self, credential: Credential) -> None:
        """Write the certificate and key that the owner of this folder signs with."""
        credential.save(self.certificate, self.key)

    def signer(self) -> Credential:
        """Read the certificate and key that the owner of this folder signs with.

        Raises
        ------
        MaterialError
            If they are missing or malformed.
        """
        return Credential.load(self.certificate, self.key)


def _node_ous(signing: CertificateAuthority) -> str:
    lines = ["NodeOUs:", "  Enable: true"]
    for role in NodeRole:
        lines += [
            f"  {role.value.capitalize()}OUIdentifier:",
            f"    Certificate: cacerts/{signing.common_name}-cert.pem",
            f"    OrganizationalUnitIdentifier: {role.value}",
        ]
    return "\n".join(lines) + "\n"
