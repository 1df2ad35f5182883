"""Identifiers of systems, devices and fields, in the syntax of the Handle System: prefix, `/`, suffix.

    88.1042.17                                              a system identifier: the prefix
    88.1042.17/2050.15.003.BLK01.PAD01.MTR01                a device identifier
    88.1042.17/2050.15.003.BLK01.PAD01.MTR01#active_power   a field identifier

Grammar (ABNF, RFC 5234, strings case-sensitive):

    system-identifier = label 1*7("." label)        ; at most 64 bytes
    label             = 1*16(%x41-5A / DIGIT)       ; the first label is the root
    device-identifier = system-identifier "/" suffix
    suffix            = 1*(plain / escape)          ; stands for at most 128 bytes
    plain             = ALPHA / DIGIT / "-" / "." / "_" / "~" / "!" / "$" / "&" / "'" / "(" / ")"
                      / "*" / "+" / "," / ";" / "=" / ":" / "@"
    escape            = "%" 2(DIGIT / %x41-46)      ; upper-case hexadecimal
    field-identifier  = device-identifier "#" field-name
    field-name        = ALPHA *63(ALPHA / DIGIT / "_" / "-" / ".")

The root is a label like any other: 88 by default, another where a national code table stands above.

The suffix is the owner's own code, unchanged but for escapes: `gridledger.model.own_code`.

URLs. `plain` is the set that may stand in a path of RFC 3986, so an identifier stands in a URL as it is:

    https://resolver.example/88.1042.17/2050.15.003.BLK01.PAD01.MTR01
    https://resolver.example/88.1042.17/2050.15.003.BLK01.PAD01.MTR01/active_power

There the field's `#` becomes `/`, since what follows `#` in a URL is never sent to a server; a suffix has no
`/` of its own. A server reads the path before percent-decoding (ASGI's `raw_path`).

Source: CN112508707B, [0058] to [0064] (identifiers of systems, devices and fields, own codes, QR codes);
RFC 3650 to RFC 3652 (Handle System).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Self, TypeAlias

from gridledger.model.errors import ModelError
from gridledger.model.own_code import SUFFIX_PATTERN, escape_own_code, unescape_own_code
from gridledger.model.scalar import TextScalar

__all__ = [
    "DEFAULT_ROOT",
    "MAX_FIELD_NAME_BYTES",
    "MAX_LABELS",
    "MAX_LABEL_BYTES",
    "MAX_PREFIX_BYTES",
    "DeviceIdentifier",
    "FieldIdentifier",
    "Identifier",
    "SystemIdentifier",
    "parse_identifier",
    "parse_identifier_url",
]

DEFAULT_ROOT = "88"
"""First label where no national code table says otherwise."""

MAX_LABELS = 8
MAX_LABEL_BYTES = 16
MAX_PREFIX_BYTES = 64
MAX_FIELD_NAME_BYTES = 64

_LABEL = f"[0-9A-Z]{{1,{MAX_LABEL_BYTES}}}"
_PREFIX = rf"{_LABEL}(\.{_LABEL}){{1,{MAX_LABELS - 1}}}"
_NAME = f"[A-Za-z][A-Za-z0-9_.-]{{0,{MAX_FIELD_NAME_BYTES - 1}}}"
_label = re.compile(_LABEL)
_prefix = re.compile(_PREFIX)
_name = re.compile(_NAME)
_origin = re.compile(r"https?://(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?")


class SystemIdentifier(TextScalar):
    """Identifier of a system, and the prefix of everything that it registers.

    Parameters
    ----------
    text : str
        Two to eight labels of digits and upper-case letters, separated by dots.

    Raises
    ------
    ModelError
        The text is not of the grammar.

    Examples
    --------
    >>> system = SystemIdentifier("88.1042.17")
    >>> system.root, system.parent, system.labels
    ('88', SystemIdentifier('88.1042'), ('88', '1042', '17'))
    >>> system.device("泵 7")
    DeviceIdentifier('88.1042.17/%E6%B3%B5%207')
    """

    __slots__ = ()
    json_pattern = f"^{_PREFIX}$"

    def __init__(self, text: str) -> None:
        if len(text) > MAX_PREFIX_BYTES or _prefix.fullmatch(text) is None:
            raise _malformed("system identifier", _prefix_problem(text))
        self._text = text

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a system identifier; raises ModelError for any other text."""
        return cls(text)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, the root first."""
        return tuple(self._text.split("."))

    @property
    def root(self) -> str:
        """The first label."""
        return self._text.partition(".")[0]

    @property
    def parent(self) -> SystemIdentifier | None:
        """The identifier without its last label; None right below the root."""
        above = self._text.rpartition(".")[0]
        return SystemIdentifier(above) if "." in above else None

    def child(self, label: str | int) -> SystemIdentifier:
        """Return the identifier one label below; raises ModelError for a malformed label or one too many."""
        text = str(label)
        if _label.fullmatch(text) is None:
            raise _malformed("system identifier", "a label is 1 to 16 digits and upper-case letters")
        return SystemIdentifier(f"{self._text}.{text}")

    def is_below(self, other: SystemIdentifier) -> bool:
        """Tell whether this identifier stands below another one, at any depth; none stands below itself."""
        return self._text.startswith(f"{other._text}.")

    def device(self, own_code: str) -> DeviceIdentifier:
        """Return the identifier of this system's device; raises ModelError for a malformed own code."""
        return DeviceIdentifier(self, own_code)

    def to_url(self, resolver: str) -> str:
        """Write the URL form; see `DeviceIdentifier.to_url`."""
        return f"{_check_origin(resolver)}/{self._text}"


