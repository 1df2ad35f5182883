"""Revocations: which certificates an authority has taken back, and its list of all that it has."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from gridledger.client.ca.ca_info import CaInfo
from gridledger.client.ca.errors import CaReplyInvalid
from gridledger.client.ca.reply import Result

__all__ = ["Revocation", "RevocationList", "RevocationReason", "RevokedCertificate"]


class RevocationReason(StrEnum):
    """Why a certificate is revoked (RFC 5280, section 5.3.1), as Fabric CA spells it."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "keycompromise"
    AFFILIATION_CHANGED = "affiliationchanged"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessationofoperation"
    PRIVILEGE_WITHDRAWN = "privilegewithdrawn"


class RevokedCertificate(NamedTuple):
    """A certificate that was revoked."""

    serial: str
    """Serial number, hexadecimal."""

    authority_key: str
    """Identifier of its issuer's key, hexadecimal."""


@dataclass(frozen=True, kw_only=True)
class RevocationList:
    """A certificate revocation list whose signature holds under the authority's own certificate."""

    pem: bytes
    """The list, PEM: goes into ``crls`` of MSP folders, and into the channel's configuration."""

    serials: frozenset[str]
    """Serial numbers in it, hexadecimal."""

    @classmethod
    def read(cls, pem: bytes, authority: CaInfo) -> Self:
        """Read a list from an answer, and check who signed it.

        Raises
        ------
        CaReplyInvalid
            When it cannot be read, lacks its signer's key identifier, or none of the authority's certificates
            has signed it.
        """
        try:
            revocations = x509.load_pem_x509_crl(pem)
            serials = frozenset(f"{one.serial_number:x}" for one in revocations)
            revocations.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
            held = any(_has_signed(one, revocations) for one in (*authority.intermediates, *authority.roots))
        except x509.ExtensionNotFound as error:
            # Fabric would refuse every member of an MSP with such a list.
            raise CaReplyInvalid("the revocation list lacks its signer's key identifier") from error
        except (ValueError, TypeError) as error:
            raise CaReplyInvalid("the revocation list cannot be read") from error
        if not held:
            raise CaReplyInvalid("the revocation list is signed by somebody else")
        return cls(pem=revocations.public_bytes(Encoding.PEM), serials=serials)


@dataclass(frozen=True, kw_only=True)
class Revocation:
    """What a revocation has done."""

    certificates: tuple[RevokedCertificate, ...]
    """The certificates that were revoked; none where the name had none, which may not enrol any more."""

    revocation_list: RevocationList | None = None
    """All that the authority has revoked, where it was asked for."""

    @classmethod
    def read(cls, result: Result) -> Self:
        """Read it from an answer, without its list; CaReplyInvalid when it is none."""
        certificates = tuple(
            RevokedCertificate(one.text("Serial"), one.text("AKI")) for one in result.items("RevokedCerts")
        )
        return cls(certificates=certificates)


def _has_signed(certificate: x509.Certificate, revocations: x509.CertificateRevocationList) -> bool:
    key = certificate.public_key()
    return (
        isinstance(key, ec.EllipticCurvePublicKey)
        and revocations.issuer == certificate.subject
        and revocations.is_signature_valid(key)
    )
