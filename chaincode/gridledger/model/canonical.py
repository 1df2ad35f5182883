"""Canonical bytes: RFC 8785 (JSON Canonicalization Scheme) over a restricted domain.

The domain is null, booleans, integers within +-(2^53-1), strings without lone surrogates, arrays, and objects
whose keys are ASCII, nested to a depth of at most 32. There are no floats, so the one hard part of RFC 8785
(printing of IEEE 754 numbers) does not arise, and since ASCII keys sort alike by UTF-16 code unit and by code
point, Python's own JSON encoder writes exactly the bytes of RFC 8785.

A value has one spelling. The reader refuses every other: white space, escapes that are not needed, keys out
of order or repeated, `-0`, a byte order mark, trailing bytes.
"""

from __future__ import annotations

import json
import json.encoder
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NoReturn, TypeAlias

from gridledger.model.errors import ModelError

__all__ = [
    "MAX_DEPTH",
    "MAX_DOCUMENT_BYTES",
    "MAX_INTEGER",
    "Value",
    "WritableValue",
    "canonical_bytes",
    "canonical_text",
    "parse_canonical",
]

Value: TypeAlias = "bool | int | str | list[Value] | dict[str, Value] | None"
"""What the reader returns."""

WritableValue: TypeAlias = "bool | int | str | Sequence[WritableValue] | Mapping[str, WritableValue] | None"
"""What the writer takes: sequences are lists or tuples, mappings are dicts."""

MAX_INTEGER = 2**53 - 1
"""Largest magnitude of an integer: what every JSON reader, JavaScript's included, reads without loss."""

MAX_DEPTH = 32
"""Deepest nesting of arrays and objects; no record of ours goes beyond 8, so this leaves room and bounds
recursion."""

MAX_DOCUMENT_BYTES = 8 * 1024 * 1024
"""Longest document, in bytes: a batch of 2,000 devices at 4 KiB each; larger things do not belong on a
ledger."""

_writer = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)


def _make_encoder() -> Callable[[WritableValue], str]:
    """Return the writer's encoding without the encoder that it makes anew for every value.

    That costs twice as much as encoding a record. Where Python has no encoder in C the writer itself is used.
    """
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return _writer.encode
    encode = make(None, _writer.default, json.encoder.encode_basestring, None, ":", ",", True, False, False)
    return lambda value: "".join(encode(value, 0))


_encode_text = _make_encoder()


def _refuse_float(_text: str) -> NoReturn:
    raise ModelError({"": "a number is not an integer"}, subject="canonical JSON")


_reader = json.JSONDecoder(parse_float=_refuse_float, parse_constant=_refuse_float)


def canonical_bytes(
    value: WritableValue, *, max_bytes: int = MAX_DOCUMENT_BYTES, checked: bool = False
) -> bytes:
    """Write a value as the only byte string that stands for it.

    Parameters
    ----------
    value : WritableValue
        Anything of the domain; tuples are written as arrays.
    max_bytes : int, default 8 MiB
        Refuse a longer result.
    checked : bool, default False
        The caller knows that the value is of the domain (records do), so checking it again is saved.

    Returns
    -------
    bytes
        UTF-8, without white space or byte order mark.

    Raises
    ------
    ModelError
        The value leaves the domain; `problems` names every place, such as `devices.3.name`.

    Notes
    -----
    Time is linear in the size of the value but for the sorting of keys. Deterministic on every platform.

    References
    ----------
    RFC 8785, JSON Canonicalization Scheme.

    Examples
    --------
    >>> canonical_bytes({"b": [1, True, None], "a": "\\u20ac"}).decode()
    '{"a":"€","b":[1,true,null]}'
    """
    if not checked and not _is_in_domain(value):
        raise ModelError(dict(_problems(value)), subject="canonical JSON")
    data = _encode(value)
    if len(data) > max_bytes:
        raise ModelError({"": f"{len(data)} bytes are more than {max_bytes}"}, subject="canonical JSON")
    return data


def canonical_text(text: str) -> str:
    """Return a string as it stands in canonical JSON, for writers of many similar values."""
    return json.encoder.encode_basestring(text)