class DeviceIdentifier(TextScalar):
    """Identifier of a device: the system's prefix and the owner's own code.

    Parameters
    ----------
    system : SystemIdentifier
        The owner.
    own_code : str
        What the owner calls the device: 1 to 128 bytes of UTF-8, any Unicode but lone surrogates, U+0000
        and U+10FFFF, not `.` or `..`.

    Raises
    ------
    ModelError
        The own code is empty, too long or cannot be written.

    Examples
    --------
    >>> device = DeviceIdentifier.parse("88.1042.17/2050.15%2FA")
    >>> device.own_code, device.suffix
    ('2050.15/A', '2050.15%2FA')
    >>> device.field("active_power").to_url("https://resolver.example")
    'https://resolver.example/88.1042.17/2050.15%2FA/active_power'
    """

    __slots__ = ("_own_code", "_system")
    json_pattern = f"^{_PREFIX}/{SUFFIX_PATTERN}$"

    def __init__(self, system: SystemIdentifier, own_code: str) -> None:
        self._system = system
        self._own_code = own_code
        self._text = f"{system}/{escape_own_code(own_code)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a device identifier; raises ModelError for any other text, other spellings included."""
        prefix, slash, suffix = text.partition("/")
        if not slash:
            raise _malformed("device identifier", "has no '/' between prefix and suffix")
        return cls(_system(prefix), unescape_own_code(suffix))

    @property
    def system(self) -> SystemIdentifier:
        """The owner's system."""
        return self._system

    @property
    def own_code(self) -> str:
        """The own code, exactly as the owner wrote it."""
        return self._own_code

    @property
    def suffix(self) -> str:
        """The own code as it stands in the identifier: printable ASCII without `/` and `#`, fit for keys."""
        return self._text.partition("/")[2]

    def field(self, name: str) -> FieldIdentifier:
        """Return the identifier of this device's field; raises ModelError for a malformed name."""
        return FieldIdentifier(self, name)

    def to_url(self, resolver: str) -> str:
        """Write the URL form, for QR codes and links.

        Parameters
        ----------
        resolver : str
            Origin of the server that answers: `https://resolver.example`, without path.

        Raises
        ------
        ModelError
            `resolver` is not an origin.
        """
        return f"{_check_origin(resolver)}/{self._text}"


