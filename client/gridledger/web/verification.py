"""Verify signed requests and responses: who signed, that nothing was changed, that it is of now and new."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import http_sf
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures import HTTPMessageSignaturesException, HTTPMessageVerifier, MappingKeyResolver
from http_message_signatures.algorithms import ECDSA_P256_SHA256

from gridledger.crypto.certificate import load_der_certificate
from gridledger.web.authorities import Authorities, Caller, fingerprint_of
from gridledger.web.errors import Fault, ReplyUnproven, Unauthenticated
from gridledger.web.message import HeaderLines, RequestMessage, ResponseMessage
from gridledger.web.replay import ReplayStore
from gridledger.web.settings import Window
from gridledger.web.signature_form import Unspelled, read_parameters
from gridledger.web.signing import (
    BOUND_COMPONENTS,
    CERTIFICATE_FIELD,
    LABEL,
    REQUEST_COMPONENTS,
    REQUEST_TAG,
    RESPONSE_COMPONENTS,
    RESPONSE_TAG,
    Clock,
)

__all__ = ["RequestVerifier", "ResponseVerifier", "Verified"]

_FIELD_LIMIT: Final = 8192
"""Longest field that is parsed; a P-256 certificate with attributes takes about 1.2 KB of base64."""
_KNOWN_CERTIFICATES: Final = 1024
"""Certificates that are not parsed again, at most 8 KB of text each."""
_NONCE_LENGTHS: Final = range(16, 129)
_CONTENT_TYPE: Final = "content-type"


@dataclass(frozen=True, kw_only=True)
class Verified:
    """A signature that holds."""

    caller: Caller
    """Who made it."""
    created: int
    """When, in seconds since 1970, by the signer's clock."""
    expires: int | None
    """Until when the signer wants it to count."""
    nonce: str | None
    """The request's nonce; a response has none."""


class _LibraryVerifier(HTTPMessageVerifier):
    """The library's verifier with our clock: the window is checked by _check_window below."""

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        pass


def check_signature(
    message: RequestMessage | ResponseMessage,
    body: bytes,
    *,
    authorities: Authorities,
    required: Sequence[str],
    tag: str,
    at: float | None,
    window: Window,
) -> Verified:
    """Check a message's signature, digest, certificate and time; not its nonce.

    Parameters
    ----------
    message : RequestMessage or ResponseMessage
    body : bytes
        As received, before any decoding.
    authorities : Authorities
    required : sequence of str
        Components that the signature must cover.
    tag : str
        The signature's tag.
    at : float, optional
        The moment, in seconds since 1970. Without it, the signature's own `created` is taken for the
        certificate's validity and the window is not checked: so are old replies verified.
    window : Window

    Raises
    ------
    Unauthenticated
        With the `reason`.
    """
    certificate = _read_certificate(message.headers)
    if _CONTENT_TYPE in message.headers:
        required = (*required, _CONTENT_TYPE)
    # The key is the claimed certificate's own: this proves possession; trust is asked right after.
    parameters = _verify(message, body, certificate, required=required, tag=tag)
    created, expires = parameters.get("created"), parameters.get("expires")
    if type(created) is not int:
        raise Unauthenticated("the signature has no creation time", reason=Fault.MALFORMED)
    if at is not None:
        _check_window(created, expires, at=at, window=window)
    moment = _moment(created if at is None else at)
    caller = authorities.identify(certificate, at=moment)
    return Verified(caller=caller, created=created, expires=expires, nonce=parameters.get("nonce"))


class RequestVerifier:
    """Verify requests: signature, body, certificate, window, nonce.

    Parameters
    ----------
    authorities : Authorities
    replay : ReplayStore
        Where nonces are kept.
    window : Window, default Window()
    clock : Clock, default time.time
    """

    def __init__(
        self,
        authorities: Authorities,
        replay: ReplayStore,
        *,
        window: Window | None = None,
        clock: Clock = time.time,
    ) -> None:
        self._authorities = authorities
        self._replay = replay
        self._window = window or Window()
        self._clock = clock

    async def verify(self, message: RequestMessage, body: bytes) -> Verified:
        """Verify a request and take note of its nonce.

        Raises
        ------
        Unauthenticated
            With a `reason`; the nonce is then not taken.
        Replayed
            If the signer has used the nonce before.
        Overloaded
            If the store of nonces is full.
        ServiceUnavailable
            If the store cannot be written.
        """
        now = self._clock()
        verified = check_signature(
            message,
            body,
            authorities=self._authorities,
            required=REQUEST_COMPONENTS,
            tag=REQUEST_TAG,
            at=now,
            window=self._window,
        )
        if verified.expires is None or verified.nonce is None:
            raise Unauthenticated("a request's signature has expires and nonce", reason=Fault.MALFORMED)
        if len(verified.nonce) not in _NONCE_LENGTHS or not verified.nonce.isascii():
            raise Unauthenticated("a nonce has 16 to 128 characters", reason=Fault.MALFORMED)
        # As long as the window could accept the request again, and once more what clocks may step back.
        keep_until = verified.created + self._window.max_age_s + self._window.max_future_s + 1
        await self._replay.remember(
            verified.caller.fingerprint, verified.nonce, expires_at=keep_until, now=int(now)
        )
        return verified


