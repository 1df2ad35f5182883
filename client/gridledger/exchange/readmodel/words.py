"""Words of texts and queries, as tokens of the full-text index.

A text is normalised (NFKC, case folded) and cut where something stands that is neither letter nor digit.
Chinese, Japanese and Korean have no spaces, so a run of their characters gives every character and every pair
of neighbours: 光伏逆变器 gives 光 伏 逆 变 器 and 光伏 伏逆 逆变 变器. A query gives of such a run its pairs
alone, all of which must stand in the text, or its one character.

What reaches the index is never a word itself: a token is a letter for what it is and the hexadecimal digits
of its UTF-8 bytes. So a query cannot say anything in the language of the index, whatever it holds, and no
word can pass for the token of a viewer."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from enum import StrEnum

from gridledger.model.errors import ModelError

__all__ = [
    "MAX_QUERY_CHARACTERS",
    "MAX_QUERY_TOKENS",
    "Token",
    "index_tokens",
    "query_tokens",
    "token",
    "viewer_token",
]

MAX_QUERY_CHARACTERS = 200
"""Characters of a query: a sentence; more is pasted by mistake."""

MAX_QUERY_TOKENS = 32
"""Tokens that a query may be made of; the index opens a list for each."""


class Token(StrEnum):
    """What a token of the index stands for; its value begins the token."""

    WORD = "w"
    """A word of the texts."""

    UNIT = "u"
    """The unit of a field, as a whole."""

    DATA_TYPE = "t"
    """The data type of a field; how the name of a dataset ends."""

    KIND = "k"
    """The kind of a device."""

    REGION = "r"
    """The region of the owner's enterprise."""

    OWNER = "o"
    """The owner: system identifier."""

    IDENTITY = "i"
    """A common identity, `scheme=value`."""

    LABEL = "l"
    """A label of a dataset."""

    VIEWER = "v"
    """Who may see it."""


_FOLDED = frozenset({Token.WORD, Token.REGION})
_MAX_WORD = 64
"""Characters of a word that count: no identifier part is longer."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_IDEOGRAPHIC = re.compile(
    "[\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+"
)


def token(kind: Token, text: str) -> str:
    """Return the token of a text that counts as a whole.

    Notes
    -----
    Words and regions are found in either case. Units are not: mW is not MW.

    Examples
    --------
    >>> token(Token.UNIT, "kW"), token(Token.WORD, "kW")
    ('u6b57', 'w6b77')
    """
    normal = _normal(text) if kind in _FOLDED else unicodedata.normalize("NFKC", text)
    return kind.value + normal.encode("utf-8", "replace").hex()


def viewer_token(*parts: str) -> str:
    """Return the token of somebody who may see; identifiers and role names are taken as they stand."""
    return Token.VIEWER.value + "\x00".join(parts).encode().hex()


def index_tokens(texts: Iterable[str]) -> set[str]:
    """Return the tokens by which texts are found.

    Examples
    --------
    >>> index_tokens(["逆变"]) == {token(Token.WORD, one) for one in ("逆", "变", "逆变")}
    True
    """
    found: set[str] = set()
    for text in texts:
        for run, ideographic in _runs(text):
            if ideographic:
                found.update(run)
                found.update(_pairs(run))
            else:
                found.add(run[:_MAX_WORD])
        # `acPower` is found by each of its parts, too.
        found.update(run[:_MAX_WORD] for run, ideographic in _runs(_CAMEL.sub(" ", text)) if not ideographic)
    return {token(Token.WORD, word) for word in found}


def query_tokens(text: str) -> list[str]:
    """Return the tokens that a text must have to be found, each once; empty for a query without words.

    Raises
    ------
    ModelError
        If the query is too long.

    Examples
    --------
    >>> query_tokens("AC power") == [token(Token.WORD, "ac"), token(Token.WORD, "power")]
    True
    >>> query_tokens('" OR *')
    ['w6f72']
    """
    if len(text) > MAX_QUERY_CHARACTERS:
        raise ModelError({"words": f"are more than {MAX_QUERY_CHARACTERS} characters"}, subject="search")
    found: dict[str, None] = {}
    for run, ideographic in _runs(text):
        for word in (_pairs(run) or [run]) if ideographic else [run[:_MAX_WORD]]:
            found[token(Token.WORD, word)] = None
    if len(found) > MAX_QUERY_TOKENS:
        raise ModelError({"words": f"are more than {MAX_QUERY_TOKENS}"}, subject="search")
    return list(found)


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    """Cut a text into runs, each with whether it is written without spaces."""
    spaced = "".join(
        character if character.isalnum() or unicodedata.category(character)[0] == "M" else " "
        for character in _normal(text)
    )
    for run in spaced.split():
        end = 0
        for match in _IDEOGRAPHIC.finditer(run):
            if match.start() > end:
                yield run[end : match.start()], False
            yield match[0], True
            end = match.end()
        if end < len(run):
            yield run[end:], False


def _pairs(run: str) -> list[str]:
    return [run[place : place + 2] for place in range(len(run) - 1)]


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
