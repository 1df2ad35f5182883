"""Where a key lies in a PKCS#11 token: RFC 7512, and its PEM form.

The PEM form is that of OpenSSL's pkcs11-provider: a block `PKCS#11 PROVIDER URI` with the DER of a sequence
of two texts, ``PKCS#11 Provider URI v1.0`` and the URI. It stands wherever a private key in PEM may stand: in
a wallet, in an MSP folder's keystore, in the file that a connection names.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self, TypeAlias
from urllib.parse import quote, unquote_to_bytes

from gridledger.model.errors import ConfigError

__all__ = ["TokenUri"]

_SCHEME: Final = "pkcs11:"
_LABEL: Final = "PKCS#11 PROVIDER URI"
_DESCRIPTION: Final = b"PKCS#11 Provider URI v1.0"
_BEGIN: Final = f"-----BEGIN {_LABEL}-----".encode()
_END: Final = f"-----END {_LABEL}-----".encode()
_SEQUENCE: Final = 0x30
_VISIBLE_STRING: Final = 0x1A
_UTF8_STRING: Final = 0x0C
_LONGEST: Final = 4096
_LINE: Final = 64
_ESCAPED: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_FORBIDDEN: Final = re.compile(r"[^!-~]")
# RFC 7512, section 2.3: what may stand unescaped in a value.
_SAFE: Final = "-._~:[]@!$'()*+,="
_Refusal: TypeAlias = Callable[[str], ConfigError]
_PATH_TEXTS: Final = ("token", "serial", "manufacturer", "model", "object")


@dataclass(frozen=True)
class TokenUri:
    """Names a private key in a token; it never holds a PIN.

    Raises
    ------
    ConfigError
        When it names neither token nor serial number.

    Examples
    --------
    >>> uri = TokenUri.parse("pkcs11:token=meters;object=agent%201?module-path=/usr/lib/module.so")
    >>> uri.token, uri.object
    ('meters', 'agent 1')
    >>> TokenUri.from_pem(uri.to_pem()) == uri
    True
    """

    _: KW_ONLY

    token: str | None = None
    """The token's label."""

    serial: str | None = None
    """The token's serial number."""

    manufacturer: str | None = None
    """The token's manufacturer."""

    model: str | None = None
    """The token's model."""

    object: str | None = None
    """The key's label (CKA_LABEL)."""

    id: bytes | None = None
    """The key's identifier (CKA_ID)."""

    module_path: Path | None = None
    """The module that speaks to the token; GRIDLEDGER_PKCS11_MODULE by default."""

    pin_file: Path | None = None
    """File that holds the PIN (``pin-source``); environment variables by default."""

    source: str = field(default="TokenUri", compare=False, repr=False)
    """Where it came from, for error messages."""

    def __post_init__(self) -> None:
        if not self.token and not self.serial:
            raise ConfigError("want the token's label or serial number", key="pkcs11", source=self.source)

    @classmethod
    def parse(cls, text: str, *, source: str = "TokenUri") -> Self:
        """Read a URI.

        Parameters
        ----------
        text : str
            Such as ``pkcs11:token=meters;object=agent1``.
        source : str, optional
            Where it came from, for error messages.

        Raises
        ------
        ConfigError
            When it is none, has an attribute that is unknown here, twice or empty, names something other than
            a private key, or carries a PIN.
        """

        def refused(why: str) -> ConfigError:
            # Without the text: somebody may have put a PIN into it.
            return ConfigError(why, key="pkcs11", source=source)

        if not isinstance(text, str) or not text.startswith(_SCHEME) or len(text) > _LONGEST:
            raise refused("want a URI that begins with pkcs11:")
        if _FORBIDDEN.search(text) or _ESCAPED.search(text):
            raise refused("has characters that a URI escapes as %XX")
        path, _, query = text.removeprefix(_SCHEME).partition("?")
        if "?" in query:
            raise refused("has two queries")
        found: dict[str, Any] = {}
        for name, value in _attributes(path, ";", refused):
            if name in _PATH_TEXTS:
                _put(found, name, _text(value, refused), refused)
            elif name == "id":
                _put(found, "id", unquote_to_bytes(value), refused)
            elif name == "type":
                if value != "private":
                    raise refused("names something that is no private key")
            else:
                raise refused(f"has an attribute that is not known here: {name[:40]}")
        for name, value in _attributes(query, "&", refused):
            if name == "module-path":
                _put(found, "module_path", Path(_text(value, refused)), refused)
            elif name == "pin-source":
                # RFC 7512 leaves the value open; others write a path with and without its scheme.
                path_text = _text(value, refused).removeprefix("file:")
                _put(found, "pin_file", Path(path_text), refused)
            elif name == "pin-value":
                raise refused("carries a PIN: keep it in a file (pin-source) or in the environment")
            else:
                raise refused(f"has an attribute that is not known here: {name[:40]}")
        return cls(source=source, **found)

    def __str__(self) -> str:
        parts = [
            f"{name}={quote(value, safe=_SAFE)}"
            for name in _PATH_TEXTS
            if (value := getattr(self, name)) is not None
        ]
        if self.id is not None:
            parts.append(f"id={_escape_all(self.id)}")
        query = []
        if self.module_path is not None:
            query.append(f"module-path={quote(str(self.module_path), safe=_SAFE + '/')}")
        if self.pin_file is not None:
            query.append(f"pin-source=file:{quote(str(self.pin_file), safe=_SAFE + '/')}")
        return _SCHEME + ";".join([*parts, "type=private"]) + ("?" + "&".join(query) if query else "")

    @property
    def token_name(self) -> str:
        """The token, for messages."""
        return self.token or f"with serial number {self.serial}"

    def with_key(self, *, label: str | None, identifier: bytes) -> TokenUri:
        """Return the URI of a key of this token."""
        given = {one.name: getattr(self, one.name) for one in fields(self)}
        return TokenUri(**(given | {"object": label, "id": identifier}))

    def to_pem(self) -> bytes:
        """Return the PEM form."""
        der = _tagged(
            _SEQUENCE, _tagged(_VISIBLE_STRING, _DESCRIPTION) + _tagged(_UTF8_STRING, str(self).encode())
        )
        text = base64.b64encode(der)
        lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
        return b"\n".join([_BEGIN, *lines, _END, b""])

    @staticmethod
    def is_pem(pem: bytes) -> bool:
        """Tell whether a PEM text names a key in a token, and is no key itself."""
        return pem.lstrip().startswith(_BEGIN)

    @classmethod
    def from_pem(cls, pem: bytes, *, source: str = "TokenUri") -> Self:
        """Read the PEM form; ConfigError when it is none."""
        begin, body = pem.strip()[: len(_BEGIN)], pem.strip()[len(_BEGIN) :]
        if begin != _BEGIN or not body.endswith(_END) or len(pem) > 2 * _LONGEST:
            raise ConfigError(f"want PEM of a {_LABEL}", key="private_key", source=source)
        try:
            der = base64.b64decode(b"".join(body.removesuffix(_END).split()), validate=True)
            content, rest = _untagged(_SEQUENCE, der)
            description, content = _untagged(_VISIBLE_STRING, content)
            uri, behind = _untagged(_UTF8_STRING, content)
            text = uri.decode()
        except (ValueError, binascii.Error) as error:
            raise ConfigError(f"want PEM of a {_LABEL}", key="private_key", source=source) from error
        if description != _DESCRIPTION or rest or behind:
            raise ConfigError(f"want PEM of a {_LABEL}", key="private_key", source=source)
        return cls.parse(text, source=source)