class ResponseVerifier:
    """Verify responses: signature, body, certificate, window, and that it answers this very request.

    Parameters
    ----------
    authorities : Authorities
    msp_id : str, optional
        The organisation that must have signed.
    fingerprint : str, optional
        The certificate that must have signed.
    window : Window, default Window()
    clock : Clock, default time.time
    """

    def __init__(
        self,
        authorities: Authorities,
        *,
        msp_id: str | None = None,
        fingerprint: str | None = None,
        window: Window | None = None,
        clock: Clock = time.time,
    ) -> None:
        self._authorities = authorities
        self._msp_id = msp_id
        self._fingerprint = fingerprint
        self._window = window or Window()
        self._clock = clock

    def verify(self, message: ResponseMessage, body: bytes, *, fresh: bool = True) -> Verified:
        """Verify a response.

        Parameters
        ----------
        message : ResponseMessage
            With the request as it was sent.
        body : bytes
        fresh : bool, default True
            Whether it must be of now; False verifies one that was kept, at the time it was signed.

        Raises
        ------
        ReplyUnproven
            With a `reason`.
        """
        try:
            verified = check_signature(
                message,
                body,
                authorities=self._authorities,
                required=(*RESPONSE_COMPONENTS, *BOUND_COMPONENTS),
                tag=RESPONSE_TAG,
                at=self._clock() if fresh else None,
                window=self._window,
            )
        except Unauthenticated as error:
            raise ReplyUnproven(f"the reply is not proven: {error.message}", **error.fields) from error
        caller = verified.caller
        if (self._msp_id or caller.msp_id) != caller.msp_id:
            raise ReplyUnproven(
                f"the reply is signed by {caller.msp_id}, not {self._msp_id}",
                reason=Fault.OTHER_SIGNER,
                signer=caller.subject,
            )
        if (self._fingerprint or caller.fingerprint) != caller.fingerprint:
            raise ReplyUnproven(
                f"the reply is signed with certificate {caller.fingerprint}, not {self._fingerprint}",
                reason=Fault.OTHER_SIGNER,
                signer=caller.subject,
            )
        return verified


def _read_certificate(headers: HeaderLines) -> x509.Certificate:
    if "signature" not in headers or "signature-input" not in headers:
        raise Unauthenticated("the message is not signed", reason=Fault.UNSIGNED)
    if CERTIFICATE_FIELD not in headers:
        raise Unauthenticated(f"the message has no {CERTIFICATE_FIELD}", reason=Fault.UNSIGNED)
    for name in ("signature", "signature-input", "content-digest", CERTIFICATE_FIELD):
        if sum(map(len, headers.values(name))) > _FIELD_LIMIT:
            raise Unauthenticated(f"{name} is longer than {_FIELD_LIMIT} characters", reason=Fault.MALFORMED)
    try:
        return _parse_certificate(headers[CERTIFICATE_FIELD])
    except (ValueError, TypeError) as error:
        raise Unauthenticated(
            f"{CERTIFICATE_FIELD} is not a certificate: {error}", reason=Fault.CERTIFICATE_MALFORMED
        ) from error


@lru_cache(maxsize=_KNOWN_CERTIFICATES)
def _parse_certificate(text: str) -> x509.Certificate:
    item = http_sf.parse(text.encode("ascii"), tltype="item")
    der = item[0] if isinstance(item, tuple) and not item[1] else None
    return load_der_certificate(der if isinstance(der, bytes) else b"")


def _verify(
    message: RequestMessage | ResponseMessage,
    body: bytes,
    certificate: x509.Certificate,
    *,
    required: Sequence[str],
    tag: str,
) -> dict[str, Any]:
    """Return the signature's parameters, all signed; raise Unauthenticated if it does not hold."""
    keyid = fingerprint_of(certificate)
    try:
        key = certificate.public_key()
        if not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)):
            raise Unauthenticated("the certificate's key is not on P-256", reason=Fault.CERTIFICATE_UNFIT)
        with suppress(Unspelled):
            return read_parameters(message, body, key, keyid, label=LABEL, required=required, tag=tag)
        keys = MappingKeyResolver(public_keys={keyid: key}, private_keys={})
        library = _LibraryVerifier(signature_algorithm=ECDSA_P256_SHA256, key_resolver=keys)
        results = library.verify(
            message, max_age=None, expect_tag=tag, require_components=required, body=body
        )
    except HTTPMessageSignaturesException as error:
        raise Unauthenticated(
            f"the signature does not hold: {error}", reason=Fault.SIGNATURE_INVALID
        ) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Unauthenticated(f"the signature cannot be read: {error}", reason=Fault.MALFORMED) from error
    if len(results) != 1 or results[0].label != LABEL:
        raise Unauthenticated(f"one signature named {LABEL} is expected", reason=Fault.MALFORMED)
    parameters: dict[str, Any] = results[0].parameters
    if parameters.get("alg") != ECDSA_P256_SHA256.algorithm_id:
        raise Unauthenticated("the signature does not name its algorithm", reason=Fault.MALFORMED)
    return parameters


def _check_window(created: int, expires: int | None, *, at: float, window: Window) -> None:
    """Refuse what is too old or from the future, and name how far the two clocks are apart at most."""
    ahead = created - at
    if ahead > window.max_future_s:
        raise _out_of_window(
            f"signed {ahead:.0f} s ahead of this clock, more than {window.max_future_s} s", ahead
        )
    if -ahead > window.max_age_s:
        raise _out_of_window(f"signed {-ahead:.0f} s ago, more than {window.max_age_s} s", ahead)
    if expires is not None and expires < at:
        raise _out_of_window(f"the signature expired {at - expires:.0f} s ago", ahead)


def _out_of_window(message: str, ahead: float) -> Unauthenticated:
    """Make the refusal; `ahead_s` is the signature's time less this clock's, in whole seconds."""
    return Unauthenticated(message, reason=Fault.OUT_OF_WINDOW, ahead_s=round(ahead))


def _moment(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise Unauthenticated("the signature's time is out of range", reason=Fault.MALFORMED) from error
