from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.model.errors import ModelError
from gridledger.shim import create_composite_key, split_composite_key
from gridledger.shim.composite_key import check_key, check_simple_key, composite_range

PARTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\U0010ffff"))


def test_composite_key_is_that_of_the_official_shims() -> None:
    assert create_composite_key("type", ["a", "", "中"]) == "\x00type\x00a\x00\x00中\x00"
    assert create_composite_key("", []) == "\x00\x00"


@given(PARTS, st.lists(PARTS))
def test_split_is_the_inverse_of_create(object_type: str, attributes: list[str]) -> None:
    assert split_composite_key(create_composite_key(object_type, attributes)) == (object_type, attributes)


@given(PARTS, st.lists(PARTS), st.lists(PARTS))
def test_range_holds_every_key_that_begins_with_its_parts(
    object_type: str, attributes: list[str], more: list[str]
) -> None:
    start, end = composite_range(object_type, attributes)

    assert start.encode() <= create_composite_key(object_type, attributes + more).encode() < end.encode()


@pytest.mark.parametrize("part", ["\x00", "a\x00b", "\U0010ffff", "\ud800"])
def test_part_that_breaks_the_form_is_refused_by_name(part: str) -> None:
    with pytest.raises(ModelError) as caught:
        create_composite_key(part, ["good", part])
    assert set(caught.value.problems) == {"object_type", "attributes[1]"}


@pytest.mark.parametrize("key", ["", "a", "\x00", "\x00a", "a\x00"])
def test_split_of_another_key_is_refused(key: str) -> None:
    with pytest.raises(ModelError):
        split_composite_key(key)


def test_simple_key_must_not_begin_with_the_mark_of_composite_keys() -> None:
    assert check_simple_key("") == ""
    assert check_simple_key("a\x00") == "a\x00"
    with pytest.raises(ModelError):
        check_simple_key("\x00a")


def test_key_must_have_a_form_in_utf8() -> None:
    assert check_key("\x00composite\x00") == "\x00composite\x00"
    for key in ("", "\udfff"):
        with pytest.raises(ModelError):
            check_key(key)
