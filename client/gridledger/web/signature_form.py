"""The one form in which our own messages are signed, written and read without a general parser.

A signature of ours covers known components in a fixed spelling, so its base (RFC 9421, section 2.5) is a few
lines of text. What is spelled in any other way is left to the library, which reads all that the RFC allows:
this module says yes or nothing.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from gridledger.web.message import HeaderLines, RequestMessage, ResponseMessage

__all__ = ["ALGORITHM", "Unspelled", "content_digest", "read_parameters", "signature_base", "write_component"]

ALGORITHM: Final = "ecdsa-p256-sha256"

_BASE64: Final = r"[A-Za-z0-9+/]+={0,2}"
_COMPONENT: Final = r'"[a-z@][a-z\-]*"(?:;req(?:;key="[a-z]+")?)?'
_PARAMETERS: Final = re.compile(
    r";(?:(?P<created>created=[1-9][0-9]{0,11})|(?P<expires>expires=[1-9][0-9]{0,11})"
    r'|(?P<nonce>nonce="[A-Za-z0-9_\-]{1,128}")|(?P<keyid>keyid="[0-9a-f]{64}")'
    r'|(?P<alg>alg="ecdsa-p256-sha256")|(?P<tag>tag="gridledger-(?:request|response)"))'
)
_POINT_BYTES: Final = 32


class Unspelled(Exception):
    """A message is not spelled in our form: the library decides."""


@dataclass(frozen=True, kw_only=True)
class _Input:
    """A signature's input as our form has it."""

    covered: tuple[str, ...]
    parameters: dict[str, Any]
    text: str
    """Inner list and parameters, as they stand in the message."""


def content_digest(body: bytes) -> str:
    """Return the value of Content-Digest (RFC 9530)."""
    return f"sha-256=:{b64encode(sha256(body).digest()).decode('ascii')}:"


def write_component(name: str) -> str:
    """Return a component's identifier as it stands in the inner list: quoted, unless it is already."""
    return name if name.startswith('"') else f'"{name}"'


def signature_base(
    message: RequestMessage | ResponseMessage, covered: Sequence[str], parameters: str
) -> bytes:
    """Return the signature base of a message.

    Parameters
    ----------
    covered : sequence of str
        Component identifiers, as `write_component` gives them.
    parameters : str
        The inner list and its parameters.

    Raises
    ------
    Unspelled
        A component's value is not there once, in plain ASCII.
    """
    lines = [f"{component}: {_value(message, component)}" for component in covered]
    lines.append(f'"@signature-params": {parameters}')
    return "\n".join(lines).encode("ascii")


def read_parameters(
    message: RequestMessage | ResponseMessage,
    body: bytes,
    key: ec.EllipticCurvePublicKey,
    keyid: str,
    *,
    label: str,
    required: Sequence[str],
    tag: str,
) -> dict[str, Any]:
    """Return the parameters of a signature that holds and is spelled in our form.

    Raises
    ------
    Unspelled
        It does not hold, or is spelled otherwise: the library decides, and says why.
    """
    headers = message.headers
    found = _read_input(_single(headers, "signature-input"), label)
    parameters = found.parameters
    if parameters.get("keyid") != keyid or parameters.get("alg") != ALGORITHM or parameters.get("tag") != tag:
        raise Unspelled("another key, algorithm or tag")
    if not {write_component(name) for name in required} <= set(found.covered):
        raise Unspelled("not all that is required is covered")
    if _single(headers, "content-digest") != content_digest(body):
        raise Unspelled("another digest")
    raw = _read_bytes(_member(headers, label))
    if len(raw) != 2 * _POINT_BYTES:
        raise Unspelled("another length")
    r, s = (int.from_bytes(part, "big") for part in (raw[:_POINT_BYTES], raw[_POINT_BYTES:]))
    base = signature_base(message, found.covered, found.text)
    try:
        key.verify(utils.encode_dss_signature(r, s), base, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise Unspelled("it does not hold") from error
    return parameters


def _read_input(text: str, label: str) -> _Input:
    match = re.fullmatch(rf"{label}=(\(({_COMPONENT}(?: {_COMPONENT})*)\)(;.*))", text)
    if match is None:
        raise Unspelled("another signature input")
    covered = tuple(match[2].split(" "))
    parameters: dict[str, Any] = {}
    end = 0
    for one in _PARAMETERS.finditer(match[3]):
        name, value = str(one.lastgroup), one[0].partition("=")[2]
        if one.start() != end or name in parameters:
            raise Unspelled("other parameters")
        parameters[name] = int(value) if name in ("created", "expires") else value.strip('"')
        end = one.end()
    if end != len(match[3]) or len(set(covered)) != len(covered):
        raise Unspelled("other parameters")
    return _Input(covered=covered, parameters=parameters, text=match[1])


def _value(message: RequestMessage | ResponseMessage, component: str) -> str:
    name, _, options = component[1:].partition('"')
    if options:
        if isinstance(message, RequestMessage) or message.request is None:
            raise Unspelled("nothing is bound")
        message = message.request
    key = re.fullmatch(r';req;key="([a-z]+)"', options)
    if key is not None:
        return _member(message.headers, key[1], name)
    if options not in ("", ";req"):
        raise Unspelled("another option")
    if name == "@method" and isinstance(message, RequestMessage):
        return _plain(message.method)
    if name == "@target-uri" and isinstance(message, RequestMessage):
        return _plain(message.url)
    if name == "@status" and isinstance(message, ResponseMessage):
        return str(message.status_code)
    if name.startswith("@"):
        raise Unspelled("another derived component")
    return _single(message.headers, name)


def _single(headers: HeaderLines, name: str) -> str:
    values = headers.values(name)
    if len(values) != 1:
        raise Unspelled(f"{name} is not there once")
    return _plain(values[0])


def _member(headers: HeaderLines, label: str, name: str = "signature") -> str:
    """Return the only member of a dictionary of byte sequences, as it is spelled."""
    match = re.fullmatch(rf"{label}=(:{_BASE64}:)", _single(headers, name))
    if match is None:
        raise Unspelled("another dictionary")
    _read_bytes(match[1])
    return match[1]


def _read_bytes(text: str) -> bytes:
    try:
        raw = b64decode(text[1:-1], validate=True)
    except ValueError as error:
        raise Unspelled("no base64") from error
    if b64encode(raw).decode("ascii") != text[1:-1]:
        raise Unspelled("base64 of another spelling")
    return raw


def _plain(text: str) -> str:
    if not text or not text.isascii() or not text.isprintable() or text != text.strip():
        raise Unspelled("not in plain ASCII")
    return text
