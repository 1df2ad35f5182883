"""Identities for tests."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fabric_protos.msp import identities_pb2

from gridledger.model.roles import CertificateAttribute, Role, write_roles
from gridledger.shim.creator import ATTRIBUTES_OID

__all__ = ["Caller", "make_caller"]

_VALID_FROM = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_VALIDITY = dt.timedelta(days=36_500)


@dataclass(frozen=True)
class Caller:
    """An identity that calls: its serialized form and its organisation."""

    msp_id: str
    serialized: bytes = field(repr=False)


def make_caller(
    msp_id: str = "Org1MSP",
    *,
    name: str = "user1",
    roles: Iterable[Role] = (),
    attributes: Mapping[str, str] | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> Caller:
    """Make an identity with a certificate of its own, signed by itself.

    Parameters
    ----------
    msp_id : str, default "Org1MSP"
        Its organisation.
    name : str, default "user1"
        Common name.
    roles : iterable of Role, default ()
        Written into the attribute that contracts read.
    attributes : mapping of str to str, optional
        Further attributes.
    key : ec.EllipticCurvePrivateKey, optional
        Its key, where a test signs with it; by default a new one.
    """
    texts = {**(attributes or {}), CertificateAttribute.ROLE.value: write_roles(roles)}
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "client"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(_VALID_FROM)
        .not_valid_after(_VALID_FROM + _VALIDITY)
        .add_extension(
            x509.UnrecognizedExtension(ATTRIBUTES_OID, json.dumps({"attrs": texts}).encode()), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    identity = identities_pb2.SerializedIdentity(mspid=msp_id, id_bytes=pem)
    return Caller(msp_id, identity.SerializeToString())
