"""Signatures: RFC 9421's own example, what ours look like, and every way in which one does not hold."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import http_sf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_public_key
from http_message_signatures import HTTPMessageVerifier, InvalidSignature, MappingKeyResolver
from http_message_signatures.algorithms import ECDSA_P256_SHA256

from gridledger.web.authorities import Authorities
from gridledger.web.errors import Fault, Replayed, Unauthenticated
from gridledger.web.message import HeaderLines, RequestMessage, ResponseMessage
from gridledger.web.replay import MemoryReplayStore
from gridledger.web.signing import CERTIFICATE_FIELD
from gridledger.web.verification import RequestVerifier

BODY = b'{"field":"88.1/x#p","rows":1}'

# RFC 9421, appendix B.1.3: test-key-ecc-p256.
RFC_KEY = b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END PUBLIC KEY-----
"""
# RFC 9421, appendix B.2.4, over the test-response of appendix B.2.
RFC_INPUT = (
    'sig-b24=("@status" "content-type" "content-digest" "content-length");created=1618884473'
    ';keyid="test-key-ecc-p256"'
)
RFC_SIGNATURE = (
    "sig-b24=:wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==:"
)
RFC_DIGEST = (
    "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:"
)
RFC_BODY = b'{"message": "good dog"}'


class _AtItsTime(HTTPMessageVerifier):
    def validate_created_and_expires(self, sig_input: object, max_age: object = None) -> None:
        pass


def _verify_rfc_example(*, status: int, signature: str = RFC_SIGNATURE) -> None:
    headers = HeaderLines(
        [
            ("content-type", "application/json"),
            ("content-digest", RFC_DIGEST),
            ("content-length", "23"),
            ("signature-input", RFC_INPUT),
            ("signature", signature),
        ]
    )
    key = load_pem_public_key(RFC_KEY)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    keys = MappingKeyResolver(public_keys={"test-key-ecc-p256": key}, private_keys={})
    verifier = _AtItsTime(signature_algorithm=ECDSA_P256_SHA256, key_resolver=keys)
    message = ResponseMessage(status_code=status, headers=headers, request=None)
    verifier.verify(message, max_age=None, body=RFC_BODY)


def test_rfc_9421_example_b24_verifies() -> None:
    _verify_rfc_example(status=200)


@pytest.mark.parametrize(
    "change", [{"status": 201}, {"status": 200, "signature": RFC_SIGNATURE.replace("wNmS", "wNmT")}]
)
def test_rfc_9421_example_b24_altered_is_refused(change: dict) -> None:
    with pytest.raises(InvalidSignature):
        _verify_rfc_example(**change)


def _verifier(world) -> RequestVerifier:
    return RequestVerifier(world.authorities, MemoryReplayStore(), clock=world.clock)


async def test_request_signed_names_caller(world) -> None:
    verified = await _verifier(world).verify(await world.request(BODY), BODY)
    caller = verified.caller
    assert caller.msp_id == "Org2MSP"
    assert caller.common_name == "user1"
    assert caller.units == ("client",)
    assert caller.attributes == {"role": "data-application"}
    der = caller.certificate.public_bytes(Encoding.DER)
    assert caller.fingerprint == hashlib.sha256(der).hexdigest()


async def test_request_signed_has_the_documented_form(world) -> None:
    message = await world.request(BODY)
    inner, parameters = http_sf.parse(message.headers["signature-input"].encode(), tltype="dictionary")[
        "gridledger"
    ]
    assert [item[0] for item in inner] == [
        "@method",
        "@target-uri",
        "content-digest",
        CERTIFICATE_FIELD,
        "content-type",
    ]
    assert parameters["alg"] == "ecdsa-p256-sha256"
    assert parameters["expires"] == parameters["created"] + 60
    assert parameters["tag"] == "gridledger-request"
    assert len(base64.b64decode(message.headers["signature"].removeprefix("gridledger=:")[:-1])) == 64


def _with(name: str, change: Callable[[str], str]) -> Callable[[RequestMessage], RequestMessage]:
    def apply(message: RequestMessage) -> RequestMessage:
        message.headers[name] = change(message.headers[name])
        return message

    return apply


def _without(name: str) -> Callable[[RequestMessage], RequestMessage]:
    def apply(message: RequestMessage) -> RequestMessage:
        del message.headers[name]
        return message

    return apply


def _flip_signature(value: str) -> str:
    raw = bytearray(base64.b64decode(value.removeprefix("gridledger=:")[:-1]))
    raw[40] ^= 1
    return f"gridledger=:{base64.b64encode(raw).decode()}:"


def _truncate_signature(value: str) -> str:
    raw = base64.b64decode(value.removeprefix("gridledger=:")[:-1])
    return f"gridledger=:{base64.b64encode(raw[:63]).decode()}:"


