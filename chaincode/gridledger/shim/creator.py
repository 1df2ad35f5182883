"""Who signed a proposal: MSP, certificate and the attributes that a Fabric CA wrote into it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import cached_property, lru_cache
from types import MappingProxyType

from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier
from fabric_protos.msp import identities_pb2
from google.protobuf.message import DecodeError

from gridledger.crypto.certificate import load_certificate
from gridledger.model.errors import ModelError

__all__ = ["ATTRIBUTES_OID", "Creator", "parse_creator"]

ATTRIBUTES_OID = ObjectIdentifier("1.2.3.4.5.6.7.8.1")
"""The extension in which a Fabric CA puts attributes, as JSON."""

_CACHED_CREATORS = 1024  # more callers than a peer meets in a minute; some 4 KB each

# The order in which the official shims list the parts of a name, which is Go's, and their short names.
_NAME_ORDER = (
    (NameOID.COUNTRY_NAME, "C"),
    (NameOID.STATE_OR_PROVINCE_NAME, "ST"),
    (NameOID.LOCALITY_NAME, "L"),
    (NameOID.STREET_ADDRESS, "STREET"),
    (NameOID.POSTAL_CODE, "POSTALCODE"),
    (NameOID.ORGANIZATION_NAME, "O"),
    (NameOID.ORGANIZATIONAL_UNIT_NAME, "OU"),
    (NameOID.COMMON_NAME, "CN"),
    (NameOID.SERIAL_NUMBER, "SERIALNUMBER"),
)


class Creator:
    """The identity that signed a proposal.

    Parameters
    ----------
    serialized : bytes
        The identity as it stands in the proposal (`msp.SerializedIdentity`).
    msp_id : str
        The organisation's MSP.
    id_bytes : bytes
        The certificate, PEM.

    Notes
    -----
    The peer has checked the certificate against the MSP before a chaincode sees it. Instances are shared
    between transactions: everything here is read only.
    """

    def __init__(self, serialized: bytes, msp_id: str, id_bytes: bytes) -> None:
        self.serialized = serialized
        self.msp_id = msp_id
        self.id_bytes = id_bytes

    def __repr__(self) -> str:
        return f"Creator(msp_id={self.msp_id!r})"

    @cached_property
    def certificate(self) -> x509.Certificate:
        """The certificate.

        Raises
        ------
        ModelError
            If the identity is not X.509, such as an Idemix one.
        """
        try:
            return load_certificate(self.id_bytes)
        except ValueError as exc:
            raise ModelError({"creator": "is no X.509 certificate in PEM"}, subject="creator") from exc

    @cached_property
    def attributes(self) -> Mapping[str, str]:
        """Attributes from the extension 1.2.3.4.5.6.7.8.1; empty where the certificate has none.

        Raises
        ------
        ModelError
            If the extension does not hold ``{"attrs": {name: value}}`` with text values.
        """
        try:
            extension = self.certificate.extensions.get_extension_for_oid(ATTRIBUTES_OID).value
        except x509.ExtensionNotFound:
            return MappingProxyType({})
        except ValueError as exc:
            raise ModelError({"creator": "has malformed extensions"}, subject="creator") from exc
        data = extension.value if isinstance(extension, x509.UnrecognizedExtension) else b""
        try:
            parsed = json.loads(data)
        except ValueError as exc:
            raise ModelError({"attributes": "are no JSON"}, subject="creator") from exc
        attributes = parsed.get("attrs") if isinstance(parsed, dict) else None
        if attributes is None and isinstance(parsed, dict):
            attributes = {}
        if not isinstance(attributes, dict) or not all(
            isinstance(value, str) for value in attributes.values()
        ):
            raise ModelError({"attributes": 'are not {"attrs": {name: text}}'}, subject="creator")
        return MappingProxyType(attributes)

    @cached_property
    def id(self) -> str:
        """The caller's name across transactions, unique within its MSP.

        The same text as `GetID` of the official Go library gives: base64 of ``x509::subject::issuer``.
        """
        certificate = self.certificate
        text = f"x509::{_distinguished_name(certificate.subject)}::{_distinguished_name(certificate.issuer)}"
        return base64.b64encode(text.encode()).decode()

    @cached_property
    def organizational_units(self) -> tuple[str, ...]:
        """OUs of the subject; node OUs (client, peer, admin, orderer) stand among them."""
        names = self.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
        return tuple(_text(name) for name in names)


@lru_cache(maxsize=_CACHED_CREATORS)
def parse_creator(serialized: bytes) -> Creator:
    """Read a creator from a proposal's signature header; the last 1,024 are kept.

    Raises
    ------
    ModelError
        If these are not the bytes of a SerializedIdentity.
    """
    try:
        identity = identities_pb2.SerializedIdentity.FromString(serialized)
    except DecodeError as exc:
        raise ModelError({"creator": "is no serialized identity"}, subject="creator") from exc
    return Creator(serialized, identity.mspid, identity.id_bytes)


def _distinguished_name(name: x509.Name) -> str:
    parts = []
    for oid, label in reversed(_NAME_ORDER):
        values = [_escape(_text(attribute)) for attribute in name.get_attributes_for_oid(oid)]
        if oid in (NameOID.COMMON_NAME, NameOID.SERIAL_NUMBER):
            values = values[-1:]
        if values:
            parts.append("+".join(f"{label}={value}" for value in values))
    return ",".join(parts)


def _text(attribute: x509.NameAttribute[str | bytes]) -> str:
    value = attribute.value
    return value if isinstance(value, str) else value.decode(errors="replace")


def _escape(value: str) -> str:
    last = len(value) - 1
    escaped = []
    for index, character in enumerate(value):
        outer_space = character == " " and index in (0, last)
        if character in ',+"\\<>;' or outer_space or (character == "#" and index == 0):
            escaped.append("\\")
        escaped.append(character)
    return "".join(escaped)
