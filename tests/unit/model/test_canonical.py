"""Canonical bytes: equal to RFC 8785 over the domain, one spelling per value, everything else refused."""

from __future__ import annotations

import json
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gridledger.model.canonical import (
    MAX_DEPTH,
    MAX_DOCUMENT_BYTES,
    MAX_INTEGER,
    canonical_bytes,
    parse_canonical,
)
from gridledger.model.errors import ModelError

VECTORS = json.loads(
    (Path(__file__).parents[2] / "conformance/vectors/canonical.json").read_text(encoding="utf-8")
)

texts = st.text(st.characters(exclude_categories=["Cs"]))
keys = st.text(st.characters(max_codepoint=0x7F))
integers = st.integers(-MAX_INTEGER, MAX_INTEGER)
values = st.recursive(
    st.none() | st.booleans() | integers | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=30,
)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(), max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=10,
)


def named(group: str) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in VECTORS[group]]


def octets(vector: dict[str, str]) -> bytes:
    return bytes.fromhex(vector["hex"]) if "hex" in vector else vector["text"].encode("utf-8")


@pytest.mark.parametrize("vector", named("write"))
def test_write_vector_gives_its_bytes_and_reads_back(vector: dict[str, Any]) -> None:
    data = canonical_bytes(vector["value"])
    assert data == vector["canonical"].encode("utf-8")
    assert parse_canonical(data) == vector["value"]


@pytest.mark.parametrize("vector", named("refuse"))
def test_read_of_another_spelling_is_refused(vector: dict[str, str]) -> None:
    with pytest.raises(ModelError):
        parse_canonical(octets(vector))


@pytest.mark.parametrize("vector", named("unwritable"))
def test_write_out_of_the_domain_is_refused(vector: dict[str, str]) -> None:
    with pytest.raises(ModelError):
        canonical_bytes(json.loads(vector["json"]))


@given(values)
def test_write_equals_rfc8785(value: Any) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)


@given(values)
def test_read_returns_what_was_written(value: Any) -> None:
    assert parse_canonical(canonical_bytes(value)) == value


@given(values)
def test_write_of_checked_value_is_the_same(value: Any) -> None:
    assert canonical_bytes(value, checked=True) == canonical_bytes(value)


@given(anything)
def test_write_of_anything_gives_canonical_bytes_or_model_error(value: Any) -> None:
    try:
        data = canonical_bytes(value)
    except ModelError:
        return
    assert canonical_bytes(parse_canonical(data)) == data == rfc8785.dumps(value)


@given(st.binary(max_size=200) | anything.map(lambda value: json.dumps(value, default=str).encode()))
def test_read_of_any_bytes_gives_their_only_value_or_model_error(data: bytes) -> None:
    try:
        value = parse_canonical(data)
    except ModelError:
        return
    assert canonical_bytes(value) == data


@given(values, st.data())
def test_read_of_damaged_bytes_gives_another_value_or_model_error(value: Any, data: st.DataObject) -> None:
    good = canonical_bytes(value)
    place = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    bad[place] ^= data.draw(st.integers(1, 255))
    try:
        other = parse_canonical(bytes(bad))
    except ModelError:
        return
    assert canonical_bytes(other) == bytes(bad) != good


def test_write_takes_tuples_as_arrays() -> None:
    assert canonical_bytes({"a": (1, (2,))}) == b'{"a":[1,[2]]}'


def test_write_takes_string_enums_as_their_text() -> None:
    class Colour(StrEnum):
        RED = "red"

    assert canonical_bytes({"colour": Colour.RED}) == b'{"colour":"red"}'


def test_write_refuses_integer_enums() -> None:
    class Number(IntEnum):
        ONE = 1

    with pytest.raises(ModelError):
        canonical_bytes([Number.ONE])


@pytest.mark.parametrize("value", [1.0, {1}, b"x", object(), {1: 2}, {None: 1}, [range(3)], {("a",): 1}])
def test_write_refuses_other_types(value: Any) -> None:
    with pytest.raises(ModelError):
        canonical_bytes(value)


def test_write_names_every_problem_with_its_place() -> None:
    with pytest.raises(ModelError) as caught:
        canonical_bytes({"a": [1, 2.0, {"b": 2**53}], "é": 1, "c": "\ud800", "d": "good"})  # type: ignore[dict-item]
    assert caught.value.problems == {
        "a.1": "float is not of the domain",
        "a.2.b": "an integer is out of range",
        "'\\xe9'": "a key is not an ASCII string",
        "c": "a string has a lone surrogate",
    }


def test_depth_is_counted_in_arrays_and_objects() -> None:
    deepest: Any = 1
    for level in range(MAX_DEPTH):
        deepest = [deepest] if level % 2 else {"a": deepest}
    assert parse_canonical(canonical_bytes(deepest)) == deepest
    with pytest.raises(ModelError, match="nested deeper"):
        canonical_bytes([deepest])


def test_write_of_a_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ModelError, match="nested deeper"):
        canonical_bytes(value)


@pytest.mark.parametrize("mark", [b"[", b'{"a":'])
def test_read_of_endless_nesting_is_refused(mark: bytes) -> None:
    with pytest.raises(ModelError):
        parse_canonical(mark * 100_000)


def test_read_of_an_endless_integer_is_refused() -> None:
    with pytest.raises(ModelError, match="out of range"):
        parse_canonical(b"9" * 100_000)


def test_length_is_limited_when_reading_and_when_writing() -> None:
    longest = "x" * (MAX_DOCUMENT_BYTES - 2)
    data = canonical_bytes(longest)
    assert len(data) == MAX_DOCUMENT_BYTES
    assert parse_canonical(data) == longest
    with pytest.raises(ModelError, match="are more than"):
        canonical_bytes(longest + "x")
    with pytest.raises(ModelError, match="are more than"):
        parse_canonical(data + b" ")
    with pytest.raises(ModelError, match="3 bytes are more than 2"):
        canonical_bytes(100, max_bytes=2)


def test_read_names_where_bytes_stop_being_canonical() -> None:
    with pytest.raises(ModelError, match="not canonical from byte 5 on"):
        parse_canonical(b'{"a": 1}')
