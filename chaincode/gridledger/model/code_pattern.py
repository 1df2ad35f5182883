"""Patterns of own codes: what the codes of a system look like.

    2050.{digit:2}.{digit:3}.BLK{digit:2}.MTR{digit:2}
    R{digit:1-4}

Text stands for itself; a class in braces stands for so many characters of it, one where no number follows:

    digit  0-9           upper  A-Z           lower  a-z           hex  0-9 A-F
    letter A-Z a-z       alnum  0-9 A-Z a-z   any    every character; only at the end

A class of varying length (`{digit:1-4}`) must not be followed by what may begin with one of its own
characters, so a code can be read in one way only: matching takes one pass without going back, whatever code
and pattern are.

Source: CN112508707B, [0064].
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final, NoReturn, Self

from gridledger.model.errors import ModelError
from gridledger.model.own_code import MAX_OWN_CODE_BYTES
from gridledger.model.scalar import TextScalar

__all__ = ["MAX_CAPACITY", "CodePattern"]

MAX_PATTERN_CHARACTERS: Final = 200
MAX_PARTS: Final = 64
MAX_CAPACITY: Final = 10**15
"""More codes than anybody counts; patterns that have more are said to have this many."""

_DIGITS: Final = "0123456789"
_UPPER: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER: Final = _UPPER.lower()
_CLASSES: Final = {
    # A class: its characters, and how a regular expression names them.
    "digit": (_DIGITS, "[0-9]"),
    "upper": (_UPPER, "[A-Z]"),
    "lower": (_LOWER, "[a-z]"),
    "hex": (_DIGITS + "ABCDEF", "[0-9A-F]"),
    "letter": (_UPPER + _LOWER, "[A-Za-z]"),
    "alnum": (_DIGITS + _UPPER + _LOWER, "[0-9A-Za-z]"),
}
_ANY: Final = "any"
_ANY_COUNTED: Final = 94
"""Characters that `any` is counted with: those of ASCII that print."""

_part = re.compile(r"\{([a-z]+)(?::([0-9]{1,3})(?:-([0-9]{1,3}))?)?\}|([^{}]+)")


@dataclass(frozen=True, slots=True)
class _Part:
    """A text, or so many characters of a class."""

    text: str = ""
    kind: str = ""
    least: int = 1
    most: int = 1

    def may_begin_with(self, kind: str) -> bool:
        """Tell whether it may begin with a character of a class."""
        if kind == _ANY or self.kind == _ANY:
            return True
        characters, _ = _CLASSES[kind]
        own = self.text[0] if self.text else _CLASSES[self.kind][0]
        return not set(own).isdisjoint(characters)

    def expression(self) -> str:
        """Return the regular expression; possessive, so nothing is ever tried twice."""
        if self.text:
            return re.escape(self.text)
        characters = r"[\s\S]" if self.kind == _ANY else _CLASSES[self.kind][1]
        return f"{characters}{{{self.least},{self.most}}}+"

    def capacity(self) -> int:
        """Return how many texts it stands for, at most `MAX_CAPACITY`."""
        if self.text:
            return 1
        size = _ANY_COUNTED if self.kind == _ANY else len(_CLASSES[self.kind][0])
        found = 0
        for length in range(self.least, self.most + 1):
            found += size**length
            if found >= MAX_CAPACITY:
                return MAX_CAPACITY
        return found


class CodePattern(TextScalar):
    """A pattern of own codes.

    Parameters
    ----------
    text : str
        Of the module's grammar; at most 200 characters and 64 parts.

    Raises
    ------
    ModelError
        It is not of the grammar, can be read in two ways, or no own code could be that long.

    Examples
    --------
    >>> pattern = CodePattern("R{digit:1-4}")
    >>> pattern.matches("R27"), pattern.matches("R12345"), pattern.capacity
    (True, False, 11110)
    """

    __slots__ = ("_capacity",)

    def __init__(self, text: str) -> None:
        parts = _parts(text)
        self._text = text
        self._capacity = _capacity(parts)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a pattern; raises ModelError for any other text."""
        return cls(text)

    @property
    def capacity(self) -> int:
        """How many codes there are, at most `MAX_CAPACITY`."""
        return self._capacity

    def matches(self, own_code: str) -> bool:
        """Tell whether an own code is of the pattern, in time linear in its length."""
        return _expression(self._text).fullmatch(own_code) is not None


@lru_cache(maxsize=1024)
def _expression(text: str) -> re.Pattern[str]:
    return re.compile("".join(part.expression() for part in _parts(text)))


def _parts(text: str) -> Sequence[_Part]:
    if not 1 <= len(text) <= MAX_PATTERN_CHARACTERS:
        _refuse(f"has {len(text)} characters, not 1 to {MAX_PATTERN_CHARACTERS}")
    parts: list[_Part] = []
    position = 0
    while position < len(text):
        found = _part.match(text, position)
        if found is None:
            _refuse(f"is not of the grammar from character {position} on")
        position = found.end()
        parts.append(_Part(text=found[4]) if found[4] else _class(found[1], found[2], found[3]))
    if len(parts) > MAX_PARTS:
        _refuse(f"has {len(parts)} parts, more than {MAX_PARTS}")
    if sum(len(part.text) or part.least for part in parts) > MAX_OWN_CODE_BYTES:
        _refuse(f"is longer than {MAX_OWN_CODE_BYTES} bytes, and own codes are not")
    for part, following in pairwise(parts):
        varies = part.kind == _ANY or part.least < part.most
        if part.kind and varies and following.may_begin_with(part.kind):
            _refuse(f"{{{part.kind}:…}} is followed by what may begin like it")
    return parts


def _class(kind: str, least: str | None, most: str | None) -> _Part:
    if kind not in _CLASSES and kind != _ANY:
        _refuse(f"{kind} is no class: want {', '.join([*_CLASSES, _ANY])}")
    low = int(least) if least else 1
    high = int(most) if most else low
    if not 1 <= low <= high <= MAX_OWN_CODE_BYTES:
        _refuse(f"{{{kind}}} wants 1 to {MAX_OWN_CODE_BYTES} characters, the smaller number first")
    return _Part(kind=kind, least=low, most=high)


def _capacity(parts: Sequence[_Part]) -> int:
    found = 1
    for part in parts:
        found = min(found * part.capacity(), MAX_CAPACITY)
    return found


def _refuse(problem: str) -> NoReturn:
    raise ModelError({"": problem}, subject="code pattern")