def _der_signature(_value: str) -> str:
    return f"gridledger=:{base64.b64encode(bytes([0x30, 6, 2, 1, 1, 2, 1, 1])).decode()}:"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param(_without("signature"), Fault.UNSIGNED, id="no signature"),
        pytest.param(_without("signature-input"), Fault.UNSIGNED, id="no signature input"),
        pytest.param(_without(CERTIFICATE_FIELD), Fault.UNSIGNED, id="no certificate"),
        pytest.param(_without("content-digest"), Fault.SIGNATURE_INVALID, id="no digest"),
        pytest.param(_without("content-type"), Fault.SIGNATURE_INVALID, id="covered field missing"),
        pytest.param(
            _with("content-type", lambda _: "text/plain"), Fault.SIGNATURE_INVALID, id="altered field"
        ),
        pytest.param(_with("signature", _flip_signature), Fault.SIGNATURE_INVALID, id="one bit"),
        pytest.param(_with("signature", _truncate_signature), Fault.SIGNATURE_INVALID, id="truncated"),
        pytest.param(_with("signature", _der_signature), Fault.SIGNATURE_INVALID, id="DER"),
        pytest.param(_with("signature", lambda _: "gridledger=1"), Fault.SIGNATURE_INVALID, id="an integer"),
        pytest.param(_with("signature", lambda _: ":::"), Fault.SIGNATURE_INVALID, id="garbage"),
        pytest.param(
            _with("signature-input", lambda value: value.replace('"@method" ', "")),
            Fault.SIGNATURE_INVALID,
            id="component removed",
        ),
        pytest.param(
            _with("signature-input", lambda value: value.replace("expires=", "expires=1")),
            Fault.SIGNATURE_INVALID,
            id="expiry altered",
        ),
        pytest.param(
            _with("signature-input", lambda value: value.replace("-request", "-response")),
            Fault.SIGNATURE_INVALID,
            id="other tag",
        ),
        pytest.param(
            _with("signature-input", lambda value: value + ";extra=1"), Fault.SIGNATURE_INVALID, id="extra"
        ),
        pytest.param(_with(CERTIFICATE_FIELD, lambda _: "1"), Fault.CERTIFICATE_MALFORMED, id="no bytes"),
        pytest.param(_with(CERTIFICATE_FIELD, lambda _: ":AAAA:"), Fault.CERTIFICATE_MALFORMED, id="not DER"),
        pytest.param(
            _with(CERTIFICATE_FIELD, lambda value: value + ";x=1"),
            Fault.CERTIFICATE_MALFORMED,
            id="parameters",
        ),
        pytest.param(
            _with(CERTIFICATE_FIELD, lambda value: f"{value}, {value}"), Fault.CERTIFICATE_MALFORMED, id="two"
        ),
        pytest.param(_with("signature", lambda _: "x" * 9000), Fault.MALFORMED, id="long field"),
    ],
)
async def test_request_with_altered_fields_is_refused(world, change, fault: Fault) -> None:
    verifier = _verifier(world)
    message = change(await world.request(BODY))
    with pytest.raises(Unauthenticated) as caught:
        await verifier.verify(message, BODY)
    assert caught.value.fields["reason"] == fault


async def test_request_with_altered_body_is_refused(world) -> None:
    verifier = _verifier(world)
    for body in (b"", BODY[:-1], BODY.replace(b"1}", b"2}")):
        with pytest.raises(Unauthenticated):
            await verifier.verify(await world.request(BODY), body)


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("PUT", "https://provider.example:8443/v1/answers"),
        ("POST", "https://provider.example:8443/v1/answers?all=1"),
        ("POST", "https://provider.example:8443/v1/other"),
        ("POST", "https://other.example:8443/v1/answers"),
        ("POST", "http://provider.example:8443/v1/answers"),
        ("post", "https://provider.example:8443/v1/answers"),
        ("POST", "not a url"),
    ],
)
async def test_request_moved_elsewhere_is_refused(world, method: str, url: str) -> None:
    signed = await world.request(BODY)
    with pytest.raises(Unauthenticated):
        await _verifier(world).verify(RequestMessage(method=method, url=url, headers=signed.headers), BODY)


@pytest.mark.parametrize(
    ("offset", "accepted"), [(0, True), (60, True), (61, False), (-5, True), (-6, False)]
)
async def test_request_outside_the_window_is_refused(world, offset: int, accepted: bool) -> None:
    message = await world.request(BODY)
    world.clock.now += offset
    verifier = _verifier(world)
    if accepted:
        await verifier.verify(message, BODY)
        return
    with pytest.raises(Unauthenticated) as caught:
        await verifier.verify(message, BODY)
    assert caught.value.fields["reason"] == Fault.OUT_OF_WINDOW


async def test_request_expired_within_the_window_is_refused(world, make_signer) -> None:
    message = await world.request(BODY, signer=make_signer(world.application.member(), lifetime_s=10))
    world.clock.now += 11
    with pytest.raises(Unauthenticated) as caught:
        await _verifier(world).verify(message, BODY)
    assert caught.value.fields["reason"] == Fault.OUT_OF_WINDOW


