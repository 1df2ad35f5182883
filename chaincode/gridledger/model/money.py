"""Money: integers in milli-yuan (a thousandth of a yuan, 厘), never floats.

Amounts on the ledger are fields of type int whose names end in `_milliyuan`. What is computed with them goes
through these functions, which refuse whatever leaves the domain: below zero, or beyond what canonical JSON
carries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from gridledger.model.canonical import MAX_INTEGER
from gridledger.model.errors import ModelError

__all__ = [
    "MAX_MILLIYUAN",
    "add_amounts",
    "check_amount",
    "format_yuan",
    "multiply_amount",
    "parse_yuan",
    "subtract_amount",
]

MAX_MILLIYUAN = MAX_INTEGER
"""About 9 * 10^12 yuan: more than all that is paid for electricity in the country in a year."""

_YUAN = re.compile(r"(0|[1-9][0-9]{0,12})(?:\.([0-9]{1,3}))?")


def check_amount(amount_milliyuan: int) -> int:
    """Return an amount as it is.

    Raises
    ------
    ModelError
        It is not an integer from 0 to 2^53-1; booleans are no amounts.
    """
    if type(amount_milliyuan) is not int:
        raise ModelError({"": "an amount is an integer in milli-yuan"}, subject="money")
    if not 0 <= amount_milliyuan <= MAX_MILLIYUAN:
        raise ModelError(
            {"": f"{amount_milliyuan} is not from 0 to {MAX_MILLIYUAN} milli-yuan"}, subject="money"
        )
    return amount_milliyuan


def parse_yuan(text: str) -> int:
    """Read an amount in yuan, as a person writes it.

    Parameters
    ----------
    text : str
        ASCII digits without leading zeros, then optionally a point and 1 to 3 digits: `12`, `12.5`, `12.345`.

    Returns
    -------
    int
        Milli-yuan.

    Raises
    ------
    ModelError
        Another form (signs, separators, exponents, more than 3 decimals), or too much.

    Examples
    --------
    >>> parse_yuan("12.345"), parse_yuan("12.5"), parse_yuan("0")
    (12345, 12500, 0)
    """
    match = _YUAN.fullmatch(text)
    if match is None:
        raise ModelError({"": "want yuan as digits with at most 3 decimals, such as 12.345"}, subject="money")
    return check_amount(int(match[1]) * 1000 + int((match[2] or "").ljust(3, "0")))


def format_yuan(amount_milliyuan: int) -> str:
    """Write an amount in yuan with 3 decimals; `parse_yuan` reads it back.

    Raises
    ------
    ModelError
        Not an amount.

    Examples
    --------
    >>> format_yuan(12345), format_yuan(5)
    ('12.345', '0.005')
    """
    yuan, rest = divmod(check_amount(amount_milliyuan), 1000)
    return f"{yuan}.{rest:03d}"


def add_amounts(amounts_milliyuan: Iterable[int]) -> int:
    """Return the sum; raises ModelError if a term is no amount or the sum is too much.

    Examples
    --------
    >>> add_amounts([1, 2, 3])
    6
    """
    return check_amount(sum(check_amount(amount) for amount in amounts_milliyuan))


def subtract_amount(amount_milliyuan: int, taken_milliyuan: int) -> int:
    """Return what is left; raises ModelError if more is taken than there is.

    Examples
    --------
    >>> subtract_amount(5, 2)
    3
    """
    return check_amount(check_amount(amount_milliyuan) - check_amount(taken_milliyuan))


def multiply_amount(amount_milliyuan: int, count: int) -> int:
    """Return the price of `count` pieces; raises ModelError if the count is negative or the product too much.

    Examples
    --------
    >>> multiply_amount(250, 4)
    1000
    """
    if type(count) is not int or count < 0:
        raise ModelError({"": "a count is an integer of 0 or more"}, subject="money")
    return check_amount(check_amount(amount_milliyuan) * count)