def _attributes(text: str, separator: str, refused: _Refusal) -> list[tuple[str, str]]:
    if not text:
        return []
    pairs = [part.partition("=") for part in text.split(separator)]
    if not all(name and equals and value for name, equals, value in pairs):
        raise refused("want name=value in each part")
    return [(name, value) for name, _, value in pairs]


def _put(found: dict[str, Any], name: str, value: str | bytes | Path, refused: _Refusal) -> None:
    if name in found:
        raise refused(f"has {name} twice")
    found[name] = value


def _text(value: str, refused: _Refusal) -> str:
    try:
        text = unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        raise refused("has text that is no UTF-8") from None
    if "\0" in text:
        raise refused("has text with a null character")
    return text


def _escape_all(value: bytes) -> str:
    return "".join(f"%{byte:02X}" for byte in value)


def _tagged(tag: int, content: bytes) -> bytes:
    """Write a DER value of at most 65,535 bytes."""
    length = len(content)
    if length < 0x80:
        head = bytes([tag, length])
    elif length <= 0xFF:
        head = bytes([tag, 0x81, length])
    else:
        head = bytes([tag, 0x82]) + length.to_bytes(2, "big")
    return head + content


def _untagged(tag: int, data: bytes) -> tuple[bytes, bytes]:
    """Return the content of the DER value that data begins with, and what follows; ValueError if none."""
    if len(data) < 2 or data[0] != tag:
        raise ValueError("is of another form")
    length, start = data[1], 2
    if length >= 0x80:
        start = 2 + (length & 0x7F)
        length = int.from_bytes(data[2:start], "big")
    content = data[start : start + length]
    if start > 4 or len(content) != length or _tagged(tag, content) != data[: start + length]:
        raise ValueError("is cut off or not DER")
    return content, data[start + length :]
