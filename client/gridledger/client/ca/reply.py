"""Fabric CA's answers: an envelope with result, errors and messages, and what may stand in the result."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Final

from gridledger.client.ca.errors import CaNotPermitted, CaRefused, CaReplyInvalid, CaUnauthenticated

__all__ = ["Result", "read_reply"]

_REFUSALS: Final = {401: CaUnauthenticated, 403: CaNotPermitted}
_MOST_WORDS: Final = 500


class Result:
    """An object of an answer, read member by member.

    Parameters
    ----------
    value : object
        As JSON has it.
    where : str
        What it is, for error messages.

    Raises
    ------
    CaReplyInvalid
        When it is no object; by each of the methods, when a member is missing or of another type.
    """

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, Mapping):
            raise CaReplyInvalid(f"the certificate authority's {where} is no JSON object")
        self._value = value
        self._where = where

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; `default` where the member is missing or null."""
        value = self._value.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise self._wrong(key, "text")
        return value

    def number(self, key: str, default: int | None = None) -> int:
        """Return a whole number; `default` where the member is missing or null."""
        value = self._value.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(key, "a whole number")
        return value

    def decoded(self, key: str) -> bytes:
        """Return what a text in base64 holds."""
        try:
            return base64.b64decode(self.text(key), validate=True)
        except (ValueError, binascii.Error):
            raise self._wrong(key, "base64") from None

    def item(self, key: str) -> Result:
        """Return an object."""
        return Result(self._value.get(key), f"{self._where}.{key}")

    def items(self, key: str) -> list[Result]:
        """Return a list of objects; none where the member is missing or null."""
        value = self._value.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._wrong(key, "a list")
        return [Result(one, f"{self._where}.{key}") for one in value]

    def has(self, key: str) -> bool:
        """Tell whether there is a member that is neither null nor empty text."""
        return self._value.get(key) not in (None, "")

    def _wrong(self, key: str, wanted: str) -> CaReplyInvalid:
        return CaReplyInvalid(f"the certificate authority's {self._where}.{key} is not {wanted}")


def read_reply(status: int, body: bytes) -> Result:
    """Return the result of an answer.

    Parameters
    ----------
    status : int
        HTTP status.
    body : bytes
        The whole body.

    Raises
    ------
    CaRefused
        When it is a refusal, by the status or by what stands in it.
    CaReplyInvalid
        When it is not what the interface says.
    """
    refusal = _REFUSALS.get(status, CaRefused)
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        # Not chained: the parser's error carries the whole text, a secret maybe.
        if status >= 400:
            raise refusal(f"HTTP status {status}", status=status) from None
        raise CaReplyInvalid("the certificate authority's answer is no JSON") from None
    if not isinstance(value, Mapping):
        if status >= 400:
            raise refusal(f"HTTP status {status}", status=status)
        raise CaReplyInvalid("the certificate authority's answer is no JSON object")
    errors = value.get("errors") or []
    if errors or status >= 400 or value.get("success") is not True:
        codes, words = _errors(errors)
        raise refusal("; ".join(words) or f"HTTP status {status}", status=status, codes=codes)
    return Result(value.get("result"), "result")


def _errors(errors: object) -> tuple[list[int], list[str]]:
    """Return codes and words of what stands where errors stand, as far as they can be read."""
    codes, words = [], []
    for one in errors if isinstance(errors, list) else []:
        if not isinstance(one, Mapping):
            continue
        code, message = one.get("code"), one.get("message")
        if isinstance(code, int) and not isinstance(code, bool):
            codes.append(code)
        if isinstance(message, str):
            # One line, no control characters: it goes to terminals.
            words.append(
                " ".join("".join(c if c.isprintable() else " " for c in message).split())[:_MOST_WORDS]
            )
    return codes, words
