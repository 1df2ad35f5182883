"""Key material of an organisation, in the folder tree of Fabric's samples; both worlds use it.

organizations/peerOrganizations/org1.gridledger.local/
    ca/  tlsca/                                    the two authorities: <cn>-cert.pem and priv_sk
    msp/                                           what others know of the organisation
    peers/peer0.org1.gridledger.local/msp  tls/    ca.crt, server.crt, server.key
    users/user1@org1.gridledger.local/msp  tls/    ca.crt, client.crt, client.key
organizations/ordererOrganizations/orderer1.gridledger.local/
    …  orderers/orderer0.orderer1.gridledger.local/msp  tls/
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gridledger.host.durable_file import write_file
from gridledger.network.authority import CertificateAuthority, NodeRole, Validity
from gridledger.network.errors import MaterialError, UnknownComponent
from gridledger.network.msp import MspFolder

__all__ = ["Member", "OrganisationKind", "OrganisationMaterial"]

DOMAIN = "gridledger.local"
_ORGANISATION_NAME = re.compile(r"[a-z][a-z0-9]{0,30}")
_MEMBER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


class OrganisationKind(StrEnum):
    """What an organisation runs; the value is the first part of its folder's name."""

    PEER = "peer"
    ORDERER = "orderer"


@dataclass(frozen=True, kw_only=True)
class Member:
    """Where the material of one peer, orderer or user is.

    Parameters
    ----------
    name : str
        Full name: `peer0.org1.gridledger.local` or `user1@org1.gridledger.local`.
    msp_id : str
        MSP of the organisation.
    path : Path
        Its folder, with `msp` and `tls` below.
    """

    name: str
    msp_id: str
    path: Path

    @property
    def msp(self) -> MspFolder:
        """The folder with the signing certificate and key."""
        return MspFolder(path=self.path / "msp", name=self.name)

    @property
    def tls_root(self) -> Path:
        """The root that the organisation's TLS certificates lead to."""
        return self.path / "tls" / "ca.crt"

    @property
    def tls_certificate(self) -> Path:
        """TLS certificate: for servers and clients of a node, for clients of a user."""
        return self.path / "tls" / ("client.crt" if "@" in self.name else "server.crt")

    @property
    def tls_key(self) -> Path:
        """The TLS certificate's key."""
        return self.tls_certificate.with_suffix(".key")


