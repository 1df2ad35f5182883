"""Values written straight as canonical bytes: the same bytes as by way of plain data."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.model.canonical import MAX_DOCUMENT_BYTES, MAX_INTEGER, canonical_bytes, parse_canonical
from gridledger.model.errors import ModelError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.scalar import TextScalar


class Colour(StrEnum):
    RED = "red"


class Raw(TextScalar):
    """Takes any text, also one that has no bytes."""

    __slots__ = ()

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def parse(cls, text: str) -> Raw:
        return cls(text)


@value
class Part(ModelValue):
    z: int
    B: str
    a: bytes = b""
    b: Colour | None = None


@record("test-written/1")
class Written(Record):
    zone: SystemIdentifier
    parts: tuple[Part, ...]
    pair: tuple[str, int]
    part: Part | None = None
    again: Part | None = None
    flag: bool = False
    word: Literal["x", "y"] = "x"


@value
class Text(ModelValue):
    raw: Raw


# Every character that JSON escapes, its neighbours, and characters of two, three and four bytes.
TEXTS = st.text(
    st.sampled_from([*map(chr, range(0x23)), "/", "\\", "\x7f", "\x80", "é", "\u2028", "泵", "\ufffe", "🔋"]),
    max_size=20,
)
PARTS = st.builds(
    Part,
    z=st.integers(-MAX_INTEGER, MAX_INTEGER),
    B=TEXTS,
    a=st.binary(max_size=5),
    b=st.none() | st.just(Colour.RED),
)
WRITTEN = st.builds(
    Written,
    zone=st.just(SystemIdentifier("88.1042")),
    parts=st.lists(PARTS, max_size=3).map(tuple),
    pair=st.tuples(TEXTS, st.integers(-9, 9)),
    part=st.none() | PARTS,
    again=st.none() | PARTS,
    flag=st.booleans(),
    word=st.sampled_from(["x", "y"]),
)


@given(WRITTEN)
def test_bytes_are_those_of_the_plain_data(written: Written) -> None:
    data = written.to_bytes()
    assert data == canonical_bytes(written.to_value())
    parse_canonical(data)
    assert Written.from_bytes(data) == written


def test_plain_data_keeps_the_order_of_declaration() -> None:
    part = Part(z=1, B="", b=Colour.RED)
    assert list(part.to_value()) == ["z", "B", "a", "b"]
    assert part.to_bytes() == b'{"B":"","a":"","b":"red","z":1}'


def test_a_lone_surrogate_has_no_bytes() -> None:
    with pytest.raises(ModelError, match="lone surrogate"):
        Text(raw=Raw("\ud800")).to_bytes()


def test_a_value_that_is_too_long_is_refused() -> None:
    part = Part(z=1, B="x" * MAX_DOCUMENT_BYTES)
    with pytest.raises(ModelError, match=f"are more than {MAX_DOCUMENT_BYTES}"):
        part.to_bytes()


@given(st.lists(PARTS, min_size=1, max_size=4), st.lists(st.integers(0, 3), max_size=12))
def test_values_written_again_and_by_turns_have_their_own_bytes(parts: list[Part], turns: list[int]) -> None:
    for turn in turns:
        part = parts[turn % len(parts)]
        assert part.to_bytes() == canonical_bytes(part.to_value())


def test_a_long_value_is_written_each_time() -> None:
    long, short = Part(z=1, B="x" * (1 << 18)), Part(z=2, B="")
    assert [len(one.to_bytes()) > 1 << 18 for one in (long, short, long, long, short)] == [1, 0, 1, 1, 0]
