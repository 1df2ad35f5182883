"""An organisation's roots exchanged: for a while both count, then the new ones alone."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature

from gridledger.crypto.certificate import load_certificates
from gridledger.host.durable_file import write_file
from gridledger.network.authority import CertificateAuthority, Validity
from gridledger.network.errors import MaterialError
from gridledger.network.material import OrganisationMaterial
from gridledger.network.renewal import members_of

__all__ = ["RootExchange"]

_FORMER = ".former"
_NEXT = ".next"


@dataclass(frozen=True, kw_only=True)
class RootExchange:
    """The files of an exchange of both authorities of an organisation; each step may be called again.

    Parameters
    ----------
    organisation : OrganisationMaterial
        Whose.
    """

    organisation: OrganisationMaterial

    @property
    def is_open(self) -> bool:
        """Whether old and new roots count."""
        return self._former("ca").is_dir()

    def add(self, *, validity: Validity | None = None) -> None:
        """Make new authorities, which issue from now on, and let old and new roots count in all folders.

        Parameters
        ----------
        validity : Validity, optional
            Of the new roots; ten years from a day ago by default.

        Notes
        -----
        The old roots stand behind the new ones in the file of the TLS root that clients are told.
        """
        organisation = self.organisation
        for kind in ("ca", "tlsca"):
            if self._former(kind).is_dir():
                continue
            following = organisation.path / f"{kind}{_NEXT}"
            if not following.is_dir():
                aside = organisation.path / f"{kind}{_NEXT}.part"
                shutil.rmtree(aside, ignore_errors=True)
                name = f"{kind}.{organisation.domain}"
                CertificateAuthority.create(name, organisation.domain, validity=validity).save(aside)
                aside.replace(following)
            aside = organisation.path / f"{kind}{_FORMER}.part"
            shutil.rmtree(aside, ignore_errors=True)
            shutil.copytree(organisation.path / kind, aside)
            aside.replace(self._former(kind))
        for kind in ("ca", "tlsca"):
            following = organisation.path / f"{kind}{_NEXT}"
            if following.is_dir():
                shutil.rmtree(organisation.path / kind)
                following.replace(organisation.path / kind)
        self._write_trust()

    def drop(self) -> None:
        """Let the new roots alone count.

        Raises
        ------
        MaterialError
            If a member still has a certificate below an old root.
        """
        roots = {kind: self._roots(kind)[0] for kind in ("ca", "tlsca")}
        signing, tls = (load_certificates(roots[kind])[0] for kind in ("ca", "tlsca"))
        for member in members_of(self.organisation):
            for file, root in ((member.msp.certificate, signing), (member.tls_certificate, tls)):
                certificate = load_certificates(file.read_bytes())[0]
                try:
                    certificate.verify_directly_issued_by(root)
                except (ValueError, TypeError, InvalidSignature) as error:
                    raise MaterialError(
                        f"{member.name} has a certificate of the old root: rotate first"
                    ) from error
        for kind in ("ca", "tlsca"):
            shutil.rmtree(self._former(kind), ignore_errors=True)
        self._write_trust()

    def _write_trust(self) -> None:
        organisation = self.organisation
        signing, tls = self._roots("ca"), self._roots("tlsca")
        write_file(organisation.tls_root, b"".join(tls))
        organisation.msp.write_roots(
            signing, tls, names=(f"ca.{organisation.domain}", f"tlsca.{organisation.domain}")
        )
        for member in members_of(organisation):
            member.msp.write_roots(
                signing, tls, names=(f"ca.{organisation.domain}", f"tlsca.{organisation.domain}")
            )
            write_file(member.tls_root, b"".join(tls))

    def _roots(self, kind: str) -> list[bytes]:
        """Return the roots' certificates, PEM, the newest first."""
        name = f"{kind}.{self.organisation.domain}"
        folders = [self.organisation.path / kind, self._former(kind)]
        found = [CertificateAuthority.open(folder, name) for folder in folders if folder.is_dir()]
        return [one.certificate_pem for one in found]

    def _former(self, kind: str) -> Path:
        return self.organisation.path / f"{kind}{_FORMER}"