async def test_request_replayed_is_refused(world) -> None:
    verifier = _verifier(world)
    message = await world.request(BODY)
    await verifier.verify(message, BODY)
    with pytest.raises(Replayed):
        await verifier.verify(message, BODY)
    world.clock.now += 59
    with pytest.raises(Replayed):
        await verifier.verify(message, BODY)


async def test_request_refused_leaves_the_nonce_unused(world) -> None:
    verifier = _verifier(world)
    message = await world.request(BODY)
    with pytest.raises(Unauthenticated):
        await verifier.verify(message, b"{}")
    await verifier.verify(message, BODY)


async def test_request_signed_with_another_key_is_refused(world, make_signer) -> None:
    certificate, _ = world.application.member()
    _, key = world.application.member()
    message = await world.request(BODY, signer=make_signer((certificate, key)))
    with pytest.raises(Unauthenticated) as caught:
        await _verifier(world).verify(message, BODY)
    assert caught.value.fields["reason"] == Fault.SIGNATURE_INVALID


async def test_request_with_another_members_certificate_is_refused(world, make_signer) -> None:
    other = await world.request(BODY, signer=make_signer(world.application.member("other")))
    message = await world.request(BODY)
    message.headers[CERTIFICATE_FIELD] = other.headers[CERTIFICATE_FIELD]
    with pytest.raises(Unauthenticated) as caught:
        await _verifier(world).verify(message, BODY)
    assert caught.value.fields["reason"] == Fault.SIGNATURE_INVALID


def _extension(extension: x509.ExtensionType, *, critical: bool = True) -> dict:
    return {"extensions": ((extension, critical),)}


_USAGE = {
    "digital_signature": False,
    "content_commitment": False,
    "key_encipherment": True,
    "data_encipherment": False,
    "key_agreement": False,
    "key_cert_sign": False,
    "crl_sign": False,
    "encipher_only": False,
    "decipher_only": False,
}
_UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        pytest.param({"end": 1_789_999_999}, Fault.CERTIFICATE_OUT_OF_VALIDITY, id="expired"),
        pytest.param({"start": 1_790_000_001}, Fault.CERTIFICATE_OUT_OF_VALIDITY, id="not yet"),
        pytest.param({"curve": ec.SECP384R1}, Fault.CERTIFICATE_UNFIT, id="P-384"),
        pytest.param(
            _extension(x509.BasicConstraints(ca=True, path_length=0)), Fault.CERTIFICATE_UNFIT, id="a CA's"
        ),
        pytest.param(_extension(x509.KeyUsage(**_USAGE)), Fault.CERTIFICATE_UNFIT, id="usage"),
        pytest.param(_extension(_UNKNOWN), Fault.CERTIFICATE_UNFIT, id="unknown critical"),
        pytest.param({"attributes": {"role": 1}}, Fault.CERTIFICATE_UNFIT, id="attributes"),
    ],
)
async def test_request_of_unfit_certificate_is_refused(world, make_signer, settings, fault) -> None:
    certificate, key = world.application.member(**settings)
    if not isinstance(key.curve, ec.SECP256R1):
        key = ec.generate_private_key(ec.SECP256R1())
    message = await world.request(BODY, signer=make_signer((certificate, key)))
    with pytest.raises(Unauthenticated) as caught:
        await _verifier(world).verify(message, BODY)
    assert caught.value.fields["reason"] == fault


async def test_request_of_unknown_uncritical_extension_is_accepted(world, make_signer) -> None:
    member = world.application.member(extensions=((_UNKNOWN, False),))
    message = await world.request(BODY, signer=make_signer(member))
    await _verifier(world).verify(message, BODY)


async def test_request_of_foreign_authority_is_refused(world, make_authority, make_signer) -> None:
    # The same name as a known authority's, another key.
    foreign = make_authority("Org2MSP").member()
    message = await world.request(BODY, signer=make_signer(foreign))
    with pytest.raises(Unauthenticated) as caught:
        await _verifier(world).verify(message, BODY)
    assert caught.value.fields["reason"] == Fault.CERTIFICATE_FOREIGN


async def test_request_of_revoked_certificate_is_refused(world, make_signer) -> None:
    certificate, key = world.application.member()
    authorities = Authorities(
        {"Org2MSP": [world.application.certificate]}, revoked={"Org2MSP": [certificate.serial_number]}
    )
    verifier = RequestVerifier(authorities, MemoryReplayStore(), clock=world.clock)
    await verifier.verify(await world.request(BODY), BODY)
    with pytest.raises(Unauthenticated) as caught:
        await verifier.verify(await world.request(BODY, signer=make_signer((certificate, key))), BODY)
    assert caught.value.fields["reason"] == Fault.CERTIFICATE_REVOKED


async def test_signer_in_a_device_elsewhere_is_awaited(world) -> None:
    class Device:
        async def sign(self, digest: bytes, /) -> bytes:
            signature = world.caller_signer._signer.sign(digest)
            assert isinstance(signature, bytes)
            return signature

    signer = type(world.caller_signer)(world.caller_signer.identity, Device(), clock=world.clock)
    await _verifier(world).verify(await world.request(BODY, signer=signer), BODY)
