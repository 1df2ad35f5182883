"""Arguments and results: the bytes of the vectors, strict reading, what may not travel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, NewType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, StringConstraints

from gridledger.model.argument import argument_codec, decode_argument, encode_argument
from gridledger.model.canonical import MAX_INTEGER
from gridledger.model.digest import Digest
from gridledger.model.errors import ModelError
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier
from gridledger.model.record import ModelValue, value
from gridledger.model.roles import Role

VECTORS = json.loads(
    (Path(__file__).parents[2] / "conformance/vectors/arguments.json").read_text(encoding="utf-8")
)
TYPES: dict[str, Any] = {
    "str": str,
    "int": int,
    "bool": bool,
    "bytes": bytes,
    "role": Role,
    "device identifier": DeviceIdentifier,
    "tuple of str": tuple[str, ...],
    "tuple of int": tuple[int, ...],
    "tuple of bytes": tuple[bytes, ...],
    "dict of int": dict[str, int],
    "optional int": int | None,
    "none": None,
}


@value
class Line(ModelValue):
    system: SystemIdentifier
    count: int = 1
    note: str | None = None


LINE = Line(system=SystemIdentifier("88.1042.17"))


def octets(vector: dict[str, Any]) -> bytes:
    return bytes.fromhex(vector["hex"]) if "hex" in vector else vector["text"].encode("utf-8")


def meant(vector: dict[str, Any]) -> Any:
    kind, plain = vector["type"], vector["value"]
    if kind == "bytes":
        return bytes.fromhex(plain)
    if kind == "tuple of bytes":
        return tuple(bytes.fromhex(item) for item in plain)
    if kind == "role":
        return Role(plain)
    if kind == "device identifier":
        return DeviceIdentifier.parse(plain)
    return tuple(plain) if isinstance(plain, list) else plain


@pytest.mark.parametrize("vector", VECTORS["both"], ids=lambda vector: f"{vector['type']}: {vector['value']}")
def test_vector_is_written_and_read(vector: dict[str, Any]) -> None:
    assert encode_argument(meant(vector)) == octets(vector)
    read = decode_argument(TYPES[vector["type"]], octets(vector))
    assert read == meant(vector)
    assert type(read) is type(meant(vector))


@pytest.mark.parametrize(
    "vector", VECTORS["refuse"], ids=lambda vector: f"{vector['type']}: {vector['name']}"
)
def test_vector_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(ModelError):
        decode_argument(TYPES[vector["type"]], octets(vector))


@pytest.mark.parametrize(
    ("type_", "good"),
    [
        (Line, LINE),
        (Line | None, None),
        (Line | None, LINE),
        (tuple[Line, ...], (LINE, LINE)),
        (tuple[Line, int], (LINE, 1)),
        (dict[str, tuple[Line, ...]], {"b": (LINE,), "a": ()}),
        (Digest, Digest(bytes(32))),
        (tuple[Digest, ...], (Digest(bytes(32)),)),
        (tuple[Role, ...], (Role.AUDITOR,)),
        (Literal["a", "b"], "b"),
        (NewType("Name", str), "n"),
        (Annotated[int, Field(ge=0)], 5),
        (Annotated[str, StringConstraints(pattern="^[a-z]+$")], "abc"),
        (Annotated[bytes, Field(max_length=2)], b"ab"),
    ],
    ids=str,
)
def test_typed_values_travel(type_: Any, good: Any) -> None:
    assert decode_argument(type_, encode_argument(good)) == good


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        (Line, b""),
        (Literal["a", "b"], b"c"),
        (Line, b"null"),
        (Line, b'{"count":1,"note":null,"system":"88.1042.17"}'),
        (Line, b'{"system":"88.1042.17"}'),
        (tuple[Line, ...], b'[{"system":"88.1042.17"}]'),
        (tuple[Line, ...], b'[{"count":1,"note":null,"system":"88.1042.17"}]'),
        (tuple[Line, ...], b'[{"count":1,"system":"88"}]'),
        (tuple[Line, ...], b"\xef\xbb\xbf[]"),
        (tuple[Line, int], b"[]"),
        (Annotated[int, Field(ge=0)], b"-1"),
        (Annotated[str, StringConstraints(pattern="^[a-z]+$")], b"abC"),
        (Annotated[bytes, Field(max_length=2)], b"abc"),
    ],
)
def test_bytes_of_another_form_are_refused(type_: Any, data: bytes) -> None:
    with pytest.raises(ModelError):
        decode_argument(type_, data)


def test_problems_name_the_place_inside() -> None:
    with pytest.raises(ModelError) as caught:
        decode_argument(tuple[Line, ...], b'[{"count":"1","more":1,"system":"88"}]')
    assert sorted(caught.value.problems) == ["0.count", "0.more", "0.system"]


def test_too_many_bytes_are_refused_unread() -> None:
    with pytest.raises(ModelError, match="are more than"):
        decode_argument(tuple[int, ...], b" " * (8 * 1024 * 1024 + 1))


@pytest.mark.parametrize(
    "type_",
    [
        str | None,
        bytes | None,
        Role | str,
        float,
        list[int],
        object,
        Any,
        tuple,
        dict,
        dict[int, str],
        set[str],
    ],
    ids=str,
)
def test_type_that_cannot_travel_is_refused_when_declared(type_: Any) -> None:
    with pytest.raises(TypeError):
        argument_codec(type_)


@pytest.mark.parametrize("bad", ["\ud800", 2**53, 1.5, {1: 2}, ["\ud800"], object(), {"é": 1}, [1.0]])
def test_value_without_bytes_is_refused(bad: Any) -> None:
    with pytest.raises(ModelError):
        encode_argument(bad)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_travels_unchanged(text: str) -> None:
    assert decode_argument(str, encode_argument(text)) == text


@given(st.integers(-MAX_INTEGER, MAX_INTEGER))
def test_integer_travels_unchanged(number: int) -> None:
    assert decode_argument(int, encode_argument(number)) == number


@given(st.dictionaries(st.text(st.characters(max_codepoint=127)), st.tuples(st.binary(), st.booleans())))
def test_nested_values_travel_unchanged(mapping: dict[str, tuple[bytes, bool]]) -> None:
    assert decode_argument(dict[str, tuple[bytes, bool]], encode_argument(mapping)) == mapping


@given(st.sampled_from(sorted(TYPES)), st.binary(max_size=40))
def test_any_bytes_are_read_as_their_only_value_or_refused(name: str, data: bytes) -> None:
    try:
        read = decode_argument(TYPES[name], data)
    except ModelError:
        return
    assert encode_argument(read) == data