def parse_canonical(data: bytes, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> Value:
    """Read canonical bytes, and refuse every other spelling of the same value.

    Parameters
    ----------
    data : bytes
        What `canonical_bytes` wrote.
    max_bytes : int, default 8 MiB
        Refuse longer input before looking at it.

    Returns
    -------
    Value
        The value; arrays come back as lists.

    Raises
    ------
    ModelError
        Not JSON, not canonical, out of the domain, too deep or too long.

    Notes
    -----
    Reads, checks the domain, writes again and compares: what is accepted is by construction what the writer
    writes.

    Examples
    --------
    >>> parse_canonical(b'{"a":[1,2]}')
    {'a': [1, 2]}
    >>> parse_canonical(b'{"a": 1}')
    Traceback (most recent call last):
    ...
    gridledger.model.errors.ModelError: GL-MOD-001 canonical JSON: not canonical from byte 5 on
    """
    if len(data) > max_bytes:
        raise ModelError({"": f"{len(data)} bytes are more than {max_bytes}"}, subject="canonical JSON")
    try:
        value: Value = _reader.decode(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ModelError({"": f"not UTF-8 at byte {error.start}"}, subject="canonical JSON") from error
    except json.JSONDecodeError as error:
        problem = f"not JSON at character {error.pos}: {error.msg}"
        raise ModelError({"": problem}, subject="canonical JSON") from error
    except RecursionError as error:
        raise ModelError({"": f"nested deeper than {MAX_DEPTH}"}, subject="canonical JSON") from error
    except ValueError as error:  # Python reads no integer of more than 4,300 digits.
        raise ModelError({"": "an integer is out of range"}, subject="canonical JSON") from error
    if not _is_in_domain(value):
        raise ModelError(dict(_problems(value)), subject="canonical JSON")
    again = _encode(value)
    if again != data:
        shared = min(len(again), len(data))
        at = next((i for i in range(shared) if again[i] != data[i]), shared)
        raise ModelError({"": f"not canonical from byte {at} on"}, subject="canonical JSON")
    return value


def _encode(value: WritableValue) -> bytes:
    try:
        return _encode_text(value).encode("utf-8")
    except UnicodeEncodeError as error:
        problems = dict(_problems(value)) or {"": "a string has a lone surrogate"}
        raise ModelError(problems, subject="canonical JSON") from error


def _is_in_domain(value: object) -> bool:
    """Tell quickly whether a value is of the domain, lone surrogates aside (encoding finds those).

    Goes level by level, so that the work per node is a type comparison and `list.extend`; contracts do this
    for every record that they write.
    """
    level: list[object] = [value]
    depth = 0
    while level:
        below: list[object] = []
        nested = False
        for item in level:
            kind = type(item)
            if kind is str or item is None or kind is bool:
                continue
            if kind is int:
                if not -MAX_INTEGER <= item <= MAX_INTEGER:  # type: ignore[operator]
                    return False
            elif kind is dict:
                nested = True
                try:
                    if not "".join(item).isascii():  # type: ignore[arg-type]
                        return False
                except TypeError:
                    return False
                below.extend(item.values())  # type: ignore[attr-defined]
            elif kind is list or kind is tuple:
                nested = True
                below.extend(item)  # type: ignore[arg-type]
            elif isinstance(item, str):  # A StrEnum's member is written as its text.
                continue
            else:
                return False
        if nested:
            depth += 1
            if depth > MAX_DEPTH:
                return False
        level = below
    return True


def _problems(value: object, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Name every place where a value leaves the domain; for messages only, after the quick check said no."""
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        if not _is_text(value):
            yield path, "a string has a lone surrogate"
    elif type(value) is int:
        if abs(value) > MAX_INTEGER:
            yield path, "an integer is out of range"
    elif type(value) in (dict, list, tuple):
        if depth == MAX_DEPTH:
            yield path, f"nested deeper than {MAX_DEPTH}"
            return
        items = value.items() if isinstance(value, dict) else enumerate(value)  # type: ignore[arg-type]
        for key, item in items:
            place = f"{path}.{key}" if path else str(key)
            if isinstance(value, dict) and not (isinstance(key, str) and key.isascii()):
                yield ascii(place), "a key is not an ASCII string"
            yield from _problems(item, place, depth + 1)
    else:
        yield path, f"{type(value).__name__} is not of the domain"


def _is_text(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