class FieldIdentifier(TextScalar):
    """Identifier of a field of a device.

    Parameters
    ----------
    device : DeviceIdentifier
        The device.
    name : str
        A letter, then letters, digits, `_`, `-` and `.`; at most 64.

    Raises
    ------
    ModelError
        The name is malformed.

    Examples
    --------
    >>> field = FieldIdentifier.parse("88.1042.17/MTR01#active_power")
    >>> field.device.own_code, field.name, field.system
    ('MTR01', 'active_power', SystemIdentifier('88.1042.17'))
    """

    __slots__ = ("_device", "_name")
    json_pattern = f"^{_PREFIX}/{SUFFIX_PATTERN}#{_NAME}$"

    def __init__(self, device: DeviceIdentifier, name: str) -> None:
        if _name.fullmatch(name) is None:
            problem = "a field name is a letter and up to 63 of letters, digits, '_', '-', '.'"
            raise _malformed("field identifier", problem)
        self._device = device
        self._name = name
        self._text = f"{device}#{name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a field identifier; raises ModelError for any other text, other spellings included."""
        device, sign, name = text.partition("#")
        if not sign:
            raise _malformed("field identifier", "has no '#' before the field's name")
        return cls(DeviceIdentifier.parse(device), name)

    @property
    def device(self) -> DeviceIdentifier:
        """The device."""
        return self._device

    @property
    def system(self) -> SystemIdentifier:
        """The owner's system."""
        return self._device.system

    @property
    def name(self) -> str:
        """The field's name."""
        return self._name

    def to_url(self, resolver: str) -> str:
        """Write the URL form, in which `/` precedes the name; see `DeviceIdentifier.to_url`."""
        return f"{self._device.to_url(resolver)}/{self._name}"


@lru_cache(maxsize=256)
def _system(text: str) -> SystemIdentifier:
    """Read a system identifier; a batch's identifiers all begin with the same one."""
    return SystemIdentifier(text)


Identifier: TypeAlias = SystemIdentifier | DeviceIdentifier | FieldIdentifier


def parse_identifier(text: str) -> Identifier:
    """Read an identifier of any kind.

    Raises
    ------
    ModelError
        The text is none.

    Examples
    --------
    >>> parse_identifier("88.1042.17/MTR01")
    DeviceIdentifier('88.1042.17/MTR01')
    """
    if "/" not in text:
        return SystemIdentifier(text)
    return FieldIdentifier.parse(text) if "#" in text else DeviceIdentifier.parse(text)


def parse_identifier_url(url: str) -> tuple[str, Identifier]:
    """Read the URL form of an identifier, such as a QR code holds.

    Parameters
    ----------
    url : str
        What `to_url` wrote.

    Returns
    -------
    tuple of str and Identifier
        The resolver's origin and the identifier.

    Raises
    ------
    ModelError
        Not such a URL: another scheme, a user, a query, a fragment, too many segments, a malformed
        identifier.

    Examples
    --------
    >>> parse_identifier_url("https://resolver.example/88.1042.17/MTR01/active_power")
    ('https://resolver.example', FieldIdentifier('88.1042.17/MTR01#active_power'))
    """
    origin = _origin.match(url)
    if origin is None or url[origin.end() : origin.end() + 1] != "/":
        raise _malformed("URL", "want http(s)://host[:port]/identifier, the host in lower case")
    segments = url[origin.end() + 1 :].split("/")
    if len(segments) > 3:
        raise _malformed("URL", "has more segments than prefix, suffix and field name")
    system = SystemIdentifier(segments[0])
    if len(segments) == 1:
        return origin[0], system
    device = DeviceIdentifier(system, unescape_own_code(segments[1]))
    return origin[0], device.field(segments[2]) if len(segments) == 3 else device


def _malformed(subject: str, problem: str) -> ModelError:
    return ModelError({"": problem}, subject=subject)


def _prefix_problem(text: str) -> str:
    if len(text) > MAX_PREFIX_BYTES:
        return f"is longer than {MAX_PREFIX_BYTES} bytes"
    if not 2 <= len(text.split(".")) <= MAX_LABELS:
        return f"wants 2 to {MAX_LABELS} labels, separated by '.'"
    return f"a label is 1 to {MAX_LABEL_BYTES} digits and upper-case letters"


def _check_origin(resolver: str) -> str:
    if _origin.fullmatch(resolver) is None:
        raise _malformed("resolver", "want http(s)://host[:port], the host in lower case, no path")
    return resolver
