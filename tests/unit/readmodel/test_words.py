"""Words as tokens of the index."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.exchange.readmodel.words import (
    MAX_QUERY_CHARACTERS,
    MAX_QUERY_TOKENS,
    Token,
    index_tokens,
    query_tokens,
    token,
    viewer_token,
)
from gridledger.model.errors import ModelError

TEXT = st.text(max_size=MAX_QUERY_CHARACTERS)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("光伏逆变器", "光伏"),
        ("光伏逆变器", "逆变器"),
        ("光伏逆变器", "光"),
        ("光伏 逆变器 5G", "5g逆变器"),
        ("ac_power", "power"),
        ("acPowerTotal", "power AC"),
        ("acPower", "acpower"),
        ("2050.15.003.BLK01.PAD01.MTR01", "mtr01 blk01"),
        ("Prüfstand Straße", "STRASSE prüfstand"),
        ("ﬁeld", "field"),
        ("kW", "ｋｗ"),
    ],
)
def test_text_is_found_by_words_of_it(text: str, query: str) -> None:
    assert query_tokens(query)
    assert set(query_tokens(query)) <= index_tokens([text])


@pytest.mark.parametrize(
    ("text", "query"),
    [("光伏逆变器", "器变"), ("光伏逆变器", "逆光"), ("ac_power", "powers"), ("inverter", "invert")],
)
def test_text_is_not_found_by_others(text: str, query: str) -> None:
    assert not set(query_tokens(query)) <= index_tokens([text])


def test_units_keep_their_case() -> None:
    assert token(Token.UNIT, "mW") != token(Token.UNIT, "MW")
    assert token(Token.REGION, "ZHEJIANG") == token(Token.REGION, "Zhejiang")


@given(TEXT)
def test_query_becomes_letters_and_digits_whatever_it_is(text: str) -> None:
    try:
        tokens = query_tokens(text)
    except ModelError:
        return
    assert len(tokens) == len(set(tokens)) <= MAX_QUERY_TOKENS
    assert all(re.fullmatch(r"w[0-9a-f]+", one) for one in tokens)


@given(TEXT)
def test_text_is_found_by_itself(text: str) -> None:
    try:
        tokens = query_tokens(text)
    except ModelError:
        return
    assert set(tokens) <= index_tokens([text])


@given(TEXT, st.text(max_size=20))
def test_word_never_passes_for_a_viewer(text: str, name: str) -> None:
    assert viewer_token("application", name) not in index_tokens([text, name])


def test_too_long_query_is_refused() -> None:
    with pytest.raises(ModelError):
        query_tokens("a" * (MAX_QUERY_CHARACTERS + 1))
    with pytest.raises(ModelError):
        query_tokens(" ".join(f"w{number}" for number in range(MAX_QUERY_TOKENS + 1)))
