"""An authority in memory that follows Fabric CA's published interface (swagger-fabric-ca.json)."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from gridledger.network.authority import ATTRIBUTES_OID, CertificateAuthority

__all__ = ["ADMIN", "ADMIN_SECRET", "StandInCa"]

ADMIN = "ca-admin"
ADMIN_SECRET = "adminpw-of-a-test"
_DAY = dt.timedelta(days=1)


class _Refused(Exception):
    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass
class _Registered:
    secret: str
    type: str = "client"
    affiliation: str = ""
    attributes: list[dict[str, Any]] = field(default_factory=list)
    enrolments_left: int = -1

    def value(self, name: str) -> dict[str, Any]:
        return {
            "id": name,
            "type": self.type,
            "affiliation": self.affiliation,
            "attrs": self.attributes,
            "max_enrollments": self.enrolments_left,
        }


class StandInCa:
    """Issues below a root, with one registrar who may do everything.

    Parameters
    ----------
    authority : CertificateAuthority
        Its certificate and key.
    name : str
        Its name in its server.
    """

    def __init__(self, authority: CertificateAuthority, name: str = "ca-org1") -> None:
        self.authority = authority
        self.name = name
        rights = [{"name": right, "value": "true"} for right in ("hf.Revoker", "hf.GenCRL", "hf.Registrar")]
        self.registered = {ADMIN: _Registered(ADMIN_SECRET, attributes=rights)}
        self.issued: dict[int, str] = {}
        self.revoked: dict[int, dt.datetime] = {}
        self.affiliations = {"org1", "org1.department1"}
        self.requests: list[tuple[str, str]] = []

    def transport(self) -> httpx.MockTransport:
        """Return what carries requests to it without a socket."""

        def answer(request: httpx.Request) -> httpx.Response:
            target = request.url.raw_path.decode()
            header = request.headers.get("authorization", "")
            status, body = self.answer(request.method, target, header, request.content)
            return httpx.Response(status, content=body)

        return httpx.MockTransport(answer)

    def answer(self, method: str, target: str, authorization: str, body: bytes) -> tuple[int, bytes]:
        """Answer a request as the server does."""
        self.requests.append((method, target))
        try:
            result = self._route(method, target, authorization, body)
        except _Refused as refused:
            error = {"code": refused.code, "message": refused.message}
            return refused.status, _envelope("", [error])
        created = target.endswith(("/enroll", "/reenroll", "/register"))
        return 201 if created else 200, _envelope(result, [])

    def _route(self, method: str, target: str, authorization: str, body: bytes) -> Any:
        parts = urlsplit(target)
        endpoint = parts.path.removeprefix("/api/v1/")
        value = json.loads(body) if body else {}
        asked = value.get("caname") or parse_qs(parts.query).get("ca", [""])[0]
        if asked not in ("", self.name):
            raise _Refused(404, 19, f"CA '{asked}' does not exist")
        if (method, endpoint) == ("POST", "cainfo"):
            return self._info()
        if (method, endpoint) == ("POST", "enroll"):
            return self._enrol(self._by_secret(authorization), value)
        caller = self._by_token(method, target, authorization, body)
        if (method, endpoint) == ("POST", "reenroll"):
            return self._enrol(caller, value)
        return self._manage(caller, method, endpoint, value)

    def _manage(self, caller: str, method: str, endpoint: str, value: dict[str, Any]) -> Any:
        if (method, endpoint) == ("POST", "revoke") and value.get("id") == caller:
            return self._revoke(value)
        if caller != ADMIN:
            raise _Refused(403, 71, "Authorization failure")
        match method, endpoint:
            case "POST", "register":
                return self._register(value)
            case "POST", "revoke":
                return self._revoke(value)
            case "POST", "gencrl":
                return {"CRL": self._crl()}
            case "GET", "identities":
                listed = [one.value(name) for name, one in self.registered.items()]
                return {"identities": listed, "caname": self.name}
            case "GET", "affiliations":
                return {"name": "", "affiliations": self._below(""), "caname": self.name}
            case "POST", "affiliations":
                parts = value["name"].split(".")
                self.affiliations |= {".".join(parts[: n + 1]) for n in range(len(parts))}
                return {"name": value["name"], "caname": self.name}
        if method == "GET" and endpoint.startswith("identities/"):
            name = unquote(endpoint.removeprefix("identities/"))
            if name not in self.registered:
                raise _Refused(404, 63, f"Failed to get User: {name}")
            return self.registered[name].value(name)
        raise _Refused(404, 0, "no such endpoint")

    def _info(self) -> dict[str, str]:
        chain = base64.b64encode(self.authority.certificate_pem).decode()
        return {"CAName": self.name, "CAChain": chain, "Version": "stand-in"}

    def _by_secret(self, authorization: str) -> str:
        kind, _, encoded = authorization.partition(" ")
        name, _, secret = base64.b64decode(encoded or "").decode().partition(":")
        known = self.registered.get(name)
        if kind != "Basic" or known is None or known.secret != secret or known.enrolments_left == 0:
            raise _Refused(401, 20, "Authentication failure")
        if known.enrolments_left > 0:
            known.enrolments_left -= 1
        return name

    def _by_token(self, method: str, target: str, authorization: str, body: bytes) -> str:
        encoded, _, signature = authorization.partition(".")
        refused = _Refused(401, 20, "Authentication failure")
        try:
            certificate = x509.load_pem_x509_certificate(base64.b64decode(encoded))
            texts = [base64.b64encode(part).decode() for part in (target.encode(), body)]
            signed = ".".join([method, *texts, encoded]).encode()
            key = certificate.public_key()
            assert isinstance(key, ec.EllipticCurvePublicKey)
            prehashed = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
            key.verify(base64.b64decode(signature), hashlib.sha256(signed).digest(), prehashed)
            certificate.verify_directly_issued_by(self.authority.credential.certificate)
        except (ValueError, InvalidSignature) as error:
            raise refused from error
        name = self.issued.get(certificate.serial_number)
        if name is None or certificate.serial_number in self.revoked:
            raise refused
        return name

    def _register(self, value: dict[str, Any]) -> dict[str, str]:
        name = value["id"]
        if name in self.registered:
            raise _Refused(500, 74, f"Identity '{name}' is already registered")
        affiliation = value.get("affiliation", "")
        if affiliation and affiliation not in self.affiliations:
            raise _Refused(500, 0, f"Failed getting affiliation '{affiliation}'")
        secret = value.get("secret") or secrets.token_urlsafe(9)
        self.registered[name] = _Registered(
            secret,
            value.get("type", "client"),
            affiliation,
            value.get("attrs", []),
            value.get("max_enrollments") or -1,
        )
        return {"secret": secret}

    def _enrol(self, name: str, value: dict[str, Any]) -> dict[str, Any]:
        request = x509.load_pem_x509_csr(value["certificate_request"].encode())
        if not request.is_signature_valid:
            raise _Refused(400, 31, "Bad certificate signing request")
        names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        if [one.value for one in names] != [name]:
            raise _Refused(403, 77, "The CSR subject common name must equal the enrollment ID")
        certificate = self.issue(request, name, self._attributes(name, value.get("attr_reqs")))
        return {
            "Cert": base64.b64encode(certificate.public_bytes(Encoding.PEM)).decode(),
            "ServerInfo": self._info(),
        }

    def _attributes(self, name: str, requested: list[dict[str, Any]] | None) -> dict[str, str]:
        known = self.registered[name]
        own = {one["name"]: one["value"] for one in known.attributes}
        own |= {"hf.EnrollmentID": name, "hf.Type": known.type, "hf.Affiliation": known.affiliation}
        if requested is None:
            listed = {one["name"] for one in known.attributes if one.get("ecert")}
            return {key: value for key, value in own.items() if key in listed or key.startswith("hf.E")}
        missing = [one["name"] for one in requested if one["name"] not in own and not one.get("optional")]
        if missing:
            raise _Refused(500, 0, f"The following required attributes are missing: {missing}")
        return {one["name"]: own[one["name"]] for one in requested if one["name"] in own}

    def issue(
        self, request: x509.CertificateSigningRequest, name: str, attributes: dict[str, str]
    ) -> x509.Certificate:
        """Issue a certificate, and remember it."""
        root = self.authority.credential
        known = self.registered[name]
        units = [known.type, *filter(None, known.affiliation.split("."))]
        subject = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units]
        key = x509.SubjectKeyIdentifier.from_public_key(root.key.public_key())
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([*subject, x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(root.certificate.subject)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + 365 * _DAY)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key), critical=False
            )
        )
        if attributes:
            text = json.dumps({"attrs": attributes}, separators=(",", ":")).encode()
            builder = builder.add_extension(x509.UnrecognizedExtension(ATTRIBUTES_OID, text), critical=False)
        for extension in request.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        certificate = builder.sign(root.key, hashes.SHA256())
        self.issued[certificate.serial_number] = name
        return certificate

    def _revoke(self, value: dict[str, Any]) -> dict[str, Any]:
        if serial := value.get("serial"):
            found = [number for number in self.issued if f"{number:x}" == serial]
        else:
            if value["id"] not in self.registered:
                raise _Refused(404, 10, f"Identity {value['id']} was not found")
            self.registered[value["id"]].enrolments_left = 0
            found = [number for number, name in self.issued.items() if name == value["id"]]
        if serial and not found:
            raise _Refused(404, 8, "Certificate was not found")
        now = dt.datetime.now(dt.UTC)
        self.revoked |= dict.fromkeys(found, now)
        listed = [{"Serial": f"{number:x}", "AKI": value.get("aki", "00")} for number in found]
        return {"RevokedCerts": listed, "CRL": self._crl() if value.get("gencrl") and found else ""}

    def _crl(self, *, names_signer: bool = True) -> str:
        root = self.authority.credential
        now = dt.datetime.now(dt.UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(root.certificate.subject)
        builder = builder.last_update(now).next_update(now + _DAY)
        if names_signer:
            key = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key())
            builder = builder.add_extension(key, critical=False)
        for number, moment in self.revoked.items():
            entry = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(moment).build()
            builder = builder.add_revoked_certificate(entry)
        signed = builder.sign(root.key, hashes.SHA256()).public_bytes(Encoding.PEM)
        return base64.b64encode(signed).decode()

    def _below(self, name: str) -> list[dict[str, Any]]:
        depth = name.count(".") + 1 if name else 0
        prefix = f"{name}." if name else ""
        below = [one for one in self.affiliations if one.startswith(prefix) and one.count(".") == depth]
        return [{"name": one, "affiliations": self._below(one)} for one in sorted(below)]


def _envelope(result: Any, errors: list[dict[str, Any]]) -> bytes:
    value = {"result": result, "errors": errors, "messages": [], "success": not errors}
    return json.dumps(value).encode()
