"""Who is a member of an organisation: its certificate authorities, and the part that a certificate plays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from fabric_protos.msp import identities_pb2, msp_config_pb2
from google.protobuf.message import DecodeError

from gridledger.client.errors import ProofRefused
from gridledger.client.transport import Message
from gridledger.crypto.certificate import load_certificate, load_certificates
from gridledger.model.errors import ConfigError
from gridledger.model.signature import public_key_of

__all__ = ["Membership", "NodeUnit", "read_identity"]

_LONGEST_CHAIN: Final = 8
_UNREADABLE: Final = (
    ValueError,
    TypeError,
    OverflowError,
    OSError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
_FOLDERS: Final = ("cacerts", "intermediatecerts")


class NodeUnit(StrEnum):
    """The organisational units by which Fabric tells what a certificate is for."""

    PEER = "peer"
    ORDERER = "orderer"


class Membership:
    """An organisation's authorities, as its MSP names them.

    Parameters
    ----------
    msp_id : str
        Name of the membership service provider.
    roots, intermediates : iterable of x509.Certificate
        Certificate authorities.
    revoked : iterable of (issuer's name, serial number), optional
        What its authorities have revoked.
    units : mapping of NodeUnit to str, optional
        Names of the units where the MSP calls them otherwise.
    """

    def __init__(
        self,
        msp_id: str,
        roots: Iterable[x509.Certificate],
        intermediates: Iterable[x509.Certificate] = (),
        *,
        revoked: Iterable[tuple[bytes, int]] = (),
        units: Mapping[NodeUnit, str] | None = None,
    ) -> None:
        self.msp_id = msp_id
        self._roots = {one.public_bytes(Encoding.DER): one for one in roots}
        self._intermediates = list(intermediates)
        self._revoked = frozenset(revoked)
        self._units = {unit: unit.value for unit in NodeUnit} | dict(units or {})

    @classmethod
    def from_config(cls, data: bytes) -> Membership:
        """Read it from a channel's configuration.

        Parameters
        ----------
        data : bytes
            A ``msp.MSPConfig``.

        Raises
        ------
        ProofRefused
            If the bytes are none, or name no authority that can be read.
        """
        try:
            config = msp_config_pb2.FabricMSPConfig.FromString(
                msp_config_pb2.MSPConfig.FromString(data).config
            )
            revoked = [
                entry for pem in config.revocation_list for entry in _revoked(x509.load_pem_x509_crl(pem))
            ]
            units = {
                unit: entry.organizational_unit_identifier
                for unit, entry in (
                    (NodeUnit.PEER, config.fabric_node_ous.peer_ou_identifier),
                    (NodeUnit.ORDERER, config.fabric_node_ous.orderer_ou_identifier),
                )
                if entry.organizational_unit_identifier
            }
            roots = [load_certificate(pem) for pem in config.root_certs]
            intermediates = [load_certificate(pem) for pem in config.intermediate_certs]
        except (DecodeError, ValueError) as error:
            raise ProofRefused("the configuration names an MSP that cannot be read") from error
        if not config.name or not roots:
            raise ProofRefused("the configuration names an MSP without name or authority")
        return cls(config.name, roots, intermediates, revoked=revoked, units=units)

    @classmethod
    def from_folder(cls, msp_id: str, folder: Path) -> Membership:
        """Read it from an MSP folder in Fabric's layout.

        Raises
        ------
        ConfigError
            If the folder has no CA certificate, or a file in it is not PEM.
        """
        found: dict[str, list[x509.Certificate]] = {name: [] for name in _FOLDERS}
        revoked: list[tuple[bytes, int]] = []
        path = folder
        try:
            for name, certificates in found.items():
                for path in _files(folder / name):
                    certificates.extend(load_certificates(path.read_bytes()))
            for path in _files(folder / "crls"):
                revoked.extend(_revoked(x509.load_pem_x509_crl(path.read_bytes())))
        except (OSError, ValueError) as error:
            raise ConfigError(f"cannot be read: {error}", key=msp_id, source=str(path)) from error
        if not found["cacerts"]:
            raise ConfigError("no CA certificate in cacerts", key=msp_id, source=str(folder))
        return cls(msp_id, found["cacerts"], found["intermediatecerts"], revoked=revoked)

    def require(self, certificate: x509.Certificate, unit: NodeUnit | None, *, at_ms: int) -> bytes:
        """Check that a certificate is a member's, for a part, at a moment; return its public key.

        Parameters
        ----------
        certificate : x509.Certificate
        unit : NodeUnit, optional
            What it must be for; None where any member will do.
        at_ms : int
            Milliseconds since 1970 at which it must have been valid.

        Returns
        -------
        bytes
            Its P-256 key, a compressed point.

        Raises
        ------
        ProofRefused
            If no root of the MSP stands above it, it is an authority's, was not valid or is revoked, is not
            for that part or not on P-256.
        """
        try:
            name = certificate.subject.rfc4514_string()
            self._require_chain(certificate, datetime.fromtimestamp(at_ms / 1000, UTC))
            units = [
                str(one.value)
                for one in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
            ]
            key = certificate.public_key()
            if unit is not None and self._units[unit] not in units:
                raise self._refusal(name, f"is no {unit.value}'s")
            if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
                raise self._refusal(name, "has a key that is not on P-256")
        except _UNREADABLE as error:
            raise ProofRefused(f"a certificate of {self.msp_id} cannot be read: {error}") from error
        return public_key_of(certificate)

    def _require_chain(self, certificate: x509.Certificate, moment: datetime) -> None:
        """Follow issuers up to a root, each a CA and valid at the moment, none revoked."""
        name = certificate.subject.rfc4514_string()
        if _is_authority(certificate):
            raise self._refusal(name, "is an authority's")
        current = certificate
        for _ in range(_LONGEST_CHAIN):
            if not current.not_valid_before_utc <= moment <= current.not_valid_after_utc:
                raise self._refusal(name, f"was not valid at {moment.isoformat()}")
            if (current.issuer.public_bytes(), current.serial_number) in self._revoked:
                raise self._refusal(name, "is revoked")
            if current.public_bytes(Encoding.DER) in self._roots:
                return
            current = self._issuer_of(current)
        raise self._refusal(name, f"has more than {_LONGEST_CHAIN} authorities above it")

    def _issuer_of(self, certificate: x509.Certificate) -> x509.Certificate:
        for authority in (*self._roots.values(), *self._intermediates):
            if authority.subject != certificate.issuer or not _is_authority(authority):
                continue
            try:
                certificate.verify_directly_issued_by(authority)
            except (ValueError, TypeError, InvalidSignature):
                continue
            return authority
        raise self._refusal(certificate.subject.rfc4514_string(), "has no issuer among its authorities")

    def _refusal(self, name: str, why: str) -> ProofRefused:
        return ProofRefused(f"the certificate {name} of {self.msp_id} {why}")


def read_identity(serialized: bytes) -> tuple[str, x509.Certificate]:
    """Return MSP and certificate of a ``msp.SerializedIdentity``; ProofRefused if it is none."""
    try:
        message: Message = identities_pb2.SerializedIdentity.FromString(serialized)
        return str(message.mspid), load_certificate(message.id_bytes)
    except (DecodeError, ValueError) as error:
        raise ProofRefused("a signer's identity cannot be read") from error


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []


def _revoked(revocations: x509.CertificateRevocationList) -> list[tuple[bytes, int]]:
    issuer = revocations.issuer.public_bytes()
    return [(issuer, entry.serial_number) for entry in revocations]
