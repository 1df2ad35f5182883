"""A certificate authority: ECDSA P-256, X.509, the extensions that Fabric's membership service reads."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gridledger.crypto.certificate import load_certificate
from gridledger.host.durable_file import write_file
from gridledger.network.errors import MaterialError

__all__ = ["ATTRIBUTES_OID", "CertificateAuthority", "Credential", "NodeRole", "Validity"]

ATTRIBUTES_OID = x509.ObjectIdentifier("1.2.3.4.5.6.7.8.1")
"""The extension in which Fabric CA keeps a user's attributes, as JSON."""

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_BACKDATED = dt.timedelta(days=1)
"""Authorities hold from a day ago: clocks may differ, and an expired certificate can be below one."""
_LIFETIME = dt.timedelta(days=3650)


class NodeRole(StrEnum):
    """The organisational unit that gives a certificate its role (Fabric's node OUs)."""

    CLIENT = "client"
    PEER = "peer"
    ADMIN = "admin"
    ORDERER = "orderer"


@dataclass(frozen=True, kw_only=True)
class Validity:
    """From when until when a certificate holds.

    Parameters
    ----------
    not_before, not_after : datetime
        Aware of their time zone; the first lies before the second.
    """

    not_before: dt.datetime
    not_after: dt.datetime

    def __post_init__(self) -> None:
        if self.not_before.tzinfo is None or self.not_after.tzinfo is None:
            raise MaterialError("a validity needs times with a time zone")
        if self.not_before >= self.not_after:
            raise MaterialError("a validity must begin before it ends")

    @classmethod
    def default(cls) -> Validity:
        """Return ten years, from a day ago."""
        now = dt.datetime.now(dt.UTC)
        return cls(not_before=now - _BACKDATED, not_after=now + _LIFETIME)

    @classmethod
    def expired(cls) -> Validity:
        """Return an hour that ended an hour ago, for tests of what must be refused."""
        now = dt.datetime.now(dt.UTC)
        hour = dt.timedelta(hours=1)
        return cls(not_before=now - 2 * hour, not_after=now - hour)


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A certificate and its private key.

    Parameters
    ----------
    certificate : x509.Certificate
        The certificate.
    key : EllipticCurvePrivateKey
        Its key, on P-256; kept out of the repr.
    """

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self) -> bytes:
        """Return the private key as PKCS 8 PEM, without a password."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def save(self, certificate: Path, key: Path) -> None:
        """Write both files; the key is readable by its owner alone."""
        write_file(certificate, self.certificate_pem, durable=False)
        write_file(key, self.key_pem(), mode=0o600, durable=False)

    @classmethod
    def load(cls, certificate: Path, key: Path) -> Credential:
        """Read both files.

        Raises
        ------
        MaterialError
            If a file is missing or malformed, or the two do not belong together.
        """
        try:
            loaded = load_certificate(certificate.read_bytes())
            private = serialization.load_pem_private_key(key.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise MaterialError(f"cannot read {certificate} and its key: {error}") from error
        if not isinstance(private, ec.EllipticCurvePrivateKey) or private.public_key() != loaded.public_key():
            raise MaterialError(f"{key} is not the key of {certificate}")
        return cls(certificate=loaded, key=private)


class CertificateAuthority:
    """Issue certificates below one root.

    Parameters
    ----------
    credential : Credential
        The root certificate and its key.
    """

    def __init__(self, credential: Credential) -> None:
        self.credential = credential

    @classmethod
    def create(
        cls, common_name: str, organisation: str, *, validity: Validity | None = None
    ) -> CertificateAuthority:
        """Make a new root.

        Parameters
        ----------
        common_name, organisation : str
            The subject's CN and O.
        validity : Validity, optional
            Ten years from a day ago by default.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        name = _subject(common_name, organisation, None)
        builder = _builder(name, name, key.public_key(), validity or Validity.default())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(authority=True), critical=True)
        return cls(Credential(certificate=_sign(builder, key), key=key))

    @classmethod
    def open(cls, directory: Path, common_name: str) -> CertificateAuthority:
        """Read the root that `save` wrote."""
        return cls(Credential.load(directory / f"{common_name}-cert.pem", directory / "priv_sk"))

    def save(self, directory: Path) -> None:
        """Write `<common name>-cert.pem` and `priv_sk` into `directory`."""
        self.credential.save(directory / f"{self.common_name}-cert.pem", directory / "priv_sk")

    @property
    def common_name(self) -> str:
        """The root's CN."""
        return str(self.credential.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)

    @property
    def certificate_pem(self) -> bytes:
        """The root certificate as PEM."""
        return self.credential.certificate_pem

    def issue(
        self,
        common_name: str,
        organisation: str,
        *,
        role: NodeRole | None = None,
        attributes: Mapping[str, str] | None = None,
        validity: Validity | None = None,
    ) -> Credential:
        """Issue a certificate that signs transactions or blocks.

        Parameters
        ----------
        common_name, organisation : str
            The subject's CN and O.
        role : NodeRole, optional
            The subject's OU.
        attributes : mapping of str to str, optional
            Put into Fabric CA's extension.
        validity : Validity, optional
            As long as the root's by default. It may lie in the past: tests need expired certificates.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._leaf(_subject(common_name, organisation, role), key, validity)
        builder = builder.add_extension(_key_usage(authority=False), critical=True)
        if attributes:
            # Sorted, so that equal attributes are equal bytes.
            text = json.dumps({"attrs": dict(sorted(attributes.items()))}, separators=(",", ":"))
            builder = builder.add_extension(
                x509.UnrecognizedExtension(ATTRIBUTES_OID, text.encode()), critical=False
            )
        return Credential(certificate=_sign(builder, self.credential.key), key=key)

    def issue_tls(
        self,
        common_name: str,
        organisation: str,
        *,
        hosts: Sequence[str] = (),
        validity: Validity | None = None,
    ) -> Credential:
        """Issue a certificate for TLS: for servers and clients with `hosts`, for clients without.

        Parameters
        ----------
        common_name, organisation : str
            The subject's CN and O.
        hosts : sequence of str, optional
            Host names and IP addresses for the subject's alternative names.
        validity : Validity, optional
            As long as the root's by default.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._leaf(_subject(common_name, organisation, None), key, validity)
        builder = builder.add_extension(_key_usage(authority=False), critical=True)
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
        if hosts:
            usages.insert(0, ExtendedKeyUsageOID.SERVER_AUTH)
            names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        return Credential(certificate=_sign(builder, self.credential.key), key=key)

    def _leaf(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, validity: Validity | None
    ) -> x509.CertificateBuilder:
        root = self.credential.certificate
        if validity is None:
            validity = Validity(not_before=root.not_valid_before_utc, not_after=root.not_valid_after_utc)
        builder = _builder(subject, root.subject, key.public_key(), validity)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        identifier = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
        return builder.add_extension(authority, critical=False)


def _subject(common_name: str, organisation: str, role: NodeRole | None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)]
    if role is not None:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, role.value))
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, validity: Validity
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .not_valid_before(validity.not_before)
        .not_valid_after(validity.not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _sign(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    # Fabric rewrites a certificate whose signature has a high S and compares the rewritten bytes: an orderer
    # would not find itself among the consenters. Half of all signatures are low: two tries on average.
    while True:
        certificate = builder.serial_number(x509.random_serial_number()).sign(key, hashes.SHA256())
        if decode_dss_signature(certificate.signature)[1] <= _P256_ORDER // 2:
            return certificate
