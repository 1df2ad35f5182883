"""Types of fields: those with one canonical form are taken, all others are refused when the class is made."""

from __future__ import annotations

import datetime as dt
import decimal
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, Literal, NewType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, StringConstraints

from gridledger.model.digest import Digest
from gridledger.model.errors import ModelError
from gridledger.model.fieldtype import field_type, read_base64url, split_optional, write_base64url
from gridledger.model.record import ModelValue, value


class Colour(StrEnum):
    RED = "red"


class Number(IntEnum):
    ONE = 1


class Plain(Enum):
    ONE = "one"


@value
class Point(ModelValue):
    x: int


Name = NewType("Name", str)


def made_with(annotation: object) -> type[Any]:
    return value(type("Thing", (ModelValue,), {"__annotations__": {"x": annotation}, "__module__": __name__}))


@pytest.mark.parametrize(
    ("annotation", "good", "written"),
    [
        (str, "é", '"é"'),
        (int, -5, "-5"),
        (bool, False, "false"),
        (bytes, b"\x00\xff", '"AP8"'),
        (Colour, Colour.RED, '"red"'),
        (Literal["a", "b"], "b", '"b"'),
        (Name, "n", '"n"'),
        (Digest, Digest(bytes(32)), f'"{"00" * 32}"'),
        (Point, Point(x=1), '{"x":1}'),
        (tuple[int, ...], (1, 2), "[1,2]"),
        (tuple[int, str], (1, "a"), '[1,"a"]'),
        (tuple[tuple[bytes, ...], ...], ((b"a",), ()), '[["YQ"],[]]'),
        (dict[str, Point], {"b": Point(x=2), "a": Point(x=1)}, '{"a":{"x":1},"b":{"x":2}}'),
        (Annotated[int, Field(ge=0, lt=10)], 9, "9"),
        (Annotated[str, StringConstraints(pattern="^a+$")], "aa", '"aa"'),
        (tuple[Annotated[int, Field(gt=5)], ...], (6,), "[6]"),
    ],
)
def test_field_is_written_in_its_form_and_reads_back(annotation: object, good: Any, written: str) -> None:
    cls = made_with(annotation)
    one = cls(x=good)
    assert one.to_bytes() == f'{{"x":{written}}}'.encode()
    assert cls.from_bytes(one.to_bytes()) == one


@pytest.mark.parametrize(
    "annotation",
    [
        float,
        complex,
        object,
        Any,
        None,
        list[int],
        set[int],
        frozenset[str],
        list,
        dict,
        tuple,
        tuple[()],
        dict[int, str],
        dict[Colour, str],
        tuple[float, ...],
        tuple[int | None, ...],
        dict[str, int | None],
        int | str,
        int | str | None,
        Plain,
        Number,
        Literal[1],
        Literal["a", 1],
        dt.datetime,
        decimal.Decimal,
        bytearray,
        Annotated[float, Field(ge=0)],
    ],
    ids=str,
)
def test_type_without_a_canonical_form_is_refused_when_the_class_is_made(annotation: object) -> None:
    with pytest.raises(TypeError, match=r"Thing\.x: .* has no canonical form"):
        made_with(annotation)


@pytest.mark.parametrize(
    ("annotation", "bad"),
    [
        (Annotated[int, Field(ge=0)], 2**53),
        (Annotated[int, Field(le=0)], -(2**53)),
        (Annotated[str, StringConstraints(min_length=1)], ""),
        (Annotated[str, StringConstraints(max_length=3)], "\ud800"),
        (tuple[int, str], (1,)),
        (tuple[int, ...], [1]),
        (dict[str, int], {"é": 1}),
        (dict[str, int], {1: 1}),
        (Literal["a"], "b"),
        (Colour, "red"),
        (Digest, "00" * 32),
        (bytes, "AP8"),
        (bytes, bytearray(b"x")),
        (Point, {"x": 1}),
    ],
)
def test_value_out_of_its_type_is_refused(annotation: object, bad: Any) -> None:
    cls = made_with(annotation)
    with pytest.raises(ModelError):
        cls(x=bad)


@pytest.mark.parametrize(
    ("annotation", "data"),
    [
        (bytes, b'{"x":"AP8="}'),
        (bytes, b'{"x":5}'),
        (Annotated[bytes, Field(max_length=2)], b'{"x":"YWJj"}'),
        (tuple[Annotated[bytes, Field(min_length=2)], ...], b'{"x":["YQ"]}'),
        (Colour, b'{"x":"blue"}'),
        (Digest, b'{"x":5}'),
        (tuple[int, str], b'{"x":[1]}'),
        (dict[str, int], b'{"x":{"a":null}}'),
        (Name, b'{"x":null}'),
    ],
    ids=str,
)
def test_json_out_of_the_type_is_refused_at_its_place(annotation: object, data: bytes) -> None:
    with pytest.raises(ModelError) as caught:
        made_with(annotation).from_bytes(data)
    assert [place.split(".")[0] for place in caught.value.problems] == ["x"]


def test_constraint_on_bytes_counts_bytes_not_characters() -> None:
    cls = made_with(Annotated[bytes, Field(max_length=2)])
    assert cls.from_bytes(b'{"x":"YWI"}').x == b"ab"


def test_optional_is_split_only_from_one_type() -> None:
    assert split_optional(int | None) == (int, True)
    assert split_optional(int) == (int, False)
    assert split_optional(int | str | None) == (int | str | None, False)


def test_field_type_of_a_plain_type_is_always_the_same() -> None:
    assert field_type(int) is field_type(int)


@given(st.binary(max_size=50))
def test_base64url_reads_back(data: bytes) -> None:
    text = write_base64url(data)
    assert "=" not in text
    assert read_base64url(text) == data


@given(st.text(st.sampled_from("AZaz09-_+/= \n\0é"), max_size=12))
def test_base64url_in_another_spelling_is_refused(text: str) -> None:
    try:
        data = read_base64url(text)
    except ValueError:
        return
    assert write_base64url(data) == text
