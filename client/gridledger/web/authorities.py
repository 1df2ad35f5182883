"""Who may sign: the organisations' certificate authorities, and the callers whom they vouch for."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier

from gridledger.crypto.certificate import load_certificates
from gridledger.model.errors import ConfigError
from gridledger.web.errors import Fault, Unauthenticated

__all__ = ["Authorities", "Caller", "fingerprint_of"]

ATTRIBUTES_OID: Final = ObjectIdentifier("1.2.3.4.5.6.7.8.1")
"""Fabric CA's extension: JSON `{"attrs": {name: value}}`."""

_KNOWN_CALLERS: Final = 1024
"""Certificates that are not read and traced to their issuer again; some 10 KB each."""


@lru_cache(maxsize=_KNOWN_CALLERS)
def fingerprint_of(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of the certificate's DER, in hexadecimal: the `keyid` of its signatures."""
    return certificate.fingerprint(hashes.SHA256()).hex()


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who signed a message, as the authorities vouch for it."""

    msp_id: str
    """The organisation whose authority issued the certificate."""
    subject: str
    """Distinguished name of the certificate, as RFC 4514 writes it."""
    common_name: str
    """The subject's common name; empty where there is none."""
    units: tuple[str, ...]
    """The subject's organisational units; Fabric's node OUs (client, admin, peer, orderer) stand here."""
    attributes: Mapping[str, str]
    """What Fabric CA's extension says: roles, enrolment id, affiliation."""
    fingerprint: str
    """SHA-256 of the certificate, lower-case hexadecimal."""
    certificate: x509.Certificate = field(repr=False)


class Authorities:
    """Certificate authorities by MSP.

    Parameters
    ----------
    certificates : mapping of str to iterable of x509.Certificate
        MSP identifier to its root and intermediate CA certificates; one stands under one MSP only.
    revoked : mapping of str to collection of int, optional
        MSP identifier to serial numbers that are no longer valid.

    Raises
    ------
    ConfigError
        If there is none, one is not a CA's, or two MSPs share one.

    Notes
    -----
    A caller's certificate must be issued by one of these directly; nothing that callers send builds a path.
    Who issued a certificate and what it says is found once; whether it is valid then is asked each time.
    """

    def __init__(
        self,
        certificates: Mapping[str, Iterable[x509.Certificate]],
        *,
        revoked: Mapping[str, Collection[int]] | None = None,
    ) -> None:
        self._issuers: dict[bytes, list[tuple[str, x509.Certificate]]] = {}
        self._revoked = {msp_id: frozenset(serials) for msp_id, serials in (revoked or {}).items()}
        owners: dict[str, str] = {}
        for msp_id, authorities in certificates.items():
            for certificate in authorities:
                _require_ca(msp_id, certificate)
                owner = owners.setdefault(fingerprint_of(certificate), msp_id)
                if owner != msp_id:
                    raise ConfigError(f"shares a certificate with {owner}", key=msp_id, source="authorities")
                self._issuers.setdefault(certificate.subject.public_bytes(), []).append((msp_id, certificate))
        self.msp_ids: tuple[str, ...] = tuple(sorted(set(owners.values())))
        """The MSPs that have an authority here."""
        self._issuer_of = lru_cache(maxsize=_KNOWN_CALLERS)(self._find_issuer)
        self._caller_of = lru_cache(maxsize=_KNOWN_CALLERS)(_read_caller)
        if not owners:
            raise ConfigError("no authority is given", key="authorities", source="authorities")

    @classmethod
    def from_msp_folders(cls, folders: Mapping[str, str | Path]) -> Authorities:
        """Read organisations' MSP folders in Fabric's layout.

        Parameters
        ----------
        folders : mapping of str to path
            MSP identifier to a folder with `cacerts`, and where there are any `intermediatecerts` and `crls`.

        Raises
        ------
        ConfigError
            If a folder has no CA certificate, a file in it is not PEM, or a revocation list is not the CA's.
        """
        certificates: dict[str, list[x509.Certificate]] = {}
        revoked: dict[str, set[int]] = {}
        for msp_id, folder in folders.items():
            found = [
                certificate
                for part in ("cacerts", "intermediatecerts")
                for path in _files(Path(folder) / part)
                for certificate in _load_certificates(msp_id, path)
            ]
            if not found:
                raise ConfigError("no CA certificate in cacerts", key=msp_id, source=str(folder))
            certificates[msp_id] = found
            revoked[msp_id] = {
                serial
                for path in _files(Path(folder) / "crls")
                for serial in _load_revoked(msp_id, path, found)
            }
        return cls(certificates, revoked=revoked)

    def identify(self, certificate: x509.Certificate, *, at: datetime | None = None) -> Caller:
        """Say who holds a certificate.

        Parameters
        ----------
        certificate : x509.Certificate
        at : datetime, optional
            The moment at which it must be valid, with a time zone; default now.

        Raises
        ------
        Unauthenticated
            If no authority issued it, or it or its issuer is not valid at that moment, or it is revoked, or
            it is not fit for signing requests (not P-256, a CA's, key usage without digital signature).
        """
        moment = datetime.now(UTC) if at is None else at
        msp_id, issuer = self._issuer_of(certificate)
        if not (_valid_at(certificate, moment) and _valid_at(issuer, moment)):
            raise Unauthenticated(
                "the certificate or its issuer is not valid at this time",
                reason=Fault.CERTIFICATE_OUT_OF_VALIDITY,
            )
        if certificate.serial_number in self._revoked.get(msp_id, frozenset()):
            raise Unauthenticated("the certificate is revoked", reason=Fault.CERTIFICATE_REVOKED)
        return self._caller_of(msp_id, certificate)

    def _find_issuer(self, certificate: x509.Certificate) -> tuple[str, x509.Certificate]:
        try:
            candidates = self._issuers.get(certificate.issuer.public_bytes(), [])
        except ValueError as error:
            raise Unauthenticated(
                "the certificate's issuer cannot be read", reason=Fault.CERTIFICATE_MALFORMED
            ) from error
        for msp_id, issuer in candidates:
            try:
                certificate.verify_directly_issued_by(issuer)
            except (InvalidSignature, ValueError, TypeError):
                continue
            return msp_id, issuer
        raise Unauthenticated("no known authority issued the certificate", reason=Fault.CERTIFICATE_FOREIGN)


def _read_caller(msp_id: str, certificate: x509.Certificate) -> Caller:
    try:
        attributes = _fit_attributes(certificate)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise Unauthenticated(
            f"the certificate cannot sign requests: {error}", reason=Fault.CERTIFICATE_UNFIT
        ) from error
    return Caller(
        msp_id=msp_id,
        subject=certificate.subject.rfc4514_string(),
        common_name=next(iter(_names(certificate, NameOID.COMMON_NAME)), ""),
        units=_names(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME),
        attributes=attributes,
        fingerprint=fingerprint_of(certificate),
        certificate=certificate,
    )


def _valid_at(certificate: x509.Certificate, moment: datetime) -> bool:
    return certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc


def _names(certificate: x509.Certificate, oid: ObjectIdentifier) -> tuple[str, ...]:
    return tuple(str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(oid))


def _fit_attributes(certificate: x509.Certificate) -> dict[str, str]:
    """Return Fabric CA's attributes of a certificate that may sign requests; ValueError if it may not."""
    key = certificate.public_key()
    if not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)):
        raise ValueError("its key is not on P-256")  # noqa: TRY004 - the value is wrong
    attributes: dict[str, str] = {}
    for extension in certificate.extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints) and value.ca:
            raise ValueError("it is an authority's")
        if isinstance(value, x509.KeyUsage) and not value.digital_signature:
            raise ValueError("its key usage is not digital signature")
        if extension.oid == ATTRIBUTES_OID and isinstance(value, x509.UnrecognizedExtension):
            attributes = _parse_attributes(value.value)
        elif extension.critical and isinstance(value, x509.UnrecognizedExtension):
            raise ValueError(f"it has an unknown critical extension {extension.oid.dotted_string}")
    return attributes


