"""Own codes: what an owner itself calls a device, and how an identifier carries that unchanged.

Every character that may stand in a path of RFC 3986 without meaning anything there (letters, digits and
`-._~!$&'()*+,;=:@`) stands for itself, so that codes as they are used (`2050.15.003.BLK01.PAD01.MTR01`,
`=G001+K2`) are embedded as they are. Every other byte of the code's UTF-8 is escaped: `%` and two upper-case
hexadecimal digits.

A code is neither trimmed, folded nor normalised: the owner gets back exactly what it wrote. An escape of a
character that stands for itself, lower-case hexadecimal and bytes that are not UTF-8 are refused: one code,
one spelling, compared byte by byte. `.` and `..` are no own codes, because URLs cannot carry them. No code
has U+0000 or U+10FFFF, which part the ledger's keys.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

from gridledger.model.errors import ModelError

__all__ = ["MAX_OWN_CODE_BYTES", "SUFFIX_PATTERN", "escape_own_code", "unescape_own_code"]

MAX_OWN_CODE_BYTES = 128
"""Of UTF-8, before escaping: the longest field identifier has 514 bytes, and a QR code holds it."""

_NO_CODES = ("", ".", "..")
_MARKS = "-._~!$&'()*+,;=:@"
_KEY_MARKS = ("\0", "\U0010ffff")
_PLAIN = f"[A-Za-z0-9{re.escape(_MARKS)}]"
_plain = re.compile(f"{_PLAIN}{{1,{MAX_OWN_CODE_BYTES}}}")

SUFFIX_PATTERN = r"([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-F]{2})+"
"""Regular expression (ECMA-262) of suffixes; escapes that are not needed pass it, and are refused by the
reader."""


def escape_own_code(own_code: str) -> str:
    """Write an own code as a suffix.

    Parameters
    ----------
    own_code : str
        1 to 128 bytes of UTF-8: any Unicode but lone surrogates, U+0000 and U+10FFFF, not `.` or `..`.

    Raises
    ------
    ModelError
        It is empty, too long or cannot be written.

    Examples
    --------
    >>> escape_own_code("2050.15.003.BLK01"), escape_own_code("A/7 b")
    ('2050.15.003.BLK01', 'A%2F7%20b')
    """
    if own_code in _NO_CODES:
        raise _malformed("the own code is empty, '.' or '..'")
    if _plain.fullmatch(own_code) is not None:
        return own_code  # Most are: this takes a tenth of the time.
    try:
        data = own_code.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _malformed("the own code has a lone surrogate") from error
    if any(mark in own_code for mark in _KEY_MARKS):
        raise _malformed("the own code has U+0000 or U+10FFFF, which part keys")
    if len(data) > MAX_OWN_CODE_BYTES:
        problem = f"the own code's {len(data)} bytes are more than {MAX_OWN_CODE_BYTES}"
        raise _malformed(problem)
    return quote(data, safe=_MARKS)


def unescape_own_code(suffix: str) -> str:
    """Read an own code back, byte by byte as it was.

    Raises
    ------
    ModelError
        The suffix is not what `escape_own_code` writes.

    Examples
    --------
    >>> unescape_own_code("%E6%B3%B5-7")
    '泵-7'
    """
    if _plain.fullmatch(suffix) is not None and suffix not in _NO_CODES:
        return suffix  # Most do: this takes a tenth of the time.
    if len(suffix) > 3 * MAX_OWN_CODE_BYTES:
        raise _malformed("the suffix is too long")
    if not suffix.isascii():
        raise _malformed("the suffix has a character that must be escaped")
    try:
        own_code = unquote_to_bytes(suffix).decode("utf-8")
    except UnicodeDecodeError as error:
        raise _malformed("the suffix's escapes are not UTF-8") from error
    if escape_own_code(own_code) != suffix:
        problem = (
            "the suffix is not in canonical form: escape with upper-case hexadecimal, and only where needed"
        )
        raise _malformed(problem)
    return own_code


def _malformed(problem: str) -> ModelError:
    return ModelError({"": problem}, subject="own code")
