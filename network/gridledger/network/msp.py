"""An MSP folder: what Fabric reads to know an organisation's members, or to be one of them."""

from __future__ import annotations

from collections.abc import Sequence
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
        self.write_roots(
            [signing.certificate_pem], [tls.certificate_pem], names=(signing.common_name, tls.common_name)
        )

    def write_roots(self, signing: Sequence[bytes], tls: Sequence[bytes], *, names: tuple[str, str]) -> None:
        """Write one or several roots of each kind, and remove others.

        Parameters
        ----------
        signing, tls : sequence of bytes
            The roots' certificates, PEM, the newest first.
        names : tuple of str and str
            Common names of the two authorities, which files are named after.

        Notes
        -----
        Where there are several, node OUs count below any of them.
        """
        for folder, roots, name in zip(("cacerts", "tlscacerts"), (signing, tls), names, strict=True):
            files = [
                f"{name}-cert.pem",
                *(f"{name}-former{number}-cert.pem" for number in range(1, len(roots))),
            ]
            for file, root in zip(files, roots, strict=True):
                write_file(self.path / folder / file, root, durable=False)
            for path in (self.path / folder).glob("*.pem"):
                if path.name not in files:
                    path.unlink()
        only = names[0] if len(signing) == 1 else None
        write_file(self.path / "config.yaml", _node_ous(only).encode(), durable=False)

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


def _node_ous(certifier: str | None) -> str:
    lines = ["NodeOUs:", "  Enable: true"]
    for role in NodeRole:
        lines.append(f"  {role.value.capitalize()}OUIdentifier:")
        if certifier is not None:
            lines.append(f"    Certificate: cacerts/{certifier}-cert.pem")
        lines.append(f"    OrganizationalUnitIdentifier: {role.value}")
    return "\n".join(lines) + "\n"