def _parse_attributes(data: bytes) -> dict[str, str]:
    parsed = json.loads(data)
    attributes = parsed.get("attrs") if isinstance(parsed, dict) else None
    if not isinstance(attributes, dict) or not all(isinstance(value, str) for value in attributes.values()):
        raise ValueError("its attributes are not strings by name")
    return attributes


def _require_ca(msp_id: str, certificate: x509.Certificate) -> None:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (ValueError, x509.ExtensionNotFound) as error:
        raise ConfigError(f"not a CA certificate: {error}", key=msp_id, source="authorities") from error
    if not constraints.ca:
        raise ConfigError("not a CA certificate", key=msp_id, source="authorities")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []


def _load_certificates(msp_id: str, path: Path) -> list[x509.Certificate]:
    try:
        return load_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"not a PEM certificate: {error}", key=msp_id, source=str(path)) from error


def _load_revoked(msp_id: str, path: Path, authorities: Iterable[x509.Certificate]) -> set[int]:
    try:
        revocations = x509.load_pem_x509_crl(path.read_bytes())
        keys = [authority.public_key() for authority in authorities]
        signed = any(
            isinstance(key, ec.EllipticCurvePublicKey) and revocations.is_signature_valid(key) for key in keys
        )
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"not a revocation list: {error}", key=msp_id, source=str(path)) from error
    if not signed:
        raise ConfigError("the revocation list is not signed by this MSP's CA", key=msp_id, source=str(path))
    return {entry.serial_number for entry in revocations}