@dataclass(frozen=True, kw_only=True)
class OrganisationMaterial:
    """The authorities, nodes and users of one organisation.

    Parameters
    ----------
    name : str
        Short name, such as `org1`.
    kind : OrganisationKind
        Whether it runs peers or orderers.
    root : Path
        The folder `organizations`.
    attached_msp_id : str, optional
        Its MSP where others run the network; then there are no keys of authorities but those that were given.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     org1 = OrganisationMaterial.create(Path(folder), "org1", OrganisationKind.PEER)
    ...     org1.add_node("peer0").name
    'peer0.org1.gridledger.local'
    """

    name: str
    kind: OrganisationKind
    root: Path
    attached_msp_id: str | None = None

    @property
    def msp_id(self) -> str:
        """MSP id: `Org1MSP` for `org1`."""
        return self.attached_msp_id or f"{self.name.capitalize()}MSP"

    @property
    def domain(self) -> str:
        """Domain: `org1.gridledger.local` for `org1`."""
        return f"{self.name}.{DOMAIN}"

    @property
    def path(self) -> Path:
        """The organisation's folder."""
        return self.root / f"{self.kind}Organizations" / self.domain

    @property
    def msp(self) -> MspFolder:
        """What others know of the organisation: its roots and node OUs."""
        return MspFolder(path=self.path / "msp", name=self.domain)

    @property
    def tls_root(self) -> Path:
        """The TLS authority's certificate."""
        return self.path / "tlsca" / f"tlsca.{self.domain}-cert.pem"

    @classmethod
    def create(
        cls, root: Path, name: str, kind: OrganisationKind, *, validity: Validity | None = None
    ) -> OrganisationMaterial:
        """Make an organisation with its two authorities and no members.

        Parameters
        ----------
        root : Path
            The folder `organizations`.
        name : str
            Lower-case letters and digits, a letter first, at most 31.
        kind : OrganisationKind
            Whether it runs peers or orderers.
        validity : Validity, optional
            Of the authorities; ten years from a day ago by default.

        Raises
        ------
        MaterialError
            If the name breaks the rule or the organisation exists.
        """
        if not _ORGANISATION_NAME.fullmatch(name):
            raise MaterialError(
                f"{name!r} is no name for an organisation: lower-case letters and digits, at most 31"
            )
        organisation = cls(name=name, kind=kind, root=root)
        if organisation.path.exists():
            raise MaterialError(f"{organisation.path} exists")
        # Complete or not there: built aside, renamed when whole.
        aside = cls(name=name, kind=kind, root=root / ".new")
        shutil.rmtree(aside.path, ignore_errors=True)
        signing = CertificateAuthority.create(f"ca.{aside.domain}", aside.domain, validity=validity)
        tls = CertificateAuthority.create(f"tlsca.{aside.domain}", aside.domain, validity=validity)
        signing.save(aside.path / "ca")
        tls.save(aside.path / "tlsca")
        aside.msp.write_trust(signing, tls)
        organisation.path.parent.mkdir(parents=True, exist_ok=True)
        aside.path.replace(organisation.path)
        shutil.rmtree(root / ".new")
        return organisation

    def signing_authority(self) -> CertificateAuthority:
        """Read the authority that issues signing certificates."""
        return CertificateAuthority.open(self.path / "ca", f"ca.{self.domain}")

    def tls_authority(self) -> CertificateAuthority:
        """Read the authority that issues TLS certificates."""
        return CertificateAuthority.open(self.path / "tlsca", f"tlsca.{self.domain}")

    def node(self, name: str) -> Member:
        """Return the peer or orderer `name`, such as `peer0`; nothing is read."""
        full = f"{name}.{self.domain}"
        return Member(name=full, msp_id=self.msp_id, path=self.path / f"{self.kind}s" / full)

    def orderer(self, name: str) -> Member:
        """Return the orderer `name`, of an organisation of either kind; nothing is read."""
        full = f"{name}.{self.domain}"
        return Member(name=full, msp_id=self.msp_id, path=self.path / "orderers" / full)

    def user(self, name: str) -> Member:
        """Return the user `name`.

        Raises
        ------
        UnknownComponent
            If there is none.
        """
        member = self.member(name)
        if not _MEMBER_NAME.fullmatch(name) or not member.path.is_dir():
            raise UnknownComponent("user", name, known=self.users())
        return member

    def users(self) -> list[str]:
        """Return the users' short names, sorted."""
        suffix = f"@{self.domain}"
        found = (path.name for path in (self.path / "users").glob(f"[!.]*{suffix}"))
        return sorted(name.removesuffix(suffix) for name in found)

    def add_node(self, name: str, *, validity: Validity | None = None) -> Member:
        """Make a peer's or an orderer's material.

        Parameters
        ----------
        name : str
            Short name, such as `peer0`.
        validity : Validity, optional
            As long as the authorities' by default.

        Raises
        ------
        MaterialError
            If the name breaks the rule or the node exists.
        """
        role = NodeRole.PEER if self.kind is OrganisationKind.PEER else NodeRole.ORDERER
        return self._add(self.node(name), name, role, hosts=True, validity=validity)

    def add_orderer(self, name: str, *, validity: Validity | None = None) -> Member:
        """Make an orderer's material, in an organisation of either kind; raises as `add_node`."""
        return self._add(self.orderer(name), name, NodeRole.ORDERER, hosts=True, validity=validity)

    def add_user(
        self,
        name: str,
        *,
        role: NodeRole = NodeRole.CLIENT,
        attributes: Mapping[str, str] | None = None,
        validity: Validity | None = None,
        issuer: CertificateAuthority | None = None,
    ) -> Member:
        """Make a user's material.

        Parameters
        ----------
        name : str
            Letters, digits, `_`, `.` and `-`, at most 63.
        role : NodeRole, default CLIENT
            The certificate's organisational unit.
        attributes : mapping of str to str, optional
            Put into the certificate as Fabric CA does.
        validity : Validity, optional
            As long as the authorities' by default; `Validity.expired()` for tests of what must be refused.
        issuer : CertificateAuthority, optional
            Sign with this authority instead of the organisation's: a foreign certificate, for the same tests.

        Raises
        ------
        MaterialError
            If the name breaks the rule or the user exists, or the authority's key is not here.
        """
        return self._add(
            self.member(name),
            name,
            role,
            hosts=False,
            attributes=attributes,
            validity=validity,
            issuer=issuer,
        )

    def member(self, name: str) -> Member:
        """Return where the material of the user `name` is or would be; nothing is read."""
        full = f"{name}@{self.domain}"
        return Member(name=full, msp_id=self.msp_id, path=self.path / "users" / full)

    def _add(
        self,
        member: Member,
        short_name: str,
        role: NodeRole,
        *,
        hosts: bool,
        attributes: Mapping[str, str] | None = None,
        validity: Validity | None = None,
        issuer: CertificateAuthority | None = None,
    ) -> Member:
        if not _MEMBER_NAME.fullmatch(short_name):
            raise MaterialError(f"{short_name!r} is no name for a member: letters, digits, _ . -, at most 63")
        if member.path.exists():
            raise MaterialError(f"{member.name} exists")
        if self.attached_msp_id is not None:
            return self._add_attached(member, short_name, role, attributes, validity, issuer)
        signing, tls = self.signing_authority(), self.tls_authority()
        aside = Member(
            name=member.name, msp_id=member.msp_id, path=member.path.with_name(f".{member.path.name}")
        )
        shutil.rmtree(aside.path, ignore_errors=True)
        # As the organisation itself, which has two roots while they are exchanged.
        shutil.copytree(self.msp.path, aside.msp.path)
        aside.msp.write_signer(
            (issuer or signing).issue(
                member.name, self.domain, role=role, attributes=attributes, validity=validity
            )
        )
        names = (member.name, short_name, "localhost", "127.0.0.1", "::1") if hosts else ()
        credential = tls.issue_tls(member.name, self.domain, hosts=names, validity=validity)
        credential.save(aside.tls_certificate, aside.tls_key)
        write_file(aside.tls_root, self.tls_root.read_bytes(), durable=False)
        aside.path.replace(member.path)
        return member

    def _add_attached(
        self,
        member: Member,
        short_name: str,
        role: NodeRole,
        attributes: Mapping[str, str] | None,
        validity: Validity | None,
        issuer: CertificateAuthority | None,
    ) -> Member:
        """Make a user of an attached network: no key of its authority for TLS is here."""
        if not (self.path / "ca" / "priv_sk").exists():
            raise MaterialError(
                f"the authority of {self.msp_id} is not here: enrol {short_name} there and attach with its"
                " MSP folder, or attach with the authority's folder"
            )
        aside = Member(
            name=member.name, msp_id=member.msp_id, path=member.path.with_name(f".{member.path.name}")
        )
        shutil.rmtree(aside.path, ignore_errors=True)
        shutil.copytree(self.msp.path, aside.msp.path)
        aside.msp.write_signer(
            (issuer or self.signing_authority()).issue(
                member.name, self.domain, role=role, attributes=attributes, validity=validity
            )
        )
        aside.path.replace(member.path)
        return member
