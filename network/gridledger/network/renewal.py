"""New keys and certificates for a member, made beside the old ones and taken in one step."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from gridledger.host.durable_file import write_file
from gridledger.network.authority import ATTRIBUTES_OID, NodeRole, Validity
from gridledger.network.errors import MaterialError
from gridledger.network.material import Member, OrganisationMaterial

__all__ = ["MemberRenewal", "members_of"]

_HOSTS = ("localhost", "127.0.0.1", "::1")


def members_of(organisation: OrganisationMaterial) -> list[Member]:
    """Return all members of an organisation: users first, then peers and orderers, each by name."""
    found: list[Member] = []
    for folder in ("users", "peers", "orderers"):
        names = {path.name.removeprefix(".").removesuffix(".new") for path in _folders(organisation, folder)}
        found += [
            Member(name=name, msp_id=organisation.msp_id, path=organisation.path / folder / name)
            for name in sorted(names)
        ]
    return found


def _folders(organisation: OrganisationMaterial, folder: str) -> list[Path]:
    base = organisation.path / folder
    # A member whose folder was moved aside by a renewal that was cut off stands under its new name alone.
    found = [*base.glob("[!.]*"), *base.glob(".*.new")] if base.is_dir() else []
    return [path for path in found if path.is_dir()]


@dataclass(frozen=True, kw_only=True)
class MemberRenewal:
    """The renewal of one member's keys and certificates, below its organisation's roots.

    Role, attributes and host names are those of the certificates that it replaces.

    Parameters
    ----------
    organisation : OrganisationMaterial
        Whose member it is.
    member : Member
        Who.
    validity : Validity, optional
        Of the new certificates; as long as the roots' by default.
    """

    organisation: OrganisationMaterial
    member: Member
    validity: Validity | None = None

    @property
    def staged(self) -> Member:
        """Where the new material stands until it is taken."""
        path = self.member.path
        return Member(
            name=self.member.name, msp_id=self.member.msp_id, path=path.with_name(f".{path.name}.new")
        )

    def stage(self) -> Member:
        """Make the new material beside the old, unless a renewal that was cut off has; return where it is.

        Raises
        ------
        MaterialError
            If the old certificate cannot be read or has no role.
        """
        staged = self.staged
        if staged.path.is_dir():
            return staged
        old = self.member.msp.signer().certificate
        signing, tls = self.organisation.signing_authority(), self.organisation.tls_authority()
        path = self.member.path
        aside = Member(name=staged.name, msp_id=staged.msp_id, path=path.with_name(f".{path.name}.part"))
        shutil.rmtree(aside.path, ignore_errors=True)
        shutil.copytree(self.organisation.msp.path, aside.path / "msp")
        aside.msp.write_signer(
            signing.issue(
                self.member.name,
                self.organisation.domain,
                role=_role(old),
                attributes=_attributes(old),
                validity=self.validity,
            )
        )
        is_user = "@" in self.member.name
        short = self.member.name.removesuffix(f".{self.organisation.domain}")
        hosts = () if is_user else (self.member.name, short, *_HOSTS)
        credential = tls.issue_tls(
            self.member.name, self.organisation.domain, hosts=hosts, validity=self.validity
        )
        credential.save(aside.tls_certificate, aside.tls_key)
        write_file(aside.tls_root, self.organisation.tls_root.read_bytes(), durable=False)
        aside.path.replace(staged.path)
        return staged

    def take(self) -> None:
        """Let the new material take the old one's place; nothing happens if there is none."""
        path, staged = self.member.path, self.staged.path
        old = path.with_name(f".{path.name}.old")
        if staged.is_dir():
            shutil.rmtree(old, ignore_errors=True)
            if path.is_dir():
                path.replace(old)
            staged.replace(path)
        shutil.rmtree(old, ignore_errors=True)


def _role(certificate: x509.Certificate) -> NodeRole:
    units = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    for unit in units:
        if unit.value in {role.value for role in NodeRole}:
            return NodeRole(str(unit.value))
    raise MaterialError("the certificate has no role that could be renewed")


def _attributes(certificate: x509.Certificate) -> Mapping[str, str] | None:
    for extension in certificate.extensions:
        if extension.oid == ATTRIBUTES_OID and isinstance(extension.value, x509.UnrecognizedExtension):
            return {str(name): str(text) for name, text in json.loads(extension.value.value)["attrs"].items()}
    return None
