"""Arguments and results of contracts as bytes: one convention for client and chaincode.

    type                                    bytes
    str, a StrEnum, a TextScalar            the text in UTF-8
    int                                     decimal, without leading zeros or plus
    bool                                    true, false
    bytes                                   themselves
    None; X | None where it is None         no bytes at all
    a ModelValue, tuple[X, ...],            canonical JSON (gridledger.model.fieldtype)
    dict[str, X]

This is the convention of Fabric's official contract API, with canonical JSON in place of any JSON.
`str | None` and `bytes | None` are refused when a function is declared, since empty text would read as None.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from types import NoneType
from typing import Annotated, Any, Generic, Literal, TypeAlias, TypeVar, cast, get_args, get_origin, overload

from pydantic import ConfigDict, TypeAdapter, ValidationError

from gridledger.model.canonical import (
    MAX_DOCUMENT_BYTES,
    MAX_INTEGER,
    WritableValue,
    canonical_bytes,
    parse_canonical,
)
from gridledger.model.errors import ModelError
from gridledger.model.fieldtype import field_type, problems_of, split_optional, write_base64url
from gridledger.model.record import ModelValue
from gridledger.model.scalar import TextScalar

__all__ = ["Argument", "ArgumentCodec", "argument_codec", "decode_argument", "encode_argument"]

Argument: TypeAlias = (
    "str | int | bytes | ModelValue | TextScalar | Sequence[Argument] | Mapping[str, Argument] | None"
)
"""What `encode_argument` takes; sequences are tuples or lists, mappings are dicts."""

T = TypeVar("T")

_DECIMAL = re.compile(rb"0|-?[1-9][0-9]{0,15}")
_CONFIG = ConfigDict(strict=True, hide_input_in_errors=True)


def encode_argument(value: Argument) -> bytes:
    """Write an argument or a result.

    Raises
    ------
    ModelError
        The value has no bytes by the convention: a float, a large integer, a lone surrogate, an unknown type.

    Examples
    --------
    >>> encode_argument("88.1042.17"), encode_argument(5), encode_argument(True), encode_argument(("a", 1))
    (b'88.1042.17', b'5', b'true', b'["a",1]')
    """
    if value is None:
        return b""
    if isinstance(value, TextScalar):
        value = str(value)
    if isinstance(value, str):
        try:
            return value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ModelError({"": "text has a lone surrogate"}, subject="argument") from error
    if isinstance(value, bytes):
        return value
    if isinstance(value, ModelValue):
        return value.to_bytes()
    if isinstance(value, (list, tuple)) and all(isinstance(item, ModelValue) for item in value):
        return _joined([item.to_bytes() for item in value])
    return canonical_bytes(_plain(value))


def _joined(items: Sequence[bytes]) -> bytes:
    """Write an array of values that are written already."""
    data = b"[%s]" % b",".join(items)
    if len(data) > MAX_DOCUMENT_BYTES:
        raise ModelError({"": f"{len(data)} bytes are more than {MAX_DOCUMENT_BYTES}"}, subject="argument")
    return data


def _plain(value: Argument) -> WritableValue:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, ModelValue):
        return value.to_value()
    if isinstance(value, TextScalar):
        return str(value)
    if isinstance(value, bytes):
        return write_base64url(value)
    return cast("WritableValue", value)  # What is not of the domain is refused by the writer.


@overload
def decode_argument(type_: type[T], data: bytes) -> T: ...
@overload
def decode_argument(type_: object, data: bytes) -> Any: ...
def decode_argument(type_: object, data: bytes) -> Any:
    """Read an argument or a result as a type.

    Parameters
    ----------
    type_ : type or typing construct
        As it is declared, such as `str`, `System`, `tuple[System, ...]`, `System | None`.
    data : bytes
        What `encode_argument` wrote.

    Raises
    ------
    ModelError
        The bytes are not those of a value of this type; `problems` names every field.
    TypeError
        The type cannot travel; contracts find that at import (`argument_codec`).

    Examples
    --------
    >>> decode_argument(int, b"-7"), decode_argument(tuple[str, ...], b'["a"]')
    (-7, ('a',))
    >>> decode_argument(int | None, b"") is None
    True
    """
    return argument_codec(type_).decode(data)


class ArgumentCodec(Generic[T]):
    """Reads the bytes of one type; `argument_codec` makes it.

    Attributes
    ----------
    type : object
        The type as it was declared.
    """

    __slots__ = ("_read", "type")

    def __init__(self, type_: object, read: Callable[[bytes], T]) -> None:
        self.type = type_
        self._read = read

    def __repr__(self) -> str:
        return f"ArgumentCodec({self.type!r})"

    def decode(self, data: bytes) -> T:
        """Read a value; raises ModelError."""
        return self._read(data)


@functools.lru_cache(maxsize=4096)
def argument_codec(type_: object) -> ArgumentCodec[Any]:
    """Return the reader of a type.

    Raises
    ------
    TypeError
        The type has no canonical form, or its optional form is ambiguous.
    """
    return ArgumentCodec(type_, _reader(type_))


def _reader(type_: object) -> Callable[[bytes], Any]:
    if type_ is None or type_ is NoneType:
        return _read_none
    inner, optional = split_optional(type_)
    if optional:
        if _travels_as(inner) in (str, bytes):
            raise TypeError(
                f"{type_!r} is ambiguous as an argument: no bytes mean None and empty text as well"
            )
        read = _reader(inner)
        return lambda data: read(data) if data else None
    if isinstance(inner, type) and issubclass(inner, ModelValue):
        field_type(inner)
        return inner.from_bytes
    adapter = _Adapter(inner)
    kind = _travels_as(inner)
    if inner is str:
        return _text  # What UTF-8 can say is what a str may hold.
    if kind is bytes:
        return lambda data: _validated(inner, adapter().validate_python, data)
    if kind in (str, StrEnum, TextScalar):
        lax = kind is not str  # Python mode, not strict: from text to the enum or scalar.
        return lambda data: _validated(
            inner, lambda text: adapter().validate_python(text, strict=not lax), _text(data)
        )
    if kind is int:
        return lambda data: _validated(inner, adapter().validate_python, _integer(data))
    if kind is bool:
        return _boolean
    return lambda data: _from_json(inner, adapter(), data)


class _Adapter:
    """What pydantic makes of a type, when the first value is read; a chaincode has many and uses few."""

    __slots__ = ("_made", "_type")

    def __init__(self, type_: object) -> None:
        self._type = field_type(type_)
        self._made: TypeAdapter[Any] | None = None

    def __call__(self) -> TypeAdapter[Any]:
        if self._made is None:
            self._made = TypeAdapter(self._type, config=_CONFIG)
        return self._made


def _travels_as(type_: object) -> object:
    """Return what decides the form: str, StrEnum, TextScalar, int, bool, bytes, or None for JSON."""
    origin = get_origin(type_)
    if origin is Annotated:
        return _travels_as(get_args(type_)[0])
    if origin is Literal:
        return str
    if supertype := getattr(type_, "__supertype__", None):
        return _travels_as(supertype)
    if isinstance(type_, type) and origin is None:
        return next(
            (kind for kind in (StrEnum, TextScalar, str, bool, int, bytes) if issubclass(type_, kind)), None
        )
    return None


def _validated(type_: object, validate: Callable[[Any], Any], raw: object) -> Any:
    try:
        return validate(raw)
    except ValidationError as error:
        raise ModelError(problems_of(error), subject=_name(type_)) from error


def _read_none(data: bytes) -> None:
    if data:
        raise ModelError({"": "no bytes were expected"}, subject="argument")


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelError({"": f"not UTF-8 at byte {error.start}"}, subject="argument") from error


def _integer(data: bytes) -> int:
    if _DECIMAL.fullmatch(data) is None or abs(int(data)) > MAX_INTEGER:
        raise ModelError({"": "not a decimal integer within +-(2^53-1)"}, subject="argument")
    return int(data)


def _boolean(data: bytes) -> bool:
    if data not in (b"true", b"false"):
        raise ModelError({"": "neither true nor false"}, subject="argument")
    return data == b"true"


def _from_json(type_: object, adapter: TypeAdapter[Any], data: bytes) -> Any:
    if len(data) > MAX_DOCUMENT_BYTES:
        raise ModelError({"": f"{len(data)} bytes are more than {MAX_DOCUMENT_BYTES}"}, subject=_name(type_))
    read = _validated(type_, adapter.validate_json, data)
    # What was validated is of the domain; the one thing left to check is the spelling.
    if encode_argument(read) != data:
        parse_canonical(data)
        raise ModelError({"": "not in canonical form: a member is null or left out"}, subject=_name(type_))
    return read


def _name(type_: object) -> str:
    if get_origin(type_) is Annotated:
        return _name(get_args(type_)[0])
    return type_.__name__ if isinstance(type_, type) and get_origin(type_) is None else str(type_)
