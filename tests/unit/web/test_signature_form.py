"""Our own form of signatures: what it accepts the library accepts, and the library reads what it writes."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from gridledger.web import verification
from gridledger.web.errors import Unauthenticated
from gridledger.web.message import HeaderLines, RequestMessage, ResponseMessage
from gridledger.web.replay import MemoryReplayStore
from gridledger.web.signature_form import Unspelled, content_digest, read_parameters
from gridledger.web.signing import LABEL, REQUEST_COMPONENTS, REQUEST_TAG, RESPONSE_TAG
from gridledger.web.verification import RequestVerifier

BODY = b'{"field":"88.1/x#p","rows":1}'


def _unspelled(*_: object, **__: object) -> dict[str, Any]:
    raise Unspelled("the library is to decide")


async def test_library_verifies_a_request_as_our_form_does(world, monkeypatch: pytest.MonkeyPatch) -> None:
    message = await world.request(BODY)
    verifier = RequestVerifier(world.authorities, MemoryReplayStore(), clock=world.clock)
    fast = await verifier.verify(message, BODY)
    monkeypatch.setattr(verification, "read_parameters", _unspelled)

    verifier = RequestVerifier(world.authorities, MemoryReplayStore(), clock=world.clock)
    slow = await verifier.verify(message, BODY)

    assert (fast.created, fast.expires, fast.nonce) == (slow.created, slow.expires, slow.nonce)
    assert fast.caller.fingerprint == slow.caller.fingerprint


async def test_request_of_ours_is_read_without_the_library(world) -> None:
    message = await world.request(BODY)
    signer = world.caller_signer
    key = signer.identity.x509.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)

    found = read_parameters(
        message, BODY, key, signer.fingerprint, label=LABEL, required=REQUEST_COMPONENTS, tag=REQUEST_TAG
    )

    assert found["tag"] == REQUEST_TAG
    for changes in ({"tag": RESPONSE_TAG}, {"required": ("@status",)}, {"label": "other"}):
        asked: dict[str, Any] = {
            "label": LABEL,
            "required": REQUEST_COMPONENTS,
            "tag": REQUEST_TAG,
            **changes,
        }
        with pytest.raises(Unspelled):
            read_parameters(message, BODY, key, signer.fingerprint, **asked)
    with pytest.raises(Unspelled):
        read_parameters(
            message, b"", key, signer.fingerprint, label=LABEL, required=REQUEST_COMPONENTS, tag=REQUEST_TAG
        )


_NAMES = st.sampled_from(["signature", "signature-input", "content-digest", "content-type", "x"])


@settings(max_examples=150)
@given(
    changes=st.lists(st.tuples(_NAMES, st.text(max_size=40)), max_size=3),
    cut=st.tuples(_NAMES, st.integers(0, 200), st.text(max_size=3)),
)
def test_read_hostile_headers_is_refused_and_never_fails(
    changes: list[tuple[str, str]], cut: tuple[str, int, str]
) -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    lines = {
        "signature": f"{LABEL}=:{'A' * 86}==:",
        "signature-input": f'{LABEL}=("@method" "content-digest");created=1;keyid="{"0" * 64}"'
        f';alg="ecdsa-p256-sha256";tag="{REQUEST_TAG}"',
        "content-digest": content_digest(BODY),
    }
    name, at, text = cut
    if name in lines:
        lines[name] = lines[name][:at] + text + lines[name][at:]
    headers = HeaderLines([*lines.items(), *changes])
    request = RequestMessage(method="GET", url="https://owner.example/v1", headers=headers)
    response = ResponseMessage(status_code=200, headers=headers, request=request)
    for message in (request, response):
        with pytest.raises(Unspelled):
            read_parameters(message, BODY, key, "0" * 64, label=LABEL, required=("@method",), tag=REQUEST_TAG)


async def test_altered_request_is_refused_by_both(world, monkeypatch: pytest.MonkeyPatch) -> None:
    message = await world.request(BODY)
    other = RequestMessage(method="PUT", url=message.url, headers=message.headers)
    for _ in range(2):
        verifier = RequestVerifier(world.authorities, MemoryReplayStore(), clock=world.clock)
        with pytest.raises(Unauthenticated):
            await verifier.verify(other, BODY)
        monkeypatch.setattr(verification, "read_parameters", _unspelled)
