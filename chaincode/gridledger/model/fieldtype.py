"""Types that fields of model values may have, each with its one canonical JSON form.

    annotation                      canonical JSON
    str                             string without lone surrogates
    int                             integer within +-(2^53-1)
    bool                            true, false
    bytes                           string: base64url (RFC 4648 section 5) without padding
    a StrEnum, Literal of strings   string
    a TextScalar (identifiers, …)   string
    a ModelValue                    object
    tuple[X, ...], tuple[X, Y]      array
    dict[str, X]                    object; keys are ASCII
    X | None, with default None     X, or the member is left out (null is refused)

`Annotated[X, …]` adds pydantic's constraints. Everything else (floats, dates, sets, lists, Any, unions) is
refused when the
class is made: a value that cannot be spelt in one way must not get near a ledger.
"""

from __future__ import annotations

import binascii
import types
import typing
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import Field, PlainSerializer, StringConstraints, ValidationError, WithJsonSchema, WrapValidator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo, ValidatorFunctionWrapHandler

from gridledger.model.built import PARTS
from gridledger.model.canonical import MAX_INTEGER

__all__ = ["field_type", "problems_of", "read_base64url", "split_optional", "write_base64url"]


_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")  # a reader of base64 refuses exclamation marks
_PADDING = (b"", b"", b"==", b"=")
_ENDS = ("", "", "AQgw", "AEIMQUYcgkosw048")
"""Last characters whose bits that carry nothing are zero, by the text's length beyond whole fours."""


def write_base64url(data: bytes) -> str:
    """Write bytes as base64url without padding (RFC 4648 section 5)."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def read_base64url(text: str) -> bytes:
    """Read base64url without padding; any other spelling raises ValueError.

    Notes
    -----
    The last character of an unpadded text has bits that carry nothing: texts where they are not zero are
    refused, and those in the other alphabet.
    """
    beyond = len(text) % 4
    if beyond and text[-1] not in _ENDS[beyond]:
        raise ValueError("not base64url without padding")
    try:
        padded = text.encode("ascii").translate(_FROM_URL) + _PADDING[beyond]
        return binascii.a2b_base64(padded, strict_mode=True)
    except ValueError as error:
        raise ValueError("not base64url without padding") from error


def _read_bytes(data: object, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
    if info.mode != "json" or isinstance(data, bytes):  # JSON has no bytes: these are a field's default.
        return handler(data)
    if not isinstance(data, str):
        raise PydanticCustomError("base64url", "Input should be a base64url string")
    try:
        return handler(read_base64url(data))
    except ValueError as error:
        if isinstance(error, ValidationError):
            raise
        raise PydanticCustomError("base64url", "Input should be base64url without padding") from error


_TEXT = Annotated[
    str, StringConstraints(min_length=0)
]  # Any constraint makes pydantic refuse lone surrogates.
_KEY = Annotated[str, StringConstraints(pattern=r"^[\x00-\x7f]*$")]
_INTEGER = Annotated[int, Field(gt=-MAX_INTEGER - 1, lt=MAX_INTEGER + 1)]
_BYTES = Annotated[
    bytes,
    WrapValidator(_read_bytes),
    PlainSerializer(write_base64url, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "contentEncoding": "base64url", "pattern": "^[A-Za-z0-9_-]*$"}),
]
_PLAIN: Mapping[object, object] = {str: _TEXT, int: _INTEGER, bool: bool, bytes: _BYTES}


def split_optional(annotation: object) -> tuple[object, bool]:
    """Return `X` and True for `X | None`, and the annotation itself and False for all others."""
    if get_origin(annotation) in (typing.Union, types.UnionType):
        arms = get_args(annotation)
        others = [arm for arm in arms if arm is not types.NoneType]
        if len(others) == 1 and len(arms) == 2:
            return others[0], True
    return annotation, False


def field_type(annotation: object) -> Any:
    """Return the pydantic type that holds a field to the canonical form of its annotation.

    Parameters
    ----------
    annotation : type or typing construct
        One of the module's table, without the `| None` of a whole field (see `split_optional`).

    Raises
    ------
    TypeError
        The annotation has no canonical form; raised when the class is made, so never at run time.
    """
    try:
        plain = _PLAIN.get(annotation)
    except TypeError:  # A Literal of something unhashable.
        plain = None
    if plain is not None:
        return plain
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return Annotated[(field_type(arguments[0]), *arguments[1:])]
    if origin is Literal and all(isinstance(argument, str) for argument in arguments):
        return annotation
    if origin is tuple and arguments:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple[field_type(arguments[0]), ...]  # type: ignore[misc]
        return tuple[tuple(field_type(argument) for argument in arguments)]  # type: ignore[misc]
    if origin is dict and arguments[0] is str:
        return dict[_KEY, field_type(arguments[1])]  # type: ignore[misc]
    if isinstance(annotation, typing.NewType):
        return field_type(annotation.__supertype__)
    if isinstance(annotation, type) and origin is None:
        if issubclass(annotation, StrEnum) or "__get_pydantic_core_schema__" in dir(annotation):
            return annotation
        if PARTS in vars(annotation):
            return annotation
    raise TypeError(f"{annotation!r} has no canonical form; see gridledger.model.fieldtype")


def problems_of(error: ValidationError, prefix: str = "") -> dict[str, str]:
    """Gather every problem of a pydantic error under its dotted field, without the offending input.

    A validator that found several problems at once hands them over in its error's context as `problems`.
    """
    found: dict[str, list[str]] = {}
    for line in error.errors(include_url=False, include_input=False):
        place = ".".join([prefix] * bool(prefix) + [str(part) for part in line["loc"] if part != "[key]"])
        inner: Mapping[str, str] = line.get("ctx", {}).get("problems", {"": line["msg"]})
        for field, problem in inner.items():
            found.setdefault(".".join(filter(None, (place, field))), []).append(problem)
    return {field: "; ".join(problems) for field, problems in found.items()}
