"""Patterns of own codes: read in one way, matched without going back."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.model.code_pattern import MAX_CAPACITY, CodePattern
from gridledger.model.coding_rule import CodeForm, CodingRuleEntry
from gridledger.model.errors import ModelError
from gridledger.model.identifier import SystemIdentifier

METER = "2050.{digit:2}.{digit:3}.BLK{digit:2}.PAD{digit:2}.MTR{digit:2}"


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        (METER, "2050.15.003.BLK01.PAD01.MTR01", "2050.15.003.BLK01.PAD01.MTR1"),
        ("R{digit:1-4}", "R27", "R12345"),
        ("{upper:3}-{alnum:2-8}", "ABC-x9", "ABC-x"),
        ("{lower}{upper}{letter}", "aZq", "aZ9"),
        ("{hex:4}", "00FF", "00ff"),
        ("a.b*", "a.b*", "aXbb"),
        ("泵-{any:1-4}", "泵-壹 #1", "泵-"),
        ("{digit:1-3}{upper:1-3}{digit:2}", "12AB07", "12AB7"),
        ("{digit:2}{digit:2}", "1234", "123"),
    ],
)
def test_pattern_matches_its_codes_whole(pattern: str, matching: str, other: str) -> None:
    read = CodePattern.parse(pattern)
    assert read.matches(matching)
    assert not read.matches(other)
    assert not read.matches(f"{matching}\n")
    assert str(read) == pattern


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "x" * 201,
        "{",
        "}",
        "{}",
        "{digit",
        "{digits}",
        "{digit:0}",
        "{digit:129}",
        "{digit:5-2}",
        "{digit:-2}",
        "{digit:1-3}{digit}",
        "{digit:1-3}7",
        "{alnum:1-3}{hex:2}",
        "{upper:1-3}{any}",
        "{any:1-3}x",
        "{any:100}{any:100}",
        "{digit}" * 65,
        "{digit:100}{upper:100}",
    ],
)
def test_pattern_outside_of_the_grammar_or_ambiguous_is_refused(pattern: str) -> None:
    with pytest.raises(ModelError):
        CodePattern(pattern)


def test_signs_of_regular_expressions_stand_for_themselves() -> None:
    read = CodePattern("(a+)+$")
    assert read.matches("(a+)+$")
    assert not read.matches("aaaa")


@pytest.mark.parametrize(
    ("pattern", "capacity"),
    [("R{digit:1-4}", 11_110), ("{hex:2}", 256), ("fixed", 1), ("{alnum:100}", MAX_CAPACITY)],
)
def test_capacity_counts_codes(pattern: str, capacity: int) -> None:
    assert CodePattern(pattern).capacity == capacity


PART = st.one_of(
    st.text(string.ascii_letters + string.digits + ".-+*$()[]", min_size=1, max_size=4),
    st.builds(
        lambda kind, low, more: f"{{{kind}:{low}-{low + more}}}",
        st.sampled_from(["digit", "upper", "lower", "letter", "alnum", "hex", "any"]),
        st.integers(1, 6),
        st.integers(0, 6),
    ),
)


@given(parts=st.lists(PART, min_size=1, max_size=6), code=st.text(max_size=40))
def test_accepted_pattern_agrees_with_a_backtracking_reading(parts: list[str], code: str) -> None:
    text = "".join(parts)
    try:
        read = CodePattern(text)
    except ModelError:
        return
    names = {
        "digit": "[0-9]",
        "upper": "[A-Z]",
        "lower": "[a-z]",
        "letter": "[A-Za-z]",
        "alnum": "[0-9A-Za-z]",
        "hex": "[0-9A-F]",
        "any": r"[\s\S]",
    }
    naive = ""
    for kind, low, high, plain in re.findall(r"\{([a-z]+):(\d+)-(\d+)\}|([^{}]+)", text):
        naive += re.escape(plain) if plain else f"{names[kind]}{{{low},{high}}}"
    assert read.matches(code) == (re.fullmatch(naive, code) is not None)


@given(length=st.integers(100, 100_000), char=st.sampled_from("a1A-"))
def test_long_codes_take_one_pass(length: int, char: str) -> None:
    assert not CodePattern("{digit:1-9}{upper:1-9}{digit:1-9}-{alnum:1-90}!").matches(char * length)


def test_rule_without_room_for_growth_is_refused() -> None:
    def rule(growth: int) -> CodingRuleEntry:
        return CodingRuleEntry(
            system=SystemIdentifier("88.1042.1"),
            data_type="readings",
            forms=(CodeForm(kind="meter", pattern=CodePattern("M{digit:3}")),),
            identifiers=500,
            growth_a_year=growth,
        )

    assert rule(50).growth_a_year == 50
    with pytest.raises(ModelError, match="room for 1000 codes"):
        rule(51)
